// SPDX-License-Identifier: Apache-2.0
// Attention on any backend in poisoned, framed memory.
#pragma once

#include <unit/backend/kernel_adjoint_cases.hpp>

#include <dnalm/cpu/cpu_backend.hpp>
#include <support/instruction_sets.hpp>

namespace dnalm_test {

/// Whether the CPU multiplies pairs of bfloat16; said where it does not.
inline bool has_pairs() {
  if (dnalm::supports(dnalm::isa::avx512_bf16)) return true;
  WARN("this CPU has no AVX512-BF16: nothing is tested here");
  return false;
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

/// Every instruction set gives the numbers of the reference, each within `bound`.
inline void check_against_reference(const attention_shape& shape, const numbers& packed, double bound) {
  const numbers exact = run_attention(dnalm::reference_backend(), shape, packed);
  for (const dnalm::isa set : instruction_sets()) {
    INFO(dnalm::to_string(set) << " window " << shape.window << " alibi " << !shape.slopes.empty());
    check_within(exact, run_attention(dnalm::cpu_backend(set), shape, packed), numbers(exact.size(), bound));
  }
}

/// The part of a batch's numbers that belongs to sequence s, `per_token` of each token.
inline numbers part_of(const numbers& all, const dnalm::ragged_offsets& offsets, dnalm::index_t s,
                       dnalm::index_t per_token) {
  return {all.begin() + offsets.begin(s) * per_token, all.begin() + offsets.begin(s + 1) * per_token};
}

/// Each sequence has the same bits alone as in the batch, and the batch with AVX2 as with AVX-512.
inline void check_same_bits_alone(const attention_shape& batch, std::uint64_t seed,
                                  dnalm::weight_format format = dnalm::weight_format::f32) {
  const auto offsets = make_offsets(batch.lengths);
  const dnalm::index_t width = batch.heads * batch.width;
  const numbers packed = normal_numbers(offsets.rows() * 3 * width, seed);
  numbers with_avx2;
  for (const dnalm::isa set : instruction_sets(true)) {
    INFO(dnalm::to_string(set) << " window " << batch.window);
    const dnalm::cpu_backend cpu(set, format);
    const numbers y = run_attention(cpu, batch, packed);
    if (set == dnalm::isa::avx2) with_avx2 = y;
    if (set == dnalm::isa::avx512) CHECK(same_numbers(y, with_avx2));
    for (dnalm::index_t s = 0; s < offsets.sequences(); ++s) {
      attention_shape alone = batch;
      alone.lengths = {offsets.length(s)};
      CHECK(same_numbers(run_attention(cpu, alone, part_of(packed, offsets, s, 3 * width)),
                         part_of(y, offsets, s, width)));
    }
  }
}

}  // namespace dnalm_test
