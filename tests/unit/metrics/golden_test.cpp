// SPDX-License-Identifier: Apache-2.0
#include <dnalm/metrics/score_table.hpp>

#include <support/catch.hpp>
#include <unit/metrics/golden_tensors.hpp>

#include <dnalm/metrics/confusion.hpp>
#include <dnalm/metrics/correlation.hpp>
#include <dnalm/metrics/error_size.hpp>
#include <dnalm/metrics/ranking.hpp>

namespace metrics = dnalm::metrics;

namespace {

Approx close_to(double expected) {
  return Approx(expected).epsilon(1e-12).margin(1e-13);
}

std::vector<dnalm::index_t> row_numbers(std::size_t rows) {
  std::vector<dnalm::index_t> numbers(rows);
  for (std::size_t i = 0; i < rows; ++i) numbers[i] = static_cast<dnalm::index_t>(i);
  return numbers;
}

}  // namespace

TEST_CASE("regression metrics equal scikit-learn and scipy", "[metrics]") {
  const dnalm_test::golden_tensors golden("sklearn/metrics.safetensors");
  for (const std::string name :
       {"regression.plain.", "regression.ties.", "regression.offset.", "regression.two."}) {
    const auto y = golden.read(name + "y");
    const auto p = golden.read(name + "p");
    INFO(name);
    // offset: 1e6 + noise, so centred values carry about 1e-10 of relative rounding
    const double margin = name == "regression.offset." ? 1e-8 : 1e-13;
    REQUIRE(metrics::pearson(y, p) == Approx(golden.number(name + "pearson")).epsilon(1e-12).margin(margin));
    REQUIRE(metrics::spearman(y, p) == close_to(golden.number(name + "spearman")));
    REQUIRE(metrics::mse(y, p) == close_to(golden.number(name + "mse")));
    REQUIRE(metrics::r2(y, p) == Approx(golden.number(name + "r2")).epsilon(1e-12).margin(margin));
    const auto table = metrics::regression_scores(y, p, row_numbers(y.size()), {.resamples = 0});
    REQUIRE(table[0].value == metrics::pearson(y, p));
    REQUIRE(table[1].value == metrics::spearman(y, p));
    REQUIRE(table[2].value == metrics::r2(y, p));
    REQUIRE(table[3].value == metrics::mse(y, p));
  }
}

TEST_CASE("two-class metrics equal scikit-learn, ties included", "[metrics]") {
  const dnalm_test::golden_tensors golden("sklearn/metrics.safetensors");
  for (const std::string name :
       {"binary.plain.", "binary.ties.", "binary.all_tied.", "binary.small.", "binary.inverted."}) {
    INFO(name);
    const auto y = golden.read(name + "y");
    const auto p = golden.read(name + "p");
    REQUIRE(metrics::auroc(y, p) == close_to(golden.number(name + "roc_auc")));
    REQUIRE(metrics::auprc(y, p) == close_to(golden.number(name + "average_precision")));
    const auto table = metrics::binary_scores(y, p, row_numbers(y.size()), {.resamples = 0});
    REQUIRE(table[0].name == "auroc");
    REQUIRE(table[0].value == metrics::auroc(y, p));
    REQUIRE(table[1].value == metrics::auprc(y, p));
    REQUIRE(table[2].value == close_to(golden.number(name + "accuracy")));
    REQUIRE(table[3].value == close_to(golden.number(name + "mcc")));
    REQUIRE(table[4].value == close_to(golden.number(name + "f1")));
    std::vector<double> hard;
    for (const double score : p) hard.push_back(score >= 0.5 ? 1.0 : 0.0);
    REQUIRE(metrics::accuracy(y, hard) == table[2].value);
    REQUIRE(metrics::mcc(y, hard) == table[3].value);
    REQUIRE(metrics::f1(y, hard) == table[4].value);
    REQUIRE(metrics::f1_macro(y, hard) == close_to(golden.number(name + "f1_macro")));
  }
}

TEST_CASE("metrics of several classes equal scikit-learn", "[metrics]") {
  const dnalm_test::golden_tensors golden("sklearn/metrics.safetensors");
  for (const std::string name :
       {"multiclass3.plain.", "multiclass3.ties.", "multiclass5.plain.", "multiclass5.ties."}) {
    INFO(name);
    std::vector<dnalm::index_t> y;
    for (const double label : golden.read(name + "y")) y.push_back(static_cast<dnalm::index_t>(label));
    const auto p = golden.read(name + "p");
    const auto rows = static_cast<dnalm::index_t>(y.size());
    const auto view = dnalm::as_matrix(p.data(), rows, golden.extent(name + "p", 1));
    const auto table = metrics::multiclass_scores(y, view, row_numbers(y.size()), {.resamples = 0});
    REQUIRE(table[0].value == close_to(golden.number(name + "roc_auc_ovr_macro")));
    REQUIRE(table[1].value == close_to(golden.number(name + "average_precision_macro")));
    REQUIRE(table[2].value == close_to(golden.number(name + "accuracy")));
    REQUIRE(table[3].value == close_to(golden.number(name + "mcc")));
    REQUIRE(table[4].value == close_to(golden.number(name + "f1_macro")));
  }
}
