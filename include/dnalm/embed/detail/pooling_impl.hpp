// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of embed/pooling.hpp.
#pragma once

#include <algorithm>
#include <limits>
#include <string>

#include <dnalm/embed/pooling.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The parts of a text between commas.
[[nodiscard]] inline std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts(1);
  for (const char letter : text) {
    if (letter == ',') {
      parts.emplace_back();
    } else {
      parts.back() += letter;
    }
  }
  return parts;
}

/// sums[c] += row[c]. Eight at a time: the compiler makes vectors of a loop whose length it knows.
inline void add_to_sums(const float* row, index_t columns, double* sums) {
  index_t c = 0;
  for (; c + 8 <= columns; c += 8) {
    for (index_t i = 0; i < 8; ++i) sums[c + i] += static_cast<double>(row[c + i]);
  }
  for (index_t i = 0; i < 8 && c + i < columns; ++i) sums[c + i] += static_cast<double>(row[c + i]);
}

/// y = (1 / n) sum over the chosen rows, in double, rows in order.
inline void pool_mean(matrix_view<const float> x, const unsigned char* left_out, vector_view<float> y,
                      std::vector<double>& sums) {
  sums.assign(static_cast<std::size_t>(x.columns), 0.0);
  index_t count = 0;
  for (index_t r = 0; r < x.rows; ++r) {
    if (left_out != nullptr && left_out[r] != 0) continue;
    ++count;
    add_to_sums(x.row_data(r), x.columns, sums.data());
  }
  for (index_t c = 0; c < x.columns; ++c) {
    y[c] = static_cast<float>(sums[static_cast<std::size_t>(c)] / static_cast<double>(count));
  }
}

/// y[c] = row[c] where that is larger. By eights, as above.
inline void keep_larger(const float* row, index_t columns, float* y) {
  index_t c = 0;
  for (; c + 8 <= columns; c += 8) {
    float larger[8];
    for (index_t i = 0; i < 8; ++i) larger[i] = row[c + i] > y[c + i] ? row[c + i] : y[c + i];
    std::copy_n(larger, 8, y + c);
  }
  for (index_t i = 0; i < 8 && c + i < columns; ++i) y[c + i] = row[c + i] > y[c + i] ? row[c + i] : y[c + i];
}

inline void pool_max(matrix_view<const float> x, const unsigned char* left_out, vector_view<float> y) {
  bool none = true;
  for (index_t r = 0; r < x.rows; ++r) {
    if (left_out[r] != 0) continue;
    if (none) {
      std::copy_n(x.row_data(r), x.columns, y.data);
    } else {
      keep_larger(x.row_data(r), x.columns, y.data);
    }
    none = false;
  }
  if (none) std::fill(y.begin(), y.end(), std::numeric_limits<float>::quiet_NaN());
}

}  // namespace detail

DNALM_INLINE std::vector<pooling> parse_poolings(std::string_view text) {
  std::vector<pooling> result;
  for (const std::string& name : detail::split_at_commas(text)) {
    const std::size_t before = result.size();
    for (const pooling kind :
         {pooling::cls, pooling::mean, pooling::mean_all, pooling::max, pooling::tokens}) {
      const bool repeated = std::find(result.begin(), result.end(), kind) != result.end();
      if (name == to_string(kind) && !repeated) result.push_back(kind);
    }
    if (result.size() == before) {
      throw error(error_kind::usage, 450, "unknown or repeated pooling",
                  {.expected = "cls, mean, mean_all, max, tokens, each at most once, between commas",
                   .found = std::string(text)});
    }
  }
  return result;
}

DNALM_INLINE void pool_sequences(pooling kind, matrix_view<const float> x, const ragged_offsets& offsets,
                                 vector_view<const unsigned char> is_special, index_t cls,
                                 matrix_view<float> y) {
  std::vector<double> sums;
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const index_t first = offsets.begin(s);
    const matrix_view<const float> rows = x.row_block(first, offsets.length(s));
    const unsigned char* special = is_special.data + first;
    switch (kind) {
      case pooling::mean: detail::pool_mean(rows, special, y.row(s), sums); break;
      case pooling::mean_all: detail::pool_mean(rows, nullptr, y.row(s), sums); break;
      case pooling::max: detail::pool_max(rows, special, y.row(s)); break;
      case pooling::cls: std::copy_n(rows.row_data(cls), rows.columns, y.row_data(s)); break;
      case pooling::tokens: throw error(error_kind::internal, 458, "pooling `tokens` has no pooled form");
    }
  }
}

DNALM_END_NAMESPACE
