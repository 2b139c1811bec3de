// SPDX-License-Identifier: Apache-2.0
// Steps of ln 2 and a rate of -1: every row halves what came before it.
#include <iostream>

#include <dnalm/reference/selective_scan.hpp>

int main() {
  dnalm::ragged_offsets offsets;
  offsets.append(3);
  const double delta[] = {0, 0, 0};  // log(1 + exp(0)) = ln 2
  const double x[] = {1, 0, 0};
  const double parts[] = {100, 1, 100, 1, 100, 1};  // B, C
  const double rate[] = {-1};
  const double skip[] = {0};
  double y[3];
  const dnalm::scan_input<double> input{dnalm::as_matrix(x, 3, 1),
                                        dnalm::as_matrix(delta, 3, 1),
                                        dnalm::as_matrix(parts, 3, 2),
                                        dnalm::as_matrix(rate, 1, 1),
                                        {skip, 1}};
  double state[1];
  dnalm::reference_selective_scan(input, offsets, {state, 1}, dnalm::as_matrix(y, 3, 1));
  std::cout << y[0] << " " << y[1] << " " << y[2] << "\n";
}
