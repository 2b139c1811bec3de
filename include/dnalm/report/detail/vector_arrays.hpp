// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Vectors of any model out of an npz file: which arrays hold them, and their rows in the order of a
/// table.
#pragma once

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/embed/layer_selection.hpp>
#include <dnalm/embed/pooling.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/report/detail/slot_name.hpp>
#include <dnalm/report/evaluation_options.hpp>
#include <dnalm/report/text.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

/// One array of an npz file of embeddings and what it is.
struct vector_array {
  std::string member;
  slot_name slot;
};

/// `<pooling>/layer_<k>` as dnalm-embed writes it; nothing else.
inline std::optional<slot_name> parse_member(const std::string& member) {
  const std::size_t slash = member.find("/layer_");
  if (slash == std::string::npos) return std::nullopt;
  const std::string digits = member.substr(slash + 7);
  index_t layer = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), layer);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || layer < 0) return std::nullopt;
  return slot_name{layer, file_name_text(member.substr(0, slash))};
}

/// Names probes of every array differently: those that would share a file (`foo bar`, `foo_bar`) get a
/// suffix.
inline void make_names_unique(std::vector<vector_array>& arrays) {
  std::set<std::pair<index_t, std::string>> taken;
  for (vector_array& array : arrays) {
    const std::string wish = array.slot.pooling;
    for (int copy = 2; !taken.emplace(array.slot.layer, array.slot.pooling).second; ++copy) {
      array.slot.pooling = wish + "-" + std::to_string(copy);
    }
  }
}

/// Members that hold vectors, in the order of the file. Token matrices and the like are passed over.
inline std::vector<vector_array> find_vectors(const io::npz_reader& file) {
  std::vector<vector_array> arrays;
  for (const std::string& member : file.names()) {
    if (member == "names" || member == "token_ids" || member == "offsets" || member == "logits") continue;
    const auto slot = parse_member(member);
    if (slot && slot->pooling == "tokens") continue;
    arrays.push_back({member, slot ? *slot : slot_name{-1, file_name_text(member)}});
  }
  make_names_unique(arrays);
  return arrays;
}

/// Keeps the layers and poolings asked for; arrays without a layer stay.
inline void select_vectors(std::vector<vector_array>& arrays, const evaluation_options& options, bool layers,
                           bool poolings) {
  index_t last = 0;
  for (const vector_array& array : arrays) last = std::max(last, array.slot.layer);
  const std::vector<index_t> wanted = options.layers.resolve(last);
  std::erase_if(arrays, [&](const vector_array& array) {
    if (array.slot.layer < 0) return false;
    const bool layer_out =
        layers && std::find(wanted.begin(), wanted.end(), array.slot.layer) == wanted.end();
    const bool pooling_out =
        poolings && std::none_of(options.poolings.begin(), options.poolings.end(),
                                 [&](pooling kind) { return to_string(kind) == array.slot.pooling; });
    return layer_out || pooling_out;
  });
}

[[noreturn]] inline void rows_differ(const std::string& where, const std::string& expected,
                                     const std::string& found) {
  throw error(error_kind::input, 595, "embeddings do not match the table",
              {.where = where, .expected = expected, .found = found});
}

/// For every record of the table the row of the embeddings that has its name.
inline std::vector<index_t> match_rows(const io::npz_reader& file, const io::sequence_table& table,
                                       const std::string& where) {
  std::vector<index_t> row_of;
  if (!file.contains("names")) return row_of;
  std::map<std::string, index_t> by_name;
  const io::npy_array member = file.read("names");
  for (const std::string& name : member.texts()) {
    if (!by_name.emplace(name, static_cast<index_t>(by_name.size())).second) {
      rows_differ(where, "every name once", "'" + name + "' twice");
    }
  }
  for (const io::sequence_record& record : table.records) {
    const auto found = by_name.find(record.name);
    if (found == by_name.end()) {
      rows_differ(where, "a row for '" + record.name + "'", std::to_string(by_name.size()) + " other names");
    }
    row_of.push_back(found->second);
  }
  return row_of;
}

/// The array's rows in the order of the table.
inline matrix<float> matched_rows(const io::npy_array& array, const std::vector<index_t>& row_of,
                                  std::size_t records, const std::string& where) {
  if (array.is_text || array.shape.size() != 2 || array.shape[1] < 1) {
    rows_differ(where, "a two-dimensional array of numbers",
                std::to_string(array.shape.size()) + " dimensions");
  }
  const index_t rows = array.shape[0];
  if (row_of.empty() && rows != static_cast<index_t>(records)) {
    rows_differ(where, std::to_string(records) + " rows, as in the table", std::to_string(rows));
  }
  const std::vector<float> values = array.values<float>();
  matrix<float> matched(static_cast<index_t>(records), array.shape[1]);
  for (std::size_t i = 0; i < records; ++i) {
    const index_t from = row_of.empty() ? static_cast<index_t>(i) : row_of[i];
    if (from >= rows) rows_differ(where, "as many rows as names", std::to_string(rows));
    std::copy_n(values.begin() + from * array.shape[1], array.shape[1],
                matched.view().row_data(static_cast<index_t>(i)));
  }
  return matched;
}

}  // namespace detail
}  // namespace report
DNALM_END_NAMESPACE
