// SPDX-License-Identifier: Apache-2.0
// A scan of one row: y = d x B C, every factor but x the same in the reference.
#include <cmath>
#include <iostream>

#include <dnalm/backend/secant_scan.hpp>

int main() {
  const double x[] = {3, 1};
  const double delta[] = {0, 0};
  const double parts[] = {1, 10, 1, 10};  // B and C
  const double rate[] = {-1};
  const double skip[] = {0};
  const double dy[] = {1, 1};
  double dx[2] = {};
  double ddelta[2] = {};
  double dparts[4] = {};
  dnalm::ragged_offsets offsets;
  offsets.append(1);
  offsets.append(1);
  const auto rows = [](auto* m) { return dnalm::as_matrix(m, 2, 1); };
  const dnalm::scan_input<double> in{
      rows(x), rows(delta), dnalm::as_matrix(parts, 2, 2), dnalm::as_matrix(rate, 1, 1), {skip, 1}};
  dnalm::secant_selective_scan_vjp<double>(in, offsets, rows(dy),
                                           {rows(dx), rows(ddelta), dnalm::as_matrix(dparts, 2, 2)});
  std::cout << dx[0] / std::log(2.0) << "\n";
}
