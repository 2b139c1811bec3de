// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of pooling.hpp.
#pragma once

#include <algorithm>
#include <limits>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/embed/pooling.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Channels that are summed side by side; the order of additions within a channel is the order of the rows.
inline constexpr index_t pooling_channels = 64;

/// y[d] = (1 / n) sum over the rows that count.
inline void pool_mean(matrix_view<const float> x, const unsigned char* left_out, vector_view<float> y) {
  for (index_t first = 0; first < x.columns; first += pooling_channels) {
    const index_t channels = std::min(pooling_channels, x.columns - first);
    double sums[pooling_channels] = {};
    index_t rows = 0;
    for (index_t r = 0; r < x.rows; ++r) {
      if (left_out != nullptr && left_out[r] != 0) continue;
      const float* row = x.row_data(r) + first;
      for (index_t d = 0; d < channels; ++d) sums[d] += static_cast<double>(row[d]);
      ++rows;
    }
    for (index_t d = 0; d < channels; ++d) {
      y[first + d] = rows == 0 ? std::numeric_limits<float>::quiet_NaN()
                               : static_cast<float>(sums[d] / static_cast<double>(rows));
    }
  }
}

/// y[d] = the largest over the rows that count; NaN spreads.
inline void pool_max(matrix_view<const float> x, const unsigned char* left_out, vector_view<float> y) {
  bool first = true;
  for (index_t r = 0; r < x.rows; ++r) {
    if (left_out[r] != 0) continue;
    const float* row = x.row_data(r);
    for (index_t d = 0; d < x.columns; ++d) {
      if (first || row[d] > y[d] || row[d] != row[d]) y[d] = row[d];
    }
    first = false;
  }
  if (first) std::fill(y.begin(), y.end(), std::numeric_limits<float>::quiet_NaN());
}

}  // namespace detail

DNALM_INLINE std::vector<pooling> parse_poolings(std::string_view text) {
  std::vector<pooling> chosen;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    const auto before = chosen.size();
    for (const pooling kind :
         {pooling::cls, pooling::mean, pooling::mean_all, pooling::max, pooling::tokens}) {
      if (name == to_string(kind) && std::find(chosen.begin(), chosen.end(), kind) == chosen.end()) {
        chosen.push_back(kind);
      }
    }
    if (chosen.size() == before) {
      throw error(error_kind::usage, 450, "unknown or repeated pooling",
                  {.expected = "a comma-separated list of cls, mean, mean_all, max, tokens, each once",
                   .found = "'" + std::string(name) + "'"});
    }
    if (comma == std::string_view::npos) return chosen;
    text.remove_prefix(comma + 1);
  }
}

DNALM_INLINE void pool_sequences(pooling kind, matrix_view<const float> x, const ragged_offsets& offsets,
                                 vector_view<const unsigned char> is_special, index_t cls,
                                 matrix_view<float> y) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const matrix_view<const float> rows = x.row_block(offsets.begin(s), offsets.length(s));
    const unsigned char* special = is_special.data + offsets.begin(s);
    switch (kind) {
      case pooling::cls: std::copy_n(rows.row_data(cls), x.columns, y.row_data(s)); break;
      case pooling::mean: detail::pool_mean(rows, special, y.row(s)); break;
      case pooling::mean_all: detail::pool_mean(rows, nullptr, y.row(s)); break;
      case pooling::max: detail::pool_max(rows, special, y.row(s)); break;
      case pooling::tokens: throw error(error_kind::internal, 459, "`tokens` is no pooling to one vector");
    }
  }
}

DNALM_END_NAMESPACE
