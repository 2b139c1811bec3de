// SPDX-License-Identifier: Apache-2.0
// Two rows, one head of one channel; only the distance counts, and each row looks at the one behind it.
#include <iostream>

#include <dnalm/backend/relative_attention.hpp>

int main() {
  const double zeros[] = {0.0, 0.0};
  const double values[] = {5.0, 9.0};
  const double positions[] = {0.0, 0.0, 50.0};  // of distances -1, 0, 1
  const double content_bias[] = {0.0};
  const double position_bias[] = {1.0};
  dnalm::relative_attention_weights<double> weights;
  weights.positions = {positions, 3, 1, 1};
  weights.content_bias = {content_bias, 1};
  weights.position_bias = {position_bias, 1};
  double scratch[16];
  double y[2];
  dnalm::ragged_offsets rows;
  rows.append(2);
  dnalm::relative_attention<double>({zeros, 2, 1, 1}, {zeros, 2, 1, 1}, {values, 2, 1, 1}, weights, rows,
                                    {scratch, 16}, {y, 2, 1, 1});
  std::cout << y[0] << " " << y[1] << "\n";
}
