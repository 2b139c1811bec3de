// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief DNA that is the same in every run.
#pragma once

#include <cstdint>
#include <string>

#include <dnalm/core/philox.hpp>
#include <dnalm/core/types.hpp>

namespace dnalm_test {

/// Sequence `number` of `length` letters: A, C, G and T, one in 60 of them N.
inline std::string random_sequence(std::uint64_t number, dnalm::index_t length) {
  dnalm::philox random(19, number);
  std::string sequence;
  for (dnalm::index_t i = 0; i < length; ++i)
    sequence += random.below(60) == 0 ? 'N' : "ACGT"[random.below(4)];
  return sequence;
}

}  // namespace dnalm_test
