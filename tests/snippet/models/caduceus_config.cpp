// SPDX-License-Identifier: Apache-2.0
// A config.json of Caduceus-PS.
#include <filesystem>
#include <fstream>
#include <iostream>

#include <dnalm/models/caduceus_config.hpp>
#include <dnalm/models/read_config.hpp>

int main() {
  const auto folder = std::filesystem::temp_directory_path() / "dnalm_snippet_caduceus_config";
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "config.json")
      << R"({"model_type": "caduceus", "d_model": 256, "n_layer": 16, "vocab_size": 12, "rcps": true,
             "complement_map": {"0": 0, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "6": 6, "7": 10, "8": 9,
                                "9": 8, "10": 7, "11": 11}})";
  const dnalm::caduceus_config config = dnalm::read_caduceus_config(folder);
  std::cout << config.summary().architecture << ", hidden states of " << config.width << ", " << config.inner
            << " channels of " << config.states << " states, " << config.vocabulary
            << " rows in the embedding\n";
  std::filesystem::remove_all(folder);
}
