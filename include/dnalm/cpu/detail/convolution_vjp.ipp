// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The adjoint of cpu/convolution.hpp, once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// `rows` are those of dy, with the taps reversed.
DNALM_ISA_FUNCTION void convolution_vjp(const convolution_rows& rows, index_t begin, const packed_weight& w,
                                        matrix_view<const float> residual, float* scratch,
                                        matrix_view<float> dx) {
#if !DNALM_ISA_HAS_PAIRS
  if (w.two_rows != nullptr) return two_rows_vjp(rows, begin, *w.two_rows, residual, scratch, dx);
#endif
  const linear_memory memory = divide_linear_memory(rows.depth(), linear_vjp_most_rows, scratch);
  const turned_weight turned{w, rows.taps.taps, depth_words * (DNALM_ISA_HAS_PAIRS ? 2 : 1)};
  for (index_t block = 0; block < dx.rows; block += memory.block_rows) {
    const index_t count = dx.rows - block < memory.block_rows ? dx.rows - block : memory.block_rows;
    gather_rows(rows, begin + block, count, rounds_turned(w), memory.rows);
    for (index_t column = 0; column < dx.columns; column += panel_columns) {
      linear_vjp_columns(memory, turned, column, rows_or_none(residual, block, count),
                         dx.row_block(block, count));
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
