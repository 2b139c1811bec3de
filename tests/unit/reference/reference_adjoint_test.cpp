// SPDX-License-Identifier: Apache-2.0
// The adjoints of the double kernels against differences of their forwards; windows and partial rotations
// against their definitions.
#include <unit/backend/kernel_adjoint_cases.hpp>

using dnalm::index_t;

namespace {
const dnalm::reference_backend reference;
}

TEST_CASE("adjoints of the row kernels agree with differences", "[reference][adjoint]") {
  dnalm_test::check_row_kernels(reference);
}

TEST_CASE("the adjoint of rotary agrees with differences, also for fewer pairs than half a head",
          "[reference][adjoint]") {
  dnalm_test::check_rotary_kernel(reference);
}

TEST_CASE("the adjoint of attention agrees with differences", "[reference][adjoint]") {
  dnalm_test::check_attention_kernel(reference);
}

TEST_CASE("a window leaves out exactly the tokens further away", "[reference]") {
  // One head of one channel: q = 1, k = j, v = 2^j, so y_i is a known sum of few terms.
  const index_t length = 9;
  dnalm::matrix<double> q(length, 1);
  dnalm::matrix<double> k(length, 1);
  dnalm::matrix<double> v(length, 1);
  for (index_t j = 0; j < length; ++j) {
    q(j, 0) = 1.0;
    k(j, 0) = 0.125 * static_cast<double>(j);
    v(j, 0) = std::exp2(static_cast<double>(j));
  }
  const dnalm::ragged_offsets offsets = dnalm_test::make_offsets({length});
  for (index_t window = 0; window < 11; ++window) {
    dnalm::matrix<double> y(length, 1);
    dnalm::buffer<double> scratch(length);
    dnalm::attention_options<double> options;
    options.window = window;
    reference.attention(q.view(), k.view(), v.view(), offsets, options, scratch.view(), y.view());
    for (index_t i = 0; i < length; ++i) {
      double sum = 0.0;
      double total = 0.0;
      for (index_t j = 0; j < length; ++j) {
        if (window > 0 && (j > i + window || j < i - window)) continue;
        total += std::exp(k(j, 0));
        sum += std::exp(k(j, 0)) * v(j, 0);
      }
      INFO("window " << window << " token " << i);
      CHECK(y(i, 0) == Approx(sum / total).epsilon(1e-14));
    }
  }
}

TEST_CASE("rotary turns the first 2P channels of a head and leaves the others", "[reference]") {
  const std::vector<float> frequencies{1.0F, 0.25F};
  const auto table = dnalm::make_rotary_table<double>(frequencies, 3);
  REQUIRE(table.pairs() == 2);
  dnalm::matrix<double> x(3, 14);
  for (index_t c = 0; c < 14; ++c) x(2, c) = static_cast<double>(c + 1);
  reference.rotary(table, dnalm_test::make_offsets({3}), 2, x.view());
  for (index_t h = 0; h < 2; ++h) {
    const auto before = [&](index_t c) { return static_cast<double>(7 * h + c + 1); };
    for (index_t j = 0; j < 2; ++j) {
      const double angle = 2.0 * static_cast<double>(frequencies[static_cast<std::size_t>(j)]);
      CHECK(x(2, 7 * h + j) ==
            Approx(before(j) * std::cos(angle) - before(j + 2) * std::sin(angle)).epsilon(1e-14));
      CHECK(x(2, 7 * h + j + 2) ==
            Approx(before(j + 2) * std::cos(angle) + before(j) * std::sin(angle)).epsilon(1e-14));
    }
    for (index_t c = 4; c < 7; ++c) CHECK(x(2, 7 * h + c) == before(c));
  }
}
