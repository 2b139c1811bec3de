// SPDX-License-Identifier: Apache-2.0
#include <dnalm/metrics/confusion.hpp>
#include <dnalm/metrics/correlation.hpp>
#include <dnalm/metrics/error_size.hpp>
#include <dnalm/metrics/ranking.hpp>

#include <support/catch.hpp>

#include <limits>

#include <dnalm/core/philox.hpp>

namespace metrics = dnalm::metrics;
using dnalm_test::error_id_of;

namespace {

const double missing = std::numeric_limits<double>::quiet_NaN();
using column = std::vector<double>;

/// (pairs won + half the ties) / all pairs, by looking at every pair.
double auroc_of_pairs(const column& labels, const column& scores) {
  double won = 0;
  double pairs = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    for (std::size_t j = 0; j < labels.size(); ++j) {
      if (labels[i] != 1 || labels[j] != 0) continue;
      pairs += 1;
      won += scores[i] > scores[j] ? 1.0 : (scores[i] == scores[j] ? 0.5 : 0.0);
    }
  }
  return won / pairs;
}

/// Sum over thresholds of (recall gained) x precision, each threshold by a look at every row.
double auprc_of_thresholds(const column& labels, const column& scores) {
  column thresholds = scores;
  std::sort(thresholds.rbegin(), thresholds.rend());
  thresholds.erase(std::unique(thresholds.begin(), thresholds.end()), thresholds.end());
  double area = 0;
  double before = 0;
  double positives = 0;
  for (const double label : labels) positives += label;
  for (const double threshold : thresholds) {
    double hits = 0;
    double chosen = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (scores[i] < threshold) continue;
      chosen += 1;
      hits += labels[i];
    }
    area += (hits / positives - before) * (hits / chosen);
    before = hits / positives;
  }
  return area;
}

/// Average rank by counting, one row against all others.
column ranks_by_counting(const column& values) {
  column ranks;
  for (const double value : values) {
    double rank = 0.5;
    for (const double other : values) rank += other < value ? 1.0 : (other == value ? 0.5 : 0.0);
    ranks.push_back(rank);
  }
  return ranks;
}

}  // namespace

TEST_CASE("the reference values of ranking metrics hold", "[metrics]") {
  const column y{0, 0, 1, 1, 1};
  const column s{1, 2, 2, 3, 1};
  REQUIRE(metrics::auroc(y, s) == 2.0 / 3.0);
  REQUIRE(metrics::auprc(y, s) == Approx(0.755555555555555).epsilon(1e-12));
  REQUIRE(metrics::auroc(y, column(5, 7.0)) == 0.5);
  REQUIRE(metrics::auprc(y, column(5, 7.0)) == 0.6);  // prevalence
  REQUIRE(metrics::auprc(column{0, 0, 1, 1}, column{.1, .4, .35, .8}) ==
          Approx(0.833333333333333).epsilon(1e-12));
  REQUIRE(metrics::spearman(column{1, 2, 2, 3, missing, 5}, column{2, 2, 1, 4, 7, missing}) == 0.5);
}

TEST_CASE("ranking metrics equal their definition by brute force", "[metrics]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    dnalm::philox random(seed);
    const std::size_t rows = 2 + random.below(40);
    const std::uint64_t levels = 1 + random.below(12);
    column labels{0, 1};
    column scores{0, 0};
    while (labels.size() < rows) labels.push_back(static_cast<double>(random.below(2)));
    scores.clear();
    while (scores.size() < rows) scores.push_back(static_cast<double>(random.below(levels)) / 4 - 1);
    REQUIRE(metrics::auroc(labels, scores) == Approx(auroc_of_pairs(labels, scores)).epsilon(1e-14));
    REQUIRE(metrics::auprc(labels, scores) == Approx(auprc_of_thresholds(labels, scores)).epsilon(1e-13));
    column other;
    while (other.size() < rows) other.push_back(random.normal());
    const double expected = metrics::pearson(ranks_by_counting(scores), ranks_by_counting(other));
    if (std::isnan(expected)) {
      REQUIRE(std::isnan(metrics::spearman(scores, other)));
    } else {
      REQUIRE(metrics::spearman(scores, other) == Approx(expected).epsilon(1e-13));
    }
  }
}

