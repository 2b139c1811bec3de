// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What logos and heat maps have in common: looks that stay light on any page, scales, round numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/io/table_writer.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

/// Classic letter colours and colour scales need a white ground, so these drawings are light everywhere.
[[nodiscard]] inline std::string map_style() {
  return ".dnalm-chart{max-width:100%;height:auto}\n"
         ".map-paper{fill:#ffffff}\n"
         ".map-words{font:12px sans-serif;fill:#1b1f24}\n"
         ".map-title{font:600 14px sans-serif;fill:#1b1f24}\n"
         ".map-ground{fill:#fdf0c4}\n"
         ".map-note{font:11px sans-serif;fill:#6b4e00}\n"
         ".map-axis{stroke:#57606a;stroke-width:1}\n"
         ".map-grid{stroke:#e7eaee;stroke-width:1}\n"
         ".map-cells{shape-rendering:crispEdges}\n"
         ".map-frame{fill:none;stroke:#57606a;stroke-width:1}\n"
         ".map-small{font:9px sans-serif;fill:#1b1f24}\n";
}

/// Room for numbers of 12 pixels in a wide font; words of UTF-8 (a minus has three bytes).
[[nodiscard]] inline double words_width(const std::string& words) {
  const auto letters = std::count_if(words.begin(), words.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return 7.7 * static_cast<double>(letters);
}

/// Where a title ends that begins at `left`; a long one is cut there.
[[nodiscard]] inline double title_end(double left, const std::string& title) {
  return std::min(720.0, left + 8.5 * static_cast<double>(title.size()) + 8);
}

/// A power of ten that brings very small or large numbers to a readable size, 0 for others.
[[nodiscard]] inline int decimal_power(double largest) {
  if (!(largest > 0) || (largest >= 1e-3 && largest < 1e5)) return 0;
  return static_cast<int>(std::floor(std::log10(largest)));
}

/// `label`, with the power of ten that its numbers are to be multiplied with.
[[nodiscard]] inline std::string scaled_label(const std::string& label, int power) {
  if (power == 0) return label;
  return label + (label.empty() ? "" : " ") + "(\u00d710^" + std::to_string(power) + ")";
}

/// \throws error [dnalm.numeric.580].
inline void check_map_number(double value, std::size_t at, const std::string& title) {
  if (std::isfinite(value)) return;
  throw error(error_kind::numeric, 580, "a map has a number that cannot be drawn",
              {.where = "\"" + title + "\", number " + std::to_string(at),
               .expected = "finite numbers",
               .found = io::format_number(value)});
}

}  // namespace detail
}  // namespace report
DNALM_END_NAMESPACE
