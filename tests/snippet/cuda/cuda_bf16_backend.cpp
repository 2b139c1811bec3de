// SPDX-License-Identifier: Apache-2.0
// A backend of a GPU that keeps rows between kernels in 16 bits: what a token takes with it.
#include <iostream>

#include <dnalm/cuda/cuda_bf16_backend.hpp>

/// Bytes of a token's rows in a block of width D: the stream, a normed row, q | k | v.
template <dnalm::encoder_backend B>
dnalm::index_t bytes_of_token(dnalm::index_t width) {
  const dnalm::index_t rows = dnalm::row_stride<B>(width) + dnalm::row_stride<B>(3 * width);
  constexpr dnalm::index_t scalar = sizeof(dnalm::scalar_of<B>);
  constexpr dnalm::index_t row = sizeof(dnalm::row_of<B>);
  return width * scalar + rows * row;
}

int main() {
  using floats = dnalm::cuda_backend;
  using halves = dnalm::cuda_bf16_backend;
  std::cout << "rows are scalars: " << dnalm::plain_rows<floats> << " and "
            << dnalm::plain_rows<halves> << "\n";
  std::cout << "bytes: " << bytes_of_token<floats>(512) << " and " << bytes_of_token<halves>(512) << "\n";
}