TEST_CASE("ranking metrics keep their symmetries bit for bit", "[metrics]") {
  dnalm::philox random(3);
  column labels;
  column scores;
  column targets;
  for (int i = 0; i < 301; ++i) {
    labels.push_back(static_cast<double>(random.below(2)));
    scores.push_back(std::round(random.normal() * 8) / 8);
    targets.push_back(random.normal());
  }
  column mirrored;
  column stretched;
  for (const double score : scores) {
    mirrored.push_back(-score);
    stretched.push_back(std::exp(score) * 3 - 1);
  }
  REQUIRE(metrics::auroc(labels, mirrored) == Approx(1 - metrics::auroc(labels, scores)).epsilon(1e-15));
  REQUIRE(metrics::auroc(labels, stretched) == metrics::auroc(labels, scores));
  REQUIRE(metrics::auprc(labels, stretched) == metrics::auprc(labels, scores));
  REQUIRE(metrics::spearman(stretched, targets) == metrics::spearman(scores, targets));
  REQUIRE(metrics::spearman(mirrored, targets) == -metrics::spearman(scores, targets));
  const double area = metrics::auroc(labels, scores);
  const double precision = metrics::auprc(labels, scores);
  const double rho = metrics::spearman(scores, targets);
  for (std::size_t i = labels.size() - 1; i > 0; --i) {  // another order of the rows
    const std::size_t j = random.below(i + 1);
    std::swap(labels[i], labels[j]);
    std::swap(scores[i], scores[j]);
    std::swap(targets[i], targets[j]);
  }
  REQUIRE(metrics::auroc(labels, scores) == area);
  REQUIRE(metrics::auprc(labels, scores) == precision);
  REQUIRE(metrics::spearman(scores, targets) == rho);
}

TEST_CASE("signed zeros and infinities are ordinary scores", "[metrics]") {
  const double infinity = std::numeric_limits<double>::infinity();
  REQUIRE(metrics::auroc(column{0, 1}, column{-0.0, 0.0}) == 0.5);
  REQUIRE(metrics::auroc(column{0, 1, 1}, column{-infinity, 0.0, infinity}) == 1);
}

TEST_CASE("correlations of constant or single values are NaN", "[metrics]") {
  REQUIRE(std::isnan(metrics::pearson(column{1, 2, 3}, column{0.1, 0.1, 0.1})));
  REQUIRE(std::isnan(metrics::spearman(column{1, 2, 3}, column{0.1, 0.1, 0.1})));
  REQUIRE(std::isnan(metrics::pearson(column{1}, column{2})));
  REQUIRE(std::isnan(metrics::r2(column{0.3, 0.3, 0.3}, column{1, 2, 3})));
  REQUIRE(metrics::pearson(column{1, 2}, column{5, 3}) == -1);
  REQUIRE(metrics::pearson(column{1e150, 2e150, 4e150}, column{1, 2, 4}) == Approx(1));
}

TEST_CASE("R2 is 1 for exact predictions, 0 for the mean and may be negative", "[metrics]") {
  const column y{1, 2, 4, 9};
  REQUIRE(metrics::r2(y, y) == 1);
  REQUIRE(metrics::r2(y, column(4, 4.0)) == 0);
  REQUIRE(metrics::r2(y, column{9, 4, 2, 1}) < 0);
  REQUIRE(metrics::mse(y, column{1, 2, 4, 5}) == 4);
}

TEST_CASE("Matthews correlation is 1, -1 and 0 where it must be", "[metrics]") {
  const column y{0, 1, 1, 0, 1};
  const column inverted{1, 0, 0, 1, 0};
  REQUIRE(metrics::mcc(y, y) == Approx(1));
  REQUIRE(metrics::mcc(y, inverted) == Approx(-1));
  REQUIRE(metrics::mcc(y, column(5, 1.0)) == 0);
  REQUIRE(metrics::mcc(column(5, 1.0), column(5, 1.0)) == 0);
  // TP 2, TN 1, FP 1, FN 1: (2 - 1) / sqrt(3 x 3 x 2 x 2)
  REQUIRE(metrics::mcc(y, column{0, 1, 1, 1, 0}) == Approx(1.0 / 6.0));
  REQUIRE(metrics::f1(y, column{0, 1, 1, 1, 0}) == Approx(2.0 / 3.0));
  REQUIRE(metrics::f1(column{0, 0}, column{0, 0}) == 0);
  REQUIRE(metrics::accuracy(y, column{0, 1, 1, 1, 0}) == Approx(0.6));
  REQUIRE(metrics::accuracy(column{3, -7, 3}, column{3, -7, 4}) == Approx(2.0 / 3.0));
}

