// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Numbers for every letter at every position of a sequence, and what is read from them.
#pragma once

#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/sequence/alphabet.hpp>

DNALM_BEGIN_NAMESPACE

/// (4, L), row-major, rows in the order A, C, G, T: gradients, contributions, effects of substitutions.
struct nucleotide_map {
  index_t length = 0;               ///< L
  std::vector<double> values = {};  ///< values[a * length + i]

  nucleotide_map() = default;
  /// All zero. \throws error [dnalm.shape.101] for a length that is negative or does not fit.
  explicit nucleotide_map(index_t bases)
      : length(bases), values(static_cast<std::size_t>(checked_mul(index_t{4}, bases))) {}

  [[nodiscard]] double& operator()(index_t letter, index_t position) {
    return values[static_cast<std::size_t>(letter * length + position)];
  }
  [[nodiscard]] double operator()(index_t letter, index_t position) const {
    return values[static_cast<std::size_t>(letter * length + position)];
  }
};

/// One-hot columns of a sequence (base_code of alphabet.hpp); all-zero for N and every other letter.
[[nodiscard]] inline nucleotide_map one_hot_map(std::string_view sequence) {
  nucleotide_map map(static_cast<index_t>(sequence.size()));
  for (index_t i = 0; i < map.length; ++i) {
    const int code = base_code(sequence[static_cast<std::size_t>(i)]);
    if (code < 4) map(code, i) = 1;
  }
  return map;
}

DNALM_END_NAMESPACE
