// SPDX-License-Identifier: Apache-2.0
#include <dnalm/probe/ridge.hpp>

#include <support/catch.hpp>
#include <unit/metrics/golden_tensors.hpp>
#include <unit/probe/probe_data.hpp>

#include <dnalm/metrics/correlation.hpp>
#include <dnalm/metrics/error_size.hpp>

using namespace dnalm_test;
using dnalm::ridge_method;
using dnalm::ridge_options;
using dnalm::ridge_path;
using dnalm::ridge_statistics;

namespace {

dnalm::ridge_moments moments_of(const table& x, const table& y, const std::vector<double>& weight = {}) {
  ridge_statistics statistics(x.columns, y.columns, 1);
  statistics.add(x.view(), y.view(), std::vector<index_t>(static_cast<std::size_t>(x.rows), 0), weight);
  return statistics.moments({{0}});
}

table read_table(const golden_tensors& golden, const std::string& name) {
  return {golden.extent(name, 0), golden.extent(name, 1), golden.read(name)};
}

/// The slice [first, first + count) of a flat golden.
std::vector<double> slice(const std::vector<double>& all, std::size_t number, std::size_t count) {
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(number * count);
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

/// Linear predictions of one target.
std::vector<double> predict(const dnalm::ridge_solution& model, const table& x, index_t target) {
  std::vector<double> fitted;
  for (index_t r = 0; r < x.rows; ++r) {
    double sum = model.intercept[static_cast<std::size_t>(target)];
    for (index_t c = 0; c < x.columns; ++c) {
      sum += model.weights[static_cast<std::size_t>(target * x.columns + c)] * x(r, c);
    }
    fitted.push_back(sum);
  }
  return fitted;
}

std::vector<double> column(const table& from, index_t c) {
  std::vector<double> out;
  for (index_t r = 0; r < from.rows; ++r) out.push_back(from(r, c));
  return out;
}

/// Coefficients and intercepts of a path against golden ones, at every penalty and by every way of solving.
double golden_gap(const golden_tensors& golden, const std::string& data, const std::string& result,
                  const table& x, const table& y, const std::vector<double>& weight = {}) {
  const auto alphas = golden.read("alphas");
  const auto coef = golden.read(data + result + "coef");
  const auto intercept = golden.read(data + result + "intercept");
  const std::size_t targets = static_cast<std::size_t>(y.columns);
  const std::size_t size = targets * static_cast<std::size_t>(x.columns);
  double gap = 0;
  for (const auto method : {ridge_method::tridiagonal, ridge_method::cholesky}) {
    const ridge_options options{false, method};
    std::vector<ridge_path> paths;
    paths.emplace_back(moments_of(x, y, weight), options);
    if (weight.empty()) paths.emplace_back(x.view(), y.view(), options);
    for (const auto& path : paths) {
      const auto models = path.solve(alphas);
      for (std::size_t a = 0; a < alphas.size(); ++a) {
        gap = std::max(gap, relative_gap(models[a].weights, slice(coef, a, size)));
        gap = std::max(gap, relative_gap(models[a].intercept, slice(intercept, a, targets)));
      }
    }
  }
  return gap;
}

}  // namespace

TEST_CASE("ridge equals scikit-learn at every penalty, primal and dual", "[probe]") {
  const golden_tensors golden("sklearn/ridge.safetensors");
  for (const std::string data : {"tall.", "wide.", "constant."}) {
    INFO(data);
    const auto x = read_table(golden, data + "X");
    const auto y = read_table(golden, data + "Y");
    REQUIRE(golden_gap(golden, data, "", x, y) < 1e-10);
  }
}

TEST_CASE("weighted ridge equals scikit-learn's sample weights", "[probe]") {
  const golden_tensors golden("sklearn/ridge.safetensors");
  REQUIRE(golden_gap(golden, "tall.", "weighted.", read_table(golden, "tall.X"), read_table(golden, "tall.Y"),
                     golden.read("tall.weight")) < 1e-10);
}

TEST_CASE("standardised ridge equals scikit-learn after StandardScaler", "[probe]") {
  const golden_tensors golden("sklearn/ridge.safetensors");
  const auto alphas = golden.read("alphas");
  for (const std::string data : {"tall.", "constant."}) {
    INFO(data);
    const auto x = read_table(golden, data + "X");
    const auto y = read_table(golden, data + "Y");
    const auto deviation = golden.read(data + "std");  // 1 for constant columns
    const ridge_path path(moments_of(x, y));
    const ridge_path dual(x.view(), y.view());
    REQUIRE(relative_gap(path.mean(), golden.read(data + "mean")) < 1e-13);
    REQUIRE(path.penalty_unit() == Approx(static_cast<double>(x.rows)).epsilon(1e-13));
    REQUIRE(dual.penalty_unit() == Approx(static_cast<double>(x.rows)).epsilon(1e-13));
    for (std::size_t a = 0; a < alphas.size(); ++a) {
      for (const auto& model : {path.solve(alphas[a]), dual.solve(alphas[a])}) {
        auto standardised = model.weights;
        for (std::size_t i = 0; i < standardised.size(); ++i)
          standardised[i] *= deviation[i % deviation.size()];
        const auto expected = slice(golden.read(data + "standardised.coef"), a, standardised.size());
        REQUIRE(relative_gap(standardised, expected) < 1e-10);
      }
    }
  }
  const auto x = read_table(golden, "constant.X");
  const auto model = ridge_path(moments_of(x, read_table(golden, "constant.Y"))).solve(0.1);
  REQUIRE(model.weights[3] == 0);  // the constant column
}

TEST_CASE("penalty zero equals ordinary least squares", "[probe]") {
  const golden_tensors golden("sklearn/ridge.safetensors");
  const auto x = read_table(golden, "tall.X");
  const auto y = read_table(golden, "tall.Y");
  for (const auto method : {ridge_method::tridiagonal, ridge_method::cholesky}) {
    for (const bool standardize : {false, true}) {
      const ridge_path path(moments_of(x, y), {standardize, method});
      const auto model = path.solve(0);
      REQUIRE(relative_gap(model.weights, golden.read("tall.ols.coef")) < 1e-9);
      REQUIRE(relative_gap(model.intercept, golden.read("tall.ols.intercept")) < 1e-9);
      REQUIRE(relative_gap(path.solve(1e-9).weights, model.weights) < 1e-8);  // lambda -> 0
      REQUIRE(path.degrees_of_freedom(0) == Approx(10));
    }
  }
}

TEST_CASE("penalty to infinity gives the mean", "[probe]") {
  const auto x = random_features(1, 60, 5);
  const auto y = random_labels(2, x, 1);
  const auto moments = moments_of(x, y);
  const auto model = ridge_path(moments).solve(1e14);
  REQUIRE(relative_gap(predict(model, x, 0), std::vector<double>(60, moments.mean_y[0])) < 1e-9);
  REQUIRE(ridge_path(moments).degrees_of_freedom(1e14) == Approx(1));
}

TEST_CASE("GCV equals its direct formula, primal and dual", "[probe]") {
  const golden_tensors golden("sklearn/ridge.safetensors");
  const auto alphas = golden.read("alphas");
  for (const std::string data : {"tall.", "wide."}) {
    const auto x = read_table(golden, data + "X");
    const auto y = read_table(golden, data + "Y");
    const auto expected = golden.read(data + "gcv");
    for (const auto method : {ridge_method::tridiagonal, ridge_method::cholesky}) {
      const ridge_path primal(moments_of(x, y), {false, method});
      const ridge_path dual(x.view(), y.view(), {false, method});
      for (std::size_t a = 0; a < alphas.size(); ++a) {
        INFO(data << alphas[a]);
        const auto wanted = slice(expected, a, static_cast<std::size_t>(y.columns));
        // wide data at a tiny penalty: RSS is 1e-10 of yy, so statistics lose those digits; rows do not
        const bool cancelled = data == "wide." && alphas[a] < 1;
        REQUIRE(relative_gap(primal.gcv(alphas[a]), wanted) < (cancelled ? 1e-3 : 1e-9));
        REQUIRE(relative_gap(dual.gcv(alphas[a]), wanted) < (cancelled ? 1e-6 : 1e-9));
      }
    }
  }
}

TEST_CASE("leave-one-out residuals equal RidgeCV and refitting", "[probe]") {
  const golden_tensors golden("sklearn/ridge.safetensors");
  const auto alphas = golden.read("alphas");
  for (const std::string data : {"tall.", "wide."}) {
    const auto x = read_table(golden, data + "X");
    const auto y = read_table(golden, data + "Y");
    const auto expected = golden.read(data + "loo.residual");
    const auto moments = moments_of(x, y);
    for (std::size_t a = 0; a < alphas.size(); ++a) {
      INFO(data << alphas[a]);
      const auto found =
          dnalm::leave_one_out_residuals(moments, x.view(), y.view(), alphas[a], {.standardize = false});
      REQUIRE(relative_gap(found, slice(expected, a, y.values.size())) < 1e-8);
    }
  }
  // with a fixed standardisation it is exact as well: refit on z without the row, z from all rows
  const auto x = random_features(1, 25, 4);
  const auto y = random_labels(2, x, 1);
  const auto moments = moments_of(x, y);
  const ridge_path path(moments);
  table z = x;
  for (index_t r = 0; r < 25; ++r) {
    for (index_t c = 0; c < 4; ++c) {
      z(r, c) =
          (x(r, c) - path.mean()[static_cast<std::size_t>(c)]) / path.scale()[static_cast<std::size_t>(c)];
    }
  }
  std::vector<double> residuals;
  for (index_t left = 0; left < 25; ++left) {
    std::vector<index_t> rows;
    for (index_t r = 0; r < 25; ++r) {
      if (r != left) rows.push_back(r);
    }
    const auto w = ridge_by_normal_equations(take_rows(z, rows), take_rows(y, rows), 2.0);
    double fitted = w(4, 0);
    for (index_t c = 0; c < 4; ++c) fitted += w(c, 0) * z(left, c);
    residuals.push_back(y(left, 0) - fitted);
  }
  REQUIRE(relative_gap(dnalm::leave_one_out_residuals(moments, x.view(), y.view(), 2.0), residuals) < 1e-11);
}

TEST_CASE("held-out errors from statistics equal scikit-learn's folds", "[probe]") {
  const golden_tensors golden("sklearn/ridge.safetensors");
  const auto alphas = golden.read("alphas");
  const auto x = read_table(golden, "tall.X");
  const auto y = read_table(golden, "tall.Y");
  for (const std::string folds : {"tall.kfold5.", "tall.groupkfold3."}) {
    std::vector<index_t> part;
    for (const double fold : golden.read(folds + "fold")) part.push_back(static_cast<index_t>(fold));
    const index_t count = golden.extent(folds + "mse", 0);
    ridge_statistics statistics(x.columns, y.columns, count);
    statistics.add(x.view(), y.view(), part);
    for (const bool standardize : {false, true}) {
      const auto expected = golden.read(folds + (standardize ? "mse_standardised" : "mse"));
      for (index_t fold = 0; fold < count; ++fold) {
        std::vector<index_t> others;
        for (index_t p = 0; p < count; ++p) {
          if (p != fold) others.push_back(p);
        }
        const ridge_path path(statistics.moments(others), {.standardize = standardize});
        const auto models = path.solve(alphas);
        const auto scores = dnalm::score_moments(models, statistics.moments({{fold}}));
        for (std::size_t a = 0; a < alphas.size(); ++a) {
          const auto wanted = slice(expected, static_cast<std::size_t>(fold) * alphas.size() + a, 3);
          REQUIRE(relative_gap(scores[a].mse, wanted) < 1e-10);
        }
      }
    }
  }
}

TEST_CASE("scores from statistics equal scores of predictions", "[probe]") {
  const auto x = random_features(1, 150, 7);
  const auto y = random_labels(2, x, 2, 3.0);
  std::vector<index_t> part;
  std::vector<index_t> held;
  for (index_t r = 0; r < 150; ++r) {
    part.push_back(r % 3 == 0 ? 1 : 0);
    if (part.back() == 1) held.push_back(r);
  }
  ridge_statistics statistics(7, 2, 2);
  statistics.add(x.view(), y.view(), part);
  const auto model = ridge_path(statistics.moments({{0}})).solve(5.0);
  const auto scores = dnalm::score_moments(model, statistics.moments({{1}}));
  for (index_t t = 0; t < 2; ++t) {
    const auto truth = column(take_rows(y, held), t);
    const auto fitted = predict(model, take_rows(x, held), t);
    const auto s = static_cast<std::size_t>(t);
    REQUIRE(scores.mse[s] == Approx(dnalm::metrics::mse(truth, fitted)).epsilon(1e-12));
    REQUIRE(scores.r2[s] == Approx(dnalm::metrics::r2(truth, fitted)).epsilon(1e-12));
    REQUIRE(scores.pearson[s] == Approx(dnalm::metrics::pearson(truth, fitted)).epsilon(1e-12));
  }
}

TEST_CASE("ridge without standardisation is invariant to rotations", "[probe]") {
  const auto x = random_features(1, 80, 3);
  const auto y = random_labels(2, x, 1);
  table rotated = x;
  const double c = std::cos(0.7);
  const double s = std::sin(0.7);
  for (index_t r = 0; r < 80; ++r) {
    rotated(r, 0) = c * x(r, 0) - s * x(r, 2);
    rotated(r, 2) = s * x(r, 0) + c * x(r, 2);
  }
  const auto plain = ridge_path(moments_of(x, y), {.standardize = false}).solve(3.0);
  const auto turned = ridge_path(moments_of(rotated, y), {.standardize = false}).solve(3.0);
  REQUIRE(relative_gap(predict(turned, rotated, 0), predict(plain, x, 0)) < 1e-12);
}

TEST_CASE("fewer rows than features: primal equals dual, and least squares interpolates", "[probe]") {
  const auto x = random_features(1, 15, 40);
  const auto y = random_labels(2, x, 2);
  const auto floats = to_float(x);
  const ridge_path primal(moments_of(x, y));
  const ridge_path dual(x.view(), y.view());
  REQUIRE(primal.method() == "primal tridiagonal");
  REQUIRE(dual.method() == "dual tridiagonal");
  for (const double lambda : {0.0, 1e-3, 1.0, 1e3}) {
    INFO(lambda);
    REQUIRE(relative_gap(primal.solve(lambda).weights, dual.solve(lambda).weights) < 1e-7);
    REQUIRE(primal.degrees_of_freedom(lambda) == Approx(dual.degrees_of_freedom(lambda)).epsilon(1e-8));
  }
  REQUIRE(relative_gap(predict(dual.solve(0), x, 1), column(y, 1)) < 1e-10);
  REQUIRE(dual.degrees_of_freedom(0) == Approx(15));
  const ridge_path from_float(dnalm::as_matrix(floats.data(), 15, 40), y.view());
  REQUIRE(relative_gap(from_float.solve(1.0).weights, dual.solve(1.0).weights) < 1e-5);
}

TEST_CASE("tiny and degenerate problems are solved", "[probe]") {
  const table x(3, 1, {1, 2, 4});
  const table y(3, 1, {2, 4, 8});
  REQUIRE(ridge_path(moments_of(x, y)).solve(0).weights[0] == Approx(2));
  REQUIRE(ridge_path(x.view(), y.view()).solve(0).weights[0] == Approx(2));
  const table flat(3, 2, {5, 7, 5, 7, 5, 7});
  const ridge_path none(moments_of(flat, y));
  REQUIRE(none.solve(1.0).weights == std::vector<double>{0, 0});
  REQUIRE(none.solve(0.0).weights == std::vector<double>{0, 0});
  REQUIRE(none.solve(1.0).intercept[0] == Approx(14.0 / 3));
  REQUIRE(none.penalty_unit() == 1);
  const table one(1, 2, {5, 7});
  REQUIRE(ridge_path(moments_of(one, table(1, 1, {3}))).solve(1.0).intercept[0] == 3);
  const table twins(4, 2, {1, 1, 2, 2, 3, 3, 5, 5});  // equal columns share the weight
  const auto shared = ridge_path(moments_of(twins, table(4, 1, {1, 2, 3, 5}))).solve(0);
  REQUIRE(shared.weights[0] == Approx(0.5));
  REQUIRE(shared.weights[1] == Approx(0.5));
}

TEST_CASE("ridge refuses impossible penalties and shapes", "[probe]") {
  const auto x = random_features(1, 10, 3);
  const auto y = random_labels(2, x, 1);
  const ridge_path path(moments_of(x, y));
  REQUIRE(error_id_of([&] { (void)path.solve(-1.0); }) == "dnalm.usage.528");
  REQUIRE(error_id_of([&] { (void)path.solve(std::nan("")); }) == "dnalm.usage.528");
  REQUIRE(error_id_of([&] { (void)path.gcv(1.0 / 0.0); }) == "dnalm.usage.528");
  REQUIRE(error_id_of([&] { ridge_path(dnalm::make_moments(3, 1)); }) == "dnalm.input.524");
  REQUIRE(error_id_of([&] { ridge_path(table(0, 3).view(), table(0, 1).view()); }) == "dnalm.input.524");
  REQUIRE(error_id_of([&] { ridge_path(x.view(), table(9, 1).view()); }) == "dnalm.shape.520");
  auto bad = x;
  bad(4, 1) = std::nan("");
  REQUIRE(error_id_of([&] { ridge_path(bad.view(), y.view()); }) == "dnalm.numeric.521");
  auto unlabelled = y;
  unlabelled(2, 0) = std::nan("");
  REQUIRE(error_id_of([&] { ridge_path(x.view(), unlabelled.view()); }) == "dnalm.input.536");
  REQUIRE(error_id_of([&] { (void)dnalm::score_moments(path.solve(1.0), dnalm::make_moments(4, 1)); }) ==
          "dnalm.shape.520");
  REQUIRE(error_id_of([&] {
            (void)dnalm::leave_one_out_residuals(moments_of(x, y), table(9, 3).view(), y.view(), 1.0);
          }) == "dnalm.shape.520");
}
