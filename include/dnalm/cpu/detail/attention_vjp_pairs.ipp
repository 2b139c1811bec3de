// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the adjoint of attention does to operands that are pairs of bfloat16; attention_vjp_floats.ipp
/// has the same names.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

inline constexpr bool takes_pairs = true;

/// The sum of both products of a pair + sum, of words.
DNALM_ISA_INLINE lanes multiply_add(lanes a, lanes b, lanes sum) {
  return dot_pairs(a, b, sum);
}
/// Where rows of a tile of queries are computed: among the kept ones, or beside them.
inline float* tile_place(float*, float* beside) {
  return beside;
}
/// Keeps the rows of a tile, tokens in `range`, as operands: pairs of queries, with 0 beside the last of an
/// odd number.
DNALM_ISA_FUNCTION void keep_tile(const float* tile, index_t stride, index_t rows, token_range range,
                                  float* to) {
  for (index_t r = 0; r < rows; r += 2, tile += 2 * stride, to += stride) {
    const float* second = r + 1 < rows ? tile + stride + range.begin : nullptr;
    round_two_rows(tile + range.begin, second, range.size(), to + range.begin);
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
