// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/metrics/mann_whitney.hpp>
#include <dnalm/metrics/paired_t.hpp>
#include <dnalm/metrics/ranking.hpp>
#include <support/catch.hpp>

namespace {

using dnalm::metrics::mann_whitney;
using dnalm::metrics::rank_test_method;
using dnalm::metrics::test_side;

nlohmann::json golden() {
  std::ifstream file(std::string(DNALM_GOLDEN_DIR) + "/scipy/tests.json");
  return nlohmann::json::parse(file);
}

TEST_CASE("Mann-Whitney tests equal scipy's", "[rank]") {
  const auto document = golden();
  for (const auto& row : document["rank"]) {
    INFO(row["name"]);
    const auto x = row["x"].get<std::vector<double>>();
    const auto y = row["y"].get<std::vector<double>>();
    const auto method = row["method"] == "exact" ? rank_test_method::exact : rank_test_method::normal;
    for (const auto& [name, side] :
         {std::pair("both", test_side::both), {"greater", test_side::greater}, {"less", test_side::less}}) {
      const auto test = mann_whitney(x, y, side, method);
      CHECK(test.u == row["u"].get<double>());
      CHECK(test.exact == (row["method"] == "exact"));
      // Sums of at most 2501 positive terms, or one erfc: a few hundred roundings.
      CHECK(std::abs(test.p_value - row[name].get<double>()) <= 1e-13 * row[name].get<double>() + 1e-300);
    }
  }
}

TEST_CASE("the share of a Mann-Whitney test is the AUROC", "[rank]") {
  const std::vector<double> x = {1, 2, 2, 5, 7};
  const std::vector<double> y = {0, 2, 3};
  std::vector<double> all = x;
  all.insert(all.end(), y.begin(), y.end());
  const std::vector<double> labels = {1, 1, 1, 1, 1, 0, 0, 0};
  const auto test = mann_whitney(x, y);
  CHECK(test.share == dnalm::metrics::auroc(labels, all));
  CHECK_FALSE(test.exact);  // there are ties
}

TEST_CASE("a Mann-Whitney test is exact by itself for small samples without ties, and ignores order",
          "[rank]") {
  std::vector<double> x = {0.3, 1.5, -2, 8};
  const std::vector<double> y = {0.1, 0.2, -1, 4, 5};
  const auto test = mann_whitney(x, y);
  CHECK(test.exact);
  std::reverse(x.begin(), x.end());
  CHECK(mann_whitney(x, y).p_value == test.p_value);
  CHECK(mann_whitney(y, x).p_value == test.p_value);
  const std::vector<double> same(4, 2.0);
  CHECK(mann_whitney(same, same).p_value == 1);
}

TEST_CASE("means and paired t tests equal scipy's", "[rank]") {
  const auto document = golden();
  for (const auto& row : document["mean"]) {
    const auto test = dnalm::metrics::paired_t(row["d"].get<std::vector<double>>());
    const auto close = [](double a, double b, double bound) {
      return std::abs(a - b) <= bound * std::abs(b);
    };
    CHECK(close(test.mean, row["mean"], 1e-13));
    CHECK(close(test.standard_error, row["error"], 1e-13));
    CHECK(close(test.t, row["t"], 1e-12));
    CHECK(close(test.p_value, row["p"], 1e-9));
  }
  for (const auto& row : document["tails"]) {
    INFO(row["t"] << ' ' << row["freedom"]);
    const double p = row["p"];
    // Terms of the fraction cancel to about 1 / sqrt(freedom), in several of its steps.
    const double bound = row["freedom"].get<double>() > 1e4 ? 1e-10 : 1e-12;
    CHECK(std::abs(dnalm::metrics::student_t_tails(row["t"], row["freedom"]) - p) <= bound * p + 1e-300);
  }
}

TEST_CASE("tests of constant differences are defined", "[rank]") {
  const std::vector<double> zero(3, 0.0);
  CHECK(dnalm::metrics::paired_t(zero).p_value == 1);
  const std::vector<double> one(3, 1.0);
  CHECK(dnalm::metrics::paired_t(one).p_value == 0);
  CHECK(dnalm::metrics::paired_t(one).standard_error == 0);
}

TEST_CASE("tests of nothing, of NaN and of ties exactly are errors", "[rank]") {
  using dnalm_test::error_id_of;
  const std::vector<double> none;
  const std::vector<double> one = {1};
  const std::vector<double> nan = {1, std::numeric_limits<double>::quiet_NaN()};
  CHECK(error_id_of([&] { (void)mann_whitney(none, one); }) == "dnalm.shape.500");
  CHECK(error_id_of([&] { (void)mann_whitney(nan, one); }) == "dnalm.numeric.501");
  CHECK(error_id_of([&] { (void)mann_whitney(one, one, test_side::both, rank_test_method::exact); }) ==
        "dnalm.input.502");
  CHECK(error_id_of([&] { (void)dnalm::metrics::paired_t(one); }) == "dnalm.shape.500");
  CHECK(error_id_of([&] { (void)dnalm::metrics::paired_t(nan); }) == "dnalm.numeric.501");
}

}  // namespace
