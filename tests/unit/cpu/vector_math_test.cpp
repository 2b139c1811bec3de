// SPDX-License-Identifier: Apache-2.0
// The errors of the vector functions that docs/kernels.md states, over every 251st float of a range, against
// double.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/cpu/detail/vector_math.hpp>
#include <support/catch.hpp>

#define DNALM_ISA_BODY <unit/cpu/vector_rows.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

using dnalm::activation;
using dnalm::index_t;
using dnalm::isa;

namespace {

using row_function = void (*)(const float* x, index_t n, float* y);

/// One function on one instruction set.
struct vector_function {
  std::string name;
  row_function run;
};

/// `name` on every instruction set of this machine.
#define DNALM_TEST_ON_EVERY_SET(name)                                                    \
  on_every_set(#name, dnalm::detail::isa_portable::name, DNALM_TEST_X86(isa_avx2, name), \
               DNALM_TEST_X86(isa_avx512, name))
#if defined(__x86_64__)
#define DNALM_TEST_X86(set, name) dnalm::detail::set::name
#else
#define DNALM_TEST_X86(set, name) nullptr
#endif

std::vector<vector_function> on_every_set(const std::string& name, row_function portable, row_function avx2,
                                          row_function avx512) {
  std::vector<vector_function> all{{name + " portable", portable}};
  if (dnalm::supports(isa::avx2)) all.push_back({name + " avx2", avx2});
  if (dnalm::supports(isa::avx512)) all.push_back({name + " avx512", avx512});
  return all;
}

std::uint32_t bits_of(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
float float_of(std::uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

/// Every 251st float from `near` to `far` (of one sign, near the smaller in size) and both ends; a multiple
/// of 16.
std::vector<float> floats_between(float near, float far) {
  std::vector<float> x;
  for (std::uint32_t bits = bits_of(near); bits < bits_of(far); bits += 251) x.push_back(float_of(bits));
  do x.push_back(far);
  while (x.size() % 16 != 0);
  return x;
}

/// Largest errors: in units of the last place of the exact value, where that is not subnormal; absolute, of
/// values up to 1 and relative of larger ones.
struct errors {
  double ulp = 0.0;
  double scaled = 0.0;
};
template <class F>
errors errors_of(const vector_function& function, const std::vector<float>& x, F exact) {
  std::vector<float> y(x.size());
  function.run(x.data(), static_cast<index_t>(x.size()), y.data());
  errors worst;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double value = exact(static_cast<double>(x[i]));
    const double gap = std::abs(static_cast<double>(y[i]) - value);
    if (std::isnan(gap))
      return {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
    worst.scaled = std::max(worst.scaled, gap / std::max(1.0, std::abs(value)));
    if (std::abs(value) < 0x1p-126) continue;
    int exponent = 0;
    static_cast<void>(std::frexp(value, &exponent));
    worst.ulp = std::max(worst.ulp, std::ldexp(gap, 24 - exponent));
  }
  return worst;
}

}  // namespace

TEST_CASE("exp stays within its stated error", "[cpu]") {
  const auto exact = [](double x) { return std::exp(x); };
  for (const vector_function& function : DNALM_TEST_ON_EVERY_SET(test_exp)) {
    INFO(function.name);
    // Half a unit of the last operation, a quarter of the polynomial's, 0.2 of the reduction, 0.1
    // before: 1.05; without fused operations an eighth more.
    CHECK(errors_of(function, floats_between(-0.0F, -87.33F), exact).ulp < 1.2);
    CHECK(errors_of(function, floats_between(0.0F, 88.37F), exact).ulp < 1.2);
    CHECK(errors_of(function, floats_between(-87.33F, -3e38F), exact).scaled < 0x1p-126);
  }
}

TEST_CASE("the power of two of attention stays within its stated error", "[cpu]") {
  const auto exact = [](double x) { return std::exp2(x); };
  for (const vector_function& function : DNALM_TEST_ON_EVERY_SET(test_exp2_of_negative)) {
    INFO(function.name);
    // Half a unit of the last operation, a quarter each of the polynomial's last coefficient and step, 0.1
    // before; without fused operations a quarter more.
    CHECK(errors_of(function, floats_between(-0.0F, -125.99F), exact).ulp < 1.4);
    CHECK(errors_of(function, floats_between(-125.99F, -3e38F), exact).scaled < 0x1p-126);
    const std::vector<float> ends{-0.0F, 0.0F, -std::numeric_limits<float>::infinity(), -127.0F};
    std::vector<float> x(16, 0.0F);
    std::copy(ends.begin(), ends.end(), x.begin());
    std::vector<float> y(16);
    function.run(x.data(), 16, y.data());
    CHECK((y[0] == 1.0F && y[1] == 1.0F && y[2] == 0.0F && y[3] == 0.0F));
  }
}

TEST_CASE("the activations stay within their stated errors", "[cpu]") {
  struct stated {
    std::vector<vector_function> functions;
    activation kind;
    double near_ulp;  ///< for x >= -1
    double scaled = 1.5e-7;
  };
  for (const stated& one :
       {stated{DNALM_TEST_ON_EVERY_SET(test_gelu_erf), activation::gelu_erf, 7.0},
        stated{DNALM_TEST_ON_EVERY_SET(test_gelu_tanh), activation::gelu_tanh, 3.0},
        stated{DNALM_TEST_ON_EVERY_SET(test_silu), activation::silu, 2.5},
        stated{DNALM_TEST_ON_EVERY_SET(test_gelu_erf_both), activation::gelu_erf, 7.0},
        stated{DNALM_TEST_ON_EVERY_SET(test_gelu_tanh_both), activation::gelu_tanh, 4.0, 1.8e-7},
        stated{DNALM_TEST_ON_EVERY_SET(test_silu_both), activation::silu, 3.5}}) {
    const auto exact = [&](double x) { return dnalm::apply_activation(one.kind, x); };
    for (const vector_function& function : one.functions) {
      INFO(function.name);
      const errors positive = errors_of(function, floats_between(0.0F, 1e12F), exact);
      const errors near_zero = errors_of(function, floats_between(-0.0F, -1.0F), exact);
      const errors negative = errors_of(function, floats_between(-1.0F, -1e12F), exact);
      CHECK(positive.ulp < one.near_ulp);
      CHECK(near_zero.ulp < one.near_ulp);
      CHECK(std::max({positive.scaled, near_zero.scaled, negative.scaled}) < one.scaled);
    }
  }
}

TEST_CASE("NaN of every payload stays NaN", "[cpu]") {
  std::vector<float> x;
  for (std::uint32_t payload = 0; payload < 256; ++payload) {
    x.push_back(float_of(0x7FC00000U + payload));
    x.push_back(float_of(0xFFC00000U + payload * 16381U));
  }
  std::vector<vector_function> all = DNALM_TEST_ON_EVERY_SET(test_exp);
  for (const auto& more :
       {DNALM_TEST_ON_EVERY_SET(test_exp2_of_negative), DNALM_TEST_ON_EVERY_SET(test_gelu_erf),
        DNALM_TEST_ON_EVERY_SET(test_gelu_tanh), DNALM_TEST_ON_EVERY_SET(test_silu),
        DNALM_TEST_ON_EVERY_SET(test_gelu_erf_both), DNALM_TEST_ON_EVERY_SET(test_gelu_tanh_both),
        DNALM_TEST_ON_EVERY_SET(test_silu_both)}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  for (const vector_function& function : all) {
    INFO(function.name);
    std::vector<float> y(x.size(), 0.0F);
    function.run(x.data(), static_cast<index_t>(x.size()), y.data());
    CHECK(std::all_of(y.begin(), y.end(), [](float value) { return std::isnan(value); }));
  }
}
