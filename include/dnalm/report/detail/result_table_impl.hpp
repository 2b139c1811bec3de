// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/result_table.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include <dnalm/report/result_table.hpp>
#include <dnalm/report/text.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

DNALM_INLINE const std::vector<std::string>& result_columns() {
  static const std::vector<std::string> columns = {"model",  "layer",  "pooling", "probe",   "target",
                                                   "metric", "value",  "ci_low",  "ci_high", "n_train",
                                                   "n_test", "lambda", "seed"};
  return columns;
}

DNALM_INLINE void write_results(const std::filesystem::path& file, std::span<const result_row> rows,
                                const std::vector<std::string>& remarks) {
  io::table_writer writer(file, result_columns(), remarks);
  for (const result_row& r : rows) {
    writer.row({r.model, r.layer, r.pooling, r.probe, r.target, r.metric, io::format_number(r.value),
                io::format_number(r.ci_low), io::format_number(r.ci_high), std::to_string(r.n_train),
                std::to_string(r.n_test), io::format_number(r.lambda), std::to_string(r.seed)});
  }
  writer.commit();
}

DNALM_INLINE const std::vector<std::string>& prediction_columns() {
  static const std::vector<std::string> columns = {"name",  "model",  "layer", "pooling",
                                                   "probe", "target", "label", "prediction"};
  return columns;
}

DNALM_INLINE prediction_writer::prediction_writer(const std::filesystem::path& file,
                                                  const std::vector<std::string>& remarks)
    : writer_(file, prediction_columns(), remarks) {}

DNALM_INLINE void prediction_writer::row(const prediction_row& p) {
  writer_.row({p.name, p.model, p.layer, p.pooling, p.probe, p.target, io::format_number(p.label),
               io::format_number(p.prediction)});
}

DNALM_INLINE void prediction_writer::commit() {
  writer_.commit();
}

DNALM_INLINE source_kind kind_of(std::string_view model) {
  if (model == "onehot" || model == "kmer" || model == "onehot-cnn") return source_kind::baseline;
  return model.substr(0, 7) == "random:" ? source_kind::twin : source_kind::model;
}

DNALM_INLINE std::string display_name(std::string_view model) {
  if (model == "onehot") return "one-hot";
  if (model == "kmer") return "k-mer counts";
  if (model == "onehot-cnn") return "CNN on one-hot";
  if (kind_of(model) == source_kind::twin) return std::string(model.substr(7)) + ", random weights";
  return std::string(model);
}

DNALM_INLINE metric_words describe_metric(std::string_view metric) {
  struct entry {
    const char* key;
    metric_words words;
  };
  static const std::array<entry, 9> entries = {
      {{"pearson", {"Pearson r", "linear correlation of prediction and label; 0 is chance, 1 perfect"}},
       {"spearman", {"Spearman \u03c1", "correlation of the ranks; 0 is chance, 1 perfect"}},
       {"r2", {"R\u00b2", "share of the label's variance that is predicted; 0 is predicting the mean"}},
       {"mse", {"MSE", "mean squared error, in the label's units squared", true}},
       {"auroc",
        {"AUROC",
         "chance that a positive scores above a negative; 0.5 is chance. With several classes "
         "the mean over one class against the rest"}},
       {"auprc", {"AUPRC", "average precision; chance is the share of positives"}},
       {"accuracy", {"accuracy", "share of rows whose predicted class is right"}},
       {"mcc", {"MCC", "Matthews correlation of predicted and true class; 0 is chance, 1 perfect"}},
       {"f1", {"F1", "harmonic mean of precision and recall; with several classes the mean over classes"}}}};
  for (const entry& e : entries) {
    if (metric == e.key) return e.words;
  }
  return {std::string(metric), "", false};
}

DNALM_INLINE std::vector<std::string> targets_of(std::span<const result_row> rows) {
  std::vector<std::string> targets;
  for (const result_row& row : rows) {
    if (std::find(targets.begin(), targets.end(), row.target) == targets.end()) targets.push_back(row.target);
  }
  return targets;
}

