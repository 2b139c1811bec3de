// SPDX-License-Identifier: Apache-2.0
// An npz archive as weights: names, types, shapes and strides, without reading the data.
#include <iostream>
#include <string>

#include <dnalm/io/npz_checkpoint.hpp>

int main(int, char** argv) {
  const dnalm::io::npz_checkpoint file(std::string(argv[1]) + "/tests/golden/npy/stored.npz");
  for (const auto& info : file.tensors()) {
    std::cout << info.name << " " << dnalm::to_string(info.type) << " " << dnalm::io::shape_text(info.shape)
              << "\n";
  }
  std::cout << (file.tensor("f4_fortran").contiguous() ? "row-major" : "column-major") << "\n";
}
