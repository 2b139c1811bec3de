// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/convolution.hpp, once per instruction set: cpu/detail/linear.ipp with other rows.
///
/// A copy of a row's `taps in` numbers costs about a fortieth of its product with 480 channels, but a third
/// of that with 32: the narrow ones read their input where it lies.

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

/// y's rows, those of the output from `begin` on, by copies of what they read.
DNALM_ISA_FUNCTION void convolution_by_copies(const convolution_rows& rows, index_t begin,
                                              const packed_weight& w, const linear_epilogue<float>& epilogue,
                                              float* scratch, matrix_view<float> y) {
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

#if !DNALM_ISA_HAS_PAIRS
/// y's rows, of which all taps see rows of the input, by reading these where they lie. `x` is what tap 0 of
/// the first one reads.
DNALM_ISA_FUNCTION void convolution_in_place(const convolution_rows& rows, const float* x,
                                             const packed_weight& w, const linear_epilogue<float>& epilogue,
                                             matrix_view<float> y) {
  alignas(64) float sums[tile_rows * panel_columns];
  const index_t x_stride = rows.x.stride * rows.taps.stride;
  const index_t tap_stride = rows.x.stride * rows.taps.dilation;
  for (index_t row = 0; row < y.rows; row += tile_rows, x += tile_rows * x_stride) {
    const index_t count = y.rows - row < tile_rows ? y.rows - row : tile_rows;
    linear_epilogue<float> part = epilogue;
    part.residual = rows_or_none(part.residual, row, count);
    for (index_t p = 0; p < w.panel_count(); ++p) {
      const auto* panel = reinterpret_cast<const float*>(w.panel(p));
      taps_rows<tile_rows>(count, x, x_stride, rows.taps.taps, tap_stride, panel, rows.x.columns, sums);
      finish_panel(sums, w, p, false, part, {}, y.row_block(row, count));
    }
  }
}

/// Rows that read beyond the ends of their sequence by copies, the others where they lie. A zero that is
/// multiplied adds nothing to a chain, so both give the same bits.
DNALM_ISA_FUNCTION void narrow_convolution(const convolution_rows& rows, index_t begin,
                                           const packed_weight& w, const linear_epilogue<float>& epilogue,
                                           float* scratch, matrix_view<float> y) {
  for (index_t row = 0; row < y.rows;) {
    const row_run run = run_of(rows, begin + row, y.rows - row);
    linear_epilogue<float> part = epilogue;
    part.residual = rows_or_none(part.residual, row, run.count);
    if (run.first >= 0) {
      convolution_in_place(rows, rows.x.row_data(run.first), w, part, y.row_block(row, run.count));
    } else {
      convolution_by_copies(rows, begin + row, w, part, scratch, y.row_block(row, run.count));
    }
    row += run.count;
  }
}
#endif

DNALM_ISA_FUNCTION void convolution(const convolution_rows& rows, index_t begin, const packed_weight& w,
                                    const linear_epilogue<float>& epilogue, float* scratch,
                                    matrix_view<float> y) {
#if !DNALM_ISA_HAS_PAIRS
  if (w.two_rows != nullptr) {
    if (goes_by_phases(rows.x.columns, w.outputs)) {
      return two_rows_by_phases(rows, begin, *w.two_rows, epilogue, scratch, y);
    }
    return two_row_convolution(rows, begin, *w.two_rows, epilogue, scratch, y);
  }
  if (w.format == weight_format::f32 && is_narrow(rows, w)) {
    return narrow_convolution(rows, begin, w, epilogue, scratch, y);
  }
#endif
  convolution_by_copies(rows, begin, w, epilogue, scratch, y);
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
