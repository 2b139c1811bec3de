// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/softmax.hpp, once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

DNALM_ISA_FUNCTION void softmax_rows(matrix_view<float> x) {
  for (index_t r = 0; r < x.rows; ++r) {
    float* row = x.row_data(r);
    const float sum = exponential_row(row, x.columns, largest_of_row(row, x.columns));
    scale_row(row, 1.0F / sum, row, x.columns);
  }
}

DNALM_ISA_FUNCTION void softmax_rows_vjp(matrix_view<const float> p, matrix_view<const float> dp,
                                         matrix_view<float> dx) {
  for (index_t r = 0; r < p.rows; ++r) {
    static_cast<void>(softmax_vjp_row(p.row_data(r), dp.row_data(r), dx.row_data(r), p.columns));
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
