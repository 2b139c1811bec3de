// SPDX-License-Identifier: Apache-2.0
// Attention to one key is its value: the multipliers go to the value alone.
#include <iostream>

#include <dnalm/backend/secant_attention.hpp>

int main() {
  const double q[] = {1, 2};  // of the observed sequence and of its reference, one row each
  const double v[] = {5, 3};
  const double dy[] = {1, 1};
  double d[3][2] = {};
  dnalm::ragged_offsets offsets;
  offsets.append(1);
  offsets.append(1);
  const auto rows = [](auto* x) { return dnalm::as_matrix(x, 2, 1); };
  dnalm::secant_attention_vjp<double>(rows(q), rows(q), rows(v), offsets, {}, rows(dy), rows(d[0]),
                                      rows(d[1]), rows(d[2]));
  std::cout << d[0][0] << " " << d[1][0] << " " << d[2][0] << "\n";
}
