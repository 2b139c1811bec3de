// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A function of nucleotide weights with its gradients: what gradient methods ask, whatever stands
/// behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <dnalm/attribution/nucleotide_input.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// Where a function is evaluated: weights at the positions of a sequence, which says where N and other fixed
/// letters stand.
struct relaxed_point {
  std::string sequence = {};
  nucleotide_weights weights = {};
  /// Of the sequence in a caller's list, from 0, for errors; -1: the point's own place in the call.
  index_t number = -1;

  /// The number, of a point that has none its own place.
  [[nodiscard]] index_t number_at(std::size_t place) const {
    return number >= 0 ? number : static_cast<index_t>(place);
  }
};

/// C numbers at points, and their gradients by the weights.
struct relaxed_values {
  std::vector<double> values = {};                 ///< (n, C) row-major
  std::vector<nucleotide_weights> gradients = {};  ///< n C in the same order
};

/// f: nucleotide weights -> C numbers, differentiable; at one-hot weights the numbers of the sequence.
///
/// `evaluate` fills `values` (n, C) and, unless that is empty, `gradients` (n C). A point's numbers depend on
/// the point only (bitwise). It may be called from one thread at a time and uses threads of its own. Columns
/// of N have the gradient 0.
struct relaxed_function {
  index_t outputs = 1;  ///< C
  std::function<void(std::span<const relaxed_point> points, std::span<double> values,
                     std::span<nucleotide_weights> gradients)>
      evaluate = {};
  std::int32_t unknown_token = -1;  ///< the token of N that a baseline may have; -1: none
  std::int32_t mask_token = -1;     ///< the mask token; -1: none

  /// Values and gradients. \throws error [dnalm.usage.811] a function without a body or without outputs,
  /// sequence_error [dnalm.numeric.803] a value or a gradient that is not finite; what `evaluate` throws.
  [[nodiscard]] relaxed_values operator()(std::span<const relaxed_point> points) const;
  /// Values alone, (n, C).
  [[nodiscard]] std::vector<double> values(std::span<const relaxed_point> points) const;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/relaxed_function_impl.hpp>
#endif
