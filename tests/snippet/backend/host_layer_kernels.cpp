// SPDX-License-Identifier: Apache-2.0
// The same kernels as members of a backend.
#include <iostream>

#include <dnalm/backend/host_layer_kernels.hpp>

int main() {
  const dnalm::host_layer_kernels<float> kernels;
  const float x[] = {1, 2};
  float y[4] = {};
  kernels.repeat_rows(dnalm::as_matrix(x, 2, 1), 2, dnalm::as_matrix(y, 4, 1));
  for (const float value : y) std::cout << value << " ";
  std::cout << "\n";
}
