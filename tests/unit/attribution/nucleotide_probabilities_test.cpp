// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <dnalm/attribution/nucleotide_probabilities.hpp>
#include <dnalm/attribution/strand_average.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/philox.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>

namespace {

using dnalm::index_t;
using dnalm::nucleotide_map;

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// Log-weights of any shift; the last column has no prediction.
nucleotide_map random_weights(index_t length, double spread) {
  nucleotide_map map(length);
  dnalm::philox random(3, 1);
  for (double& value : map.values) value = spread * (random.uniform() - 0.5) + 7;
  for (index_t a = 0; a < 4; ++a) map(a, length - 1) = unknown;
  return map;
}

TEST_CASE("log-probabilities sum to one, keep ratios, and survive large logits") {
  for (const double spread : {4.0, 3000.0}) {
    const nucleotide_map weights = random_weights(9, spread);
    const nucleotide_map log_p = dnalm::log_probabilities_of(weights);
    for (index_t i = 0; i < 8; ++i) {
      double sum = 0;
      for (index_t a = 0; a < 4; ++a) {
        sum += std::exp(log_p(a, i));
        CHECK(log_p(a, i) - log_p(0, i) == Approx(weights(a, i) - weights(0, i)).margin(1e-12 * spread));
      }
      CHECK(sum == Approx(1).epsilon(1e-12));
    }
    for (index_t a = 0; a < 4; ++a) CHECK(std::isnan(log_p(a, 8)));
  }
}

TEST_CASE("entropy lies between 0 and 2 bits and information is what is missing to 2") {
  nucleotide_map weights(4);
  for (index_t a = 0; a < 4; ++a) {
    weights(a, 0) = 5;                       // all alike
    weights(a, 1) = a == 2 ? 0.0 : -2000.0;  // certain
    weights(a, 2) = a < 2 ? 1.0 : -std::numeric_limits<double>::infinity();
    weights(a, 3) = unknown;
  }
  const nucleotide_map log_p = dnalm::log_probabilities_of(weights);
  const std::vector<double> entropy = dnalm::entropy_bits(log_p);
  const std::vector<double> information = dnalm::information_bits(log_p);
  CHECK(entropy[0] == Approx(2).epsilon(1e-14));
  CHECK(entropy[1] == 0);
  CHECK(entropy[2] == Approx(1).epsilon(1e-14));
  CHECK(std::isnan(entropy[3]));
  for (std::size_t i = 0; i < 3; ++i) CHECK(information[i] == 2 - entropy[i]);
  CHECK(dnalm::likeliest_letters(log_p) == "AGAN");
  CHECK(dnalm::largest_entropy(entropy) == entropy[0]);
  const nucleotide_map p = dnalm::probabilities(log_p);
  for (index_t a = 0; a < 4; ++a) CHECK(p(a, 3) == 0);
  CHECK(p(1, 2) == Approx(0.5));
  for (const double value : dnalm::entropy_bits(dnalm::log_probabilities_of(random_weights(50, 30)))) {
    CHECK((std::isnan(value) || (value >= 0 && value <= 2)));
  }
}

TEST_CASE(
    "likelihood ratios of one pass are antisymmetric, close every cycle and are zero where nothing changes") {
  const nucleotide_map log_p = dnalm::log_probabilities_of(random_weights(6, 5));
  const nucleotide_map as_a = dnalm::log_likelihood_ratios(log_p, "AAAAAA");
  const nucleotide_map as_g = dnalm::log_likelihood_ratios(log_p, "GGGGGG");
  const nucleotide_map as_t = dnalm::log_likelihood_ratios(log_p, "TTTTTT");
  for (index_t i = 0; i < 5; ++i) {
    CHECK(as_a(0, i) == 0);
    CHECK(as_a(2, i) == -as_g(0, i));
    CHECK(as_a(2, i) + as_g(3, i) + as_t(0, i) == Approx(0).margin(1e-14));
  }
  const nucleotide_map with_n = dnalm::log_likelihood_ratios(log_p, "ANAAAA");
  for (index_t a = 0; a < 4; ++a) {
    CHECK(with_n(a, 1) == 0);
    CHECK(with_n(a, 5) == 0);
  }
  CHECK_THROWS_WITH(dnalm::log_likelihood_ratios(log_p, "A"), Catch::Contains("dnalm.shape.851"));
}

TEST_CASE("log-odds are taken against the background, which need not be normalised") {
  nucleotide_map weights(1);
  weights(1, 0) = std::log(5.0);  // p = 1/8, 5/8, 1/8, 1/8
  const nucleotide_map log_p = dnalm::log_probabilities_of(weights);
  CHECK(dnalm::log_odds_bits(log_p)(0, 0) == Approx(-1));
  const std::vector<double> background = {2, 1, 1, 4};
  const nucleotide_map odds = dnalm::log_odds_bits(log_p, background);
  CHECK(odds(0, 0) == Approx(-1));
  CHECK(odds(1, 0) == Approx(std::log2(5.0)));
  CHECK(odds(3, 0) == Approx(-2));
  CHECK_THROWS_WITH(dnalm::log_odds_bits(log_p, std::vector<double>{1, 1, 0, 1}),
                    Catch::Contains("dnalm.usage.850"));
  CHECK_THROWS_WITH(dnalm::log_odds_bits(log_p, std::vector<double>{1, 1}),
                    Catch::Contains("dnalm.usage.850"));
}

TEST_CASE("a saliency is weighed by the entropy turned round, and is zero without a prediction") {
  const std::vector<double> norms = {2, 3, 5};
  const std::vector<double> entropy = {1.5, 0.5, unknown};
  CHECK(dnalm::entropy_weighted(norms, entropy, 1.5) == std::vector<double>{0, 3, 0});
  CHECK_THROWS_WITH(dnalm::entropy_weighted(norms, std::vector<double>{1}, 2),
                    Catch::Contains("dnalm.shape.851"));
}

TEST_CASE("the mean of both strands is the same map from either strand, bitwise") {
  dnalm::philox random(5, 2);
  nucleotide_map forward(7);
  nucleotide_map reverse(7);
  for (double& value : forward.values) value = random.uniform();
  for (double& value : reverse.values) value = random.uniform();
  const nucleotide_map turned = dnalm::turned_map(reverse);
  CHECK(turned(0, 0) == reverse(3, 6));
  CHECK(turned(1, 2) == reverse(2, 4));
  const nucleotide_map mean = dnalm::strand_average(forward, reverse);
  CHECK(mean(2, 3) == (forward(2, 3) + reverse(1, 3)) / 2);
  CHECK(
      dnalm_test::same_bits(mean.values, dnalm::turned_map(dnalm::strand_average(reverse, forward)).values));
  CHECK_THROWS_WITH(dnalm::strand_average(forward, nucleotide_map(6)), Catch::Contains("dnalm.shape.851"));
  const std::vector<double> along = {1, 2, 4};
  const std::vector<double> back = {3, 7, 5};
  CHECK(dnalm::strand_average(along, back) == std::vector<double>{3, 4.5, 3.5});
}

}  // namespace
