// SPDX-License-Identifier: Apache-2.0
#include <dnalm/probe/probe_problem.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>

using dnalm::index_t;
using dnalm::probe_problem;
using dnalm::probe_table;
using dnalm::split_part;
using dnalm::task_kind;
using dnalm_test::error_id_of;

namespace {

const double missing = std::nan("");
constexpr auto train = split_part::train;
constexpr auto valid = split_part::valid;
constexpr auto test = split_part::test;

probe_table small_table(std::vector<double> labels, std::vector<split_part> parts) {
  probe_table table;
  table.targets = {"activity"};
  table.labels = std::move(labels);
  table.parts = std::move(parts);
  return table;
}

/// Id and full text of the error of a table.
std::string error_of(const probe_table& table) {
  try {
    const probe_problem problem(table);
  } catch (const dnalm::error& e) {
    return e.what();
  }
  return "";
}

bool names(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a table becomes rows, classes and class numbers", "[probe]") {
  auto table = small_table({5, 2, 5, missing, 2, 5, 2}, {train, train, train, train, valid, test, test});
  const probe_problem problem(table);
  const auto& target = problem.targets().at(0);
  REQUIRE(target.task == task_kind::binary);
  REQUIRE(target.classes == std::vector<double>{2, 5});
  REQUIRE(target.train == std::vector<index_t>{0, 1, 2});
  REQUIRE(target.valid == std::vector<index_t>{4});
  REQUIRE(target.test == std::vector<index_t>{5, 6});
  REQUIRE(target.fitted_rows() == std::vector<index_t>{0, 1, 2, 4});
  REQUIRE(target.labels[0] == 1);
  REQUIRE(target.labels[1] == 0);
  REQUIRE(std::isnan(target.labels[3]));
  REQUIRE(target.outputs() == 1);
  REQUIRE(problem.has_valid());
  REQUIRE(problem.clusters() == std::vector<index_t>{0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("groups are clusters, and rows without a group stand alone", "[probe]") {
  auto table = small_table({1.5, 2, 3, 4, 5}, {train, train, train, test, test});
  table.groups = {"chr1", "chr1", "", "chr2", ""};
  REQUIRE(probe_problem(table).clusters() == std::vector<index_t>{0, 0, 1, 2, 3});
  table.groups = {"chr1", "chr1", "", "chr1", ""};
  REQUIRE(names(error_of(table), "[dnalm.input.527]"));
  REQUIRE(names(error_of(table), "chr1"));
}

TEST_CASE("several targets keep their own rows and tasks", "[probe]") {
  probe_table table;
  table.targets = {"a", "b"};
  table.labels = {1.5, 0, 2, 1, 3, missing, missing, 2, 4, 0, 5, 1, 0, 2};
  table.parts = {train, train, train, train, train, test, test};
  table.tasks = {task_kind::automatic, task_kind::classification};
  const probe_problem problem(table);
  REQUIRE(problem.targets()[0].task == task_kind::regression);
  REQUIRE(problem.targets()[1].task == task_kind::multiclass);
  REQUIRE(problem.targets()[1].outputs() == 3);
  REQUIRE(problem.targets()[0].train == std::vector<index_t>{0, 1, 2, 4});
  REQUIRE(problem.targets()[1].train == std::vector<index_t>{0, 1, 3, 4});
  REQUIRE(problem.remarks().size() == 1);  // class 0 has no test row
  REQUIRE(names(problem.remarks()[0], "class 0"));
}

TEST_CASE("every unusable table is an error that names the target", "[probe]") {
  const std::vector<split_part> parts{train, train, train, valid, test, test};
  const auto id = [&](std::vector<double> labels) { return error_of(small_table(std::move(labels), parts)); };
  REQUIRE(id({1, 0, 1, 0, 0, 1}).empty());
  const auto constant = id({1, 1, 1, 0, 0, 1});
  REQUIRE(names(constant, "[dnalm.input.523]"));
  REQUIRE(names(constant, "target activity"));
  REQUIRE(names(id({.5, .5, .5, .1, .2, .3}), "[dnalm.input.523]"));
  REQUIRE(names(id(std::vector<double>(6, missing)), "[dnalm.input.522]"));
  REQUIRE(names(id({missing, missing, missing, 0, 0, 1}), "[dnalm.input.522]"));
  REQUIRE(names(id({1, 0, missing, 0, 0, 1}), "[dnalm.input.524]"));
  REQUIRE(names(id({1, 0, 1, 0, missing, missing}), "[dnalm.input.525]"));
  const auto no_positives = id({1, 0, 1, 0, 0, 0});
  REQUIRE(names(no_positives, "[dnalm.input.526]"));
  REQUIRE(names(no_positives, "target activity"));
  REQUIRE(names(no_positives, "class 1"));
  REQUIRE(names(id({1, 0, 1, 0, 1, std::numeric_limits<double>::infinity()}), "[dnalm.input.536]"));
  REQUIRE(names(id({1, 0, 1, 2, 0, 1}), "[dnalm.input.540]"));
  auto table = small_table({1, 0, .5, 0, 0, 1}, parts);
  table.tasks = {task_kind::binary};
  REQUIRE(names(error_of(table), "[dnalm.input.537]"));
  table.labels.pop_back();
  REQUIRE(names(error_of(table), "[dnalm.shape.520]"));
  table = small_table({1, 0, 1, 0, 0, 1}, parts);
  table.groups = {"a"};
  REQUIRE(names(error_of(table), "[dnalm.shape.520]"));
  table.groups.clear();
  table.targets = {"a", "a"};
  table.labels.resize(12, 0);
  REQUIRE(names(error_of(table), "[dnalm.shape.520]"));
}
