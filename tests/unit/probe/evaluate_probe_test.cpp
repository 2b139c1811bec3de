// SPDX-License-Identifier: Apache-2.0
#include <dnalm/probe/evaluate_probe.hpp>

#include <support/catch.hpp>
#include <unit/probe/probe_data.hpp>

#include <limits>

#include <dnalm/core/parallel.hpp>
#include <dnalm/metrics/correlation.hpp>
#include <dnalm/probe/detail/penalty_search.hpp>
#include <dnalm/probe/logistic.hpp>
#include <dnalm/probe/ridge.hpp>

using namespace dnalm_test;
using dnalm::evaluate_probe;
using dnalm::penalty_choice;
using dnalm::probe_kind;
using dnalm::probe_options;
using dnalm::probe_problem;
using dnalm::probe_table;
using dnalm::split_part;
using dnalm::task_kind;

namespace {

const double missing = std::nan("");

/// Features (floats that are exact in double), labels, and a split of 60/20/20 in the order of a hash.
struct example {
  table x;
  std::vector<float> floats;
  probe_table labels;

  [[nodiscard]] dnalm::matrix_view<const float> view() const {
    return dnalm::as_matrix(floats.data(), x.rows, x.columns);
  }
  [[nodiscard]] std::vector<index_t> rows_of(std::initializer_list<split_part> parts) const {
    std::vector<index_t> rows;
    for (std::size_t r = 0; r < labels.parts.size(); ++r) {
      if (std::find(parts.begin(), parts.end(), labels.parts[r]) != parts.end())
        rows.push_back(static_cast<index_t>(r));
    }
    return rows;
  }
};

example make_example(std::uint64_t seed, index_t rows, index_t columns, index_t targets,
                     bool with_valid = true) {
  example made;
  made.x = random_features(seed, rows, columns);
  made.floats = to_float(made.x);
  made.x.values.assign(made.floats.begin(), made.floats.end());
  made.labels.labels = random_labels(seed + 1, made.x, targets, 2.0).values;
  for (index_t t = 0; t < targets; ++t) made.labels.targets.push_back("t" + std::to_string(t));
  for (index_t r = 0; r < rows; ++r) {
    const auto draw = (r * 7919 + 13) % 10;
    made.labels.parts.push_back(draw < 2 ? split_part::test
                                         : (draw < 4 && with_valid ? split_part::valid : split_part::train));
  }
  return made;
}

/// Turns the labels of all targets into classes by cutting at fixed places.
void cut_into_classes(example& made, int classes) {
  std::vector<double> sorted = made.labels.labels;
  std::sort(sorted.begin(), sorted.end());
  for (double& label : made.labels.labels) {
    double number = 0;
    for (int k = 1; k < classes; ++k) {
      number +=
          label > sorted[sorted.size() * static_cast<std::size_t>(k) / static_cast<std::size_t>(classes)] ? 1
                                                                                                          : 0;
    }
    label = number;
  }
}

table labels_table(const example& made) {
  return {static_cast<index_t>(made.labels.parts.size()), static_cast<index_t>(made.labels.targets.size()),
          made.labels.labels};
}

/// The protocol by plain means: standardise on the training rows, normal equations, predictions row by row.
struct plain_ridge {
  std::vector<double> mean;
  std::vector<double> scale;
  table weights;  // (D + 1, T)

