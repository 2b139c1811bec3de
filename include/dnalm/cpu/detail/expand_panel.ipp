// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Parts of panels in bf16 and int8 as the products read them. Plain loops: compilers vectorise them.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// The upper half of a float of a small whole number is that number in bfloat16.
DNALM_ISA_INLINE std::uint32_t upper_bits(std::int8_t value) {
  return std::bit_cast<std::uint32_t>(static_cast<float>(value));
}

/// even[c] and odd[c]: both members of the pairs of one row of a panel, 32 columns.
DNALM_ISA_FUNCTION void expand_pairs(const packed_weight& w, const std::byte* from, float* even, float* odd) {
  if (w.format == weight_format::bf16) {
    std::uint32_t pairs[panel_columns];
    std::memcpy(pairs, from, sizeof pairs);
    for (index_t c = 0; c < panel_columns; ++c) {
      even[c] = std::bit_cast<float>(pairs[c] << 16);
      odd[c] = std::bit_cast<float>(pairs[c] & 0xFFFF0000U);
    }
  } else {
    std::int8_t pairs[2 * panel_columns];
    std::memcpy(pairs, from, sizeof pairs);
    for (index_t c = 0; c < panel_columns; ++c) {
      even[c] = static_cast<float>(pairs[2 * c]);
      odd[c] = static_cast<float>(pairs[2 * c + 1]);
    }
  }
}

/// to[k][c] for k in [first, first + count), first even: a panel in bf16 or int8 (without its scales).
DNALM_ISA_FUNCTION void expand_to_floats(const packed_weight& w, index_t p, index_t first, index_t count,
                                         float* to) {
  const index_t bytes = panel_columns * (w.format == weight_format::bf16 ? 4 : 2);
  const std::byte* from = w.panel(p) + first / 2 * bytes;
  float unused[panel_columns];
  for (index_t k = 0; k < count; k += 2, from += bytes, to += 2 * panel_columns) {
    expand_pairs(w, from, to, k + 1 < count ? to + panel_columns : unused);
  }
}

/// to[k][c] for pairs k in [first, first + count) of a panel in int8: pairs of bfloat16.
DNALM_ISA_FUNCTION void expand_to_pairs(const packed_weight& w, index_t p, index_t first, index_t count,
                                        float* to) {
  const std::byte* from = w.panel(p) + first * panel_columns * 2;
  for (index_t k = 0; k < count; ++k, from += 2 * panel_columns, to += panel_columns) {
    std::int8_t pairs[2 * panel_columns];
    std::uint32_t words[panel_columns];
    std::memcpy(pairs, from, sizeof pairs);
    for (index_t c = 0; c < panel_columns; ++c) {
      words[c] = upper_bits(pairs[2 * c]) >> 16 | (upper_bits(pairs[2 * c + 1]) & 0xFFFF0000U);
    }
    std::memcpy(to, words, sizeof words);
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
