// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Baselines of the user for dnalm-attribute: sequences, or weights of the letters.
#pragma once

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/io/sequence_record.hpp>

namespace program {
namespace detail {

/// \throws error [dnalm.input.745].
[[noreturn]] inline void refuse_baseline_file(const std::string& where, const std::string& expected,
                                              const std::string& found) {
  throw dnalm::error(dnalm::error_kind::input, 745, "a baseline that does not fit its sequence",
                     {.where = where, .expected = expected, .found = found});
}

/// The first four bytes of a regular file; of a pipe none, they would be lost to who reads it.
[[nodiscard]] inline std::string first_bytes(const std::string& file) {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(file, problem)) return {};
  std::ifstream in(file, std::ios::binary);
  std::string bytes(4, '\0');
  in.read(bytes.data(), 4);
  return bytes;
}

/// The array of an npy file, of an npz the only one or `baseline`.
[[nodiscard]] inline dnalm::io::npy_array array_of_file(const std::string& file, bool archive) {
  if (!archive) return dnalm::io::read_npy(file);
  const dnalm::io::npz_reader arrays(file);
  const auto& names = arrays.names();
  return arrays.read(names.size() == 1 ? names.front() : std::string("baseline"));
}

/// Weights of one sequence from rows (length, 4); what lies behind its end has to be 0.
[[nodiscard]] inline dnalm::nucleotide_map weights_of_rows(const std::vector<double>& values,
                                                           std::size_t first, std::size_t rows,
                                                           std::size_t length, const std::string& where) {
  dnalm::nucleotide_map map(static_cast<dnalm::index_t>(length));
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t a = 0; a < 4; ++a) {
      const double value = values[first + 4 * i + a];
      const bool fine = std::isfinite(value) && value >= 0 && (i < length || value == 0);
      if (!fine) {
        refuse_baseline_file(where + ", row " + std::to_string(i),
                             i < length ? "finite weights from 0" : "0 behind the end of the sequence",
                             std::to_string(value));
      }
      if (i < length) map(static_cast<dnalm::index_t>(a), static_cast<dnalm::index_t>(i)) = value;
    }
  }
  return map;
}

/// Baselines of an array (L, 4) for all sequences, or (N, L, 4).
[[nodiscard]] inline std::vector<dnalm::nucleotide_map> array_baselines(
    const std::string& file, const dnalm::io::npy_array& array,
    const std::vector<dnalm::io::sequence_record>& records) {
  std::string shape;
  for (const auto extent : array.shape) shape += (shape.empty() ? "" : " x ") + std::to_string(extent);
  const auto count = static_cast<dnalm::index_t>(records.size());
  const std::size_t axes = array.shape.size();
  const bool shared = axes == 2;
  const bool known = axes == 2 || (axes == 3 && array.shape[0] == count);
  if (!known || array.shape.back() != 4 || array.is_text) {
    refuse_baseline_file(file, "numbers L x 4 or " + std::to_string(count) + " x L x 4", shape);
  }
  const auto rows = static_cast<std::size_t>(array.shape[axes - 2]);
  const std::vector<double> values = array.values<double>();
  std::vector<dnalm::nucleotide_map> maps;
  for (std::size_t s = 0; s < records.size(); ++s) {
    const std::size_t length = records[s].sequence.size();
    const std::string where = file + ", sequence '" + records[s].name + "'";
    if (rows < length || (shared && rows != length)) {
      refuse_baseline_file(where, std::to_string(length) + " rows", std::to_string(rows));
    }
    maps.push_back(weights_of_rows(values, shared ? 0 : 4 * rows * s, rows, length, where));
  }
  return maps;
}

/// Baselines that are sequences: by name, or one for all.
[[nodiscard]] inline std::vector<dnalm::nucleotide_map> sequence_baselines(
    const std::string& file, const std::vector<dnalm::io::sequence_record>& records,
    dnalm::unknown_policy unknown) {
  const auto given = dnalm::io::read_sequences(file, {.unknown = unknown}).records;
  std::map<std::string, const std::string*> by_name;
  for (const auto& one : given) by_name.emplace(one.name, &one.sequence);  // the reader takes no name twice
  std::vector<dnalm::nucleotide_map> maps;
  for (const auto& record : records) {
    const auto own = by_name.find(record.name);
    const std::string where = file + ", sequence '" + record.name + "'";
    if (given.size() != 1 && own == by_name.end()) {
      refuse_baseline_file(where, "a record of its name, or one record for all sequences",
                           std::to_string(given.size()) + " records of other names");
    }
    const std::string& letters = own != by_name.end() ? *own->second : given.front().sequence;
    if (letters.size() != record.sequence.size()) {
      refuse_baseline_file(where, std::to_string(record.sequence.size()) + " letters",
                           std::to_string(letters.size()));
    }
    maps.push_back(dnalm::one_hot_map(letters));
  }
  return maps;
}

}  // namespace detail

/// The baseline of each record: from npz or npy weights (N, L, 4) in the order of the records, or (L, 4) for
/// all of them; else from a file of sequences of the records' names, or of one for all, read as `unknown`
/// says. N is a column of zeros. What is no regular file (a pipe) holds sequences. \throws error
/// [dnalm.input.745] another shape, number or length, no record of a name, a weight that is negative or not
/// finite; as npz_reader, read_npy, read_sequences.
[[nodiscard]] inline std::vector<dnalm::nucleotide_map> read_baselines(
    const std::string& file, const std::vector<dnalm::io::sequence_record>& records,
    dnalm::unknown_policy unknown) {
  const std::string bytes = detail::first_bytes(file);
  const bool archive = bytes.starts_with("PK");
  if (archive || bytes == "\x93NUM") {
    return detail::array_baselines(file, detail::array_of_file(file, archive), records);
  }
  return detail::sequence_baselines(file, records, unknown);
}

}  // namespace program
