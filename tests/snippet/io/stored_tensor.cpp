// SPDX-License-Identifier: Apache-2.0
// A transposed tensor of a PyTorch file is a matter of strides; reading puts its elements in order.
#include <iostream>
#include <span>
#include <vector>

#include <dnalm/io/stored_tensor.hpp>

int main() {
  const std::vector<float> memory = {1, 2, 3, 4, 5, 6};  // as 2 x 3
  const dnalm::io::stored_tensor transposed{.info = {.name = "weight", .shape = {3, 2}},
                                            .strides = {1, 3},
                                            .bytes = std::as_bytes(std::span(memory))};
  std::vector<float> values(6);
  dnalm::io::read_stored(transposed, values);
  std::cout << std::boolalpha << transposed.contiguous() << ":";
  for (const float value : values) std::cout << " " << value;
  std::cout << "\n";
}
