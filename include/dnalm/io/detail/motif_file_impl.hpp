// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of io/motif_file.hpp.
#pragma once

#include <charconv>
#include <cmath>
#include <string_view>
#include <system_error>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/text.hpp>
#include <dnalm/io/line_reader.hpp>
#include <dnalm/io/motif_file.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {
namespace detail {

constexpr std::size_t most_motif_columns = 10000;

[[noreturn]] inline void throw_motif_line(const line_reader& lines, const std::string& expected,
                                          std::string_view line) {
  throw error(error_kind::format, 155, "a file of motifs breaks its format",
              {.where = lines.where(), .expected = expected, .found = line_excerpt(line)});
}

/// Takes the first word off a line; empty at its end.
[[nodiscard]] inline std::string_view take_word(std::string_view& line) {
  const std::size_t begin = line.find_first_not_of(" \t\v\f");
  if (begin == std::string_view::npos) return line = {};
  line.remove_prefix(begin);
  const std::string_view word = line.substr(0, line.find_first_of(" \t\v\f"));
  line.remove_prefix(word.size());
  return word;
}

/// A finite number from 0 that is the whole word; false for anything else.
[[nodiscard]] inline bool read_amount(std::string_view word, double& value) {
  const char* end = word.data() + word.size();
  const auto [stop, status] = std::from_chars(word.data(), end, value);
  return status == std::errc() && stop == end && std::isfinite(value) && value >= 0;
}

/// The number behind `key` in a line such as `alength= 4 w= 19`; nothing when the key is not there.
[[nodiscard]] inline std::optional<double> amount_behind(const line_reader& lines, std::string_view line,
                                                         std::string_view key) {
  std::string_view rest = line;
  while (!rest.empty()) {
    std::string_view word = take_word(rest);
    if (!word.starts_with(key)) continue;
    word.remove_prefix(key.size());
    if (word.empty()) word = take_word(rest);
    double value = 0;
    if (!read_amount(word, value)) throw_motif_line(lines, "a number behind " + std::string(key), line);
    return value;
  }
  return std::nullopt;
}

/// Four numbers of one line, nothing behind them; false when the line begins with something else.
[[nodiscard]] inline bool read_four(const line_reader& lines, std::string_view line,
                                    std::array<double, 4>& values) {
  std::string_view rest = line;
  for (std::size_t i = 0; i < 4; ++i) {
    if (read_amount(take_word(rest), values[i])) continue;
    if (i == 0) return false;
    throw_motif_line(lines, "four numbers from 0, in the order A C G T", line);
  }
  if (!take_word(rest).empty()) throw_motif_line(lines, "four numbers and nothing behind them", line);
  return true;
}

/// MEME, version 4.
class meme_parser {
 public:
  explicit meme_parser(line_reader& lines) : lines_(lines) {}

  [[nodiscard]] motif_list parse() {
    std::string_view line;
    while (next_filled_line(lines_, line)) take_line(line);
    end_motif();
    return std::move(list_);
  }

 private:
  void take_line(std::string_view line) {
    std::string_view rest = line;
    const std::string_view word = take_word(rest);
    if (word.starts_with("ALPHABET")) check_alphabet(line);
    if (line.starts_with("Background letter frequencies")) read_background();
    if (word == "MOTIF") begin_motif(rest);
    if (line.starts_with("letter-probability matrix:")) read_matrix(std::string(line));
  }

  void check_alphabet(std::string_view line) const {
    std::string_view letters = line.substr(std::string_view("ALPHABET").size());
    if (letters.starts_with('=')) letters.remove_prefix(1);
    std::string_view rest = letters;
    const std::string_view word = take_word(rest);
    if (word == "ACGT" || word == "\"DNA\"") return;
    throw error(error_kind::unsupported, 156, "motifs of another alphabet than DNA",
                {.where = lines_.where(), .expected = "ALPHABET= ACGT", .found = line_excerpt(line)});
  }

  void begin_motif(std::string_view rest) {
    end_motif();
    named_ = true;
    list_.motifs.emplace_back();
    list_.motifs.back().name = take_word(rest);
    list_.motifs.back().alternate = take_word(rest);
    if (list_.motifs.back().name.empty()) throw_motif_line(lines_, "a name behind MOTIF", "MOTIF");
  }

  /// Every name must be followed by a matrix.
  void end_motif() {
    if (!named_) return;
    throw error(error_kind::format, 155, "a file of motifs breaks its format",
                {.where = lines_.name() + ", motif \"" + list_.motifs.back().name + "\"",
                 .expected = "a letter-probability matrix"});
  }

  void read_background() {
    std::string text;
    std::string_view line;
    std::array<double, 4> values{};
    for (std::size_t i = 0; i < 4; ++i) {
      std::string_view rest = text;
      std::string_view letter = take_word(rest);
      if (letter.empty()) {
        if (!next_filled_line(lines_, line)) throw_motif_line(lines_, "A 0.25 C 0.25 G 0.25 T 0.25", "");
        text = line;
        rest = text;
        letter = take_word(rest);
      }
      const bool right = letter == std::string_view("ACGT").substr(i, 1);
      if (!right || !read_amount(take_word(rest), values[i]) || values[i] == 0) {
        throw_motif_line(lines_, "frequencies above 0, as in A 0.25 C 0.25 G 0.25 T 0.25", text);
      }
      text = std::string(rest);
    }
    list_.background = scaled(values, "frequencies whose sum is 1", "Background letter frequencies");
  }

