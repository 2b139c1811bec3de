// SPDX-License-Identifier: Apache-2.0
// What is known of a tensor before it is read.
#include <iostream>

#include <dnalm/io/tensor_info.hpp>

int main() {
  const dnalm::io::tensor_info info{.name = "words", .type = dnalm::dtype::bf16, .shape = {4107, 160}};
  std::cout << info.name << " " << dnalm::to_string(info.type) << " " << dnalm::io::shape_text(info.shape)
            << ": " << info.size() << " numbers, " << info.size() * dnalm::size_of(info.type) << " bytes\n";
}
