// SPDX-License-Identifier: Apache-2.0
// Attention on any backend in poisoned, framed memory.
#pragma once

#include <unit/backend/kernel_adjoint_cases.hpp>

#include <dnalm/cpu/cpu_backend.hpp>

namespace dnalm_test {

inline std::vector<dnalm::isa> instruction_sets() {
  std::vector<dnalm::isa> sets;
  for (const dnalm::isa set : {dnalm::isa::portable, dnalm::isa::avx2, dnalm::isa::avx512}) {
    if (dnalm::supports(set)) sets.push_back(set);
  }
  return sets;
}

/// y (R, D) of packed q | k | v (R, 3D).
template <class B>
numbers run_attention(const B& b, const attention_shape& shape, const numbers& packed) {
  using T = typename B::scalar;
  const auto offsets = make_offsets(shape.lengths);
  const dnalm::index_t width = shape.heads * shape.width;
  const dnalm::index_t longest = *std::max_element(shape.lengths.begin(), shape.lengths.end());
  const poisoned<T> x(offsets.rows(), 3 * width, packed.data());
  poisoned<T> y(offsets.rows(), width);
  poisoned_scratch<T> scratch(b.attention_scratch(longest, shape.width));
  b.attention(third(x.view(), 0), third(x.view(), 1), third(x.view(), 2), offsets, shape.options<T>(),
              scratch.view(), y.view());
  CHECK((y.frame_is_whole() && scratch.frame_is_whole()));
  numbers result;
  append_numbers(y.view(), result);
  return result;
}

}  // namespace dnalm_test