  void read_matrix(const std::string& header) {
    if (!named_) throw_motif_line(lines_, "a line MOTIF before its matrix", header);
    const double letters = amount_behind(lines_, header, "alength=").value_or(4);
    const double width = amount_behind(lines_, header, "w=").value_or(-1);
    double sites = amount_behind(lines_, header, "nsites=").value_or(20);
    if (letters != 4) throw_motif_line(lines_, "alength= 4", header);
    if (sites == 0) sites = 20;
    std::vector<double>& counts = list_.motifs.back().counts;
    std::string_view line;
    std::array<double, 4> row{};
    while (next_filled_line(lines_, line)) {
      if (static_cast<double>(counts.size()) == 4 * width || !read_four(lines_, line, row)) {
        lines_.put_back();
        break;
      }
      for (const double p : scaled(row, "probabilities whose sum is 1", line)) counts.push_back(p * sites);
      if (counts.size() > 4 * most_motif_columns) throw_motif_line(lines_, "at most 10000 columns", line);
    }
    if (counts.empty() || (width >= 0 && static_cast<double>(counts.size()) != 4 * width)) {
      throw_motif_line(lines_, "as many rows of four probabilities as w= says", header);
    }
    named_ = false;
  }

  /// The row with a sum of 1; files round to a few digits.
  [[nodiscard]] std::array<double, 4> scaled(std::array<double, 4> row, const std::string& expected,
                                             std::string_view line) const {
    const double sum = row[0] + row[1] + row[2] + row[3];
    if (std::abs(sum - 1) > 0.02) throw_motif_line(lines_, expected, line);
    for (double& value : row) value /= sum;
    return row;
  }

  line_reader& lines_;
  motif_list list_;
  bool named_ = false;  // a name was read, its matrix not yet
};

/// One row of a JASPAR matrix: `A [ 4 19 0 ]`, or numbers only.
[[nodiscard]] inline std::vector<double> jaspar_row(const line_reader& lines, std::string_view line,
                                                    char letter) {
  std::string text(line);
  for (char& c : text) {
    if (c == '[' || c == ']') c = ' ';
  }
  std::string_view rest = text;
  std::string_view word = take_word(rest);
  const bool lettered = word.size() == 1 && std::string_view("ACGT").find(word[0]) != std::string_view::npos;
  if (lettered && word[0] != letter) {
    throw_motif_line(lines, "rows in the order A, C, G, T", line);
  }
  if (lettered) word = take_word(rest);
  std::vector<double> row;
  for (; !word.empty(); word = take_word(rest)) {
    double value = 0;
    if (!read_amount(word, value)) throw_motif_line(lines, "counts from 0", line);
    row.push_back(value);
    if (row.size() > most_motif_columns) throw_motif_line(lines, "at most 10000 columns", line);
  }
  if (row.empty()) throw_motif_line(lines, "counts", line);
  return row;
}

/// One JASPAR motif, its header read already.
[[nodiscard]] inline motif jaspar_motif(line_reader& lines, const std::string& header) {
  motif found;
  std::string_view rest = std::string_view(header).substr(1);
  found.name = take_word(rest);
  found.alternate = take_word(rest);
  if (found.name.empty()) throw_motif_line(lines, "a name behind >", header);
  std::array<std::vector<double>, 4> rows;
  std::string_view line;
  for (std::size_t a = 0; a < 4; ++a) {
    const bool there = next_filled_line(lines, line);
    if (!there || line.starts_with('>')) {
      throw_motif_line(lines, "four rows of counts, A, C, G and T", there ? line : "the end of the file");
    }
    rows[a] = jaspar_row(lines, line, "ACGT"[a]);
    if (rows[a].size() != rows[0].size()) throw_motif_line(lines, "rows of the same length", line);
  }
  for (std::size_t i = 0; i < rows[0].size(); ++i) {
    double sum = 0;
    for (const auto& row : rows) {
      found.counts.push_back(row[i]);
      sum += row[i];
    }
    if (!(sum > 0) || !std::isfinite(sum)) throw_motif_line(lines, "a count above 0 in each column", line);
  }
  return found;
}

/// Whether a line is a MEME header of version 4 (or later, which keeps the form).
[[nodiscard]] inline bool is_meme_header(std::string_view line) {
  return take_word(line) == "MEME" && take_word(line) == "version" && line.size() >= 2 && line[1] >= '4' &&
         line[1] <= '9';
}

}  // namespace detail

DNALM_INLINE motif_list read_motifs(const std::filesystem::path& path) {
  line_reader lines(path);
  motif_list list;
  std::string_view line;
  bool filled = detail::next_filled_line(lines, line);
  while (filled && line.starts_with('#')) filled = detail::next_filled_line(lines, line);
  if (filled && detail::is_meme_header(line)) {
    list = detail::meme_parser(lines).parse();
    filled = false;
  }
  while (filled) {
    if (!line.starts_with('>')) {
      detail::throw_motif_line(lines, "\"MEME version 4\" or a header that begins with >", line);
    }
    list.motifs.push_back(detail::jaspar_motif(lines, std::string(line)));
    filled = detail::next_filled_line(lines, line);
  }
  if (list.motifs.empty()) {
    throw error(error_kind::input, 157, "a file holds no motif", {.where = lines.name()});
  }
  return list;
}

}  // namespace io
DNALM_END_NAMESPACE
