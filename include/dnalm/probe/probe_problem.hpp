// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A table of labels checked once: tasks, classes, splits and groups that every representation shares.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/probe/split.hpp>
#include <dnalm/probe/task.hpp>

DNALM_BEGIN_NAMESPACE

/// Labels, targets and splits of a table, checked once and used for every representation.
struct probe_table {
  std::vector<std::string> targets = {};  ///< T names
  std::vector<double> labels = {};        ///< (n, T) row-major, NaN = missing
  std::vector<split_part> parts = {};     ///< (n)
  std::vector<std::string> groups = {};   ///< (n) or empty; a row with an empty name is its own group
  std::vector<std::string> names = {};    ///< (n) or empty: row numbers; key folds where there are no groups
  std::vector<task_kind> tasks = {};      ///< (T) or empty: automatic
};

/// A checked table: tasks settled, classes known, rows of every part and target listed.
class probe_problem {
 public:
  /// Rows and classes of one target.
  struct target {
    std::string name;
    task_kind task = task_kind::regression;
    std::vector<double> classes;  ///< rising; empty for regression
    std::vector<double> labels;   ///< (n): value, or class number, or NaN
    std::vector<index_t> train;   ///< labelled rows of each part, rising
    std::vector<index_t> valid;
    std::vector<index_t> test;

    /// Rows of the final fit, rising: train and valid.
    [[nodiscard]] std::vector<index_t> fitted_rows() const;
    /// Columns of a linear model: one for regression and two classes, K for K classes.
    [[nodiscard]] index_t outputs() const {
      return task == task_kind::multiclass ? static_cast<index_t>(classes.size()) : 1;
    }
  };

  /// \throws error [dnalm.shape.520] when sizes differ, [dnalm.input.522] a target has no label in train,
  /// [.523] its training labels are constant, [.524] fewer than 3 training rows, [.525] no labelled test row,
  /// [.526] a class misses in the test rows so that AUROC is undefined, [.527] a group in two parts, [.536]
  /// an infinite label,
  /// [.537] labels that are not classes, [.540] a class that no training row has.
  explicit probe_problem(probe_table table);

  [[nodiscard]] index_t rows() const { return static_cast<index_t>(table_.parts.size()); }
  [[nodiscard]] const std::vector<target>& targets() const { return targets_; }
  [[nodiscard]] const probe_table& table() const { return table_; }
  /// (n) what keeps rows together: the group's name, or the row's own name where it has no group.
  [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }
  /// (n) numbers of the keys: the clusters of bootstrap and folds.
  [[nodiscard]] const std::vector<index_t>& clusters() const { return clusters_; }
  [[nodiscard]] bool has_valid() const { return has_valid_; }
  /// What a reader should know (classes that occur in no test row, ...), for the remarks of results.tsv.
  [[nodiscard]] const std::vector<std::string>& remarks() const { return remarks_; }

 private:
  void check_sizes() const;
  void fill_keys();
  [[nodiscard]] target make_target(index_t column) const;
  void check_training(const target& entry) const;
  void check_test(const target& entry);

  probe_table table_;
  std::vector<target> targets_;
  std::vector<std::string> keys_;
  std::vector<index_t> clusters_;
  std::vector<std::string> remarks_;
  bool has_valid_ = false;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/probe/detail/probe_problem_impl.hpp>
#endif
