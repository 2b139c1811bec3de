// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Numbers of all k-mers of a vocabulary.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tokenize/detail/packed_bases.hpp>
#include <dnalm/tokenize/literal_tokens.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Whether a token consists of the letters A, C, G, T.
[[nodiscard]] inline bool is_kmer(std::string_view token) {
  return std::all_of(token.begin(), token.end(), [](char letter) { return upper_base_code(letter) < 4; });
}

/// A vocabulary of k-mers taken apart.
struct kmer_table {
  std::size_t k = 0;
  std::vector<std::int32_t> ids = {};     ///< by packed_kmer
  std::array<std::int32_t, 4> letters{};  ///< by upper_base_code; -1 for a letter that has no token
  literal_tokens others = {};             ///< the tokens that are no k-mers
};

[[noreturn]] inline void throw_incomplete_kmers(const std::string& where, const std::string& expected,
                                                const std::string& found) {
  throw error(error_kind::config, 311, "this is no vocabulary of k-mers",
              {.where = where, .expected = expected, .found = found});
}

inline void add_kmer(kmer_table& table, const std::string& token, std::int32_t id, const std::string& where) {
  if (token.size() == 1) table.letters[upper_base_code(token[0])] = id;
  if (token.size() == table.k) table.ids[packed_kmer(token)] = id;
  if (token.size() != 1 && token.size() != table.k) {
    throw_incomplete_kmers(where, "k-mers of one length, " + std::to_string(table.k), "\"" + token + "\"");
  }
}

/// \throws error [dnalm.config.311] when the k-mers of one length in [1, 10] are not complete,
/// [dnalm.unsupported.313] for other tokens that begin with a letter of ACGT.
[[nodiscard]] inline kmer_table make_kmer_table(const std::vector<std::string>& tokens,
                                                const std::string& where) {
  constexpr std::size_t longest = 10;
  kmer_table table;
  for (const std::string& token : tokens) {
    if (is_kmer(token)) table.k = std::max(table.k, token.size());
  }
  if (table.k == 0 || table.k > longest) {
    throw_incomplete_kmers(where, "k-mers of 1 to 10 letters", std::to_string(table.k) + " letters");
  }
  table.ids.assign(std::size_t{1} << (2 * table.k), -1);
  table.letters.fill(-1);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    if (is_kmer(tokens[i])) {
      add_kmer(table, tokens[i], id, where);
    } else if (upper_base_code(tokens[i][0]) < 4) {
      throw error(error_kind::unsupported, 313, "a token of this form is not built in",
                  {.where = where,
                   .expected = "k-mers of ACGT, and other tokens that begin with another character",
                   .found = "\"" + tokens[i] + "\""});
    } else {
      table.others.add(tokens[i], id);
    }
  }
  const auto missing = std::count(table.ids.begin(), table.ids.end(), -1);
  if (missing > 0) {
    throw_incomplete_kmers(where, std::to_string(table.ids.size()) + " k-mers",
                           std::to_string(missing) + " missing");
  }
  return table;
}

}  // namespace detail
DNALM_END_NAMESPACE
