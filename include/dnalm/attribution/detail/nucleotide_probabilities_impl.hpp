// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/nucleotide_probabilities.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <dnalm/attribution/nucleotide_probabilities.hpp>
#include <dnalm/core/error.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// \throws error [dnalm.shape.851] when `found` is not `expected`.
inline void check_positions(index_t expected, std::size_t found, const char* what) {
  if (expected == static_cast<index_t>(found)) return;
  throw error(error_kind::shape, 851, std::string("a map and its ") + what + " differ in length",
              {.expected = std::to_string(expected), .found = std::to_string(found)});
}

/// Whether position i has a prediction.
[[nodiscard]] inline bool is_predicted(const nucleotide_map& map, index_t i) {
  return !std::isnan(map(0, i));
}

}  // namespace detail

DNALM_INLINE nucleotide_map log_probabilities_of(const nucleotide_map& log_weights) {
  nucleotide_map result(log_weights.length);
  for (index_t i = 0; i < result.length; ++i) {
    double most = -std::numeric_limits<double>::infinity();
    bool known = true;
    for (index_t a = 0; a < 4; ++a) {
      known = known && !std::isnan(log_weights(a, i));
      most = std::max(most, log_weights(a, i));
    }
    double sum = 0.0;
    for (index_t a = 0; a < 4; ++a) sum += std::exp(log_weights(a, i) - most);
    known = known && std::isfinite(most);
    for (index_t a = 0; a < 4; ++a) {
      result(a, i) =
          known ? log_weights(a, i) - most - std::log(sum) : std::numeric_limits<double>::quiet_NaN();
    }
  }
  return result;
}

DNALM_INLINE nucleotide_map probabilities(const nucleotide_map& log_probabilities) {
  nucleotide_map result(log_probabilities.length);
  for (index_t i = 0; i < result.length; ++i) {
    if (!detail::is_predicted(log_probabilities, i)) continue;
    for (index_t a = 0; a < 4; ++a) result(a, i) = std::exp(log_probabilities(a, i));
  }
  return result;
}

DNALM_INLINE std::vector<double> entropy_bits(const nucleotide_map& log_probabilities) {
  std::vector<double> result(static_cast<std::size_t>(log_probabilities.length),
                             std::numeric_limits<double>::quiet_NaN());
  for (index_t i = 0; i < log_probabilities.length; ++i) {
    if (!detail::is_predicted(log_probabilities, i)) continue;
    double sum = 0.0;
    for (index_t a = 0; a < 4; ++a) {
      const double log_p = log_probabilities(a, i);
      if (std::isfinite(log_p)) sum -= std::exp(log_p) * log_p;
    }
    result[static_cast<std::size_t>(i)] = std::clamp(sum * std::numbers::log2e, 0.0, 2.0);
  }
  return result;
}

DNALM_INLINE std::vector<double> information_bits(const nucleotide_map& log_probabilities) {
  std::vector<double> result = entropy_bits(log_probabilities);
  for (double& value : result) value = 2.0 - value;
  return result;
}

DNALM_INLINE nucleotide_map log_odds_bits(const nucleotide_map& log_probabilities,
                                          std::span<const double> background) {
  double sum = 0.0;
  bool usable = background.size() == 4;
  for (const double share : background) {
    usable = usable && std::isfinite(share) && share > 0;
    sum += share;
  }
  if (!usable || !std::isfinite(sum)) {
    throw error(
        error_kind::usage, 850, "a background that is no distribution of letters",
        {.expected = "four positive numbers", .found = std::to_string(background.size()) + " numbers"});
  }
  nucleotide_map result(log_probabilities.length);
  for (index_t i = 0; i < result.length; ++i) {
    if (!detail::is_predicted(log_probabilities, i)) continue;
    for (index_t a = 0; a < 4; ++a) {
      const double share = background[static_cast<std::size_t>(a)] / sum;
      result(a, i) = (log_probabilities(a, i) - std::log(share)) * std::numbers::log2e;
    }
  }
  return result;
}

DNALM_INLINE nucleotide_map log_likelihood_ratios(const nucleotide_map& log_probabilities,
                                                  std::string_view sequence) {
  detail::check_positions(log_probabilities.length, sequence.size(), "sequence");
  nucleotide_map result(log_probabilities.length);
  for (index_t i = 0; i < result.length; ++i) {
    const int letter = base_code(sequence[static_cast<std::size_t>(i)]);
    if (letter > 3 || !detail::is_predicted(log_probabilities, i)) continue;
    for (index_t b = 0; b < 4; ++b) {
      if (b != letter) result(b, i) = log_probabilities(b, i) - log_probabilities(letter, i);
    }
  }
  return result;
}

DNALM_INLINE std::string likeliest_letters(const nucleotide_map& log_probabilities) {
  std::string result(static_cast<std::size_t>(log_probabilities.length), 'N');
  for (index_t i = 0; i < log_probabilities.length; ++i) {
    if (!detail::is_predicted(log_probabilities, i)) continue;
    index_t best = 0;
    for (index_t a = 1; a < 4; ++a) {
      if (log_probabilities(a, i) > log_probabilities(best, i)) best = a;
    }
    result[static_cast<std::size_t>(i)] = "ACGT"[best];
  }
  return result;
}

DNALM_INLINE double largest_entropy(std::span<const double> entropy) {
  double most = 0.0;
  for (const double value : entropy) most = value > most ? value : most;
  return most;
}

DNALM_INLINE std::vector<double> entropy_weighted(std::span<const double> norms,
                                                  std::span<const double> entropy, double most) {
  detail::check_positions(static_cast<index_t>(norms.size()), entropy.size(), "entropy");
  std::vector<double> result(norms.size());
  for (std::size_t i = 0; i < norms.size(); ++i) {
    result[i] = std::isnan(entropy[i]) ? 0.0 : norms[i] * (most - entropy[i]);
  }
  return result;
}

DNALM_END_NAMESPACE
