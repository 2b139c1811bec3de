// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Transposition of blocks (body of transpose.hpp).

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// to[c, r] = from[r, c], r < rows, c < columns; to does not overlap from.
DNALM_ISA_FUNCTION void transpose(const float* from, index_t from_stride, index_t rows, index_t columns,
                                  float* to, index_t to_stride) {
  index_t r = 0;
  for (; r + 8 <= rows; r += 8) {
    index_t c = 0;
    for (; c + 8 <= columns; c += 8) {
      transpose_eight(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
    }
    for (; c < columns; ++c) {
      for (index_t i = r; i < r + 8; ++i) to[c * to_stride + i] = from[i * from_stride + c];
    }
  }
  for (; r < rows; ++r) {
    for (index_t c = 0; c < columns; ++c) to[c * to_stride + r] = from[r * from_stride + c];
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
