// SPDX-License-Identifier: Apache-2.0
#include <dnalm/probe/logistic.hpp>

#include <support/catch.hpp>
#include <unit/metrics/golden_tensors.hpp>
#include <unit/probe/probe_data.hpp>

using namespace dnalm_test;
using dnalm::logistic_method;
using dnalm::logistic_options;

namespace {

std::vector<index_t> read_classes(const golden_tensors& golden, const std::string& name) {
  std::vector<index_t> classes;
  for (const double label : golden.read(name)) classes.push_back(static_cast<index_t>(label));
  return classes;
}

std::vector<double> slice(const std::vector<double>& all, std::size_t number, std::size_t count) {
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(number * count);
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

double largest_gap(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double gap = 0;
  for (std::size_t i = 0; i < a.size(); ++i) gap = std::max(gap, std::abs(a[i] - b[i]));
  return gap;
}

/// Labels drawn from a linear model of the features.
std::vector<index_t> draw_classes(const table& x, index_t classes, std::uint64_t seed) {
  dnalm::philox random(seed);
  std::vector<index_t> drawn;
  for (index_t r = 0; r < x.rows; ++r) {
    const double score = (x(r, 0) - x(r, 1) / 2) + random.normal();
    drawn.push_back(std::min<index_t>(classes - 1, std::max<index_t>(0, static_cast<index_t>(score + 1))));
  }
  for (index_t k = 0; k < classes; ++k) drawn[static_cast<std::size_t>(k)] = k;
  return drawn;
}

bool same_model(const dnalm::logistic_solution& a, const dnalm::logistic_solution& b) {
  return a.weights == b.weights && a.intercept == b.intercept && a.objective == b.objective;
}

}  // namespace

TEST_CASE("logistic regression equals scikit-learn at tight tolerance", "[probe]") {
  const golden_tensors golden("sklearn/logistic.safetensors");
  const auto c = golden.read("C");
  const auto features = golden.read("X");
  const auto weight = golden.read("weight");
  const auto x = dnalm::as_matrix(features.data(), golden.extent("X", 0), golden.extent("X", 1));
  for (const std::string name : {"binary", "three", "five", "separable"}) {
    const auto y = read_classes(golden, name + ".y");
    const index_t classes = name == "three" ? 3 : (name == "five" ? 5 : 2);
    const index_t outputs = classes == 2 ? 1 : classes;
    for (const bool weighted : {false, true}) {
      const std::string prefix = name + (weighted ? ".weighted" : "");
      for (const auto method : {logistic_method::newton, logistic_method::lbfgs}) {
        const logistic_options options{.standardize = false, .method = method};
        for (std::size_t i = 0; i < c.size(); ++i) {
          INFO(prefix << " C=" << c[i]);
          const auto model =
              dnalm::fit_logistic(x, y, classes, 1 / c[i], options,
                                  weighted ? std::span<const double>(weight) : std::span<const double>());
          REQUIRE(model.converged);
          const auto size = static_cast<std::size_t>(outputs);
          REQUIRE(largest_gap(model.weights, slice(golden.read(prefix + ".coef"), i, size * 6)) < 1e-5);
          REQUIRE(largest_gap(model.intercept, slice(golden.read(prefix + ".intercept"), i, size)) < 1e-5);
        }
      }
    }
  }
}

TEST_CASE("class probabilities equal scikit-learn's", "[probe]") {
  const golden_tensors golden("sklearn/logistic.safetensors");
  const auto features = golden.read("X");
  const auto x = dnalm::as_matrix(features.data(), golden.extent("X", 0), golden.extent("X", 1));
  for (const std::string name : {"binary", "five"}) {
    const index_t classes = name == "five" ? 5 : 2;
    const auto model =
        dnalm::fit_logistic(x, read_classes(golden, name + ".y"), classes, 1.0, {.standardize = false});
    std::vector<double> outputs;
    for (index_t r = 0; r < x.rows; ++r) {
      for (index_t k = 0; k < model.outputs; ++k) {
        double sum = model.intercept[static_cast<std::size_t>(k)];
        for (index_t d = 0; d < 6; ++d) sum += model.weights[static_cast<std::size_t>(k * 6 + d)] * x(r, d);
        outputs.push_back(sum);
      }
    }
    const auto all =
        dnalm::class_probabilities(dnalm::as_matrix(std::as_const(outputs).data(), x.rows, model.outputs));
    std::vector<double> found;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (classes > 2 || i % 2 == 1) found.push_back(all[i]);
    }
    REQUIRE(largest_gap(found, slice(golden.read(name + ".probability"), 2, found.size())) < 1e-7);
  }
  const std::vector<double> extreme{1000, -1000};
  const auto sure = dnalm::class_probabilities(dnalm::as_matrix(extreme.data(), 2, 1));
  REQUIRE(sure == std::vector<double>{0, 1, 1, 0});
  const auto softmax = dnalm::class_probabilities(dnalm::as_matrix(extreme.data(), 1, 2));
  REQUIRE(softmax == std::vector<double>{1, 0});
}

