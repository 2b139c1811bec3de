// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/rotary.hpp, once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// (a, b) = (a cos - b sin, b cos + a sin) for up to 16 channel pairs; Backwards: with -sin.
template <bool Backwards>
DNALM_ISA_INLINE void rotate(float* first, float* second, const float* cosine, const float* sine, index_t n) {
  const bool whole = n >= 16;
  const lanes c = whole ? load(cosine) : load_part(cosine, n);
  const lanes s = whole ? load(sine) : load_part(sine, n);
  const lanes a = whole ? load(first) : load_part(first, n);
  const lanes b = whole ? load(second) : load_part(second, n);
  const lanes rotated_a = Backwards ? fma(b, s, mul(a, c)) : fnma(b, s, mul(a, c));
  const lanes rotated_b = Backwards ? fnma(a, s, mul(b, c)) : fma(a, s, mul(b, c));
  if (whole) {
    store(first, rotated_a);
    store(second, rotated_b);
  } else {
    store_part(first, rotated_a, n);
    store_part(second, rotated_b, n);
  }
}

template <bool Backwards>
DNALM_ISA_FUNCTION void rotary(const rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
                               matrix_view<float> x) {
  const index_t width = x.columns / heads;
  const index_t pairs = table.pairs();
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t p = 0; p < offsets.length(s); ++p) {
      float* row = x.row_data(offsets.begin(s) + p);
      const float* cosine = table.cosine.data() + p * pairs;
      const float* sine = table.sine.data() + p * pairs;
      for (index_t h = 0; h < heads; ++h) {
        float* head = row + h * width;
        for (index_t j = 0; j < pairs; j += 16) {
          rotate<Backwards>(head + j, head + pairs + j, cosine + j, sine + j, pairs - j);
        }
      }
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
