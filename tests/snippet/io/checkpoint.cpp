// SPDX-License-Identifier: Apache-2.0
// The weights of a model folder, whatever files they come in: here PyTorch files in two shards.
#include <iostream>
#include <string>

#include <dnalm/io/checkpoint.hpp>

int main(int, char** argv) {
  const auto weights =
      dnalm::io::checkpoint::open(std::string(argv[1]) + "/tests/golden/models/nt_v1_d40_shards");
  for (const auto& file : weights.files()) std::cout << file.filename().string() << "\n";
  const std::string name = "esm.embeddings.word_embeddings.weight";
  std::cout << name << " " << dnalm::io::shape_text(weights.info(name).shape) << ", "
            << weights.read(name).size() << " numbers\n";
  weights.check_finite(name);
}
