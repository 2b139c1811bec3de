// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Nucleotide dependency maps: how a substitution at one position changes what a language model
/// predicts at the others.
///
/// Maps are (L, L), rows the substituted position, columns the observed one. Nothing is masked: the model
/// sees each sequence as it is. Definitions: da Silva et al. 2025 (log-odds map, influence score), Zhang et
/// al. 2024 (categorical Jacobian).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/model.hpp>

DNALM_BEGIN_NAMESPACE

/// Log-probabilities of the four letters for each of some sequences of one length; NaN: no prediction. A map
/// depends on its own sequence only.
using nucleotide_predictor = std::function<std::vector<nucleotide_map>(std::span<const std::string>)>;

/// That of a language model, by predict_nucleotides; `options.context` is wild_type, of causal models left,
/// whatever is said. The model and what options name must outlive it. Errors call a sequence `name`, or by
/// its number in the call when that is empty.
[[nodiscard]] nucleotide_predictor predictor_of(const model& network, const prediction_options& options = {},
                                                const std::string& name = {});

/// (L, L), row-major: values[i * length + j] is what substitutions at i change at j.
struct dependency_map {
  index_t length = 0;
  std::vector<double> values = {};

  dependency_map() = default;
  /// All zero.
  explicit dependency_map(index_t positions)
      : length(positions), values(static_cast<std::size_t>(checked_mul(positions, positions))) {}

  [[nodiscard]] double& operator()(index_t i, index_t j) {
    return values[static_cast<std::size_t>(i * length + j)];
  }
  [[nodiscard]] double operator()(index_t i, index_t j) const {
    return values[static_cast<std::size_t>(i * length + j)];
  }
};

/// Conventions of dependency maps. Numbers depend on all but the last.
struct dependency_options {
  /// 0: log-odds from log-probabilities, exact however near p is to 1. Above 0: those of (p + epsilon) / sum
  /// of (p + epsilon), as the authors' notebook has them (1e-10); these take the place of p everywhere.
  double epsilon = 0.0;
  bool signed_influence = false;         ///< the largest change over target letters, not the largest in size
  bool influence_includes_self = false;  ///< the substituted position's own column counts
  /// Whether columns before the substituted position count as unchanged, as they are in a causal model but
  /// for the rounding of its transforms: each row is then 0 up to its diagonal.
  bool causal = false;
  index_t memory =
      index_t{1} << 28;  ///< bytes for the maps of one call of the predictor; a position always runs
};

/// What 3 L + 1 predictions of a sequence tell.
struct dependency_result {
  /// e_ij = max over b != x_i, max over c of |l_jc(x with b at i) - l_jc(x)|, l = log2(p / (1 - p)); e_ii =
  /// 0.
  dependency_map log_odds = {};
  /// Frobenius norm over (a, c) of ln p_jc(x with a at i) - ln p_jc(x), centred over a and over c; 0 for i =
  /// j.
  dependency_map jacobian = {};
  /// (4, L) s(b, i) = 1 / (L - 1) sum over j != i of max over c of |l_jc(x with b at i) - l_jc(x)|; 0 for b =
  /// x_i. Of one position alone 0.
  nucleotide_map influence = {};
};

/// Dependencies of a sequence. Rows of N are 0 (nothing is substituted there), and so are columns without a
/// prediction. Cost: 3 L + 1 predictions, 8 * 4 L bytes each. \throws error [dnalm.shape.856] the predictor
/// gave other maps than asked for, [dnalm.numeric.857] a letter of probability 0 or 1 (epsilon lifts that),
/// [dnalm.usage.858] an epsilon that is negative or not finite; what the predictor throws.
[[nodiscard]] dependency_result nucleotide_dependencies(std::string_view sequence,
                                                        const nucleotide_predictor& predict,
                                                        const dependency_options& options = {});

/// Dependencies by a language model, of `options.causal` whatever is said. A causal model reads both strands,
/// and of the other one comes what lies below the diagonal (stitched_strands; influences are summed). Another
/// model reads this strand, or with `both_strands` the mean of both. Errors call the sequence `name`. \throws
/// as the other overload; as predict_nucleotides; error [dnalm.input.150] of both strands a letter other than
/// A, C, G, T, N.
[[nodiscard]] dependency_result nucleotide_dependencies(const model& network, const std::string& sequence,
                                                        const dependency_options& options = {},
                                                        bool both_strands = false,
                                                        const prediction_options& means = {},
                                                        const std::string& name = {});

/// The map of the other strand at the places of this one: y_ij = x_(L-1-i)(L-1-j).
[[nodiscard]] dependency_map turned_map(const dependency_map& map);
/// (m + turned_map(r)) / 2, for models that see both sides. \throws error [dnalm.shape.851] other lengths.
[[nodiscard]] dependency_map strand_average(const dependency_map& map, const dependency_map& reverse);
/// m above the diagonal, turned_map(r) below it: both strands of a causal model, where each sees one side.
/// \throws error [dnalm.shape.851] other lengths, [dnalm.input.859] a map that is not 0 on and below its
/// diagonal: not that of a causal model.
[[nodiscard]] dependency_map stitched_strands(const dependency_map& map, const dependency_map& reverse);

/// How a map is made symmetric.
enum class symmetry { mean, max };
[[nodiscard]] dependency_map symmetrized(const dependency_map& map, symmetry rule = symmetry::mean);

/// S_ij - S_i. S_.j / S_.., S_i. the sum of row i: rows and columns then sum to 0 (but for rounding). A map
/// of sum 0 stays as it is. Average product correction: Dunn et al. 2008.
[[nodiscard]] dependency_map average_product_corrected(const dependency_map& map);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/dependency_map_impl.hpp>
#endif