TEST_CASE("the optimum has a gradient below 1e-8, computed by hand", "[probe]") {
  const auto x = random_features(1, 90, 5);
  const auto y = draw_classes(x, 3, 2);
  const double lambda = 0.7;
  const auto model = dnalm::fit_logistic(x.view(), y, 3, lambda, {.standardize = false});
  table gradient(3, 6);
  for (index_t r = 0; r < 90; ++r) {
    double p[3];
    double sum = 0;
    for (index_t k = 0; k < 3; ++k) {
      double score = model.intercept[static_cast<std::size_t>(k)];
      for (index_t d = 0; d < 5; ++d) score += model.weights[static_cast<std::size_t>(k * 5 + d)] * x(r, d);
      p[k] = std::exp(score);
      sum += p[k];
    }
    for (index_t k = 0; k < 3; ++k) {
      const double error = (p[k] / sum - (y[static_cast<std::size_t>(r)] == k ? 1 : 0)) / 90;
      for (index_t d = 0; d < 5; ++d) gradient(k, d) += error * x(r, d);
      gradient(k, 5) += error;
    }
  }
  for (index_t k = 0; k < 3; ++k) {
    for (index_t d = 0; d < 5; ++d)
      gradient(k, d) += lambda / 90 * model.weights[static_cast<std::size_t>(k * 5 + d)];
  }
  for (const double entry : gradient.values) REQUIRE(std::abs(entry) < 1e-8);
}

TEST_CASE("standardised logistic regression is the plain one on standardised features", "[probe]") {
  const auto x = random_features(1, 120, 4);
  const auto y = draw_classes(x, 2, 2);
  const auto model = dnalm::fit_logistic(x.view(), y, 2, 3.0);
  table z = x;
  for (index_t r = 0; r < 120; ++r) {
    for (index_t d = 0; d < 4; ++d) {
      z(r, d) =
          (x(r, d) - model.mean[static_cast<std::size_t>(d)]) / model.scale[static_cast<std::size_t>(d)];
    }
  }
  auto plain = dnalm::fit_logistic(z.view(), y, 2, 3.0, {.standardize = false});
  for (std::size_t d = 0; d < 4; ++d) plain.weights[d] /= model.scale[d];
  REQUIRE(relative_gap(model.weights, plain.weights) < 1e-8);
  REQUIRE(model.objective == Approx(plain.objective).epsilon(1e-12));
}

TEST_CASE("swapping the two classes flips the sign", "[probe]") {
  const auto x = random_features(1, 100, 4);
  auto y = draw_classes(x, 2, 2);
  const auto model = dnalm::fit_logistic(x.view(), y, 2, 1.0);
  for (auto& label : y) label = 1 - label;
  auto swapped = dnalm::fit_logistic(x.view(), y, 2, 1.0);
  for (auto& w : swapped.weights) w = -w;
  REQUIRE(relative_gap(swapped.weights, model.weights) < 1e-8);
  REQUIRE(swapped.intercept[0] == Approx(-model.intercept[0]).epsilon(1e-8));
}

TEST_CASE("two classes in the symmetric form at lambda equal the binary form at lambda / 2", "[probe]") {
  // a third class that is all but absent cannot stand in; so the symmetric optimum is checked by its own
  // gradient: with w1 = -w2 = w / 2 the softmax of two columns is the logistic of w, and lambda |w1|^2 +
  // lambda |w2|^2 = (lambda / 2) |w|^2
  const auto x = random_features(1, 100, 4);
  const auto y = draw_classes(x, 2, 2);
  const double lambda = 2.0;
  const auto binary = dnalm::fit_logistic(x.view(), y, 2, lambda / 2, {.standardize = false});
  std::vector<double> gradient(4, 0.0);  // of class 1's column in the symmetric form
  for (index_t r = 0; r < 100; ++r) {
    double score[2] = {-binary.intercept[0] / 2, binary.intercept[0] / 2};
    for (index_t d = 0; d < 4; ++d) {
      score[0] -= binary.weights[static_cast<std::size_t>(d)] / 2 * x(r, d);
      score[1] += binary.weights[static_cast<std::size_t>(d)] / 2 * x(r, d);
    }
    const std::vector<double> outputs{score[0], score[1]};
    const double p = dnalm::class_probabilities(dnalm::as_matrix(outputs.data(), 1, 2))[1];
    for (index_t d = 0; d < 4; ++d) {
      gradient[static_cast<std::size_t>(d)] +=
          (p - static_cast<double>(y[static_cast<std::size_t>(r)])) * x(r, d) / 100;
    }
  }
  for (std::size_t d = 0; d < 4; ++d)
    REQUIRE(std::abs(gradient[d] + lambda / 100 * binary.weights[d] / 2) < 1e-8);
}

