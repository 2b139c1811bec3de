// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Narrow convolutions that make two rows at a time (pack_convolution), once per instruction set.
///
/// With dilation d the rows r, r + d, r + 2 d, ... of a sequence are a convolution of their own without
/// dilation: phase r. Sums and differences of the rows that a block of a phase reads are made once, beside each
/// other, and multiplied where they lie.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// What is multiplied of three rows that follow each other in a phase: a - c, a + b, b - a.
DNALM_ISA_FUNCTION void sum_row(const float* a, const float* b, const float* c, index_t n, float* apart,
                                float* sum, float* difference) {
  for (index_t i = 0; i < n; i += 16) {
    const index_t count = n - i;
    if (count >= 16) {
      const lanes x = load(a + i);
      const lanes y = load(b + i);
      store(apart + i, sub(x, load(c + i)));
      store(sum + i, add(x, y));
      store(difference + i, sub(y, x));
    } else {
      const lanes x = load_part(a + i, count);
      const lanes y = load_part(b + i, count);
      store_part(apart + i, sub(x, load_part(c + i, count)), count);
      store_part(sum + i, add(x, y), count);
      store_part(difference + i, sub(y, x), count);
    }
  }
}

/// What `count` pairs of a phase read, whose first one's tap 0 is row `at` of the sequence: for row u from there
/// d_u - d_(u+2), d_u + d_(u+1), d_(u+1) - d_u. Rows of a phase lie apart: those to come are asked for.
DNALM_ISA_FUNCTION void sum_rows(const convolution_rows& rows, index_t sequence, index_t at, index_t count,
                                 const phase_memory& memory) {
  constexpr index_t ahead = 12;
  const index_t channels = rows.x.columns;
  const index_t step = rows.taps.dilation;
  const index_t first = rows.from.begin(sequence);
  const index_t length = rows.from.length(sequence);
  const auto row_of = [&](index_t u) {
    const index_t row = at + u * step;
    return row >= 0 && row < length ? rows.x.row_data(first + row) : memory.zeros;
  };
  const index_t places = phase_places(count, groups_of_three(rows.taps.taps));
  const float* a = row_of(0);
  const float* b = row_of(1);
  for (index_t u = 0; u < places; ++u) {
    const float* later = row_of(u + ahead);
    for (index_t i = 0; i < channels; i += 16) __builtin_prefetch(later + i, 0, 3);
    const float* c = row_of(u + 2);
    const index_t place = u * channels;
    sum_row(a, b, c, channels, memory.apart + place, memory.sum + place, memory.difference + place);
    a = b;
    b = c;
  }
}

/// out[2 r] = m0 + m1 + m2, out[2 r + 1] = m1 - m2 - m3 of the `count` pairs of a block and one panel. A part of
/// the panel is multiplied with all of them before the next one: it stays near the first-level cache.
DNALM_ISA_FUNCTION void multiply_phase(const phase_memory& memory, const packed_weight& w, index_t p,
                                       index_t channels, index_t count) {
  constexpr index_t part_floats = phase_block * panel_columns;
  const index_t depth = w.inputs / two_row_parts;
  const float* const sums[] = {memory.apart, memory.sum + channels, memory.difference + channels,
                               memory.apart + channels};
  const auto* panel = reinterpret_cast<const float*>(w.panel(p));
  for (index_t part = 0; part < two_row_parts; ++part, panel += depth * panel_columns) {
    for (index_t r = 0; r < count; r += tile_rows) {
      const index_t pairs = count - r < tile_rows ? count - r : tile_rows;
      taps_rows<tile_rows>(pairs, sums[part] + 2 * r * channels, 2 * channels, depth / channels, 3 * channels,
                           panel, channels, memory.products + part * part_floats + r * panel_columns);
    }
  }
  for (index_t r = 0; r < count; ++r) {
    for (index_t c = 0; c < panel_columns; c += 16) {
      const float* m = memory.products + r * panel_columns + c;
      const lanes m1 = load(m + part_floats);
      const lanes m2 = load(m + 2 * part_floats);
      float* out = memory.out + 2 * r * panel_columns + c;
      store(out, add(add(load(m), m1), m2));
      store(out + panel_columns, sub(sub(m1, m2), load(m + 3 * part_floats)));
    }
  }
}

/// Rows [k, end) of a phase, of which y has nothing else; `at` is what tap 0 of its row 0 reads.
DNALM_ISA_FUNCTION void convolve_phase(const convolution_rows& rows, index_t sequence, index_t at, index_t k,
                                       index_t end, const packed_weight& w,
                                       const linear_epilogue<float>& epilogue, const phase_memory& memory,
                                       matrix_view<float> y) {
  index_t done = 0;
  for (index_t pair = k / 2; 2 * pair < end; pair += phase_block) {
    const index_t left = (end + 1) / 2 - pair;
    const index_t count = left < phase_block ? left : phase_block;
    const index_t begin = 2 * pair < k ? k : 2 * pair;
    const index_t made = (2 * (pair + count) < end ? 2 * (pair + count) : end) - begin;
    sum_rows(rows, sequence, at + 2 * pair * rows.taps.dilation, count, memory);
    linear_epilogue<float> part = epilogue;
    part.residual = rows_or_none(part.residual, done, made);
    for (index_t p = 0; p < w.panel_count(); ++p) {
      multiply_phase(memory, w, p, rows.x.columns, count);
      finish_panel(memory.out + (begin - 2 * pair) * panel_columns, w, p, false, part, {},
                   y.row_block(done, made));
    }
    done += made;
  }
}

/// y's rows, those of the output from `begin` on. `w` is the second form of the weight.
DNALM_ISA_FUNCTION void two_rows_by_phases(const convolution_rows& rows, index_t begin, const packed_weight& w,
                                           const linear_epilogue<float>& epilogue, float* scratch,
                                           matrix_view<float> y) {
  const index_t step = rows.taps.dilation;
  const phase_memory memory = divide_phase_memory(rows.x.columns, groups_of_three(rows.taps.taps), scratch);
  for (index_t c = 0; c < rows.x.columns; ++c) memory.zeros[c] = 0.0F;
  for (index_t row = 0; row < y.rows;) {
    const sequence_rows run = sequence_rows_from(rows.to, begin + row, y.rows - row);
    for (index_t i = run.i; i < run.end && i < run.i + step; ++i) {
      const index_t phase = i % step;
      const index_t count = (run.end - i + step - 1) / step;
      linear_epilogue<float> part = epilogue;
      part.residual = every_row(rows_or_none(part.residual, row + i - run.i, run.end - i), step);
      convolve_phase(rows, run.sequence, phase - rows.taps.before, i / step, i / step + count, w, part, memory,
                     every_row(y.row_block(row + i - run.i, run.end - i), step));
    }
    row += run.end - run.i;
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
