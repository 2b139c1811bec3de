// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/evaluation.hpp: lists of baselines and probes as words.
#pragma once

#include <algorithm>

#include <dnalm/core/error.hpp>
#include <dnalm/report/evaluation.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

DNALM_INLINE std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t comma = text.find(',');
    words.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return words;
    text.remove_prefix(comma + 1);
  }
}

[[noreturn]] DNALM_INLINE void comes_later(const std::string& what, const std::string& now) {
  throw error(error_kind::unsupported, 593,
              what + " is not built in yet; it comes with a later release of dnalm",
              {.expected = now, .found = what});
}

template <class Kind>
void add_once(std::vector<Kind>& kinds, Kind kind, const std::string& word) {
  if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) {
    throw error(error_kind::usage, 592, "a list names something twice", {.found = "'" + word + "'"});
  }
  kinds.push_back(kind);
}

}  // namespace detail

DNALM_INLINE std::vector<baseline_kind> parse_baselines(std::string_view text) {
  std::vector<baseline_kind> kinds;
  if (text == "none") return kinds;
  for (const std::string& word : detail::split_list(text)) {
    if (word == "cnn") detail::comes_later("baseline cnn", "onehot, kmer, random or none");
    if (word != "onehot" && word != "kmer" && word != "random") {
      throw error(error_kind::usage, 592, "unknown baseline",
                  {.expected = "onehot, kmer, random or none", .found = "'" + word + "'"});
    }
    detail::add_once(kinds,
                     word == "onehot" ? baseline_kind::onehot
                     : word == "kmer" ? baseline_kind::kmer
                                      : baseline_kind::random,
                     word);
  }
  return kinds;
}

DNALM_INLINE std::vector<probe_kind> parse_probes(std::string_view text) {
  std::vector<probe_kind> kinds;
  for (const std::string& word : detail::split_list(text)) {
    if (word == "mlp" || word == "cnn") detail::comes_later("probe " + word, "ridge or logistic");
    if (word != "ridge" && word != "logistic") {
      throw error(error_kind::usage, 592, "unknown probe",
                  {.expected = "ridge or logistic", .found = "'" + word + "'"});
    }
    detail::add_once(kinds, word == "ridge" ? probe_kind::ridge : probe_kind::logistic, word);
  }
  return kinds;
}

}  // namespace report
DNALM_END_NAMESPACE
