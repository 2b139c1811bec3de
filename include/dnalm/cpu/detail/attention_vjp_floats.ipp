// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the adjoint of attention does to operands that are floats, once per instruction set;
/// attention_vjp_pairs.ipp has the same names.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

inline constexpr bool takes_pairs = false;

/// a b + sum, of words.
DNALM_ISA_INLINE lanes multiply_add(lanes a, lanes b, lanes sum) {
  return fma(a, b, sum);
}
/// Where rows of a tile of queries are computed: among the kept ones, or beside them.
inline float* tile_place(float* kept, float*) {
  return kept;
}
/// Keeps the rows of a tile, tokens in `range`, as operands.
inline void keep_tile(const float*, index_t, index_t, token_range, float*) {}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
