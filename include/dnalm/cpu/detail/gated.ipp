// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/gated.hpp, once per instruction set.

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

/// [function'(a) b dy | function(a) dy] for up to 16 columns; da and db may be a and b.
DNALM_ISA_INLINE void gated_vjp_part(const float* a, const float* b, activation function, const float* dy,
                                     float* da, float* db, index_t n) {
  const bool whole = n >= 16;
  const lanes x = whole ? load(a) : load_part(a, n);
  const lanes gate = whole ? load(b) : load_part(b, n);
  const lanes gradient = whole ? load(dy) : load_part(dy, n);
  const value_and_slope left = activate_both(function, x);
  const lanes by_a = mul(mul(left.slope, gate), gradient);
  const lanes by_b = mul(left.value, gradient);
  if (whole) {
    store(da, by_a);
    store(db, by_b);
  } else {
    store_part(da, by_a, n);
    store_part(db, by_b, n);
  }
}

DNALM_ISA_FUNCTION void gated_vjp(matrix_view<const float> x, activation function,
                                  matrix_view<const float> dy, matrix_view<float> dx) {
  const index_t columns = dy.columns;
  for (index_t r = 0; r < dy.rows; ++r) {
    const float* a = x.row_data(r);
    float* da = dx.row_data(r);
    for (index_t c = 0; c < columns; c += 16) {
      gated_vjp_part(a + c, a + columns + c, function, dy.row_data(r) + c, da + c, da + columns + c,
                     columns - c);
    }
  }
}

DNALM_ISA_FUNCTION void activate_rows(matrix_view<const float> x, activation function, matrix_view<float> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    const float* from = x.row_data(r);
    float* to = y.row_data(r);
    index_t c = 0;
    for (; c + 16 <= y.columns; c += 16) store(to + c, activate(function, load(from + c)));
    if (c < y.columns) {
      const index_t n = y.columns - c;
      store_part(to + c, activate(function, load_part(from + c, n)), n);
    }
  }
}

DNALM_ISA_FUNCTION void activation_vjp(matrix_view<const float> z, activation function,
                                       matrix_view<const float> dy, matrix_view<float> dz) {
  for (index_t r = 0; r < dz.rows; ++r) {
    const float* x = z.row_data(r);
    const float* gradient = dy.row_data(r);
    float* out = dz.row_data(r);
    index_t c = 0;
    for (; c + 16 <= dz.columns; c += 16) {
      store(out + c, mul(activate_both(function, load(x + c)).slope, load(gradient + c)));
    }
    if (c < dz.columns) {
      const index_t n = dz.columns - c;
      store_part(out + c, mul(activate_both(function, load_part(x + c, n)).slope, load_part(gradient + c, n)),
                 n);
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
