// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of gated_rows.hpp, once per instruction set.

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

DNALM_ISA_FUNCTION void gated_vjp_row(const float* a, const float* b, activation function, const float* dy,
                                      float* da, float* db, index_t n) {
  for (index_t c = 0; c < n; c += 16) {
    gated_vjp_part(a + c, b + c, function, dy + c, da + c, db + c, n - c);
  }
}

DNALM_ISA_FUNCTION void gated_vjp(matrix_view<const float> x, activation function,
                                  matrix_view<const float> dy, matrix_view<float> dx) {
  for (index_t r = 0; r < dy.rows; ++r) {
    const float* a = x.row_data(r);
    float* da = dx.row_data(r);
    gated_vjp_row(a, a + dy.columns, function, dy.row_data(r), da, da + dy.columns, dy.columns);
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

/// function'(z) dy for n columns; dz may be z or dy.
DNALM_ISA_FUNCTION void activation_vjp_row(const float* z, activation function, const float* dy, float* dz,
                                           index_t n) {
  index_t c = 0;
  for (; c + 16 <= n; c += 16) {
    store(dz + c, mul(activate_both(function, load(z + c)).slope, load(dy + c)));
  }
  if (c < n) {
    const lanes slope = activate_both(function, load_part(z + c, n - c)).slope;
    store_part(dz + c, mul(slope, load_part(dy + c, n - c)), n - c);
  }
}

DNALM_ISA_FUNCTION void activation_vjp(matrix_view<const float> z, activation function,
                                       matrix_view<const float> dy, matrix_view<float> dz) {
  for (index_t r = 0; r < dz.rows; ++r) {
    activation_vjp_row(z.row_data(r), function, dy.row_data(r), dz.row_data(r), dz.columns);
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
