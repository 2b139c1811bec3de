// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What follows a product with weights: scale, bias, activation, gate, residual.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// Up to sixteen floats.
DNALM_ISA_INLINE lanes load_some(const float* from, index_t n) {
  return n >= half_columns ? load(from) : load_part(from, n);
}
DNALM_ISA_INLINE void store_some(float* to, lanes x, index_t n) {
  if (n >= half_columns) {
    store(to, x);
  } else {
    store_part(to, x, n);
  }
}

/// y = residual + function(z), z = scale sum + bias, for the channels of one half panel and the rows of y.
DNALM_ISA_FUNCTION void finish_half(const float* sums, const float* scales, half_panel half,
                                    const linear_epilogue<float>& epilogue, matrix_view<float> z,
                                    matrix_view<float> y) {
  const lanes bias =
      epilogue.bias.empty() ? set1(0.0F) : load_some(epilogue.bias.data + half.first, half.count);
  const lanes scale = scales == nullptr ? set1(1.0F) : load(scales);
  for (index_t r = 0; r < y.rows; ++r) {
    lanes value = load(sums + r * panel_columns);
    if (scales != nullptr) value = mul(value, scale);
    if (!epilogue.bias.empty()) value = add(value, bias);
    if (z.data != nullptr) store_some(z.row_data(r) + half.first, value, half.count);
    value = activate(epilogue.function, value);
    if (epilogue.residual.data != nullptr) {
      value = add(load_some(epilogue.residual.row_data(r) + half.first, half.count), value);
    }
    store_some(y.row_data(r) + half.first, value, half.count);
  }
}

/// y = function(a) b, z = [a | b], for the two halves of one panel of a gated weight.
DNALM_ISA_FUNCTION void finish_gate(const float* sums, const float* scales, half_panel a, half_panel b,
                                    const linear_epilogue<float>& epilogue, matrix_view<float> z,
                                    matrix_view<float> y) {
  const bool biased = !epilogue.bias.empty();
  const lanes bias_a = biased ? load_some(epilogue.bias.data + a.first, a.count) : set1(0.0F);
  const lanes bias_b = biased ? load_some(epilogue.bias.data + b.first, b.count) : set1(0.0F);
  for (index_t r = 0; r < y.rows; ++r) {
    lanes left = load(sums + r * panel_columns);
    lanes right = load(sums + r * panel_columns + half_columns);
    if (scales != nullptr) {
      left = mul(left, load(scales));
      right = mul(right, load(scales + half_columns));
    }
    if (biased) {
      left = add(left, bias_a);
      right = add(right, bias_b);
    }
    if (z.data != nullptr) {
      store_some(z.row_data(r) + a.first, left, a.count);
      store_some(z.row_data(r) + b.first, right, b.count);
    }
    store_some(y.row_data(r) + a.first, mul(activate(epilogue.function, left), right), a.count);
  }
}

/// What follows the product for some rows and one panel; z (data null: not kept) is what the function is of.
DNALM_ISA_FUNCTION void finish_panel(const float* sums, const packed_weight& w, index_t p, bool join,
                                     const linear_epilogue<float>& epilogue, matrix_view<float> z,
                                     matrix_view<float> y) {
  const float* scales = w.scales.size() == 0 ? nullptr : w.scales.data() + p * panel_columns;
  if (join) {
    finish_gate(sums, scales, w.half(p, 0), w.half(p, 1), epilogue, z, y);
    return;
  }
  for (index_t which = 0; which < 2; ++which) {
    const half_panel half = w.half(p, which);
    if (half.count == 0) continue;
    finish_half(sums + which * half_columns, scales == nullptr ? nullptr : scales + which * half_columns,
                half, epilogue, z, y);
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
