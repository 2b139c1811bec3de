// SPDX-License-Identifier: Apache-2.0
// Three rows pooled by twos: equal logits give the mean, the last row stays alone.
#include <iostream>

#include <dnalm/backend/softmax_pooling.hpp>

int main() {
  const double x[] = {1.0, 3.0, 7.0};
  const double logits[] = {0.5, 0.5, -4.0};
  double y[2];
  dnalm::ragged_offsets from;
  dnalm::ragged_offsets to;
  from.append(3);
  to.append(2);
  dnalm::softmax_pool_rows<double>({x, 3, 1, 1}, {logits, 3, 1, 1}, from, 2, to, {y, 2, 1, 1});
  std::cout << y[0] << " " << y[1] << "\n";
}
