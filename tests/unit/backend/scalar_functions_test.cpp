// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <dnalm/backend/rotary_table.hpp>
#include <dnalm/backend/scalar_functions.hpp>
#include <support/catch.hpp>

using dnalm::index_t;

TEST_CASE("ALiBi slopes are those of the published code, in its order", "[backend]") {
  const std::vector<float> twelve{0.5F,
                                  0.25F,
                                  0.125F,
                                  0.0625F,
                                  0.03125F,
                                  0.015625F,
                                  0.0078125F,
                                  0.00390625F,
                                  0.7071067811865476F,
                                  0.35355339059327373F,
                                  0.17677669529663687F,
                                  0.08838834764831845F};
  for (index_t h = 0; h < 12; ++h) CHECK(dnalm::alibi_slope(h, 12) == twelve[static_cast<std::size_t>(h)]);
  CHECK(dnalm::alibi_slope(0, 3) == 0.0625F);
  CHECK(dnalm::alibi_slope(1, 3) == 0.00390625F);
  CHECK(dnalm::alibi_slope(2, 3) == 0.25F);
  CHECK(dnalm::alibi_slope(0, 1) == 0.00390625F);
  CHECK(dnalm::alibi_bias(0.70710678F, 9, 2) == -(0.70710678F * 7.0F));
}

TEST_CASE("rotary angles are float32 products", "[backend]") {
  CHECK(dnalm::rotary_frequency(0, 64) == 1.0F);
  CHECK(dnalm::rotary_frequency(16, 64) == Approx(0.01).epsilon(1e-6));
  const float frequency = 0.7498942F;
  CHECK(dnalm::rotary_angle(2047, frequency) == 2047.0F * frequency);
  const std::vector<float> frequencies{1.0F, frequency};
  const auto table = dnalm::make_rotary_table<double>(frequencies, 2048);
  CHECK(table.cosine(2047, 1) == std::cos(static_cast<double>(2047.0F * frequency)));
  CHECK(table.sine(2047, 1) == std::sin(static_cast<double>(2047.0F * frequency)));
  CHECK(std::abs(table.sine(2047, 1) - std::sin(2047.0 * static_cast<double>(frequency))) > 1e-7);
}

TEST_CASE("activations agree with their definitions", "[backend]") {
  CHECK(dnalm::gelu_erf(1.0) == Approx(0.8413447460685429).epsilon(1e-14));
  CHECK(dnalm::gelu_erf(-2.0) == Approx(-0.04550026389635842).epsilon(1e-13));
  CHECK(dnalm::gelu_tanh(1.0) == Approx(0.8411919906082768).epsilon(1e-14));
  CHECK(dnalm::silu(-1.0) == Approx(-0.2689414213699951).epsilon(1e-14));
  CHECK(dnalm::apply_activation(dnalm::activation::none, 3.5) == 3.5);
}

TEST_CASE("derivatives of the activations are those of the activations", "[backend]") {
  // Central differences of order 8 with h = 1/64 are exact to 5.7e-18 times the ninth derivative, here below
  // 1e3, and to 3e-14 for rounding.
  const double weights[4] = {4.0 / 5.0, -1.0 / 5.0, 4.0 / 105.0, -1.0 / 280.0};
  for (const auto function : {dnalm::activation::none, dnalm::activation::gelu_erf,
                              dnalm::activation::gelu_tanh, dnalm::activation::silu}) {
    for (double x = -12.0; x <= 12.0; x += 0.125) {
      double slope = 0.0;
      for (int m = 1; m <= 4; ++m) {
        const double h = m * 0x1p-6;
        slope += weights[m - 1] * 64.0 *
                 (dnalm::apply_activation(function, x + h) - dnalm::apply_activation(function, x - h));
      }
      INFO(dnalm::to_string(function) << " at " << x);
      CHECK(std::abs(dnalm::activation_derivative(function, x) - slope) < 1e-12 * std::max(1.0, std::abs(x)));
    }
  }
  CHECK(dnalm::gelu_erf_derivative(1.0) == Approx(1.0833154705876864).epsilon(1e-14));
  CHECK(dnalm::silu_derivative(1.0) == Approx(0.9276705118714869).epsilon(1e-14));
}

TEST_CASE("derivatives of the activations end at 0 and 1 and keep NaN", "[backend]") {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const auto function :
       {dnalm::activation::gelu_erf, dnalm::activation::gelu_tanh, dnalm::activation::silu}) {
    for (const double x : {41.0, 801.0, 1e10, 1e200, infinity}) {
      CHECK(dnalm::activation_derivative(function, x) == Approx(1.0).epsilon(1e-15));
      CHECK(std::abs(dnalm::activation_derivative(function, -x)) < 1e-15);
      CHECK(dnalm::activation_derivative(function, static_cast<float>(x)) == Approx(1.0F));
    }
    CHECK(dnalm::activation_derivative(function, infinity) == 1.0);
    CHECK(dnalm::activation_derivative(function, -infinity) == 0.0);
    CHECK(std::isnan(dnalm::activation_derivative(function, std::numeric_limits<double>::quiet_NaN())));
  }
}
