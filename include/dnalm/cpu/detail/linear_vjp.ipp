// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of the adjoints in cpu/linear.hpp, once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// Words (floats, or pairs) [first, first + n) of row r to where copy_rows puts them in a block of `rows`
/// rows.
DNALM_ISA_FUNCTION void place_words(const float* from, index_t first, index_t n, index_t rows, index_t r,
                                    float* to) {
  while (n > 0) {
    const index_t inside = first % depth_words;
    const index_t count = n < depth_words - inside ? n : depth_words - inside;
    float* place = to + (first / depth_words * rows + r) * row_words + inside;
    __builtin_memcpy(place, from, static_cast<std::size_t>(count) * sizeof(float));
    from += count;
    first += count;
    n -= count;
  }
}

/// Numbers of row r, outputs [first, first + n), the same way; `rounded`: to bfloat16, in place.
DNALM_ISA_FUNCTION void place_outputs(float* from, index_t first, index_t n, bool rounded, index_t rows,
                                      index_t r, float* to) {
  const index_t word = rounded && DNALM_ISA_HAS_PAIRS ? 2 : 1;
  if (rounded) round_row(from, n, from);
  place_words(from, first / word, n / word, rows, r, to);
}

/// dz of activation_vjp or gated_vjp (gated) in the place of a copy of it.
DNALM_ISA_FUNCTION void make_rows(const recorded_rows& x, bool gated, bool rounded, float* to) {
  alignas(64) float first[depth_words];
  alignas(64) float second[depth_words];
  const index_t width = x.dy.columns;
  for (index_t r = 0; r < x.dy.rows; ++r) {
    for (index_t c = 0; c < width; c += depth_words) {
      const index_t n = width - c < depth_words ? width - c : depth_words;
      const float* z = x.z.row_data(r) + c;
      const float* dy = x.dy.row_data(r) + c;
      if (gated) {
        gated_vjp_row(z, z + width, x.function, dy, first, second, n);
        place_outputs(second, width + c, n, rounded, x.dy.rows, r, to);
      } else {
        activation_vjp_row(z, x.function, dy, first, n);
      }
      place_outputs(first, c, n, rounded, x.dy.rows, r, to);
    }
  }
}

DNALM_ISA_FUNCTION void linear_vjp(const recorded_rows& x, const packed_weight& w,
                                   matrix_view<const float> residual, float* scratch, matrix_view<float> dx) {
  const linear_memory memory = divide_linear_vjp_scratch(w, scratch);
  const bool rounded = rounds_turned(w);
  const turned_weight turned{w, 1, depth_words * (DNALM_ISA_HAS_PAIRS ? 2 : 1)};
  for (index_t block = 0; block < dx.rows; block += memory.block_rows) {
    const index_t rows = dx.rows - block < memory.block_rows ? dx.rows - block : memory.block_rows;
    const recorded_rows part = x.row_block(block, rows);
    if (part.z.data == nullptr) {
      copy_rows(part.dy, rounded, memory.rows);
    } else {
      make_rows(part, w.gated, rounded, memory.rows);
    }
    for (index_t column = 0; column < w.inputs; column += panel_columns) {
      linear_vjp_columns(memory, turned, column, rows_or_none(residual, block, rows),
                         dx.row_block(block, rows));
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
