// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/attribution_file.hpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <dnalm/attribution/attribution_file.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/io/table_writer.hpp>
#include <dnalm/sequence/alphabet.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// \throws error [dnalm.usage.887].
[[nodiscard]] inline index_t checked_width(index_t width, const std::string& where) {
  if (width >= 1) return width;
  throw error(error_kind::usage, 887, "a file of attributions needs a width",
              {.where = where, .expected = "a number of letters from 1", .found = std::to_string(width)});
}

/// A number as float. \throws error [dnalm.numeric.886].
[[nodiscard]] inline float checked_float(double value, const std::string& where) {
  const auto rounded = static_cast<float>(value);
  if (std::isfinite(rounded)) return rounded;
  throw error(error_kind::numeric, 886, "a number cannot be written into a file of attributions",
              {.where = where, .expected = "finite numbers of float", .found = io::format_number(value)});
}

/// \throws error [dnalm.shape.885].
inline void check_part(const std::string& where, const char* part, index_t expected, std::size_t found) {
  if (static_cast<index_t>(found) == expected) return;
  throw error(error_kind::shape, 885, "a part of a row does not fit its sequence",
              {.where = where + ", " + part,
               .expected = std::to_string(expected) + " numbers",
               .found = std::to_string(found)});
}

/// A map of a sequence of `bases` letters. \throws error [dnalm.shape.885].
inline void check_map(const std::string& where, const char* part, index_t bases, const nucleotide_map& map) {
  check_part(where, part, checked_mul(4, bases), map.values.size());
  if (map.length == bases) return;
  throw error(error_kind::shape, 885, "a part of a row does not fit its sequence",
              {.where = where + ", " + part,
               .expected = std::to_string(bases) + " positions",
               .found = std::to_string(map.length)});
}

/// One score, number, begin and end of each token. \throws error [dnalm.shape.885].
inline void check_token_parts(const std::string& where, const attribution_row& row) {
  const auto count = static_cast<index_t>(row.tokens.ids.size());
  check_part(where, "scores", count, row.scores.size());
  check_part(where, "begins of tokens", count, row.tokens.begin.size());
  check_part(where, "ends of tokens", count, row.tokens.end.size());
}

/// One-hot columns [begin, begin + count) of a sequence, (4, width), zeros behind them.
[[nodiscard]] inline std::vector<std::int8_t> one_hot_rows(const std::string& letters, std::size_t begin,
                                                           std::size_t count, std::size_t width) {
  std::vector<std::int8_t> rows(4 * width, 0);
  for (std::size_t i = 0; i < count; ++i) {
    const int code = base_code(letters[begin + i]);
    if (code < 4) rows[static_cast<std::size_t>(code) * width + i] = 1;
  }
  return rows;
}

/// Where a map is not 0, (4, width), zeros behind its end.
[[nodiscard]] inline std::vector<std::byte> flag_rows(const nucleotide_map& map, std::size_t width) {
  std::vector<std::byte> flags(4 * width, std::byte{0});
  for (index_t a = 0; a < 4; ++a) {
    for (index_t i = 0; i < map.length; ++i) {
      const std::size_t at = static_cast<std::size_t>(a) * width + static_cast<std::size_t>(i);
      if (map(a, i) != 0) flags[at] = std::byte{1};
    }
  }
  return flags;
}

/// Columns [begin, begin + count) of a table with `length` columns, widened with zeros.
[[nodiscard]] inline std::vector<float> padded_rows(std::span<const double> values, std::size_t length,
                                                    std::size_t begin, std::size_t count, std::size_t width,
                                                    std::size_t rows, const std::string& where) {
  std::vector<float> padded(rows * width, 0.0F);
  for (std::size_t r = 0; r < (length == 0 ? 0 : values.size() / length); ++r) {
    for (std::size_t i = 0; i < count; ++i) {
      padded[r * width + i] = checked_float(values[r * length + begin + i], where);
    }
  }
  return padded;
}

}  // namespace detail

