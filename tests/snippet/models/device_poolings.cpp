// SPDX-License-Identifier: Apache-2.0
// Pooled vectors that stay on a GPU are for those who read them there; a model on the CPU leaves none.
#include <iostream>
#include <string>
#include <type_traits>

#include <dnalm/models/device_poolings.hpp>
#include <dnalm/models/load_model.hpp>

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2");
  std::cout << std::boolalpha << "vectors stay on a GPU: " << model.prefers().device.has_value() << "\n";
  using rows = decltype(std::declval<dnalm::device_poolings>().rows(0, 0));
  std::cout << "the host reads them: "
            << std::is_convertible_v<rows, dnalm::matrix_view<const float>> << "\n";
}
