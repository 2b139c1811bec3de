// SPDX-License-Identifier: Apache-2.0
// Weights are stored as the kernels read them: panels of 32 outputs, zeros beyond the last.
#include <iostream>

#include <dnalm/cpu/packed_weight.hpp>

int main() {
  dnalm::matrix<float> weight(40, 3);  // 40 outputs of 3 inputs
  weight(33, 2) = 0.5F;
  const dnalm::packed_weight packed = dnalm::pack_weight(weight.view());
  std::cout << packed.outputs << " x " << packed.inputs << " in " << packed.panels.size()
            << " floats; output 33: " << packed.panel(1)[2 * 32 + 1] << "\n";
}
