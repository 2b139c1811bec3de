// SPDX-License-Identifier: Apache-2.0
// The functions of vector_math.hpp on rows of whole vectors, once per instruction set (for_each_isa.ipp).

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// y = exp(x), 2^x (x <= 0), or an activation of x, for a multiple of 16 numbers.
DNALM_ISA_FUNCTION void test_exp(const float* x, index_t n, float* y) {
  for (index_t i = 0; i < n; i += 16) store(y + i, exp(load(x + i)));
}
DNALM_ISA_FUNCTION void test_exp2_of_negative(const float* x, index_t n, float* y) {
  for (index_t i = 0; i < n; i += 16) store(y + i, exp2_of_negative(load(x + i)));
}
DNALM_ISA_FUNCTION void test_gelu_erf(const float* x, index_t n, float* y) {
  for (index_t i = 0; i < n; i += 16) store(y + i, gelu_erf(load(x + i)));
}
DNALM_ISA_FUNCTION void test_gelu_tanh(const float* x, index_t n, float* y) {
  for (index_t i = 0; i < n; i += 16) store(y + i, gelu_tanh(load(x + i)));
}
DNALM_ISA_FUNCTION void test_silu(const float* x, index_t n, float* y) {
  for (index_t i = 0; i < n; i += 16) store(y + i, silu(load(x + i)));
}

/// The value that comes with the slope.
DNALM_ISA_FUNCTION void test_gelu_erf_both(const float* x, index_t n, float* y) {
  for (index_t i = 0; i < n; i += 16) store(y + i, gelu_erf_both(load(x + i)).value);
}
DNALM_ISA_FUNCTION void test_gelu_tanh_both(const float* x, index_t n, float* y) {
  for (index_t i = 0; i < n; i += 16) store(y + i, gelu_tanh_both(load(x + i)).value);
}
DNALM_ISA_FUNCTION void test_silu_both(const float* x, index_t n, float* y) {
  for (index_t i = 0; i < n; i += 16) store(y + i, silu_both(load(x + i)).value);
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