DNALM_INLINE std::vector<std::string> metrics_of(std::span<const result_row> rows, std::string_view target) {
  std::vector<std::string> metrics;
  for (const result_row& row : rows) {
    if (row.target != target) continue;
    if (std::find(metrics.begin(), metrics.end(), row.metric) == metrics.end()) metrics.push_back(row.metric);
  }
  return metrics;
}

DNALM_INLINE std::string primary_metric(std::span<const result_row> rows, std::string_view target) {
  std::string first;
  for (const std::string_view wanted : {"pearson", "auroc", "accuracy"}) {
    for (const result_row& row : rows) {
      if (row.target != target) continue;
      if (row.metric == wanted) return std::string(wanted);
      if (first.empty()) first = row.metric;
    }
  }
  return first;
}

namespace detail {

DNALM_INLINE bool better(const result_row& a, const result_row& b) {
  return describe_metric(a.metric).lower_is_better ? a.value < b.value : a.value > b.value;
}

}  // namespace detail

DNALM_INLINE std::vector<result_row> best_layers(std::span<const result_row> rows, std::string_view target,
                                                 std::string_view metric) {
  std::vector<result_row> best;
  for (const result_row& row : rows) {
    if (row.target != target || row.metric != metric || std::isnan(row.value)) continue;
    const auto same = std::find_if(best.begin(), best.end(), [&](const result_row& other) {
      return other.model == row.model && other.pooling == row.pooling && other.probe == row.probe;
    });
    if (same == best.end()) {
      best.push_back(row);
    } else if (detail::better(row, *same)) {
      *same = row;
    }
  }
  return best;
}

DNALM_INLINE const result_row* best_of(std::span<const result_row> rows, source_kind kind) {
  const result_row* best = nullptr;
  for (const result_row& row : rows) {
    if (kind_of(row.model) == kind && (best == nullptr || detail::better(row, *best))) best = &row;
  }
  return best;
}

namespace detail {

/// A cell padded to `width` characters (UTF-8 aware); the last column is not padded.
DNALM_INLINE std::string padded_cell(const std::string& text, std::size_t width) {
  const auto letters = static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
  return text + std::string(width > letters ? width - letters : 0, ' ');
}

/// Columns aligned with spaces.
DNALM_INLINE std::string align_columns(const std::vector<std::vector<std::string>>& table) {
  std::vector<std::size_t> widths;
  for (const auto& row : table) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string text;
  for (const auto& row : table) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) line += padded_cell(row[c], widths[c] + 2);
    while (!line.empty() && line.back() == ' ') line.pop_back();
    text.append(line).append("\n");
  }
  return text;
}

}  // namespace detail

DNALM_INLINE std::string summary_table(std::span<const result_row> rows) {
  std::string text;
  for (const std::string& target : targets_of(rows)) {
    const std::string metric = primary_metric(rows, target);
    std::vector<std::vector<std::string>> table = {
        {"model", "layer", "pooling", "probe", metric, "95% interval", "train", "test"}};
    for (const result_row& row : best_layers(rows, target, metric)) {
      char number[3][32];
      std::snprintf(number[0], sizeof number[0], "%.4f", row.value);
      std::snprintf(number[1], sizeof number[1], "%.4f", row.ci_low);
      std::snprintf(number[2], sizeof number[2], "%.4f", row.ci_high);
      const std::string interval = std::string(number[1]) + " to " + number[2];
      table.push_back({row.model, row.layer, row.pooling, row.probe, number[0], interval,
                       std::to_string(row.n_train), std::to_string(row.n_test)});
    }
    text.append(text.empty() ? "" : "\n").append("Target ").append(target);
    text.append(": the best layer of each model, on the test part\n");
    text.append(detail::align_columns(table));
  }
  return text;
}

}  // namespace report
DNALM_END_NAMESPACE
