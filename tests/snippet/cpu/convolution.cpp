// SPDX-License-Identifier: Apache-2.0
// A convolution along two sequences: neither sees the other, outside are zeros.
#include <iostream>
#include <vector>

#include <dnalm/cpu/convolution.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  const std::vector<float> numbers = {1, 10, 100};  // W (1, 3 taps of one channel)
  const auto weight = dnalm::pack_convolution(dnalm::as_matrix(numbers.data(), 1, 3), dnalm::same_taps(3));
  const std::vector<float> x = {1, 2, 3, 4, 5};
  dnalm::ragged_offsets offsets;
  offsets.append(3);
  offsets.append(2);
  dnalm::matrix<float> y(5, 1);
  dnalm::buffer<float> scratch(dnalm::cpu_convolution_scratch(weight));
  dnalm::cpu_convolution(dnalm::choose_isa(), dnalm::as_matrix(x.data(), 5, 1), offsets, 0, weight,
                         dnalm::same_taps(3), {}, scratch.view(), y.view());
  for (dnalm::index_t r = 0; r < 5; ++r) std::cout << y(r, 0) << (r < 4 ? " " : "\n");
}
