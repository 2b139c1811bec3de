// SPDX-License-Identifier: Apache-2.0
#include <dnalm/probe/split.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <map>

#include <dnalm/core/philox.hpp>
#include <dnalm/probe/task.hpp>

using dnalm::index_t;
using dnalm::split_part;
using dnalm_test::error_id_of;

namespace {

std::vector<std::string> numbered(const std::string& prefix, int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(prefix + std::to_string(i));
  return names;
}

index_t count_of(const std::vector<split_part>& parts, split_part part) {
  return std::count(parts.begin(), parts.end(), part);
}

}  // namespace

TEST_CASE("rows without groups split 80/10/10", "[probe]") {
  for (const int rows : {10, 100, 1234}) {
    const auto parts = dnalm::assign_split(numbered("s", rows), 1);
    const double tenth = rows / 10.0;
    REQUIRE(std::abs(static_cast<double>(count_of(parts, split_part::test)) - tenth) < 1);
    REQUIRE(std::abs(static_cast<double>(count_of(parts, split_part::valid)) - tenth) < 1);
  }
}

TEST_CASE("groups stay whole and no part is empty", "[probe]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    dnalm::philox random(seed);
    const int groups = 3 + static_cast<int>(random.below(22));
    std::vector<std::string> names;
    for (int row = 0; row < 300; ++row) {
      const auto draw = std::min(random.below(static_cast<std::uint64_t>(groups)),
                                 random.below(static_cast<std::uint64_t>(groups)));  // unequal sizes
      names.push_back("chr" + std::to_string(row < groups ? static_cast<std::uint64_t>(row) : draw));
    }
    const auto parts = dnalm::assign_split(names, seed);
    dnalm::check_groups_are_whole(names, parts);  // throws otherwise
    for (const auto part : {split_part::train, split_part::valid, split_part::test}) {
      REQUIRE(count_of(parts, part) > 0);
    }
    const auto folds = dnalm::assign_folds(names, 3, seed);
    std::map<std::string, index_t> fold_of;
    for (std::size_t row = 0; row < names.size(); ++row) {
      REQUIRE(fold_of.try_emplace(names[row], folds[row]).first->second == folds[row]);
    }
    for (index_t fold = 0; fold < 3; ++fold) REQUIRE(std::count(folds.begin(), folds.end(), fold) > 0);
  }
}

TEST_CASE("splits and folds depend on the groups and the seed, not on the order of rows", "[probe]") {
  auto names = numbered("g", 40);
  names.insert(names.end(), names.begin(), names.begin() + 17);
  const auto parts = dnalm::assign_split(names, 7);
  const auto folds = dnalm::assign_folds(names, 5, 7);
  std::map<std::string, split_part> part_of;
  std::map<std::string, index_t> fold_of;
  for (std::size_t row = 0; row < names.size(); ++row) {
    part_of[names[row]] = parts[row];
    fold_of[names[row]] = folds[row];
  }
  std::reverse(names.begin(), names.end());
  const auto again = dnalm::assign_split(names, 7);
  const auto folds_again = dnalm::assign_folds(names, 5, 7);
  for (std::size_t row = 0; row < names.size(); ++row) {
    REQUIRE(again[row] == part_of[names[row]]);
    REQUIRE(folds_again[row] == fold_of[names[row]]);
  }
  REQUIRE(dnalm::assign_split(names, 8) != again);
  REQUIRE(dnalm::assign_folds(names, 5, 8) != folds_again);
}

TEST_CASE("folds of single rows are balanced", "[probe]") {
  const auto folds = dnalm::assign_folds(numbered("r", 103), 10, 1);
  for (index_t fold = 0; fold < 10; ++fold) {
    const auto rows = std::count(folds.begin(), folds.end(), fold);
    REQUIRE((rows == 10 || rows == 11));
  }
}

TEST_CASE("splits that cannot be made are refused", "[probe]") {
  REQUIRE(error_id_of([] {
            (void)dnalm::assign_split(std::vector<std::string>{"a", "b", "b"}, 1);
          }) == "dnalm.input.539");
  REQUIRE(error_id_of([] {
            (void)dnalm::assign_folds(std::vector<std::string>{"a", "b", "b"}, 3, 1);
          }) == "dnalm.input.539");
  REQUIRE(error_id_of([] {
            (void)dnalm::assign_folds(std::vector<std::string>{"a", "b", "b"}, 1, 1);
          }) == "dnalm.input.539");
  REQUIRE(error_id_of([] { (void)dnalm::parse_split("Train", "row 4"); }) == "dnalm.input.534");
  REQUIRE(dnalm::parse_split("valid") == split_part::valid);
  const std::vector<std::string> groups{"a", "b", "a"};
  const std::vector<split_part> parts{split_part::train, split_part::test, split_part::valid};
  REQUIRE(error_id_of([&] { dnalm::check_groups_are_whole(groups, parts); }) == "dnalm.input.527");
}

TEST_CASE("tasks are told by the labels", "[probe]") {
  using dnalm::detect_task;
  using dnalm::task_kind;
  const double missing = std::nan("");
  REQUIRE(detect_task(std::vector<double>{0, 1, missing, 1}) == task_kind::binary);
  REQUIRE(detect_task(std::vector<double>{-1, 1}) == task_kind::binary);
  REQUIRE(detect_task(std::vector<double>{0, 1, 2}) == task_kind::multiclass);
  REQUIRE(detect_task(std::vector<double>{0, 1, 0.5}) == task_kind::regression);
  std::vector<double> many;
  for (int i = 0; i < 20; ++i) many.push_back(i);
  REQUIRE(detect_task(many) == task_kind::multiclass);
  many.push_back(20);
  REQUIRE(detect_task(many) == task_kind::regression);
  REQUIRE(detect_task(many, task_kind::classification) == task_kind::multiclass);
  REQUIRE(detect_task(std::vector<double>{0, 1}, task_kind::regression) == task_kind::regression);
  REQUIRE(error_id_of([&] { (void)detect_task(many, task_kind::binary); }) == "dnalm.input.537");
  REQUIRE(error_id_of([] {
            (void)detect_task(std::vector<double>{0, 0.5}, task_kind::classification);
          }) == "dnalm.input.537");
  REQUIRE(dnalm::parse_task("auto") == task_kind::automatic);
  REQUIRE(error_id_of([] { (void)dnalm::parse_task("ranking"); }) == "dnalm.usage.535");
}
