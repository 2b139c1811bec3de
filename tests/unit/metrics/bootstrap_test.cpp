// SPDX-License-Identifier: Apache-2.0
#include <dnalm/metrics/bootstrap.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include <dnalm/core/philox.hpp>
#include <dnalm/metrics/score_table.hpp>

namespace metrics = dnalm::metrics;
using dnalm::index_t;
using dnalm_test::error_id_of;

TEST_CASE("resamples draw whole clusters, as many as there are", "[metrics]") {
  const std::vector<index_t> clusters{7, 7, 3, 9, 3, 3};
  const metrics::cluster_resampler resampler(clusters, 1, "target");
  REQUIRE(resampler.clusters() == 3);
  std::vector<std::int32_t> counts(6);
  std::set<std::vector<std::int32_t>> distinct;
  for (index_t replicate = 0; replicate < 200; ++replicate) {
    resampler.draw(replicate, counts);
    REQUIRE(counts[0] == counts[1]);
    REQUIRE(counts[2] == counts[4]);
    REQUIRE(counts[4] == counts[5]);
    REQUIRE(counts[0] + counts[2] + counts[3] == 3);
    distinct.insert(counts);
  }
  REQUIRE(distinct.size() == 10);  // all ways to draw 3 of 3 with replacement
}

TEST_CASE("a resample depends on seed, stream and number only", "[metrics]") {
  std::vector<index_t> clusters(50);
  std::iota(clusters.begin(), clusters.end(), index_t{0});
  const metrics::cluster_resampler one(clusters, 5, "a");
  const metrics::cluster_resampler same(clusters, 5, "a");
  const metrics::cluster_resampler other_stream(clusters, 5, "b");
  const metrics::cluster_resampler other_seed(clusters, 6, "a");
  std::vector<std::int32_t> first(50);
  std::vector<std::int32_t> second(50);
  one.draw(3, first);
  one.draw(4, second);
  REQUIRE(first != second);
  same.draw(3, second);
  REQUIRE(first == second);
  other_stream.draw(3, second);
  REQUIRE(first != second);
  other_seed.draw(3, second);
  REQUIRE(first != second);
}

TEST_CASE("percentiles interpolate between order statistics and leave NaN out", "[metrics]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  // numpy.percentile([1, 2, 4, 8, 16], [2.5, 97.5]) = 1.1, 15.2
  const auto range = metrics::percentile_interval({8, 1, 16, 2, 4}, 0.95);
  REQUIRE(range.low == Approx(1.1).epsilon(1e-14));
  REQUIRE(range.high == Approx(15.2).epsilon(1e-14));
  const auto same = metrics::percentile_interval({8, nan, 1, 16, nan, 2, 4}, 0.95);
  REQUIRE(same.low == range.low);
  REQUIRE(same.high == range.high);
  REQUIRE(std::isnan(metrics::percentile_interval({nan, nan, 1}, 0.95).low));
  REQUIRE(std::isnan(metrics::percentile_interval({}, 0.95).high));
  REQUIRE(metrics::percentile_interval({3}, 0.9).low == 3);
}

TEST_CASE("the interval of a mean has the width the normal law gives", "[metrics]") {
  dnalm::philox random(2);
  std::vector<double> y(400);
  std::vector<index_t> clusters(400);
  double spread = 0;
  for (auto& value : y) value = random.normal();
  std::iota(clusters.begin(), clusters.end(), index_t{0});
  const std::vector<double> zero(400, 0.0);
  const auto table = metrics::regression_scores(y, zero, clusters, {.resamples = 2000});  // mse = mean of y^2
  for (const double value : y) spread += std::pow(value * value - table[3].value, 2) / 400;
  const double width = 2 * 1.959964 * std::sqrt(spread / 400);
  REQUIRE(table[3].high - table[3].low == Approx(width).epsilon(0.1));
  REQUIRE(table[3].low < table[3].value);
  REQUIRE(table[3].value < table[3].high);
}

TEST_CASE("clusters of copies give the interval of the rows that were copied", "[metrics]") {
  dnalm::philox random(4);
  std::vector<double> labels;
  std::vector<double> scores;
  std::vector<index_t> clusters;
  std::vector<double> wide_labels;
  std::vector<double> wide_scores;
  std::vector<index_t> wide_clusters;
  for (index_t i = 0; i < 40; ++i) {
    labels.push_back(static_cast<double>(random.below(2)));
    scores.push_back(random.normal() + labels.back());
    clusters.push_back(i);
    for (int copy = 0; copy < 3; ++copy) {
      wide_labels.push_back(labels.back());
      wide_scores.push_back(scores.back());
      wide_clusters.push_back(1000 - i);
    }
  }
  const auto narrow = metrics::binary_scores(labels, scores, clusters, {.resamples = 300});
  const auto wide = metrics::binary_scores(wide_labels, wide_scores, wide_clusters, {.resamples = 300});
  for (std::size_t m = 0; m < narrow.size(); ++m) {
    REQUIRE(wide[m].value == Approx(narrow[m].value).epsilon(1e-13));
    REQUIRE(wide[m].low == Approx(narrow[m].low).epsilon(1e-12));
    REQUIRE(wide[m].high == Approx(narrow[m].high).epsilon(1e-12));
  }
}

TEST_CASE("score tables report what cannot be scored", "[metrics]") {
  const std::vector<index_t> clusters{0, 1, 2};
  const std::vector<double> y{0, 1, 1};
  const std::vector<double> s{.2, .4, .3};
  REQUIRE(error_id_of([&] { (void)metrics::binary_scores(y, s, clusters, {.level = 1.0}); }) ==
          "dnalm.usage.504");
  REQUIRE(error_id_of([&] { (void)metrics::binary_scores(y, s, clusters, {.resamples = -1}); }) ==
          "dnalm.usage.504");
  REQUIRE(error_id_of([&] {
            (void)metrics::binary_scores({{1, 1, 1}}, s, clusters, {});
          }) == "dnalm.input.502");
  REQUIRE(error_id_of([&] { (void)metrics::binary_scores(y, s, {{0, 1}}, {}); }) == "dnalm.shape.500");
  const std::vector<index_t> classes{0, 3, 1};
  const std::vector<double> wide{.2, .4, .3, .1, .1, .1, .2, .2, .2};
  REQUIRE(error_id_of([&] {
            (void)metrics::multiclass_scores(classes, dnalm::as_matrix(wide.data(), 3, 3), clusters, {});
          }) == "dnalm.input.503");
}

TEST_CASE("a class without rows is left out of macro means", "[metrics]") {
  const std::vector<index_t> labels{0, 1, 0, 1};
  const std::vector<double> three{.7, .2, .1, .3, .6, .1, .3, .4, .3, .1, .7, .2};
  const std::vector<index_t> clusters{0, 1, 2, 3};
  const auto table =
      metrics::multiclass_scores(labels, dnalm::as_matrix(three.data(), 4, 3), clusters, {.resamples = 50});
  // class 0: scores .7 .3 | .3 .1 -> wins 1, 1, half, 1 = 3.5 of 4; class 1: .6 .7 | .2 .4 -> 4 of 4
  REQUIRE(table[0].value == Approx((0.875 + 1) / 2));
  REQUIRE(table[0].low <= table[0].value);
}
