// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The rows of results.tsv and predictions.tsv, and how they are written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/table_writer.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

/// One number of an evaluation: a metric of a probe on one layer and pooling of one model, for one target.
struct result_row {
  std::string model = {};     ///< folder name, or `onehot`, `kmer`, `random:<name>`
  std::string layer = "-";    ///< number, or `-` for features without layers
  std::string pooling = "-";  ///< `mean`, `cls`, ..., or `-`
  std::string probe = {};     ///< `ridge`, `logistic`
  std::string target = {};    ///< `label`, or the name behind `label.`
  std::string metric = {};    ///< `pearson spearman r2 mse auroc auprc accuracy mcc f1`
  double value = 0;           ///< on the test part; NaN when undefined
  double ci_low = 0;          ///< 95 % bootstrap interval
  double ci_high = 0;
  index_t n_train = 0;  ///< rows the probe was fitted on (train + valid)
  index_t n_test = 0;
  double lambda = 0;  ///< penalty of the probe
  std::uint64_t seed = 1;
};

/// Columns of results.tsv, in order; other tools rely on them.
[[nodiscard]] const std::vector<std::string>& result_columns();

/// Writes results.tsv: numbers in their shortest form that reads back exactly, `#` remarks first.
/// \throws as io::table_writer.
void write_results(const std::filesystem::path& file, std::span<const result_row> rows,
                   const std::vector<std::string>& remarks);

/// One predicted row of the test part.
struct prediction_row {
  std::string name = {};  ///< of the sequence
  std::string model = {};
  std::string layer = "-";
  std::string pooling = "-";
  std::string probe = {};
  std::string target = {};
  double label = 0;       ///< what the table says
  double prediction = 0;  ///< value, probability of the positive class, or the predicted class of several
};

/// Columns of predictions.tsv, in order.
[[nodiscard]] const std::vector<std::string>& prediction_columns();

/// Writes predictions.tsv row by row (there may be many more than fit comfortably in memory).
class prediction_writer {
 public:
  /// \throws as io::table_writer.
  prediction_writer(const std::filesystem::path& file, const std::vector<std::string>& remarks);
  void row(const prediction_row& prediction);
  void commit();

 private:
  io::table_writer writer_;
};

/// What a row's model is.
enum class source_kind { model, baseline, twin };

/// By its name: `onehot`, `kmer`, `onehot-cnn` are baselines, `random:...` a twin with random weights.
[[nodiscard]] source_kind kind_of(std::string_view model);

/// A model's name for people: `onehot` -> `one-hot`, `kmer` -> `k-mer counts`, `random:x` -> `x, random
/// weights`.
[[nodiscard]] std::string display_name(std::string_view model);

/// What a metric is called and means, and which way is better.
struct metric_words {
  std::string name = {};
  std::string meaning = {};
  bool lower_is_better = false;
};
[[nodiscard]] metric_words describe_metric(std::string_view metric);

/// The metric a target is judged by first: pearson, auroc, accuracy, else the first there is ("" for no row).
[[nodiscard]] std::string primary_metric(std::span<const result_row> rows, std::string_view target);

/// Targets in the order of their first row.
[[nodiscard]] std::vector<std::string> targets_of(std::span<const result_row> rows);

/// Metrics of a target in the order of their first row.
[[nodiscard]] std::vector<std::string> metrics_of(std::span<const result_row> rows, std::string_view target);

/// The best layer of each (model, pooling, probe) for a target by `metric`, in the order of the rows; rows
/// whose value is NaN do not count.
[[nodiscard]] std::vector<result_row> best_layers(std::span<const result_row> rows, std::string_view target,
                                                  std::string_view metric);

/// The best of the best: of one kind, nullptr when there is none.
[[nodiscard]] const result_row* best_of(std::span<const result_row> rows, source_kind kind);

/// The summary a program prints: the best layer of each model beside the baselines, one block per target.
[[nodiscard]] std::string summary_table(std::span<const result_row> rows);

}  // namespace report
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/report/detail/result_table_impl.hpp>
#endif
