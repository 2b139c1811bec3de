// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/convolution.hpp, once per instruction set: cpu/detail/linear.ipp with other rows.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// Numbers [first, first + count) of what the walk's output row reads, tap after tap; zeros outside of its
/// sequence.
DNALM_ISA_FUNCTION void gather_piece(const convolution_rows& rows, const row_walk& walk, index_t first,
                                     index_t count, float* to) {
  index_t tap = first / rows.x.columns;
  index_t channel = first % rows.x.columns;
  while (count > 0) {
    const index_t rest = rows.x.columns - channel;
    const index_t n = rest < count ? rest : count;
    const index_t from = walk.source(rows.taps.offset(tap));
    const auto bytes = static_cast<std::size_t>(n) * sizeof(float);
    if (from >= 0) {
      __builtin_memcpy(to, rows.x.row_data(from) + channel, bytes);
    } else {
      __builtin_memset(to, 0, bytes);
    }
    to += n;
    count -= n;
    channel = 0;
    ++tap;
  }
}

/// What `count` output rows from `begin` on read, as copy_rows lays rows out: [piece of k][row][row_words].
DNALM_ISA_FUNCTION void gather_rows(const convolution_rows& rows, index_t begin, index_t count, bool rounded,
                                    float* to) {
  constexpr index_t pair = DNALM_ISA_HAS_PAIRS ? 2 : 1;
  float gathered[depth_words * pair];
  const index_t piece = rounded ? depth_words * pair : depth_words;
  for (index_t first = 0; first < rows.depth(); first += piece) {
    const index_t numbers = rows.depth() - first < piece ? rows.depth() - first : piece;
    row_walk walk(rows, begin);
    for (index_t r = 0; r < count; ++r, walk.next(), to += row_words) {
      if (rounded) {
        gather_piece(rows, walk, first, numbers, gathered);
        round_row(gathered, numbers, to);
      } else {
        gather_piece(rows, walk, first, numbers, to);
      }
    }
  }
}

DNALM_ISA_FUNCTION void convolution(const convolution_rows& rows, index_t begin, const packed_weight& w,
                                    const linear_epilogue<float>& epilogue, float* scratch,
                                    matrix_view<float> y) {
  const linear_memory memory = divide_linear_scratch(w, scratch);
  for (index_t block = 0; block < y.rows; block += memory.block_rows) {
    const index_t count = y.rows - block < memory.block_rows ? y.rows - block : memory.block_rows;
    gather_rows(rows, begin + block, count, w.format != weight_format::f32, memory.rows);
    linear_epilogue<float> part = epilogue;
    part.residual = rows_or_none(part.residual, block, count);
    for (index_t p = 0; p < w.panel_count(); ++p) {
      linear_panel(memory, w, p, false, part, {}, y.row_block(block, count));
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
