// SPDX-License-Identifier: Apache-2.0
// What a HyenaDNA folder says of its network.
#include <filesystem>
#include <fstream>
#include <iostream>

#include <dnalm/models/hyena_config.hpp>
#include <dnalm/models/read_config.hpp>

int main() {
  const auto folder = std::filesystem::temp_directory_path() / "dnalm_snippet_hyena_config";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "config.json") << R"({"model_type": "hyenadna", "d_model": 256, "n_layer": 2,
    "vocab_size": 12, "max_seq_len": 1026, "emb_dim": 5, "tie_word_embeddings": false})";
  const dnalm::hyena_config config = dnalm::read_hyena_config(folder);
  std::cout << config.layers << " blocks of " << config.width << " channels, at most " << config.positions
            << " tokens of " << config.vocabulary << " kinds\n";
  std::filesystem::remove_all(folder);
}
