// SPDX-License-Identifier: Apache-2.0
// A weight matrix on a GPU: what it would take there, in float and in 16 bits.
#include <iostream>

#include <dnalm/cuda/products.hpp>

int main() {
  const dnalm::matrix<float> w(1000, 511);
  const dnalm::matrix_view<const float> part = w.view();
  for (const auto precision : {dnalm::cuda_precision::f32, dnalm::cuda_precision::bf16}) {
    const auto stored = dnalm::detail::stored_weight({&part, 1}, {w.rows(), w.columns()}, precision);
    std::cout << w.rows() << " x " << w.columns() << ": " << stored.size() << " bytes\n";
  }
}
