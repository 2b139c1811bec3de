// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Baselines: what a sequence is compared with by integrated and expected gradients.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/attribution/relaxed_function.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

enum class baseline_kind {
  zero,      ///< all weights 0
  uniform,   ///< each base 1/4
  unknown,   ///< the token of N at every position
  mask,      ///< the mask token at every position
  shuffles,  ///< sequences that a function makes of the sequence
  array      ///< weights of the user
};

/// `zero`, `uniform`, `n`, `mask`, `shuffles`, `array`: for the metadata of results.
[[nodiscard]] std::string_view to_string(baseline_kind kind);
/// \throws error [dnalm.usage.813] for another name.
[[nodiscard]] baseline_kind parse_baseline(std::string_view text);

/// How baselines are made. Positions of N are the same in baseline and sequence, whatever the kind.
struct baseline {
  baseline_kind kind = baseline_kind::zero;
  index_t replicates = 1;  ///< of shuffles
  /// Of shuffles: a sequence of the same length, a pure function of its arguments; `id` is the sequence's
  /// number, so that the result does not depend on what stands beside it.
  std::function<std::string(std::string_view sequence, index_t id, index_t replicate)> shuffle = {};
  /// Of `array`: one (4, L) per sequence, or one for all of them.
  std::vector<nucleotide_map> arrays = {};

  /// How many there are for a sequence.
  [[nodiscard]] index_t count() const { return kind == baseline_kind::shuffles ? replicates : 1; }
};

/// The weights of baseline `replicate` for the sequence of number `id`.
/// \throws error [dnalm.shape.805] an array or a shuffle of another shape than the sequence, or not finite;
/// [dnalm.unsupported.806] a token that the function's model has not (N with k-mers, no mask token);
/// [dnalm.usage.807] no function that shuffles, or no replicates.
[[nodiscard]] nucleotide_weights baseline_weights(const baseline& made, const relaxed_function& f,
                                                  std::string_view sequence, index_t id, index_t replicate);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/baseline_impl.hpp>
#endif
