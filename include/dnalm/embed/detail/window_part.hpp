// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What one window of a long sequence brings to the poolings of the whole.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/embed/pooling.hpp>
#include <dnalm/embed/window_rule.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Which of a window_part's fields are needed; the framing rows always are.
struct part_wishes {
  bool sum = false;
  bool sum_all = false;
  bool max = false;
  bool rows = false;

  [[nodiscard]] static part_wishes of(const std::vector<pooling>& kinds) {
    const auto wants = [&](pooling kind) {
      return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
    };
    return {wants(pooling::mean), wants(pooling::mean_all), wants(pooling::max), wants(pooling::tokens)};
  }
};

/// Over the tokens that the window answers for ("kept"): sums in double in the order of the rows, the largest
/// values, the rows; and the rows of the framing tokens (CLS, EOS), those of the start first.
struct window_part {
  std::vector<double> sum = {};      ///< (D) of the kept tokens that are not special
  std::vector<double> sum_all = {};  ///< (D) of all kept tokens
  std::vector<float> max = {};       ///< (D) of the kept tokens that are not special
  index_t counted = 0;               ///< how many are not special
  matrix<float> rows = {};           ///< (kept tokens, D)
  matrix<float> frame = {};          ///< (framing tokens, D)
};

inline void add_row(const float* row, std::vector<double>& sum) {
  for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += static_cast<double>(row[c]);
}

inline void raise_to_row(const float* row, std::vector<float>& most) {
  for (std::size_t c = 0; c < most.size(); ++c) most[c] = std::max(most[c], row[c]);
}

/// `x` holds the window's rows: `prefix` framing tokens, the window, `suffix` framing tokens; `special` says
/// for each whether poolings leave it out.
[[nodiscard]] inline window_part make_window_part(matrix_view<const float> x, const unsigned char* special,
                                                  const token_window& window, index_t prefix, index_t suffix,
                                                  const part_wishes& wishes) {
  const auto width = static_cast<std::size_t>(x.columns);
  window_part part;
  part.sum.resize(wishes.sum ? width : 0);
  part.sum_all.resize(wishes.sum_all ? width : 0);
  part.max.resize(wishes.max ? width : 0, -std::numeric_limits<float>::infinity());
  const index_t first = prefix + (window.keep_begin - window.begin);
  const index_t last = prefix + (window.keep_end - window.begin);
  if (wishes.rows) part.rows = matrix<float>(last - first, x.columns);
  for (index_t r = first; r < last; ++r) {
    const float* row = x.row_data(r);
    add_row(row, part.sum_all);
    if (wishes.rows) std::copy_n(row, x.columns, part.rows.view().row_data(r - first));
    if (special[r] != 0) continue;
    add_row(row, part.sum);
    raise_to_row(row, part.max);
    part.counted += 1;
  }
  part.frame = matrix<float>(prefix + suffix, x.columns);
  for (index_t f = 0; f < prefix + suffix; ++f) {
    const index_t r = f < prefix ? f : x.rows - suffix + (f - prefix);
    std::copy_n(x.row_data(r), x.columns, part.frame.view().row_data(f));
  }
  return part;
}

}  // namespace detail
DNALM_END_NAMESPACE
