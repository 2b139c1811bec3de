// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Lengths of chromosomes from a file, and whether places lie on them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include <dnalm/core/error.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/line_reader.hpp>
#include <dnalm/io/track.hpp>

namespace program {

/// Length by name; empty: nothing is known of them.
using chromosome_sizes = std::map<std::string, dnalm::index_t>;

namespace detail {

/// The text up to a tab or blank; takes it and what stands between off the line.
[[nodiscard]] inline std::string take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string word(line.substr(0, end));
  line.remove_prefix(std::min(line.find_first_not_of(" \t", end), line.size()));
  return word;
}

}  // namespace detail

/// Reads a name and a length a line, as UCSC's chrom.sizes; further columns (those of a .fai) are passed
/// over. Plain or gzip. \throws error [dnalm.input.729] for other lines, a name twice, or none at all; as
/// io::line_reader.
[[nodiscard]] inline chromosome_sizes read_chromosome_sizes(const std::string& path) {
  constexpr dnalm::index_t most = (dnalm::index_t{1} << 32) - 1;  // of a bigWig file
  dnalm::io::line_reader lines(path);
  chromosome_sizes sizes;
  const auto refuse = [](const std::string& what, const std::string& where, const std::string& found) {
    throw dnalm::error(dnalm::error_kind::input, 729, what,
                       {.where = where,
                        .expected = "lines of a chromosome's name and its length, 1 to 2^32 - 1 bases",
                        .found = "'" + found + "'"});
  };
  for (std::string_view line; lines.next(line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::string text(line);
    const std::string name = detail::take_word(line);
    const std::string length = detail::take_word(line);
    const bool number =
        !length.empty() && length.size() <= 10 && length.find_first_not_of("0123456789") == std::string::npos;
    const dnalm::index_t bases = number ? std::stoll(length) : 0;
    if (name.empty() || bases < 1 || bases > most)
      refuse("a line that is no size of a chromosome", lines.where(), text);
    if (!sizes.try_emplace(name, bases).second) refuse("a chromosome twice", lines.where(), name);
  }
  if (sizes.empty()) refuse("a file without sizes of chromosomes", path, "");
  return sizes;
}

/// Whether a place lies on a chromosome that is known; everything does where nothing is known.
/// \throws error [dnalm.input.729].
inline void check_on_chromosome(const chromosome_sizes& sizes, const dnalm::io::track_region& region,
                                const std::string& name) {
  if (sizes.empty()) return;
  const auto known = sizes.find(region.chromosome);
  if (known != sizes.end() && region.end <= known->second) return;
  const bool absent = known == sizes.end();
  throw dnalm::error(dnalm::error_kind::input, 729,
                     absent ? "a chromosome that --chromosome-sizes does not have"
                            : "a sequence that ends beyond its chromosome",
                     {.where = "sequence '" + name + "'",
                      .expected = absent ? "one of its " + std::to_string(sizes.size()) + " names"
                                         : std::to_string(known->second) + " bases at most",
                      .found = absent ? "'" + region.chromosome + "'" : std::to_string(region.end)});
}

}  // namespace program
