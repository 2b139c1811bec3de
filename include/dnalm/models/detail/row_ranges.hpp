// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Ranges of rows that a convolution's rows read and are read by, and rows of which some were edited.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Rows [begin, end) of a value.
struct row_range {
  index_t begin = 0;
  index_t end = 0;

  [[nodiscard]] index_t size() const { return end - begin; }
  /// The rows of both and those between them.
  void include(const row_range& other) {
    if (other.size() == 0) return;
    *this = size() == 0 ? other : row_range{std::min(begin, other.begin), std::max(end, other.end)};
  }
};

[[nodiscard]] inline row_range moved(const row_range& range, index_t rows) {
  return range.size() > 0 ? row_range{range.begin + rows, range.end + rows} : row_range{};
}
/// The rows of both ranges.
[[nodiscard]] inline row_range common_rows(const row_range& a, const row_range& b) {
  const row_range found{std::max(a.begin, b.begin), std::min(a.end, b.end)};
  return found.size() > 0 ? found : row_range{};
}
/// The part of a range in [0, rows).
[[nodiscard]] inline row_range part_inside(const row_range& range, index_t rows) {
  return common_rows(range, {0, rows});
}

/// Rows of a local step of `rows` rows that read some of `range`.
[[nodiscard]] inline row_range rows_that_read(const row_range& range, const convolution_taps& taps,
                                              index_t rows) {
  if (range.size() == 0) return {};
  const index_t reach = (taps.taps - 1) * taps.dilation;
  const index_t first = range.begin + taps.before - reach;
  const index_t last = range.end - 1 + taps.before;
  if (last < 0) return {};
  const row_range found{first <= 0 ? 0 : (first + taps.stride - 1) / taps.stride, last / taps.stride + 1};
  return part_inside(found, rows);
}

/// Rows that rows `range` of a local step read; some may lie outside of the sequence.
[[nodiscard]] inline row_range rows_read_by(const row_range& range, const convolution_taps& taps) {
  if (range.size() == 0) return {};
  return {range.begin * taps.stride - taps.before,
          (range.end - 1) * taps.stride - taps.before + (taps.taps - 1) * taps.dilation + 1};
}

/// Whether a convolution's kernel makes rows in twos (pack_convolution).
template <class Weight>
[[nodiscard]] bool makes_two_rows(const Weight& w) {
  if constexpr (requires { w.two_rows; }) {
    return w.two_rows != nullptr;
  } else {
    return false;
  }
}

/// What the bits of a convolution's row depend on: of rows made in twos also the rows that groups of three
/// taps see beyond the last tap.
template <class Weight>
[[nodiscard]] convolution_taps seen_taps(const Weight& w, const convolution_taps& taps) {
  convolution_taps seen = taps;
  if (makes_two_rows(w)) seen.taps = (taps.taps + 2) / 3 * 3;
  return seen;
}

/// Rows i to i + n - 1, i a multiple of n, that a convolution's kernel makes together: 1, or where it makes
/// rows in twos, told by their place in the sequence, twice the dilation.
template <class Weight>
[[nodiscard]] index_t rows_made_together(const Weight& w, const convolution_taps& taps) {
  return makes_two_rows(w) ? 2 * taps.dilation : 1;
}

/// The groups of `together` rows, of `rows` in all, of which a range has some.
[[nodiscard]] inline row_range whole_groups(const row_range& range, index_t together, index_t rows) {
  if (range.size() == 0) return {};
  const index_t end = (range.end + together - 1) / together * together;
  return {range.begin - range.begin % together, std::min(end, rows)};
}

/// Increasing rows as ranges; none: all.
[[nodiscard]] inline std::vector<row_range> ranges_of(std::span<const index_t> rows, index_t all) {
  if (rows.empty()) return {{0, all}};
  std::vector<row_range> ranges;
  for (const index_t row : rows) {
    if (!ranges.empty() && ranges.back().end == row) {
      ++ranges.back().end;
    } else {
      ranges.push_back({row, row + 1});
    }
  }
  return ranges;
}

/// Rows `wanted` of a value of `rows` rows, of which `changed` lie in `own`, the others in `reference`; zeros
/// outside of the value. Writes to `out`, returns the place behind them.
template <class T>
T* copy_edited_rows(const row_range& wanted, const row_range& changed, const T* own, const T* reference,
                    index_t rows, index_t columns, T* out) {
  const auto inside = [&](index_t row) { return std::clamp<index_t>(row, wanted.begin, wanted.end); };
  const index_t first = inside(0);
  const index_t last = inside(rows);
  const bool any = changed.size() > 0;
  const index_t from = any ? std::clamp(changed.begin, first, last) : last;
  const index_t to = any ? std::clamp(changed.end, first, last) : last;
  const auto copy = [&](index_t begin, index_t end, const T* source, index_t before) {
    if (end > begin) out = std::copy_n(source + (begin - before) * columns, (end - begin) * columns, out);
  };
  out = std::fill_n(out, (first - wanted.begin) * columns, T(0));
  copy(first, from, reference, 0);
  copy(from, to, own, changed.begin);
  copy(to, last, reference, 0);
  return std::fill_n(out, (wanted.end - last) * columns, T(0));
}

}  // namespace detail
DNALM_END_NAMESPACE
