// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/packed_weight.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/cpu/packed_weight.hpp>
#include <dnalm/tensor/dtype.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Rows of k that are turned at a time: 16 floats of a source row are one cache line.
inline constexpr index_t pack_depth = 16;
using pack_tile = std::array<std::array<float, 32>, pack_depth>;  // [k][column]

/// Matrices of equal width below each other, as one.
struct stacked_rows {
  std::span<const matrix_view<const float>> parts = {};
  index_t rows = 0;
  index_t columns = 0;

  [[nodiscard]] const float* row_data(index_t r) const {
    std::size_t part = 0;
    for (; r >= parts[part].rows; ++part) r -= parts[part].rows;
    return parts[part].row_data(r);
  }
};

[[nodiscard]] inline stacked_rows stack_rows(std::span<const matrix_view<const float>> parts) {
  stacked_rows all{parts, 0, parts.empty() ? 0 : parts[0].columns};
  for (const auto& part : parts) {
    all.rows = checked_add(all.rows, part.rows);
    if (part.columns == all.columns) continue;
    throw error(
        error_kind::shape, 353, "weights below each other differ in width",
        {.expected = std::to_string(all.columns) + " columns", .found = std::to_string(part.columns)});
  }
  return all;
}

/// tile[k][c] = the weight of panel p's column c and input first + k; zeros where there is none.
inline void gather_tile(const stacked_rows& w, const packed_weight& packed, index_t p, index_t first,
                        pack_tile& tile) {
  const index_t depth = std::min<index_t>(pack_depth, w.columns - first);
  for (auto& row : tile) row.fill(0.0F);
  for (index_t which = 0; which < 2; ++which) {
    const half_panel half = packed.half(p, which);
    for (index_t c = 0; c < half.count; ++c) {
      const float* from = w.row_data(half.first + c) + first;
      __builtin_prefetch(from + 2 * pack_depth);
      const auto column = static_cast<std::size_t>(which * half_columns + c);
      for (index_t k = 0; k < depth; ++k) tile[static_cast<std::size_t>(k)][column] = from[k];
    }
  }
}

/// Largest absolute weight of each column of a panel, over 127; 1 for a column of zeros, or of numbers so
/// small that their step would lose its digits (they become 0).
inline void find_scales(const stacked_rows& w, const packed_weight& packed, index_t p, float* scales) {
  std::fill_n(scales, panel_columns, 1.0F);
  for (index_t which = 0; which < 2; ++which) {
    const half_panel half = packed.half(p, which);
    for (index_t c = 0; c < half.count; ++c) {
      const float* row = w.row_data(half.first + c);
      float most = 0.0F;
      for (index_t k = 0; k < w.columns; ++k) most = std::max(most, std::abs(row[k]));
      const float step = most / 127.0F;
      if (step >= std::numeric_limits<float>::min()) scales[which * half_columns + c] = step;
    }
  }
}

inline void store_floats(const pack_tile& tile, index_t first, index_t depth, std::byte* panel) {
  std::memcpy(panel + first * panel_columns * 4, tile.data(), static_cast<std::size_t>(depth) * 128);
}
/// [k / 2][column][k % 2]; `depth` may be odd, the tile has zeros behind it.
/// \throws error [dnalm.numeric.354] for a weight that bfloat16 cannot hold.
inline void store_bfloats(const pack_tile& tile, index_t first, index_t depth, std::byte* panel) {
  auto* to = panel + first * panel_columns * 2;
  for (std::size_t k = 0; k < static_cast<std::size_t>(depth); k += 2) {
    std::array<std::uint16_t, 64> pairs{};
    for (std::size_t c = 0; c < 32; ++c) {
      pairs[2 * c] = bf16_from_float(tile[k][c]);
      pairs[2 * c + 1] = bf16_from_float(tile[k + 1][c]);
    }
    const auto infinite = [](std::uint16_t bits) { return (bits & 0x7F80U) == 0x7F80U; };
    if (std::any_of(pairs.begin(), pairs.end(), infinite)) {
      throw error(error_kind::numeric, 354, "a weight is too large for bfloat16",
                  {.expected = "numbers below 3.39e38, or weights in f32"});
    }
    std::memcpy(to + k * 64, pairs.data(), 128);
  }
}
inline void store_integers(const pack_tile& tile, index_t first, index_t depth, const float* scales,
                           std::byte* panel) {
  auto* to = panel + first * panel_columns;
  for (std::size_t k = 0; k < static_cast<std::size_t>(depth); k += 2) {
    std::array<std::int8_t, 64> pairs{};
    for (std::size_t c = 0; c < 32; ++c) {
      for (std::size_t i = 0; i < 2; ++i) {
        pairs[2 * c + i] = static_cast<std::int8_t>(std::lrint(tile[k + i][c] / scales[c]));
      }
    }
    std::memcpy(to + k * 32, pairs.data(), 64);
  }
}

