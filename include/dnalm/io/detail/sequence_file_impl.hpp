// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of io/sequence_file.hpp.
#pragma once

#include <string_view>
#include <unordered_map>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/text.hpp>
#include <dnalm/io/fasta.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/io/table.hpp>
#include <dnalm/io/two_bit.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {
namespace detail {

[[nodiscard]] inline std::string where_record(const std::string& where, const std::string& name) {
  return where + ", record \"" + name + "\"";
}

template <class Reader>
void read_records(Reader reader, const line_reader& lines, unknown_policy unknown, sequence_table& table) {
  sequence_record record;
  while (reader.next(record)) {
    record.sequence = normalize_sequence(record.sequence, unknown, where_record(lines.name(), record.name));
    table.records.push_back(std::move(record));
  }
}

/// Where a table has its columns; -1 for those it has not.
struct sequence_columns {
  index_t sequence = -1;
  index_t name = -1;
  index_t split = -1;
  index_t group = -1;
  std::vector<index_t> labels = {};
};

[[noreturn]] inline void throw_header(const table_reader& reader, const std::string& what,
                                      const std::string& expected) {
  std::string found;
  for (const std::string& column : reader.columns()) found += (found.empty() ? "" : " ") + column;
  if (found.size() > 200) found = found.substr(0, 200) + "...";
  throw error(error_kind::format, 185, what, {.where = reader.where(), .expected = expected, .found = found});
}

[[nodiscard]] inline sequence_columns find_columns(const table_reader& reader, sequence_table& table) {
  sequence_columns at{.sequence = reader.find("sequence"),
                      .name = reader.find("name"),
                      .split = reader.find("split"),
                      .group = reader.find("group")};
  if (at.sequence < 0) {
    throw_header(reader, "this is neither FASTA nor FASTQ nor a table of sequences",
                 "a header with the column \"sequence\"");
  }
  constexpr std::string_view prefix = "label.";
  for (std::size_t i = 0; i < reader.columns().size(); ++i) {
    const std::string& column = reader.columns()[i];
    if (column != "label" && !column.starts_with(prefix)) continue;
    const std::string target = column == "label" ? column : column.substr(prefix.size());
    if (target.empty()) throw_header(reader, "a label has no name", "label.<target>");
    at.labels.push_back(static_cast<index_t>(i));
    table.targets.push_back(target);
  }
  if (reader.find("label") >= 0 && table.targets.size() > 1) {
    throw_header(reader, "both forms of label in one table", "either label, or label.<target> columns");
  }
  table.has_split = at.split >= 0;
  table.has_group = at.group >= 0;
  return at;
}

inline void check_split(const std::string& split, const std::string& where) {
  if (split == "train" || split == "valid" || split == "test") return;
  throw error(error_kind::input, 190, "unknown split",
              {.where = where, .expected = "train, valid or test", .found = "\"" + split + "\""});
}

inline void check_name(const std::string& name, const std::string& where) {
  for (const char letter : name) {
    if (static_cast<unsigned char>(letter) < 0x20) {
      throw error(error_kind::input, 195, "a name or group holds a tab or a line end", {.where = where});
    }
  }
}

[[nodiscard]] inline sequence_record make_record(const table_reader& reader, const sequence_columns& at,
                                                 std::vector<std::string>& fields, index_t number,
                                                 unknown_policy unknown) {
  const auto take = [&](index_t column) { return std::move(fields[static_cast<std::size_t>(column)]); };
  sequence_record record;
  record.number = number;
  if (at.name >= 0) record.name = take(at.name);
  if (record.name.empty()) record.name = std::to_string(number);
  const std::string where = where_record(reader.where(), record.name);
  check_name(record.name, where);
  record.sequence = normalize_sequence(take(at.sequence), unknown, where);
  if (record.sequence.empty()) throw_empty_sequence(reader.where(), record.name);
  for (const index_t column : at.labels) {
    const auto i = static_cast<std::size_t>(column);
    record.labels.push_back(
        parse_number(fields[i], reader.where() + ", column \"" + reader.columns()[i] + "\""));
  }
  if (at.split >= 0) check_split(record.split = take(at.split), where);
  if (at.group >= 0) record.group = take(at.group);
  check_name(record.group, where);
  if (at.group >= 0 && record.group.empty()) {
    throw error(error_kind::input, 191, "empty group",
                {.where = where, .expected = "a chromosome or cluster"});
  }
  return record;
}

inline void read_table(line_reader& lines, unknown_policy unknown, sequence_table& table) {
  table_reader reader(lines);
  const sequence_columns at = find_columns(reader, table);
  std::vector<std::string> fields;
  for (index_t number = 0; reader.next(fields); ++number) {
    table.records.push_back(make_record(reader, at, fields, number, unknown));
  }
}

inline void read_two_bit(const std::filesystem::path& path, unknown_policy unknown, sequence_table& table) {
  const two_bit_file genome(path);
  const soft_mask mask = unknown == unknown_policy::literal ? soft_mask::lower : soft_mask::upper;
  for (const two_bit_entry& entry : genome.sequences()) {
    sequence_record record{.name = entry.name, .number = static_cast<index_t>(table.records.size())};
    check_name(record.name, where_record(table.file, record.name));
    if (entry.length == 0) throw_empty_sequence(table.file, record.name);
    record.sequence = genome.sequence(entry.name, mask);
    table.records.push_back(std::move(record));
  }
}

inline void read_text(const std::filesystem::path& file, const sequence_file_options& options,
                      sequence_table& table) {
  line_reader lines(file, options.limits);
  table.file = lines.name();
  std::string_view line;
  if (!next_filled_line(lines, line)) return;
  const char mark = line.front();
  lines.put_back();
  if (mark == '>') {
    read_records(fasta_reader(lines), lines, options.unknown, table);
  } else if (mark == '@') {
    read_records(fastq_reader(lines), lines, options.unknown, table);
  } else {
    read_table(lines, options.unknown, table);
  }
}

inline void check_names(const sequence_table& table) {
  std::unordered_map<std::string_view, index_t> first;
  first.reserve(table.records.size());
  for (const sequence_record& record : table.records) {
    const auto [known, fresh] = first.emplace(record.name, record.number);
    if (fresh) continue;
    throw error(error_kind::input, 192, "two records have one name",
                {.where = table.file,
                 .expected = "unique names",
                 .found = "\"" + record.name + "\" in record " + std::to_string(known->second + 1) +
                          " and in record " + std::to_string(record.number + 1)});
  }
}

}  // namespace detail

DNALM_INLINE sequence_table read_sequences(const std::filesystem::path& file,
                                           const sequence_file_options& options) {
  sequence_table table{.file = file.string()};
  if (file != "-" && is_two_bit(file)) {
    detail::read_two_bit(file, options.unknown, table);
  } else {
    detail::read_text(file, options, table);
  }
  if (table.records.empty()) {
    throw error(error_kind::input, 193, "the file holds no records",
                {.where = table.file,
                 .expected = "FASTA, FASTQ, 2bit or a table with a header and at least one row"});
  }
  detail::check_names(table);
  return table;
}

}  // namespace io
DNALM_END_NAMESPACE
