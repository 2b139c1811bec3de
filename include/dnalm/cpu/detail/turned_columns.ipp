// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A part of a packed weight turned for the adjoints' products, in float (turned_product.ipp).

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// to[n][c] = W[output, channel + part.column + c] for the part's outputs, of their tap, and up to 32 input
/// channels.
DNALM_ISA_FUNCTION void unpack_columns(const turned_weight& w, const turned_part& part, float* to) {
  const index_t columns = part.columns(w);
  alignas(64) float expanded[(panel_columns + 2) * panel_columns];
  for (index_t n = 0; n < part.count;) {
    const panel_run run = outputs_from(w, part.first + n, part.first + part.count);
    const index_t first = run.channel + part.column;
    const float* panel = reinterpret_cast<const float*>(w.packed.panel(run.p)) + first * panel_columns;
    if (w.packed.format != weight_format::f32) {
      const index_t odd = first % 2;  // pairs begin at even channels
      expand_to_floats(w.packed, run.p, first - odd, columns + odd, expanded);
      panel = expanded + odd * panel_columns;
    }
    float* rows = to + n * panel_columns;
    transpose(panel + run.column, panel_columns, columns, run.count, rows, panel_columns);
    n += run.count;
    if (w.packed.scales.size() == 0) continue;
    const float* scales = w.packed.scales.data() + run.p * panel_columns + run.column;
    for (index_t i = 0; i < run.count; ++i) {
      for (index_t c = 0; c < columns; ++c) rows[i * panel_columns + c] *= scales[i];
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
