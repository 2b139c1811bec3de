// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What is read from a language model's log-probabilities of A, C, G, T: entropy, information,
/// log-odds, likelihood ratios, the likeliest letters, the product with a saliency.
///
/// Everywhere `log_probabilities` (4, L) holds ln p(a, i), of which each column sums to 1 as probabilities; a
/// column of NaN is a position without a prediction (N, or what the model cannot tell) and enters nothing.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// ln p from log-weights w of any common shift: w(a, i) - ln sum over b of e^w(b, i), without overflow. A
/// column with a NaN, or in which nothing is finite, becomes NaN.
[[nodiscard]] nucleotide_map log_probabilities_of(const nucleotide_map& log_weights);

/// p = e^ln p; 0 where there is no prediction.
[[nodiscard]] nucleotide_map probabilities(const nucleotide_map& log_probabilities);

/// H_i = - sum over a of p log2 p, in bits, 0 to 2; NaN where there is no prediction.
[[nodiscard]] std::vector<double> entropy_bits(const nucleotide_map& log_probabilities);

/// 2 - H_i, in bits; NaN where there is no prediction.
[[nodiscard]] std::vector<double> information_bits(const nucleotide_map& log_probabilities);

/// log2(p(a, i) / background(a)); 0 where there is no prediction. The background is divided by its sum.
/// \throws error [dnalm.usage.850] a background that is not four positive, finite numbers.
[[nodiscard]] nucleotide_map log_odds_bits(const nucleotide_map& log_probabilities,
                                           std::span<const double> background = std::array{0.25, 0.25, 0.25,
                                                                                           0.25});

/// ln p(b, i) - ln p(x_i, i): what substitution of x_i by b does to the likelihood. 0 at b = x_i; 0 in
/// columns of N or without a prediction. \throws error [dnalm.shape.851] another number of letters.
[[nodiscard]] nucleotide_map log_likelihood_ratios(const nucleotide_map& log_probabilities,
                                                   std::string_view sequence);

/// The letter of the largest p at each position, of equals the first of A, C, G, T; N where there is no
/// prediction.
[[nodiscard]] std::string likeliest_letters(const nucleotide_map& log_probabilities);

/// The largest number of `entropy` that is not NaN; 0 when there is none. The study takes it over all
/// sequences of a run.
[[nodiscard]] double largest_entropy(std::span<const double> entropy);

/// norms_i (most - H_i): the norm of a saliency times the entropy reversed, as the study weighs the saliency
/// of a probe on a language model. 0 where H is NaN. `most` is that of largest_entropy, or 2 bits.
/// \throws error [dnalm.shape.851] sizes that differ.
[[nodiscard]] std::vector<double> entropy_weighted(std::span<const double> norms,
                                                   std::span<const double> entropy, double most);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/nucleotide_probabilities_impl.hpp>
#endif
