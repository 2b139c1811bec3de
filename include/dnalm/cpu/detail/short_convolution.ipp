// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/short_convolution.hpp, once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// start + sum over j in [first, end) of w[j] x[(j + 1 - end) step], for up to 16 columns.
DNALM_ISA_INLINE lanes sum_taps(const float* x, index_t step, const float* w, index_t w_stride, index_t first,
                                index_t end, index_t n, lanes start) {
  lanes sum = start;
  for (index_t j = first; j < end; ++j) {
    const float* at = x + (j + 1 - end) * step;
    const lanes row = n >= 16 ? load(at) : load_part(at, n);
    const lanes tap = n >= 16 ? load(w + j * w_stride) : load_part(w + j * w_stride, n);
    sum = fma(tap, row, sum);
  }
  return sum;
}

/// One row: y = start + sum over j >= first of w[j] x[(j + 1 - K) step]; start null: 0.
DNALM_ISA_INLINE void short_row(const float* x, index_t step, matrix_view<const float> w, index_t first,
                                const float* start, float* y) {
  for (index_t c = 0; c < w.columns; c += 16) {
    const index_t n = w.columns - c;
    lanes sum = set1(0.0F);
    if (start != nullptr) sum = n >= 16 ? load(start + c) : load_part(start + c, n);
    sum = sum_taps(x + c, step, w.data + c, w.stride, first, w.rows, n, sum);
    if (n >= 16) {
      store(y + c, sum);
    } else {
      store_part(y + c, sum, n);
    }
  }
}

/// y[t] = start + sum over j of w[j] x[t - K + 1 + j]; rows before a sequence are zeros.
DNALM_ISA_FUNCTION void convolve_ahead(matrix_view<const float> x, matrix_view<const float> w,
                                       const float* start, const ragged_offsets& offsets,
                                       matrix_view<float> y) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t t = 0; t < offsets.length(s); ++t) {
      const index_t row = offsets.begin(s) + t;
      const index_t before = t < w.rows - 1 ? w.rows - 1 - t : 0;  // taps that meet no row
      short_row(x.row_data(row), x.stride, w, before, start, y.row_data(row));
    }
  }
}

/// y[t] = start + sum over j of w[j] x[t + K - 1 - j]; rows behind a sequence are zeros.
DNALM_ISA_FUNCTION void convolve_back(matrix_view<const float> x, matrix_view<const float> w,
                                      const float* start, const ragged_offsets& offsets,
                                      matrix_view<float> y) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t t = 0; t < offsets.length(s); ++t) {
      const index_t row = offsets.begin(s) + t;
      const index_t behind = offsets.length(s) - 1 - t;
      const index_t first = behind < w.rows - 1 ? w.rows - 1 - behind : 0;
      short_row(x.row_data(row), -x.stride, w, first, start, y.row_data(row));
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
