// SPDX-License-Identifier: Apache-2.0
// The architectures that are built in as recipes.
#include <iostream>

#include <dnalm/models/layer_recipe.hpp>

int main() {
  std::cout << std::boolalpha << (dnalm::find_recipe("spliceai") != nullptr) << " "
            << (dnalm::find_recipe("bert") != nullptr) << "\n";
}
