// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu_rotary (cpu/rotary.hpp), once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// (a, b) = (a cos - b sin, b cos + a sin) for up to 16 channel pairs.
DNALM_ISA_INLINE void rotate(float* first, float* second, const float* cosine, const float* sine, index_t n) {
  const bool whole = n >= 16;
  const lanes c = whole ? load(cosine) : load_part(cosine, n);
  const lanes s = whole ? load(sine) : load_part(sine, n);
  const lanes a = whole ? load(first) : load_part(first, n);
  const lanes b = whole ? load(second) : load_part(second, n);
  const lanes rotated_a = fnma(b, s, mul(a, c));
  const lanes rotated_b = fma(a, s, mul(b, c));
  if (whole) {
    store(first, rotated_a);
    store(second, rotated_b);
  } else {
    store_part(first, rotated_a, n);
    store_part(second, rotated_b, n);
  }
}

DNALM_ISA_FUNCTION void rotary(const rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
                               matrix_view<float> x) {
  const index_t width = x.columns / heads;
  const index_t half = width / 2;
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t p = 0; p < offsets.length(s); ++p) {
      float* row = x.row_data(offsets.begin(s) + p);
      const float* cosine = table.cosine.data() + p * half;
      const float* sine = table.sine.data() + p * half;
      for (index_t h = 0; h < heads; ++h) {
        float* head = row + h * width;
        for (index_t j = 0; j < half; j += 16)
          rotate(head + j, head + half + j, cosine + j, sine + j, half - j);
      }
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
