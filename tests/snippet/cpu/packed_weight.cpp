// SPDX-License-Identifier: Apache-2.0
// Weights are stored as the kernels read them: panels of 32 outputs, in the format of choice.
#include <iostream>

#include <dnalm/cpu/packed_weight.hpp>

int main() {
  const dnalm::matrix<float> weight(40, 3);  // 40 outputs of 3 inputs
  for (const auto format :
       {dnalm::weight_format::f32, dnalm::weight_format::bf16, dnalm::weight_format::int8}) {
    const dnalm::packed_weight packed = dnalm::pack_weight(weight.view(), format);
    std::cout << dnalm::to_string(format) << ": " << packed.outputs << " x " << packed.inputs << " in "
              << packed.panel_count() << " panels of " << packed.panel_bytes() << " bytes\n";
  }
}
