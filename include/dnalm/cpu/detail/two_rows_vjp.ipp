// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Adjoints of narrow convolutions that make two rows at a time, once per instruction set.
///
/// The adjoint is a convolution of dy with the taps in reverse order and every tap's matrix turned. Whole
/// groups of three taps stay groups, so its second form is that of the forward: the groups in reverse order,
/// the parts of g0 and g2 exchanged, the two of all three taps as they are, each matrix turned. No tap is
/// summed again.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// The second form of the adjoint's weight, panel after panel, from that of the forward with its 4 groups as
/// taps, which unpack_columns passes in reverse order: so m1 and m2 change places.
DNALM_ISA_FUNCTION void turn_two_rows(const turned_weight& w, float* to) {
  constexpr index_t parts[two_row_parts] = {0, 2, 1, 3};
  const index_t depth = w.depth() / two_row_parts;
  for (index_t column = 0; column < w.inputs(); column += panel_columns) {
    for (const index_t part : parts) {
      unpack_columns(w, {column, part * depth, depth}, to);
      to += depth * panel_columns;
    }
  }
}

/// dx's rows, those of the input from `begin` on; `rows` are those of dy, with the taps reversed. `w` is the
/// second form of the forward's weight.
DNALM_ISA_FUNCTION void two_rows_vjp(const convolution_rows& rows, index_t begin, const packed_weight& w,
                                     matrix_view<const float> residual, float* scratch,
                                     matrix_view<float> dx) {
  turn_two_rows({w, w.inputs / dx.columns, depth_words}, scratch);
  const packed_weight turned = turned_two_rows(w, dx.columns, scratch);
  linear_epilogue<float> add_residual;
  add_residual.residual = residual;
  const convolution_rows whole{rows.x, rows.from, rows.to, whole_groups_behind(rows.taps)};
  two_rows_by_phases(whole, begin, turned, add_residual, scratch + turned_two_rows_size(w, dx.columns), dx);
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