inline void pack_panel(const stacked_rows& w, packed_weight& packed, index_t p) {
  std::byte* panel = packed.panels.data() + p * packed.panel_bytes();
  const bool scaled = packed.format == weight_format::int8;
  float* scales = scaled ? packed.scales.data() + p * panel_columns : nullptr;
  if (scaled) find_scales(w, packed, p, scales);
  pack_tile tile;
  for (index_t first = 0; first < w.columns; first += pack_depth) {
    const index_t depth = std::min<index_t>(pack_depth, w.columns - first);
    gather_tile(w, packed, p, first, tile);
    switch (packed.format) {
      case weight_format::f32: store_floats(tile, first, depth, panel); break;
      case weight_format::bf16: store_bfloats(tile, first, depth, panel); break;
      case weight_format::int8: store_integers(tile, first, depth, scales, panel); break;
    }
  }
}

}  // namespace detail

DNALM_INLINE packed_weight pack_weight(matrix_view<const float> w, weight_format format, bool gated) {
  return pack_weight(std::span<const matrix_view<const float>>(&w, 1), format, gated);
}

DNALM_INLINE packed_weight pack_weight(std::span<const matrix_view<const float>> parts, weight_format format,
                                       bool gated) {
  const detail::stacked_rows w = detail::stack_rows(parts);
  if (gated && w.rows % 2 != 0) {
    throw error(error_kind::shape, 352, "a gated weight with an odd number of rows",
                {.expected = "two halves", .found = std::to_string(w.rows) + " rows"});
  }
  static_cast<void>(checked_mul(checked_mul(w.rows, 2), checked_mul(w.columns, detail::panel_columns * 4)));
  packed_weight packed;
  packed.outputs = w.rows;
  packed.inputs = w.columns;
  packed.format = format;
  packed.gated = gated;
  packed.panels = buffer<std::byte>(checked_mul(packed.panel_count(), packed.panel_bytes()), uninitialized);
  if (format == weight_format::int8) {
    packed.scales = buffer<float>(packed.panel_count() * detail::panel_columns, uninitialized);
  }
  for (index_t p = 0; p < packed.panel_count(); ++p) detail::pack_panel(w, packed, p);
  return packed;
}

DNALM_INLINE packed_weight part_of_outputs(const packed_weight& w, index_t first, index_t count) {
  packed_weight part;
  part.outputs = count;
  part.inputs = w.inputs;
  part.format = w.format;
  const index_t panel = first / detail::panel_columns;
  const auto bytes = static_cast<std::size_t>(part.panel_count() * part.panel_bytes());
  part.mapped = w.bytes().subspan(static_cast<std::size_t>(panel * part.panel_bytes()), bytes);
  if (w.scales.size() > 0) {
    part.scales = buffer<float>(part.panel_count() * detail::panel_columns, uninitialized);
    std::copy_n(w.scales.data() + panel * detail::panel_columns, part.scales.size(), part.scales.data());
  }
  return part;
}

DNALM_END_NAMESPACE
