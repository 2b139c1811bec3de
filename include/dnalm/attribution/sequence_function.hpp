// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A function of DNA sequences: what perturbation methods ask, whatever stands behind it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// f: sequences -> C numbers each, as the linear outputs of a probe on a model.
///
/// `evaluate` fills `values` (n, C), row-major, one row per sequence. A row depends on its own sequence only
/// (bitwise): callers put sequences together and take them apart as it suits them. It may be called from one
/// thread at a time and uses threads of its own.
struct sequence_function {
  index_t outputs = 1;  ///< C
  std::function<void(std::span<const std::string> sequences, std::span<double> values)> evaluate = {};

  /// The rows of `sequences`, (n, C) row-major. \throws what `evaluate` throws; error [dnalm.usage.800]
  /// without a function or outputs; sequence_error [dnalm.numeric.801] a value that is not finite.
  [[nodiscard]] std::vector<double> operator()(std::span<const std::string> sequences) const;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/sequence_function_impl.hpp>
#endif
