// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu_gated (cpu/gated.hpp), once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

DNALM_ISA_FUNCTION void gated(matrix_view<const float> x, activation function, matrix_view<float> y) {
  const index_t columns = y.columns;
  for (index_t r = 0; r < x.rows; ++r) {
    const float* a = x.row_data(r);
    const float* b = a + columns;
    float* out = y.row_data(r);
    index_t c = 0;
    for (; c + 16 <= columns; c += 16) store(out + c, mul(activate(function, load(a + c)), load(b + c)));
    if (c < columns) {
      const index_t n = columns - c;
      store_part(out + c, mul(activate(function, load_part(a + c, n)), load_part(b + c, n)), n);
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
