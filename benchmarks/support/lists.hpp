// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Lists as people write them on a command line.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/types.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/cpu/packed_weight.hpp>

namespace dnalm_bench {

using dnalm::index_t;

/// The parts between separators; none of an empty text.
inline std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// A number from 1 to ten millions.
inline index_t parse_size(const std::string& text) {
  std::size_t used = 0;
  long long value = 0;
  try {
    value = std::stoll(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || value < 1 || value > 10000000) {
    throw std::invalid_argument("a number from 1 to 10000000 expected: '" + text + "'");
  }
  return static_cast<index_t>(value);
}

inline std::vector<index_t> parse_sizes(std::string_view text) {
  std::vector<index_t> values;
  for (const std::string& part : split(text, ',')) values.push_back(parse_size(part));
  return values;
}

inline std::vector<int> parse_threads(std::string_view text) {
  std::vector<int> values;
  for (const index_t value : parse_sizes(text))
    values.push_back(static_cast<int>(std::min<index_t>(value, 1024)));
  return values;
}

/// N output and K input channels.
struct weight_shape {
  index_t n = 0;
  index_t k = 0;
};

/// `1536x512,512x2048`.
inline std::vector<weight_shape> parse_shapes(std::string_view text) {
  std::vector<weight_shape> shapes;
  for (const std::string& part : split(text, ',')) {
    const auto sizes = split(part, 'x');
    if (sizes.size() != 2) throw std::invalid_argument("NxK expected: '" + part + "'");
    shapes.push_back({parse_size(sizes[0]), parse_size(sizes[1])});
  }
  return shapes;
}

inline dnalm::weight_format parse_format(const std::string& text) {
  for (const auto format :
       {dnalm::weight_format::f32, dnalm::weight_format::bf16, dnalm::weight_format::int8}) {
    if (text == to_string(format)) return format;
  }
  throw std::invalid_argument("f32, bf16 or int8 expected: '" + text + "'");
}

inline std::vector<dnalm::weight_format> parse_formats(std::string_view text) {
  std::vector<dnalm::weight_format> formats;
  for (const std::string& part : split(text, ',')) formats.push_back(parse_format(part));
  return formats;
}

/// `best` (what the library chooses) or a name; nothing when this CPU has not the instruction set.
inline std::optional<dnalm::isa> parse_isa(const std::string& text) {
  if (text == "best") return dnalm::choose_isa();
  for (const auto set :
       {dnalm::isa::portable, dnalm::isa::avx2, dnalm::isa::avx512, dnalm::isa::avx512_bf16}) {
    if (text != to_string(set)) continue;
    if (dnalm::supports(set)) return set;
    return std::nullopt;
  }
  throw std::invalid_argument("best, portable, avx2, avx512 or avx512_bf16 expected: '" + text + "'");
}

}  // namespace dnalm_bench