TEST_CASE("separable classes stay finite with a penalty", "[probe]") {
  const table x(6, 1, {-3, -2, -1, 1, 2, 3});
  const std::vector<index_t> y{0, 0, 0, 1, 1, 1};
  double before = 0;
  for (const double lambda : {1.0, 1e-3, 1e-6, 1e-9}) {
    for (const auto method : {logistic_method::newton, logistic_method::lbfgs}) {
      const auto model = dnalm::fit_logistic(x.view(), y, 2, lambda, {.method = method});
      REQUIRE(model.converged);
      REQUIRE(std::isfinite(model.weights[0]));
      if (method == logistic_method::lbfgs) continue;
      REQUIRE(model.weights[0] > before);
      before = model.weights[0];
    }
  }
}

TEST_CASE("Newton and L-BFGS end at the same optimum", "[probe]") {
  const auto x = random_features(5, 400, 12);
  for (const index_t classes : {2, 4}) {
    const auto y = draw_classes(x, classes, 6);
    dnalm::logistic_path newton(x.view(), y, classes, {.method = logistic_method::newton});
    dnalm::logistic_path lbfgs(x.view(), y, classes, {.method = logistic_method::lbfgs});
    for (const double lambda : {1e4, 10.0, 0.1}) {
      const auto a = newton.solve(lambda);
      const auto b = lbfgs.solve(lambda);
      REQUIRE((a.converged && b.converged));
      REQUIRE(a.iterations <= 12);  // quadratic convergence: the Hessian is the right one
      REQUIRE(relative_gap(b.weights, a.weights) < 1e-6);
      REQUIRE(b.objective == Approx(a.objective).epsilon(1e-12));
    }
  }
}

TEST_CASE("threads and blocks of rows never change a bit of a logistic fit", "[probe]") {
  const auto x = random_features(5, 3000, 6);  // twelve blocks of 256 rows
  for (const auto method : {logistic_method::newton, logistic_method::lbfgs}) {
    for (const index_t classes : {2, 3}) {
      const auto y = draw_classes(x, classes, 6);
      logistic_options options{.method = method, .threads = 1};
      const auto one = dnalm::fit_logistic(x.view(), y, classes, 2.0, options);
      for (const int threads : {2, 5}) {
        options.threads = threads;
        REQUIRE(same_model(dnalm::fit_logistic(x.view(), y, classes, 2.0, options), one));
      }
    }
  }
}

TEST_CASE("rows chosen by number equal a table of those rows", "[probe]") {
  const auto x = random_features(5, 300, 6);
  const auto y = draw_classes(x, 2, 6);
  std::vector<index_t> rows;
  std::vector<index_t> classes;
  for (index_t r = 0; r < 300; r += 2) {
    rows.push_back(r);
    classes.push_back(y[static_cast<std::size_t>(r)]);
  }
  classes[0] = 0;
  classes[1] = 1;
  const auto part = take_rows(x, rows);
  dnalm::logistic_path chosen(x.view(), classes, 2, {}, {}, rows);
  REQUIRE(same_model(chosen.solve(1.0), dnalm::fit_logistic(part.view(), classes, 2, 1.0)));
}

TEST_CASE("a constant column has weight 0 and changes nothing", "[probe]") {
  const auto x = random_features(5, 100, 3);
  table wider(100, 4);
  for (index_t r = 0; r < 100; ++r) {
    for (index_t d = 0; d < 3; ++d) wider(r, d) = x(r, d);
    wider(r, 3) = 0.1;
  }
  const auto y = draw_classes(x, 2, 6);
  const auto model = dnalm::fit_logistic(wider.view(), y, 2, 1.0);
  REQUIRE(model.weights[3] == 0);
  REQUIRE(relative_gap({model.weights.begin(), model.weights.begin() + 3},
                       dnalm::fit_logistic(x.view(), y, 2, 1.0).weights) < 1e-9);
}

TEST_CASE("logistic regression refuses what it cannot fit", "[probe]") {
  const auto x = random_features(5, 20, 3);
  const auto y = draw_classes(x, 2, 6);
  const auto id = [&](const table& features, std::vector<index_t> classes, index_t count, double lambda,
                      std::vector<double> weight = {}) {
    return error_id_of(
        [&] { (void)dnalm::fit_logistic(features.view(), classes, count, lambda, {}, weight); });
  };
  REQUIRE(id(x, y, 2, 1.0).empty());
  REQUIRE(id(x, y, 2, 0.0) == "dnalm.usage.528");
  REQUIRE(id(x, y, 2, std::nan("")) == "dnalm.usage.528");
  REQUIRE(id(x, std::vector<index_t>(20, 1), 2, 1.0) == "dnalm.input.523");
  REQUIRE(id(x, y, 3, 1.0) == "dnalm.input.523");
  REQUIRE(id(x, {0, 1}, 2, 1.0) == "dnalm.shape.520");
  REQUIRE(id(x, std::vector<index_t>(20, 2), 2, 1.0) == "dnalm.shape.520");
  REQUIRE(id(x, y, 2, 1.0, std::vector<double>(20, -1.0)) == "dnalm.usage.541");
  auto bad = x;
  bad(7, 2) = std::nan("");
  REQUIRE(id(bad, y, 2, 1.0) == "dnalm.numeric.521");
  const auto stuck = dnalm::fit_logistic(x.view(), y, 2, 1e-3, {.max_iterations = 1});
  REQUIRE_FALSE(stuck.converged);
}