DNALM_INLINE attribution_writer::attribution_writer(const std::filesystem::path& path, index_t longest,
                                                    const attribution_members& members,
                                                    const std::map<std::string, std::string>& conventions)
    : path_(path),
      longest_(detail::checked_width(longest, path.string())),
      members_(members),
      conventions_(conventions),
      archive_(path) {
  one_hot_ = archive_.begin<std::int8_t>("one_hot", {4, longest_});
  if (members_.attributions) attributions_ = archive_.begin<float>("attributions", {4, longest_});
  if (members_.computed) computed_ = archive_.begin<bool>("computed", {4, longest_});
  if (members_.entropy) entropy_ = archive_.begin<float>("entropy", {longest_});
  if (members_.dependency) dependency_ = archive_.begin<float>("dependency", {longest_, longest_});
  if (members_.likeliest) {
    likeliest_letters_ = archive_.begin<std::int8_t>("likeliest_letters", {longest_});
    likeliest_tokens_ = archive_.begin<std::int32_t>("likeliest_tokens", {longest_});
  }
}

DNALM_INLINE void attribution_writer::add(const attribution_row& row) {
  const std::string where = path_.string() + ", sequence \"" + row.name + "\"";
  const std::string letters = normalize_sequence(row.sequence, unknown_policy::error, where);
  const std::size_t length = letters.size();
  const auto bases = static_cast<index_t>(length);
  const auto width = static_cast<std::size_t>(longest_);
  if (bases > longest_) {
    throw error(error_kind::shape, 885, "a sequence is longer than its file has room for",
                {.where = where, .expected = std::to_string(longest_), .found = std::to_string(bases)});
  }
  if (members_.attributions) detail::check_map(where, "attributions", bases, row.attributions);
  if (members_.computed) detail::check_map(where, "computed", bases, row.computed);
  if (members_.entropy) detail::check_part(where, "entropy", bases, row.entropy.size());
  if (members_.dependency) {
    detail::check_part(where, "dependency", checked_mul(bases, bases), row.dependency.size());
  }
  if (members_.residuals && !names_.empty()) {
    detail::check_part(where, "residuals", static_cast<index_t>(residuals_.size() / names_.size()),
                       row.residuals.size());
  }
  if (members_.tokens) detail::check_token_parts(where, row);
  if (members_.likeliest) {
    detail::check_part(where, "likeliest letters", bases, row.likeliest_letters.size());
    detail::check_part(where, "likeliest tokens", bases, row.likeliest_tokens.size());
  }
  const auto padded = [&](std::span<const double> values, std::size_t rows) {
    return detail::padded_rows(values, length, 0, length, width, rows, where);
  };
  std::vector<float> attributions;
  std::vector<float> dependency;
  std::vector<float> scores;
  if (members_.attributions) attributions = padded(row.attributions.values, 4);
  if (members_.dependency) dependency = padded(row.dependency, width);
  for (std::size_t t = 0; members_.tokens && t < row.scores.size(); ++t) {
    scores.push_back(detail::checked_float(row.scores[t], where));
  }
  // From here on nothing of the row can be refused: every member gets it, or none.
  archive_.append<std::int8_t>(one_hot_, detail::one_hot_rows(letters, 0, length, width));
  if (members_.attributions) archive_.append(attributions_, attributions);
  if (members_.dependency) archive_.append(dependency_, dependency);
  if (members_.computed) {
    const std::vector<std::byte> flags = detail::flag_rows(row.computed, width);
    archive_.append(computed_, dtype::boolean, flags);
  }
  if (members_.entropy) {
    std::vector<float> entropy(width, std::numeric_limits<float>::quiet_NaN());
    for (std::size_t i = 0; i < length; ++i) entropy[i] = static_cast<float>(row.entropy[i]);
    archive_.append(entropy_, entropy);
  }
  if (members_.likeliest) {
    std::vector<std::int8_t> codes(width, -1);
    std::vector<std::int32_t> tokens(width, -1);
    for (std::size_t i = 0; i < length; ++i) {
      const int code = base_code(row.likeliest_letters[i]);
      if (code < 4) codes[i] = static_cast<std::int8_t>(code);
      tokens[i] = row.likeliest_tokens[i];
    }
    archive_.append(likeliest_letters_, codes);
    archive_.append(likeliest_tokens_, tokens);
  }
  if (members_.tokens) {
    token_scores_.insert(token_scores_.end(), scores.begin(), scores.end());
    for (std::size_t t = 0; t < scores.size(); ++t) {
      token_ids_.push_back(row.tokens.ids[t]);
      token_begin_.push_back(static_cast<index_t>(row.tokens.begin[t]));
      token_end_.push_back(static_cast<index_t>(row.tokens.end[t]));
    }
    offsets_.push_back(static_cast<index_t>(token_ids_.size()));
  }
  names_.push_back(row.name);
  lengths_.push_back(bases);
  deltas_.push_back(row.convergence_delta);
  nodes_.push_back(row.nodes);
  within_tolerance_.push_back(row.within_tolerance ? 1 : 0);
  distinct_shuffles_.push_back(row.distinct_shuffles);
  screen_recalls_.push_back(row.screen_recall);
  residuals_.insert(residuals_.end(), row.residuals.begin(), row.residuals.end());
}

