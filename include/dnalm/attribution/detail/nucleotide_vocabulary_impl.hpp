// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/nucleotide_vocabulary.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string_view>

#include <dnalm/attribution/nucleotide_vocabulary.hpp>
#include <dnalm/core/error.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The letters of a text as bytes 0 to 3 by their places in `alphabet`; empty when another stands in it.
[[nodiscard]] inline std::string codes_in(std::string_view text, std::string_view alphabet) {
  std::string codes;
  for (const char letter : text) {
    const std::size_t code = alphabet.find(letter);
    if (code == std::string_view::npos) return {};
    codes += static_cast<char>(code);
  }
  return codes;
}

/// The alphabet of which most of the first `count` tokens are made.
[[nodiscard]] inline std::string_view alphabet_of(const tokenizer& tokens, index_t count) {
  std::string_view best = "ACGT";
  index_t most = 0;
  for (const std::string_view alphabet : {"ACGT", "acgt", "ACGU"}) {
    index_t found = 0;
    for (index_t id = 0; id < count; ++id) {
      if (!codes_in(tokens.token(static_cast<int>(id)), alphabet).empty()) ++found;
    }
    if (found > most) best = alphabet;
    most = std::max(most, found);
  }
  return best;
}

/// ln of the sum of e^logit over the tokens whose letter `at` is `letter`.
[[nodiscard]] inline double log_sum(vector_view<const float> logits, const std::vector<std::int32_t>& ids,
                                    const std::vector<std::string>& codes, std::size_t at, char letter) {
  double most = -std::numeric_limits<double>::infinity();
  for (const std::int32_t id : ids) {
    if (codes[static_cast<std::size_t>(id)][at] == letter) most = std::max(most, double(logits[id]));
  }
  if (!std::isfinite(most)) return most;
  double sum = 0.0;
  for (const std::int32_t id : ids) {
    if (codes[static_cast<std::size_t>(id)][at] == letter) sum += std::exp(double(logits[id]) - most);
  }
  return most + std::log(sum);
}

}  // namespace detail

DNALM_INLINE nucleotide_vocabulary::nucleotide_vocabulary(const tokenizer& tokens, index_t columns) {
  const index_t count = std::min(tokens.vocabulary_size(), columns);
  const std::string_view alphabet = detail::alphabet_of(tokens, count);
  codes_.resize(static_cast<std::size_t>(count));
  for (index_t id = 0; id < count; ++id) {
    if (tokens.special().is_special(static_cast<int>(id))) continue;
    std::string codes = detail::codes_in(tokens.token(static_cast<int>(id)), alphabet);
    if (codes.empty()) continue;
    if (codes.size() >= by_length_.size()) by_length_.resize(codes.size() + 1);
    by_length_[codes.size()].push_back(static_cast<std::int32_t>(id));
    ids_.emplace(codes, static_cast<std::int32_t>(id));
    codes_[static_cast<std::size_t>(id)] = std::move(codes);
  }
  if (ids_.empty()) {
    throw error(error_kind::unsupported, 852, "a vocabulary without tokens of A, C, G, T",
                {.expected = "a tokenizer of DNA", .found = tokens.description()});
  }
}

DNALM_INLINE nucleotide_map nucleotide_vocabulary::read(vector_view<const float> logits, std::int32_t id,
                                                        letter_reading reading) const {
  if (reading == letter_reading::conditional) return read_conditional(logits, id);
  return read_marginal(logits, letters(id));
}

/// All sums from one exponential a token; a sum that underflows, or is of one token, is made by itself.
DNALM_INLINE nucleotide_map nucleotide_vocabulary::read_marginal(vector_view<const float> logits,
                                                                 index_t length) const {
  nucleotide_map weights(length);
  const std::vector<std::int32_t>& ids = by_length_[static_cast<std::size_t>(length)];
  double most = -std::numeric_limits<double>::infinity();
  for (const std::int32_t id : ids) most = std::max(most, double(logits[id]));
  if (ids.size() > 4) {
    for (const std::int32_t id : ids) {
      const double share = std::exp(double(logits[id]) - most);
      const std::string& codes = codes_[static_cast<std::size_t>(id)];
      for (index_t at = 0; at < length; ++at) weights(codes[static_cast<std::size_t>(at)], at) += share;
    }
  }
  for (index_t at = 0; at < length; ++at) {
    for (index_t letter = 0; letter < 4; ++letter) {
      double& weight = weights(letter, at);
      weight =
          weight > std::numeric_limits<double>::min()
              ? most + std::log(weight)
              : detail::log_sum(logits, ids, codes_, static_cast<std::size_t>(at), static_cast<char>(letter));
    }
  }
  return weights;
}

DNALM_INLINE nucleotide_map nucleotide_vocabulary::read_conditional(vector_view<const float> logits,
                                                                    std::int32_t id) const {
  std::string codes = codes_[static_cast<std::size_t>(id)];
  nucleotide_map weights(static_cast<index_t>(codes.size()));
  for (index_t at = 0; at < weights.length; ++at) {
    char& place = codes[static_cast<std::size_t>(at)];
    const char here = place;
    for (index_t letter = 0; letter < 4; ++letter) {
      place = static_cast<char>(letter);
      const auto token = ids_.find(codes);
      weights(letter, at) =
          token == ids_.end() ? -std::numeric_limits<double>::infinity() : double(logits[token->second]);
    }
    place = here;
  }
  return weights;
}

/// H = ln S - sum of e^d d / S with d = logit - the largest and S = sum of e^d.
DNALM_INLINE double softmax_entropy_bits(vector_view<const float> logits) {
  double most = -std::numeric_limits<double>::infinity();
  for (const float logit : logits) most = std::max(most, double(logit));
  double sum = 0.0;
  double weighted = 0.0;
  for (const float logit : logits) {
    const double gap = double(logit) - most;
    const double share = std::exp(gap);
    sum += share;
    weighted += share > 0.0 ? share * gap : 0.0;
  }
  return (std::log(sum) - weighted / sum) * std::numbers::log2e;
}

DNALM_END_NAMESPACE
