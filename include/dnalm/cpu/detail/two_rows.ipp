// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Convolutions that make two rows at a time (pack_convolution), once per instruction set.
///
/// Rows 2 i and 2 i + 1 of a sequence are made together wherever they stand in a batch, also where a part of
/// the rows begins or ends between them: then one of the two is made and left out.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// to[c] = a[c] + b[c] or a[c] - b[c].
DNALM_ISA_FUNCTION void combine(const float* a, const float* b, bool plus, index_t n, float* to) {
  index_t c = 0;
  for (; c + 16 <= n; c += 16) {
    const lanes x = load(a + c);
    const lanes y = load(b + c);
    store(to + c, plus ? add(x, y) : sub(x, y));
  }
  if (c == n) return;
  const lanes x = load_part(a + c, n - c);
  const lanes y = load_part(b + c, n - c);
  store_part(to + c, plus ? add(x, y) : sub(x, y), n - c);
}

/// The same to numbers [first, first + n) of row r of a part, which lies in pieces of `block` rows.
DNALM_ISA_FUNCTION void combine_into(const float* a, const float* b, bool plus, index_t first, index_t n,
                                     index_t block, index_t r, float* part) {
  while (n > 0) {
    const index_t inside = first % depth_words;
    const index_t count = n < depth_words - inside ? n : depth_words - inside;
    combine(a, b, plus, count, part + (first / depth_words * block + r) * row_words + inside);
    a += count;
    b += count;
    first += count;
    n -= count;
  }
}

/// What the pairs of a run read, in four parts.
DNALM_ISA_FUNCTION void gather_pairs(const convolution_rows& rows, const pair_run& run,
                                     const two_row_memory& memory) {
  const index_t channels = rows.x.columns;
  const index_t groups = groups_of_three(rows.taps.taps);
  const index_t first = rows.from.begin(run.sequence);
  const index_t length = rows.from.length(run.sequence);
  const auto row_at = [&](index_t at) {
    return at >= 0 && at < length ? rows.x.row_data(first + at) : memory.zeros;
  };
  for (index_t r = 0; r < run.pairs; ++r) {
    for (index_t j = 0; j < groups; ++j) {
      const index_t at = 2 * (run.pair + r) - rows.taps.before + 3 * j;
      const float* d[] = {row_at(at), row_at(at + 1), row_at(at + 2), row_at(at + 3)};
      const auto put = [&](index_t p, const float* a, const float* b, bool plus) {
        combine_into(a, b, plus, j * channels, channels, memory.block, run.place + r,
                     memory.rows + p * memory.part_words);
      };
      put(0, d[0], d[2], false);
      put(1, d[1], d[2], true);
      put(2, d[2], d[1], false);
      put(3, d[1], d[3], false);
    }
  }
}

/// sums[part][pair][32] of one panel.
DNALM_ISA_FUNCTION void multiply_pairs(const packed_weight& w, index_t p, index_t count,
                                       const two_row_memory& memory) {
  const index_t depth = w.inputs / two_row_parts;
  const index_t tiles = (count + tile_rows - 1) / tile_rows;
  const auto* panel = reinterpret_cast<const float*>(w.panel(p));
  for (index_t part = 0; part < two_row_parts; ++part) {
    const float* x = memory.rows + part * memory.part_words;
    float* sums = memory.sums + part * memory.block * panel_columns;
    for (index_t first = 0; first < depth; first += depth_words) {
      const index_t words = depth - first < depth_words ? depth - first : depth_words;
      const index_t begin = part * depth + first;
      const fetch_share share = share_of_next(w, {p, begin, words, w.inputs, tiles});
      for (index_t row = 0; row < count; row += tile_rows, x += tile_rows * row_words) {
        const index_t n = count - row < tile_rows ? count - row : tile_rows;
        product_panel(n, x, row_words, panel + begin * panel_columns, panel_columns, words,
                      sums + row * panel_columns, panel_columns, first > 0, share.of_tile(row / tile_rows));
      }
      x = memory.rows + part * memory.part_words + (first / depth_words + 1) * memory.block * row_words;
    }
  }
}

/// out[2 r] = m0 + m1 + m2, out[2 r + 1] = m1 - m2 - m3.
DNALM_ISA_FUNCTION void add_parts(const two_row_memory& memory, index_t count) {
  const index_t part = memory.block * panel_columns;
  for (index_t r = 0; r < count; ++r) {
    for (index_t c = 0; c < panel_columns; c += 16) {
      const float* m = memory.sums + r * panel_columns + c;
      const lanes m1 = load(m + part);
      const lanes m2 = load(m + 2 * part);
      float* out = memory.out + 2 * r * panel_columns + c;
      store(out, add(add(load(m), m1), m2));
      store(out + panel_columns, sub(sub(m1, m2), load(m + 3 * part)));
    }
  }
}

/// `made` rows, those of the output from `begin` on, in blocks of pairs, of several sequences where these are
/// short: `multiply(p, pairs)` makes one panel of what a block's pairs have read, `finish(p, run, out)` the
/// output's rows of one of its runs.
template <class Multiply, class Finish>
DNALM_ISA_FUNCTION void two_row_blocks(const convolution_rows& rows, index_t begin, index_t made,
                                       index_t panels, const two_row_memory& memory, Multiply&& multiply,
                                       Finish&& finish) {
  for (index_t c = 0; c < rows.x.columns; ++c) memory.zeros[c] = 0.0F;
  for (index_t row = 0; row < made;) {
    index_t pairs = 0;
    const auto gather = [&](const pair_run& run) {
      gather_pairs(rows, run, memory);
      pairs += run.pairs;
    };
    const index_t end = for_pair_runs(rows.to, begin, row, made, memory.block, gather);
    for (index_t p = 0; p < panels; ++p) {
      multiply(p, pairs);
      add_parts(memory, pairs);
      for_pair_runs(rows.to, begin, row, end, memory.block, [&](const pair_run& run) {
        finish(p, run, memory.out + (2 * run.place + run.skipped) * panel_columns);
      });
    }
    row = end;
  }
}

/// y's rows, those of the output from `begin` on. `w` is the second form of the weight.
DNALM_ISA_FUNCTION void two_row_convolution(const convolution_rows& rows, index_t begin,
                                            const packed_weight& w, const linear_epilogue<float>& epilogue,
                                            float* scratch, matrix_view<float> y) {
  const index_t depth = w.inputs / two_row_parts;
  const two_row_memory memory = divide_two_row_memory(depth, two_row_block(depth), scratch);
  const auto multiply = [&](index_t p, index_t pairs) { multiply_pairs(w, p, pairs, memory); };
  const auto finish = [&](index_t p, const pair_run& run, const float* out) {
    linear_epilogue<float> part = epilogue;
    part.residual = rows_or_none(part.residual, run.row, run.rows);
    finish_panel(out, w, p, false, part, {}, y.row_block(run.row, run.rows));
  };
  two_row_blocks(rows, begin, y.rows, w.panel_count(), memory, multiply, finish);
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
