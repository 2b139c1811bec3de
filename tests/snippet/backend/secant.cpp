// SPDX-License-Identifier: Apache-2.0
// The slope of a function between two points; where they meet it is the derivative.
#include <iostream>

#include <dnalm/backend/secant.hpp>

int main() {
  std::cout << dnalm::relu_secant(3.0, -1.0) << " " << dnalm::relu_secant(3.0, 3.0) << " "
            << dnalm::exp_secant(0.0, 0.0) << "\n";
}
