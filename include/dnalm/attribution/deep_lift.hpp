// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief DeepLIFT and DeepSHAP: how far each nucleotide takes a model's output from that of a reference.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/nucleotide_input.hpp>
#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// A reference sequence, as weights of the nucleotides: one-hot columns are a sequence (a shuffle), columns
/// of zeros or of quarters are none. `rest` puts a reference token (N, the mask token) in the place of bases.
using deep_lift_reference = nucleotide_weights;

/// References of the length of `sequence`; a position that holds no base of A, C, G, T keeps none.
[[nodiscard]] deep_lift_reference zero_reference(std::string_view sequence);     ///< columns of zeros
[[nodiscard]] deep_lift_reference uniform_reference(std::string_view sequence);  ///< quarters
/// A token in the place of every base: nucleotide_input::mask_token or unknown_token.
[[nodiscard]] deep_lift_reference token_reference(std::string_view sequence, std::int32_t token);
/// Sequences as they stand, as dinucleotide shuffles of the one that is explained.
[[nodiscard]] std::vector<deep_lift_reference> sequence_references(std::span<const std::string> sequences);

/// How deep_lift runs. No number depends on threads or memory.
struct deep_lift_options {
  int threads = 0;  ///< the calling one among them; 0: all cores
  /// Budget for passes, what they find and what the model keeps of their length (model::kept_bytes), bytes;
  /// one pair always runs.
  index_t memory = index_t{1} << 30;
  bool residuals = false;  ///< wanted: all hidden states of a pass are kept for them, beside `memory`
};

/// What deep_lift found for a sequence x of length L, f the target. All maps are means over the references r.
struct deep_lift_map {
  nucleotide_map multipliers = {};    ///< m; of one reference: sum of m (x - r) = f(x) - f(r)
  nucleotide_map hypothetical = {};   ///< h[b, i] = m[b, i] - sum over a of m[a, i] r[a, i] - m_q[i] q[i]
  nucleotide_map contributions = {};  ///< x h: the number of every base of x, 0 elsewhere
  std::vector<double> tokens = {};    ///< by token: m (E[x] - row of r), E the words' rows
  double value = 0;                   ///< f(x)
  std::vector<double> reference_values = {};  ///< f(r)
  /// By reference: sum of its contributions, of pieces (BPE) of its `tokens`, - (f(x) - f(r)).
  std::vector<double> deltas = {};
  /// If asked for, by reference and hidden state k: sum of m_k (h_k(x) - h_k(r)) - (f(x) - f(r)). Of a
  /// network of layers (network_summary::resizes) state 0 alone, the residual of the whole network: the other
  /// states need not be all that the output depends on.
  std::vector<std::vector<double>> residuals = {};

  /// The largest of `deltas` in size, with its sign; NaN if one is.
  [[nodiscard]] double largest_delta() const;
  /// The hidden state k below which most is lost: the largest |residual[k] - residual[k + 1]| of any
  /// reference, residual[top + 1] = 0. The step from k to k + 1 breaks completeness most. 0 where state 0
  /// alone is told.
  [[nodiscard]] index_t weakest_step() const;
};

/// DeepLIFT's rescale rule, exact through every layer, and DeepSHAP as its mean over references
/// (docs/attribution/deep_lift.md has the rule of each layer).
///
/// f is target `target` of `targets`. Runs x and its reference side by side, once for each reference, and
/// carries multipliers back in place of gradients: sum of m (x - r) = f(x) - f(r) but for rounding, which
/// `deltas` tell. Letters: m = (multipliers by words' rows) E^T. k-mers: a token's row is a product of its
/// bases' weights; its multipliers are divided by the mean gradient of the multilinear extension on the
/// straight line from r to x, which keeps the sum (of a token in which one base differs that base has all of
/// it). Pieces (BPE): `tokens` alone, and references from token_reference.
///
/// No number depends on the other references, threads or memory (bitwise), but the means, taken in their
/// order. Cost: for each reference 2 forward and 2 adjoint passes, attention's with 3 times the arithmetic.
/// \throws error [dnalm.usage.833] no references, [dnalm.shape.834] a reference of another length, or with a
/// weight that is not finite or stands where the sequence has no base, [dnalm.unsupported.835] letters of a
/// reference for a model of pieces, [dnalm.usage.802] no such target, [dnalm.unsupported.830] a model on a
/// GPU; sequence_error [dnalm.numeric.836] multipliers that are not finite (names the hidden state), of a
/// list of one sequence; as nucleotide_input.
[[nodiscard]] deep_lift_map deep_lift(const attribution_targets& targets, index_t target,
                                      std::string_view sequence,
                                      std::span<const deep_lift_reference> references,
                                      const deep_lift_options& options = {});

/// The same of all targets, in their order, over one forward pass of each pair: the numbers are bitwise those
/// of each target alone. Cost: for each reference 2 forward passes, and for each target 2 adjoint ones.
/// Memory: 96 L bytes a target for the maps, 40 L for each pair at a time; none that grows with the
/// references but their values, deltas and residuals. \throws as above.
[[nodiscard]] std::vector<deep_lift_map> deep_lift(const attribution_targets& targets,
                                                   std::string_view sequence,
                                                   std::span<const deep_lift_reference> references,
                                                   const deep_lift_options& options = {});

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/deep_lift_impl.hpp>
#endif
