// SPDX-License-Identifier: Apache-2.0
// Every row to mean 0 and variance 1, then scaled and shifted.
#include <iomanip>
#include <iostream>

#include <dnalm/cpu/layer_norm.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  dnalm::matrix<float> x(1, 4);
  dnalm::buffer<float> gamma(4);
  dnalm::buffer<float> beta(4);
  for (dnalm::index_t c = 0; c < 4; ++c) {
    x(0, c) = static_cast<float>(c < 2 ? 10 : 14);  // mean 12, deviation 2
    gamma[c] = 1;
    beta[c] = 5;
  }
  dnalm::cpu_layer_norm(dnalm::choose_isa(), x.view(), gamma.view(), beta.view(), 1e-12F, x.view());
  std::cout << std::fixed << std::setprecision(3) << x(0, 0) << " " << x(0, 3) << "\n";
}
