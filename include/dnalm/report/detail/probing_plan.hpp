// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief From a table to problems: splits, tasks, and which probe goes with which targets.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/probe/evaluate_probe.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

inline std::vector<split_part> parts_of(const io::sequence_table& table, std::uint64_t seed) {
  std::vector<std::string> keys;
  std::vector<split_part> parts;
  for (const io::sequence_record& record : table.records) {
    if (table.has_split) {
      parts.push_back(parse_split(record.split, table.file + ", record '" + record.name + "'"));
    } else {
      keys.push_back(table.has_group ? record.group : record.name);
    }
  }
  return table.has_split ? parts : assign_split(keys, seed);
}

inline probe_table make_probe_table(const io::sequence_table& table, task_kind task, std::uint64_t seed) {
  probe_table result;
  result.targets = table.targets;
  result.parts = parts_of(table, seed);
  result.tasks.assign(table.targets.size(), task);
  for (const io::sequence_record& record : table.records) {
    result.labels.insert(result.labels.end(), record.labels.begin(), record.labels.end());
    result.names.push_back(record.name);
    if (table.has_group) result.groups.push_back(record.group);
  }
  return result;
}

/// The same problem with some of its targets; their tasks are settled already.
inline probe_problem choose_targets(const probe_problem& problem, const std::vector<std::size_t>& chosen) {
  const probe_table& from = problem.table();
  if (chosen.size() == from.targets.size()) return problem;
  probe_table part = from;
  part.targets.clear();
  part.tasks.clear();
  part.labels.clear();
  for (const std::size_t t : chosen) {
    part.targets.push_back(from.targets[t]);
    part.tasks.push_back(problem.targets()[t].task);
  }
  for (std::size_t row = 0; row < from.parts.size(); ++row) {
    for (const std::size_t t : chosen) part.labels.push_back(from.labels[row * from.targets.size() + t]);
  }
  return probe_problem(std::move(part));
}

/// A kind of probe and the targets it is fitted to.
struct probing_task {
  probe_kind kind;
  probe_problem problem;
};

inline bool probe_fits(probe_kind kind, task_kind task, bool by_task) {
  const bool classes = task != task_kind::regression;
  if (by_task) return classes == (kind == probe_kind::logistic);
  return kind == probe_kind::ridge || classes;
}

/// Which probe goes with which targets; an empty request chooses by task.
inline std::vector<probing_task> plan_probes(const probe_problem& problem,
                                             const std::vector<probe_kind>& asked) {
  const bool by_task = asked.empty();
  std::vector<probing_task> plan;
  for (const probe_kind kind : by_task ? std::vector{probe_kind::ridge, probe_kind::logistic} : asked) {
    std::vector<std::size_t> chosen;
    for (std::size_t t = 0; t < problem.targets().size(); ++t) {
      if (probe_fits(kind, problem.targets()[t].task, by_task)) chosen.push_back(t);
    }
    if (!chosen.empty()) {
      plan.push_back({kind, choose_targets(problem, chosen)});
    } else if (!by_task) {
      throw error(
          error_kind::usage, 535, "a logistic probe needs classes",
          {.expected = "a target with classes, or --task classification", .found = "regression targets"});
    }
  }
  return plan;
}

/// Groups among a target's test rows below which an interval over groups says little.
inline constexpr std::size_t few_groups = 10;

/// What a reader should know of every target: intervals from few groups, targets that no probe asked for
/// fits.
inline std::vector<std::string> target_remarks(const probe_problem& problem,
                                               const std::vector<probing_task>& plan) {
  std::vector<std::string> remarks;
  for (const probe_problem::target& target : problem.targets()) {
    std::set<index_t> groups;
    for (const index_t row : target.test) groups.insert(problem.clusters()[static_cast<std::size_t>(row)]);
    if (groups.size() < few_groups) {
      remarks.push_back("target " + target.name + ": only " + std::to_string(groups.size()) +
                        " groups among the test rows, its intervals are too narrow to be trusted");
    }
    const bool probed = std::any_of(plan.begin(), plan.end(), [&](const probing_task& task) {
      const auto& probed_targets = task.problem.targets();
      return std::any_of(probed_targets.begin(), probed_targets.end(),
                         [&](const probe_problem::target& other) { return other.name == target.name; });
    });
    if (!probed) remarks.push_back("target " + target.name + ": left out, no probe asked for fits its task");
  }
  return remarks;
}

}  // namespace detail
}  // namespace report
DNALM_END_NAMESPACE
