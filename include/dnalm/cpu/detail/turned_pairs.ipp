// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A part of a packed weight in bf16 turned for the adjoints' products, as pairs of outputs
/// (turned_product.ipp).

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// Words (W[n, k], W[n, k + 1]) and (W[n + 1, k], W[n + 1, k + 1]) as two of the same channel.
DNALM_ISA_INLINE void turn_two(const float* from, float* to) {
  std::uint32_t words[2];
  std::memcpy(words, from, sizeof words);
  const std::uint32_t turned[2] = {(words[0] & 0xFFFFU) | words[1] << 16,
                                   words[0] >> 16 | (words[1] & 0xFFFF0000U)};
  std::memcpy(to, turned, sizeof turned);
}

/// Row i of `from` holds neighbouring outputs at the pair i of channels, row j of `to` neighbouring channels
/// at the pair j of outputs: 16 outputs and 16 channels.
DNALM_ISA_INLINE void turn_eight_pairs(const float* from, float* to) {
  lanes rows[8];
  for (int i = 0; i < 8; ++i) rows[i] = exchange_halves(load(from + i * panel_columns));
  transpose_doubles(rows);
  for (int j = 0; j < 8; ++j) store(to + j * panel_columns, rows[j]);
}

/// to[n / 2][c] = the pair (W[output, c], W[output + 1, c]), c from channel + part.column on, for the part's
/// outputs, of their tap, two by two.
DNALM_ISA_FUNCTION void unpack_columns(const turned_weight& w, const turned_part& part, float* to) {
  const index_t channels = (part.columns(w) + 1) / 2;
  for (index_t n = 0; n < part.count;) {
    const panel_run run = outputs_from(w, part.first + n, part.first + part.count);
    const float* panel = reinterpret_cast<const float*>(w.packed.panel(run.p)) +
                         (run.channel + part.column) / 2 * panel_columns + run.column;
    if (channels == panel_columns / 2 && run.count == half_columns) {
      turn_eight_pairs(panel, to);
      turn_eight_pairs(panel + 8 * panel_columns, to + 16);
    } else {
      for (index_t j = 0; j < run.count / 2; ++j) {
        for (index_t i = 0; i < channels; ++i) {
          turn_two(panel + i * panel_columns + 2 * j, to + j * panel_columns + 2 * i);
        }
      }
    }
    to += run.count / 2 * panel_columns;
    n += run.count;
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
