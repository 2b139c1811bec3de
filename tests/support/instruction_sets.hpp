// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The instruction sets that this machine can test.
#pragma once

#include <vector>

#include <dnalm/cpu/isa.hpp>

namespace dnalm_test {

/// Those of the kernels on floats; with `pairs` also that of products on pairs of bfloat16.
inline std::vector<dnalm::isa> instruction_sets(bool pairs = false) {
  std::vector<dnalm::isa> sets;
  for (const dnalm::isa set :
       {dnalm::isa::portable, dnalm::isa::avx2, dnalm::isa::avx512, dnalm::isa::avx512_bf16}) {
    if (dnalm::supports(set) && (pairs || set != dnalm::isa::avx512_bf16)) sets.push_back(set);
  }
  return sets;
}

}  // namespace dnalm_test
