// SPDX-License-Identifier: Apache-2.0
// The formulas behind the kernels: activations, and the slopes by which ALiBi heads forget distance.
#include <iomanip>
#include <iostream>

#include <dnalm/backend/scalar_functions.hpp>

int main() {
  std::cout << std::fixed << std::setprecision(4) << "gelu(1) " << dnalm::gelu_erf(1.0) << ", its tanh form "
            << dnalm::gelu_tanh(1.0) << ", silu(1) " << dnalm::silu(1.0) << "\nslopes";
  for (dnalm::index_t head = 0; head < 4; ++head) std::cout << " " << dnalm::alibi_slope(head, 4);
  std::cout << ", bias of tokens 10 apart " << dnalm::alibi_bias(dnalm::alibi_slope(1, 4), 5, 15) << "\n";
}
