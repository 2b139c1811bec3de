// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of io/fasta.hpp.
#pragma once

#include <string_view>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/text.hpp>
#include <dnalm/io/fasta.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {
DNALM_INLINE bool fasta_reader::next(sequence_record& record) {
  std::string_view line;
  if (!detail::next_filled_line(lines_, line)) return false;
  if (!line.starts_with('>')) {
    throw error(error_kind::format, 180, "text before the first FASTA header",
                {.where = lines_.where(),
                 .expected = "a line that begins with >",
                 .found = detail::line_excerpt(line)});
  }
  const index_t header_line = lines_.line_number();
  record = {};
  record.number = number_++;
  record.name = detail::name_of_header(line, record.number);
  while (detail::next_filled_line(lines_, line)) {
    if (line.starts_with('>')) {
      lines_.put_back();
      break;
    }
    record.sequence += line;
  }
  if (record.sequence.empty()) detail::throw_empty_sequence(lines_.where(header_line), record.name);
  return true;
}

namespace detail {

/// The next line of a FASTQ record, which must be there.
[[nodiscard]] inline std::string_view fastq_line(line_reader& lines, const sequence_record& record,
                                                 const std::string& expected) {
  std::string_view line;
  if (!lines.next(line)) {
    throw error(error_kind::format, 182, "a FASTQ record is cut",
                {.where = lines.where() + ", record \"" + record.name + "\"",
                 .expected = expected,
                 .found = "the end of the file"});
  }
  return trim_right(line);
}

[[noreturn]] inline void throw_fastq(const line_reader& lines, const std::string& expected,
                                     std::string_view line) {
  throw error(error_kind::format, 182, "a line breaks the FASTQ format of four lines a record",
              {.where = lines.where(), .expected = expected, .found = line_excerpt(line)});
}

}  // namespace detail

DNALM_INLINE bool fastq_reader::next(sequence_record& record) {
  std::string_view line;
  if (!detail::next_filled_line(lines_, line)) return false;
  if (!line.starts_with('@')) detail::throw_fastq(lines_, "a header that begins with @", line);
  record = {};
  record.number = number_++;
  record.name = detail::name_of_header(line, record.number);
  record.sequence = detail::fastq_line(lines_, record, "letters");
  if (record.sequence.empty()) detail::throw_empty_sequence(lines_.where(), record.name);
  line = detail::fastq_line(lines_, record, "a line that begins with +");
  if (!line.starts_with('+')) detail::throw_fastq(lines_, "a line that begins with +", line);
  line = detail::fastq_line(lines_, record, "qualities");
  for (const char quality : line) {
    if (quality < '!' || quality > '~') detail::throw_fastq(lines_, "qualities from ! to ~", line);
  }
  if (line.size() != record.sequence.size()) {
    throw error(error_kind::format, 183, "letters and qualities of a FASTQ record differ in number",
                {.where = lines_.where() + ", record \"" + record.name + "\"",
                 .expected = std::to_string(record.sequence.size()) + " qualities",
                 .found = std::to_string(line.size())});
  }
  return true;
}

}  // namespace io
DNALM_END_NAMESPACE
