// SPDX-License-Identifier: Apache-2.0
// ALiBi in the readable double kernels: with equal scores, nearer tokens weigh more.
#include <iomanip>
#include <iostream>
#include <vector>

#include <dnalm/reference/attention.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  dnalm::ragged_offsets batch;
  batch.append(3);
  const dnalm::matrix<double> zeros(3, 3);
  dnalm::matrix<double> v(3, 3);
  for (dnalm::index_t j = 0; j < 3; ++j) v(j, j) = 1;  // the output shows the weights
  const std::vector<float> slopes = {0.5F};
  dnalm::buffer<double> scratch(3);
  dnalm::matrix<double> y(3, 3);
  dnalm::reference_attention(zeros.view(), zeros.view(), v.view(), batch,
                             {.alibi_slopes = {slopes.data(), 1}}, scratch.view(), y.view());
  std::cout << std::fixed << std::setprecision(3) << y(0, 0) << " " << y(0, 1) << " " << y(0, 2) << "\n";
}
