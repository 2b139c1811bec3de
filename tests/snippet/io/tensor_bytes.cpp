// SPDX-License-Identifier: Apache-2.0
// A column-major matrix of a PyTorch file as row-major bytes, and rounded to bfloat16.
#include <iostream>
#include <string>

#include <dnalm/io/tensor_bytes.hpp>
#include <dnalm/io/torch_checkpoint.hpp>

int main(int, char** argv) {
  const dnalm::io::torch_checkpoint file(std::string(argv[1]) + "/tests/golden/torch/views.pt");
  const auto& tensor = file.tensor("transposed");
  std::cout << (tensor.contiguous() ? "row-major" : "column-major") << " in the file\n";
  std::cout << dnalm::io::row_major_bytes(tensor).size() << " bytes as they are\n";
  std::cout << dnalm::io::row_major_bytes(tensor, dnalm::dtype::bf16).size() << " bytes as bfloat16\n";
}