  plain_ridge(const table& x, const table& y, double lambda) {
    for (index_t c = 0; c < x.columns; ++c) {
      double m = 0;
      double v = 0;
      for (index_t r = 0; r < x.rows; ++r) m += x(r, c) / static_cast<double>(x.rows);
      for (index_t r = 0; r < x.rows; ++r) v += (x(r, c) - m) * (x(r, c) - m) / static_cast<double>(x.rows);
      mean.push_back(m);
      scale.push_back(std::sqrt(v));
    }
    weights = ridge_by_normal_equations(standardise(x), y, lambda);
  }
  [[nodiscard]] table standardise(const table& x) const {
    table z = x;
    for (index_t r = 0; r < x.rows; ++r) {
      for (index_t c = 0; c < x.columns; ++c) {
        z(r, c) = (x(r, c) - mean[static_cast<std::size_t>(c)]) / scale[static_cast<std::size_t>(c)];
      }
    }
    return z;
  }
  [[nodiscard]] table predict(const table& x) const {
    const auto z = standardise(x);
    table fitted(x.rows, weights.columns);
    for (index_t r = 0; r < x.rows; ++r) {
      for (index_t t = 0; t < weights.columns; ++t) {
        fitted(r, t) = weights(x.columns, t);
        for (index_t c = 0; c < x.columns; ++c) fitted(r, t) += z(r, c) * weights(c, t);
      }
    }
    return fitted;
  }
};

double mean_squares(const table& y, const table& fitted, index_t t) {
  double sum = 0;
  for (index_t r = 0; r < y.rows; ++r)
    sum += std::pow(y(r, t) - fitted(r, t), 2) / static_cast<double>(y.rows);
  return sum;
}

bool same_evaluation(const dnalm::probe_evaluation& a, const dnalm::probe_evaluation& b) {
  if (a.probe.weights != b.probe.weights || a.probe.intercept != b.probe.intercept) return false;
  for (std::size_t t = 0; t < a.targets.size(); ++t) {
    if (a.targets[t].predictions != b.targets[t].predictions || a.targets[t].lambda != b.targets[t].lambda)
      return false;
    for (std::size_t m = 0; m < a.targets[t].scores.size(); ++m) {
      const auto& x = a.targets[t].scores[m];
      const auto& y = b.targets[t].scores[m];
      if (x.value != y.value || x.low != y.low || x.high != y.high) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("the ridge protocol equals doing it by hand", "[probe]") {
  const auto made = make_example(1, 200, 6, 2);
  const auto y = labels_table(made);
  const auto train = made.rows_of({split_part::train});
  const auto valid = made.rows_of({split_part::valid});
  const auto both = made.rows_of({split_part::train, split_part::valid});
  const auto test = made.rows_of({split_part::test});
  const auto found = evaluate_probe(probe_problem(made.labels), made.view(), {});
  const auto penalties = dnalm::default_penalties(static_cast<double>(train.size()));
  REQUIRE(found.method == "ridge, primal tridiagonal");
  for (index_t t = 0; t < 2; ++t) {
    const auto& target = found.targets[static_cast<std::size_t>(t)];
    double least = 1e300;
    double chosen = 0;
    REQUIRE(target.penalties.size() == 41);
    for (std::size_t i = 0; i < penalties.size(); ++i) {
      const plain_ridge fit(take_rows(made.x, train), take_rows(y, train), penalties[i]);
      const double error = mean_squares(take_rows(y, valid), fit.predict(take_rows(made.x, valid)), t);
      REQUIRE(target.penalty_errors[i] == Approx(error).epsilon(1e-9));
      if (error <= least) {
        least = error;
        chosen = penalties[i];
      }
    }
    REQUIRE(target.lambda == Approx(chosen).epsilon(1e-12));
    const plain_ridge refit(take_rows(made.x, both), take_rows(y, both), chosen);
    const auto fitted = refit.predict(take_rows(made.x, test));
    std::vector<double> expected;
    std::vector<double> truth;
    for (index_t r = 0; r < fitted.rows; ++r) {
      expected.push_back(fitted(r, t));
      truth.push_back(y(test[static_cast<std::size_t>(r)], t));
    }
    REQUIRE(relative_gap(target.predictions, expected) < 1e-10);
    REQUIRE(target.test_rows == test);
    REQUIRE(target.labels == truth);
    REQUIRE(target.n_train == static_cast<index_t>(both.size()));
    REQUIRE(target.n_test == static_cast<index_t>(test.size()));
    REQUIRE(target.scores[0].name == "pearson");
    REQUIRE(target.scores[0].value == Approx(dnalm::metrics::pearson(truth, expected)).epsilon(1e-9));
    REQUIRE(target.scores[0].low < target.scores[0].value);
    REQUIRE(target.scores[0].high > target.scores[0].value);
  }
}

TEST_CASE("statistics gathered from a stream give the same bits as rows at once", "[probe]") {
  auto made = make_example(2, 150, 5, 3);
  for (std::size_t r = 0; r < 150; r += 4) made.labels.labels[r * 3 + 1] = missing;
  const probe_problem problem(made.labels);
  for (const auto choice : {penalty_choice::validation, penalty_choice::folds, penalty_choice::gcv}) {
    probe_options options;
    options.choice = choice;
    options.folds = 4;
    options.bootstrap.resamples = 20;
    index_t parts = 0;
    const auto part = dnalm::statistics_parts(problem, options, parts);
    const auto columns = dnalm::regression_columns(problem);
    const auto labels = dnalm::as_matrix(columns.data(), 150, 3);
    dnalm::ridge_statistics statistics(5, 3, parts, dnalm::missingness_groups(labels));
    for (index_t first = 0; first < 150; first += 17) {
      const index_t count = std::min<index_t>(17, 150 - first);
      statistics.add(
          made.view().row_block(first, count), labels.row_block(first, count),
          std::span(part).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
    }
    const auto streamed = dnalm::evaluate_ridge(problem, statistics, made.view(), options);
    REQUIRE(same_evaluation(streamed, evaluate_probe(problem, made.view(), options)));
    options.folds = 3;
    if (choice == penalty_choice::folds) {
      REQUIRE(error_id_of([&] { (void)dnalm::evaluate_ridge(problem, statistics, made.view(), options); }) ==
              "dnalm.shape.520");
    }
  }
}

TEST_CASE("without valid rows folds choose the penalty, groups whole", "[probe]") {
  auto made = make_example(3, 160, 4, 1, false);
  for (index_t r = 0; r < 160; ++r) {
    const bool test = made.labels.parts[static_cast<std::size_t>(r)] == split_part::test;
    made.labels.groups.push_back((test ? "x" : "chr") + std::to_string(r % 9));
  }
  const probe_problem problem(made.labels);
  probe_options options;
  options.folds = 4;
  options.penalties = {100, 1, 10, 1000, 1e4};
  index_t parts = 0;
  const auto fold = dnalm::statistics_parts(problem, options, parts);
  REQUIRE(parts == 4);
  const auto y = labels_table(made);
  const auto found = evaluate_probe(problem, made.view(), options).targets[0];
  REQUIRE(found.penalties == std::vector<double>{1, 10, 100, 1000, 1e4});
  for (std::size_t i = 0; i < found.penalties.size(); ++i) {
    double sum = 0;
    double rows = 0;
    for (index_t f = 0; f < parts; ++f) {
      std::vector<index_t> held;
      std::vector<index_t> others;
      for (index_t r = 0; r < 160; ++r) {
        if (fold[static_cast<std::size_t>(r)] >= 0)
          (fold[static_cast<std::size_t>(r)] == f ? held : others).push_back(r);
      }
      const plain_ridge fit(take_rows(made.x, others), take_rows(y, others), found.penalties[i]);
      sum += mean_squares(take_rows(y, held), fit.predict(take_rows(made.x, held)), 0) *
             static_cast<double>(held.size());
      rows += static_cast<double>(held.size());
    }
    REQUIRE(found.penalty_errors[i] == Approx(sum / rows).epsilon(1e-9));
  }
  for (index_t r = 9; r < 160; ++r) {  // rows of one group share a fold
    if (problem.keys()[static_cast<std::size_t>(r)] == problem.keys()[static_cast<std::size_t>(r - 9)]) {
      REQUIRE(fold[static_cast<std::size_t>(r)] == fold[static_cast<std::size_t>(r - 9)]);
    }
  }
}

TEST_CASE("more features than rows: the dual on rows equals statistics", "[probe]") {
  auto made = make_example(4, 60, 90, 2);
  for (std::size_t r = 0; r < 60; r += 5) made.labels.labels[r * 2] = missing;
  const probe_problem problem(made.labels);
  for (const auto choice : {penalty_choice::validation, penalty_choice::folds}) {
    probe_options options;
    options.choice = choice;
    options.folds = 3;
    options.bootstrap.resamples = 10;
    const auto dual = evaluate_probe(problem, made.view(), options);
    REQUIRE(dual.method == "ridge, dual tridiagonal");
    index_t parts = 0;
    const auto part = dnalm::statistics_parts(problem, options, parts);
    const auto columns = dnalm::regression_columns(problem);
    const auto labels = dnalm::as_matrix(columns.data(), 60, 2);
    dnalm::ridge_statistics statistics(90, 2, parts, dnalm::missingness_groups(labels));
    statistics.add(made.view(), labels, part);
    const auto primal = dnalm::evaluate_ridge(problem, statistics, made.view(), options);
    for (std::size_t t = 0; t < 2; ++t) {
      REQUIRE(dual.targets[t].lambda == primal.targets[t].lambda);
      REQUIRE(relative_gap(dual.targets[t].penalty_errors, primal.targets[t].penalty_errors) < 1e-7);
      REQUIRE(relative_gap(dual.targets[t].predictions, primal.targets[t].predictions) < 1e-7);
    }
  }
}

TEST_CASE("the logistic protocol equals doing it by hand", "[probe]") {
  for (const int classes : {2, 3}) {
    auto made = make_example(5, 240, 5, 1);
    cut_into_classes(made, classes);
    const probe_problem problem(made.labels);
    probe_options options;
    options.kind = probe_kind::logistic;
    options.penalties = {0.1, 1, 10, 100};
    const auto found = evaluate_probe(problem, made.view(), options);
    const auto& target = found.targets[0];
    REQUIRE(target.task == (classes == 2 ? task_kind::binary : task_kind::multiclass));
    const auto fit_rows = [&](const std::vector<index_t>& rows, double lambda) {
      std::vector<index_t> numbers;
      for (const index_t r : rows)
        numbers.push_back(static_cast<index_t>(made.labels.labels[static_cast<std::size_t>(r)]));
      return dnalm::fit_logistic(take_rows(made.x, rows).view(), numbers, classes, lambda);
    };
    const auto probability = [&](const dnalm::logistic_solution& model, index_t row) {
      std::vector<double> outputs;
      for (index_t k = 0; k < model.outputs; ++k) {
        double sum = model.intercept[static_cast<std::size_t>(k)];
        for (index_t d = 0; d < 5; ++d)
          sum += model.weights[static_cast<std::size_t>(k * 5 + d)] * made.x(row, d);
        outputs.push_back(sum);
      }
      return dnalm::class_probabilities(dnalm::as_matrix(std::as_const(outputs).data(), 1, model.outputs));
    };
    const auto valid = made.rows_of({split_part::valid});
    double least = 1e300;
    double chosen = 0;
    for (std::size_t i = 0; i < options.penalties.size(); ++i) {
      const auto model = fit_rows(made.rows_of({split_part::train}), options.penalties[i]);
      double loss = 0;
      for (const index_t r : valid) {
        loss -= std::log(
            probability(model, r)[static_cast<std::size_t>(made.labels.labels[static_cast<std::size_t>(r)])]);
      }
      loss /= static_cast<double>(valid.size());
      REQUIRE(target.penalty_errors[i] == Approx(loss).epsilon(1e-7));
      if (loss <= least) {
        least = loss;
        chosen = options.penalties[i];
      }
    }
    REQUIRE(target.lambda == chosen);
    const auto refit = fit_rows(made.rows_of({split_part::train, split_part::valid}), chosen);
    REQUIRE(relative_gap(found.probe.weights, refit.weights) < 1e-6);
    std::size_t next = 0;
    for (const index_t r : made.rows_of({split_part::test})) {
      const auto p = probability(refit, r);
      for (std::size_t k = classes == 2 ? 1 : 0; k < p.size(); ++k) {
        REQUIRE(target.predictions[next++] == Approx(p[k]).margin(1e-7));
      }
    }
    REQUIRE(next == target.predictions.size());
    REQUIRE(target.scores[0].name == "auroc");
    REQUIRE(target.scores[0].value > 0.6);
    options.penalties.clear();  // the default path with its early end
    const auto standard = evaluate_probe(problem, made.view(), options).targets[0];
    REQUIRE(standard.penalties.size() == 13);
    REQUIRE(standard.scores[0].value > 0.6);
    options.choice = penalty_choice::folds;
    options.folds = 3;
    REQUIRE(evaluate_probe(problem, made.view(), options).targets[0].scores[0].value > 0.6);
  }
}

TEST_CASE("ridge on classes regresses indicators", "[probe]") {
  for (const int classes : {2, 4}) {
    auto made = make_example(6, 300, 5, 1);
    cut_into_classes(made, classes);
    const auto found = evaluate_probe(probe_problem(made.labels), made.view(), {});
    REQUIRE(found.targets[0].scores[0].name == "auroc");
    REQUIRE(found.targets[0].scores[0].value > 0.6);
    REQUIRE(found.probe.outputs() == (classes == 2 ? 1 : 4));
    if (classes == 4) {  // indicators add up to one, and so do their fits
      for (std::size_t i = 0; i < found.targets[0].predictions.size(); i += 4) {
        double sum = 0;
        for (std::size_t k = 0; k < 4; ++k) sum += found.targets[0].predictions[i + k];
        REQUIRE(sum == Approx(1).epsilon(1e-10));
      }
    }
  }
}

TEST_CASE("a target's result does not depend on the other targets", "[probe]") {
  auto made = make_example(7, 150, 5, 2);
  for (std::size_t r = 0; r < 150; r += 3) made.labels.labels[r * 2 + 1] = missing;
  const auto both = evaluate_probe(probe_problem(made.labels), made.view(), {});
  for (std::size_t t = 0; t < 2; ++t) {
    auto alone = made.labels;
    alone.targets = {made.labels.targets[t]};
    alone.labels.clear();
    for (std::size_t r = 0; r < 150; ++r) alone.labels.push_back(made.labels.labels[r * 2 + t]);
    const auto one = evaluate_probe(probe_problem(alone), made.view(), {});
    REQUIRE(one.targets[0].lambda == both.targets[t].lambda);
    REQUIRE(relative_gap(one.targets[0].predictions, both.targets[t].predictions) < 1e-12);
    REQUIRE(one.targets[0].scores[1].low == Approx(both.targets[t].scores[1].low).epsilon(1e-12));
  }
}

TEST_CASE("threads change nothing, whether over layers or inside a fit", "[probe]") {
  auto made = make_example(8, 1500, 6, 1);
  cut_into_classes(made, 3);
  const probe_problem problem(made.labels);
  for (const auto kind : {probe_kind::ridge, probe_kind::logistic}) {
    probe_options options;
    options.kind = kind;
    options.bootstrap.resamples = 10;
    const auto one = evaluate_probe(problem, made.view(), options);
    options.threads = 3;
    REQUIRE(same_evaluation(evaluate_probe(problem, made.view(), options), one));
    std::vector<char> same(4, 0);
    dnalm::parallel_for(4, 4, [&](index_t layer, int) {
      same[static_cast<std::size_t>(layer)] =
          same_evaluation(evaluate_probe(problem, made.view(), options), one) ? 1 : 0;
    });
    REQUIRE(same == std::vector<char>(4, 1));
  }
}

TEST_CASE("intervals of two representations see the same resamples", "[probe]") {
  const auto made = make_example(9, 200, 4, 1);
  auto shifted = made;
  for (float& value : shifted.floats) value = 2 * value + 1;  // the same information: nothing may change
  const probe_problem problem(made.labels);
  const auto a = evaluate_probe(problem, made.view(), {}).targets[0].scores[0];
  const auto b = evaluate_probe(problem, shifted.view(), {}).targets[0].scores[0];
  REQUIRE(a.low == Approx(b.low).epsilon(1e-6));
  REQUIRE(a.high == Approx(b.high).epsilon(1e-6));
}

TEST_CASE("a target without valid labels chooses its penalty by GCV and says so", "[probe]") {
  auto made = make_example(10, 150, 4, 2);
  for (const index_t r : made.rows_of({split_part::valid}))
    made.labels.labels[static_cast<std::size_t>(r) * 2 + 1] = missing;
  const auto found = evaluate_probe(probe_problem(made.labels), made.view(), {});
  REQUIRE(found.remarks.size() == 1);
  REQUIRE(found.remarks[0].find("target t1") != std::string::npos);
  auto alone = made.labels;
  alone.targets = {"t1"};
  alone.labels.clear();
  for (std::size_t r = 0; r < 150; ++r) alone.labels.push_back(made.labels.labels[r * 2 + 1]);
  probe_options gcv;
  gcv.choice = penalty_choice::gcv;
  const auto one = evaluate_probe(probe_problem(alone), made.view(), gcv);
  REQUIRE(one.targets[0].lambda == found.targets[1].lambda);
}

TEST_CASE("wide features search their penalties in two steps", "[probe]") {
  std::size_t calls = 0;
  std::size_t tried = 0;
  const auto errors =
      dnalm::detail::search_penalties(41, 2, false, [&](std::span<const std::size_t> indices) {
        ++calls;
        tried += indices.size();
        dnalm::detail::penalty_errors found(2);
        for (const std::size_t i : indices) {
          found[0].push_back(std::abs(static_cast<double>(i) - 18.2));
          found[1].push_back(std::abs(static_cast<double>(i) - 39.4));
        }
        return found;
      });
  REQUIRE(calls == 2);
  REQUIRE(tried < 25);
  REQUIRE(dnalm::detail::smallest_error(errors[0]) == 18);
  REQUIRE(dnalm::detail::smallest_error(errors[1]) == 39);
  REQUIRE(dnalm::detail::smallest_error({2, 1, 1, 3}) == 2);  // ties: the larger penalty
  REQUIRE(dnalm::detail::smallest_error({2, 1, missing, 3}) == 1);
}

TEST_CASE("probes refuse what they cannot use", "[probe]") {
  auto made = make_example(11, 80, 4, 1);
  const probe_problem problem(made.labels);
  const auto id = [&](const example& data, const probe_problem& asked, const probe_options& options) {
    return error_id_of([&] { (void)evaluate_probe(asked, data.view(), options); });
  };
  REQUIRE(id(made, problem, {}).empty());
  REQUIRE(id(make_example(11, 79, 4, 1), problem, {}) == "dnalm.shape.520");
  auto broken = made;
  broken.floats[33] = std::numeric_limits<float>::quiet_NaN();
  REQUIRE(id(broken, problem, {}) == "dnalm.numeric.521");
  probe_options options;
  options.kind = probe_kind::logistic;
  REQUIRE(id(made, problem, options) == "dnalm.usage.535");
  options = {};
  options.penalties = {1, -1};
  REQUIRE(id(made, problem, options) == "dnalm.usage.528");
  options = {};
  options.memory = 100;
  REQUIRE(id(made, problem, options) == "dnalm.memory.530");
  options.memory = index_t{1} << 30;
  REQUIRE(id(made, problem, options).empty());
  options = {};
  options.bootstrap.level = 2;
  REQUIRE(id(made, problem, options) == "dnalm.usage.504");

  const auto unvalidated = make_example(11, 80, 4, 1, false);
  options = {};
  options.choice = penalty_choice::validation;
  REQUIRE(id(unvalidated, probe_problem(unvalidated.labels), options) == "dnalm.usage.543");
  auto one_group = unvalidated;
  for (const auto part : one_group.labels.parts)
    one_group.labels.groups.push_back(part == split_part::test ? "a" : "b");
  REQUIRE(id(one_group, probe_problem(one_group.labels), {}) == "dnalm.input.539");

  auto classes = made;
  cut_into_classes(classes, 2);
  options = {};
  options.kind = probe_kind::logistic;
  REQUIRE(id(classes, probe_problem(classes.labels), options).empty());
  options.choice = penalty_choice::gcv;
  REQUIRE(id(classes, probe_problem(classes.labels), options) == "dnalm.usage.543");
  options.choice = penalty_choice::automatic;
  options.penalties = {0};
  REQUIRE(id(classes, probe_problem(classes.labels), options) == "dnalm.usage.528");
}
