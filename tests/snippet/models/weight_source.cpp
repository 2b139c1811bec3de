// SPDX-License-Identifier: Apache-2.0
// Weights from anywhere: a source that gives every tensor the same number, read by role.
#include <algorithm>
#include <iostream>
#include <string>

#include <dnalm/models/weight_source.hpp>

class constant_source final : public dnalm::weight_source {
 public:
  bool contains(const dnalm::planned_tensor& tensor) const override { return tensor.required; }
  void read(const dnalm::planned_tensor&, std::span<float> out) const override {
    std::ranges::fill(out, 0.5F);
  }
  void read(const dnalm::planned_tensor&, std::span<double> out) const override {
    std::ranges::fill(out, 0.5);
  }
};

int main(int, char** argv) {
  const auto config = dnalm::read_encoder_config(std::string(argv[1]) + "/tests/golden/models/nt_v2_d8");
  const constant_source source;
  const dnalm::planned_weights weights(config, source);
  const auto words = weights.read<double>(dnalm::tensor_role::words);
  std::cout << weights.find(dnalm::tensor_role::words)->name << ": " << words.size() << " numbers, all "
            << words[0] << "\n";
}
