// SPDX-License-Identifier: Apache-2.0
#include <cmath>
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