TEST_CASE("a row counted c times equals c copies of it", "[metrics]") {
  dnalm::philox random(11);
  column labels;
  column scores;
  column wide_labels;
  column wide_scores;
  std::vector<std::int32_t> counts;
  for (int i = 0; i < 60; ++i) {
    labels.push_back(static_cast<double>(random.below(2)));
    scores.push_back(std::round(random.normal() * 4) / 4);
    counts.push_back(static_cast<std::int32_t>(random.below(4)));
    for (int copy = 0; copy < counts.back(); ++copy) {
      wide_labels.push_back(labels.back());
      wide_scores.push_back(scores.back());
    }
  }
  const auto order = metrics::order_by_value(scores);
  const auto label_order = metrics::order_by_value(labels);
  column a(60);
  column b(60);
  REQUIRE(metrics::detail::counted_auroc(order, labels, counts) == metrics::auroc(wide_labels, wide_scores));
  REQUIRE(metrics::detail::counted_auprc(order, labels, counts) ==
          Approx(metrics::auprc(wide_labels, wide_scores)).epsilon(1e-14));
  REQUIRE(metrics::detail::counted_spearman(order, label_order, counts, a, b) ==
          metrics::spearman(wide_scores, wide_labels));
  REQUIRE(metrics::detail::counted_pearson(labels, scores, counts) ==
          Approx(metrics::pearson(wide_labels, wide_scores)).epsilon(1e-13));
  REQUIRE(metrics::detail::counted_r2(labels, scores, counts) ==
          Approx(metrics::r2(wide_labels, wide_scores)).epsilon(1e-13));
  REQUIRE(metrics::detail::counted_mse(labels, scores, counts) ==
          Approx(metrics::mse(wide_labels, wide_scores)).epsilon(1e-13));
  const std::vector<std::int32_t> ones(60, 1);
  REQUIRE(metrics::detail::counted_pearson(labels, scores, ones) == metrics::pearson(labels, scores));
  REQUIRE(metrics::detail::counted_auroc(order, labels, ones) == metrics::auroc(labels, scores));
}

TEST_CASE("NaN policies say what happens", "[metrics]") {
  using metrics::nan_policy;
  const column x{1, 2, missing, 4};
  const column y{1, 3, 2, 4};
  REQUIRE(metrics::pearson(x, y) == metrics::pearson(column{1, 2, 4}, column{1, 3, 4}));
  REQUIRE(std::isnan(metrics::pearson(x, y, nan_policy::propagate)));
  REQUIRE(error_id_of([&] { (void)metrics::pearson(x, y, nan_policy::error); }) == "dnalm.numeric.501");
  REQUIRE(error_id_of([&] { (void)metrics::mse(y, x); }) == "dnalm.numeric.501");
  REQUIRE(metrics::mse(x, y, nan_policy::omit) == Approx(1.0 / 3.0));
  REQUIRE(error_id_of([&] { (void)metrics::auroc(column{0, 1, 0, 1}, x); }) == "dnalm.numeric.501");
  REQUIRE(std::isnan(metrics::spearman(column{missing, 1}, column{1, missing})));
}

TEST_CASE("metrics refuse what they cannot score", "[metrics]") {
  REQUIRE(error_id_of([] { (void)metrics::mse(column{1, 2}, column{1}); }) == "dnalm.shape.500");
  REQUIRE(error_id_of([] { (void)metrics::pearson(column{}, column{}); }) == "dnalm.shape.500");
  REQUIRE(error_id_of([] { (void)metrics::auroc(column{1, 1}, column{1, 2}); }) == "dnalm.input.502");
  REQUIRE(error_id_of([] { (void)metrics::auroc(column{0, 0}, column{1, 2}); }) == "dnalm.input.502");
  REQUIRE(error_id_of([] { (void)metrics::auprc(column{0, 0}, column{1, 2}); }) == "dnalm.input.502");
  REQUIRE(error_id_of([] { (void)metrics::auroc(column{0, 2}, column{1, 2}); }) == "dnalm.input.503");
  REQUIRE(error_id_of([] { (void)metrics::auroc(column{0, missing}, column{1, 2}); }) == "dnalm.input.503");
}
