// SPDX-License-Identifier: Apache-2.0
// The tensors that a configuration asks for, and how many parameters they make.
#include <iostream>
#include <string>

#include <dnalm/io/tensor_info.hpp>
#include <dnalm/models/tensor_plan.hpp>

int main(int, char** argv) {
  const std::string folder = std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2";
  const auto plan = dnalm::plan_tensors(dnalm::read_encoder_config(folder));
  std::cout << plan.size() << " tensors, " << dnalm::count_parameters(plan) << " parameters\n";
  for (const auto& tensor : plan) {
    if (tensor.role == dnalm::tensor_role::feed_forward1_weight && tensor.layer == 0) {
      std::cout << tensor.name << " " << dnalm::io::shape_text(tensor.shape) << "\n";
    }
  }
}
