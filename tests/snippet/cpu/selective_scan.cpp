// SPDX-License-Identifier: Apache-2.0
// Steps of ln 2 and a rate of -1: every row halves what came before it.
#include <iostream>
#include <vector>

#include <dnalm/cpu/selective_scan.hpp>

int main() {
  dnalm::ragged_offsets offsets;
  offsets.append(3);
  const float delta[] = {0, 0, 0};  // log(1 + exp(0)) = ln 2
  const float x[] = {1, 0, 0};
  const float parts[] = {100, 1, 100, 1, 100, 1};  // B, C
  const float rate[] = {-1};
  const float skip[] = {0};
  float y[3];
  const dnalm::scan_input<float> input{dnalm::as_matrix(x, 3, 1),
                                       dnalm::as_matrix(delta, 3, 1),
                                       dnalm::as_matrix(parts, 3, 2),
                                       dnalm::as_matrix(rate, 1, 1),
                                       {skip, 1}};
  std::vector<float> scratch(static_cast<std::size_t>(dnalm::cpu_selective_scan_scratch(1, 1)));
  dnalm::cpu_selective_scan(dnalm::choose_isa(), input, offsets,
                            {scratch.data(), static_cast<dnalm::index_t>(scratch.size())},
                            dnalm::as_matrix(y, 3, 1));
  std::cout << y[0] << " " << y[1] << " " << y[2] << "\n";
}
