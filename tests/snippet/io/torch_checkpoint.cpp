// SPDX-License-Identifier: Apache-2.0
// The tensors of a file of torch.save; other objects in it are neither built nor run.
#include <iostream>
#include <string>

#include <dnalm/io/torch_checkpoint.hpp>

int main(int, char** argv) {
  const dnalm::io::torch_checkpoint file(std::string(argv[1]) + "/tests/golden/torch/objects.pt");
  for (const auto& info : file.tensors()) {
    std::cout << info.name << " " << dnalm::to_string(info.type) << " " << dnalm::io::shape_text(info.shape)
              << "\n";
  }
}