DNALM_INLINE void attribution_writer::finish() {
  const auto rows = static_cast<index_t>(names_.size());
  const std::string text =
      io::json(conventions_).dump(2, ' ', false, io::json::error_handler_t::replace) + "\n";
  archive_.add<std::uint8_t>("conventions", std::vector<std::uint8_t>(text.begin(), text.end()),
                             {static_cast<index_t>(text.size())});
  archive_.add_strings("names", names_);
  archive_.add("lengths", lengths_, {rows});
  if (members_.convergence_delta) archive_.add("convergence_delta", deltas_, {rows});
  if (members_.nodes) {
    archive_.add("nodes", nodes_, {rows});
    archive_.add("within_tolerance", within_tolerance_, {rows});
  }
  if (members_.distinct_shuffles) archive_.add("distinct_shuffles", distinct_shuffles_, {rows});
  if (members_.tokens) {
    const index_t tokens = offsets_.back();
    archive_.add("token_scores", token_scores_, {tokens});
    archive_.add("token_ids", token_ids_, {tokens});
    archive_.add("token_begin", token_begin_, {tokens});
    archive_.add("token_end", token_end_, {tokens});
    archive_.add("offsets", offsets_, {rows + 1});
  }
  if (members_.computed) archive_.add("screen_recall", screen_recalls_, {rows});
  if (members_.residuals) {
    const index_t states = rows == 0 ? 0 : static_cast<index_t>(residuals_.size()) / rows;
    archive_.add("residuals", residuals_, {rows, states});
  }
  archive_.finish();
}

DNALM_INLINE modisco_writer::modisco_writer(const std::string& prefix, index_t width)
    : prefix_(prefix),
      width_(detail::checked_width(width, prefix)),
      one_hot_file_(prefix + ".ohe.npz"),
      attribution_file_(prefix + ".attr.npz"),
      one_hot_(one_hot_file_.begin<std::int8_t>("arr_0", {4, width_})),
      attributions_(attribution_file_.begin<float>("arr_0", {4, width_})) {}

DNALM_INLINE bool modisco_writer::takes(std::string_view sequence, index_t width) {
  const auto bases = static_cast<index_t>(sequence.size());
  if (width < 1 || bases < width) return false;
  const auto begin = static_cast<std::size_t>((bases - width) / 2);
  return sequence.substr(begin, static_cast<std::size_t>(width)).find_first_of("Nn") ==
         std::string_view::npos;
}

DNALM_INLINE bool modisco_writer::add(const std::string& sequence, const nucleotide_map& attributions) {
  const index_t row = seen_;
  const std::string where = prefix_ + ", row " + std::to_string(row + 1);
  const std::string letters = normalize_sequence(sequence, unknown_policy::error, where);
  const auto bases = static_cast<index_t>(letters.size());
  detail::check_map(where, "attributions", bases, attributions);
  ++seen_;
  if (!takes(letters, width_)) return false;
  const auto begin = static_cast<std::size_t>((bases - width_) / 2);
  const auto width = static_cast<std::size_t>(width_);
  const auto cut = detail::padded_rows(attributions.values, letters.size(), begin, width, width, 4, where);
  one_hot_file_.append<std::int8_t>(one_hot_, detail::one_hot_rows(letters, begin, width, width));
  attribution_file_.append(attributions_, cut);
  rows_.push_back(row);
  return true;
}

DNALM_INLINE void modisco_writer::finish() {
  one_hot_file_.add("rows", rows_, {static_cast<index_t>(rows_.size())});
  one_hot_file_.finish();
  attribution_file_.finish();
}

DNALM_END_NAMESPACE
