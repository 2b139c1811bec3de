// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Takes pooled vectors from the one forward pass: statistics for ridge probes, vectors for what needs
/// them.
#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <dnalm/core/parallel.hpp>
#include <dnalm/embed/embedding_sink.hpp>
#include <dnalm/probe/evaluate_probe.hpp>
#include <dnalm/probe/ridge_accumulator.hpp>
#include <dnalm/probe/ridge_statistics.hpp>
#include <dnalm/probe/vector_store.hpp>
#include <dnalm/report/detail/slot_name.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

/// Everything a streamed ridge probe needs of the labels.
struct stream_labels {
  std::vector<double> columns;          // (n, T)
  std::vector<index_t> parts;           // (n)
  std::vector<index_t> missing_groups;  // (T)
  index_t part_count = 0;
  index_t targets = 0;

  [[nodiscard]] ridge_shape shape(index_t width) const {
    return {width, targets, part_count, missing_groups};
  }
};

inline stream_labels make_stream_labels(const probe_problem& problem, const probe_options& options) {
  stream_labels labels;
  labels.columns = regression_columns(problem);
  labels.parts = statistics_parts(problem, options, labels.part_count);
  labels.targets = static_cast<index_t>(labels.columns.size()) / problem.rows();
  labels.missing_groups =
      missingness_groups(as_matrix<const double>(labels.columns.data(), problem.rows(), labels.targets));
  return labels;
}

/// Takes the pooled blocks of the one forward pass: statistics for ridge, vectors for what needs them.
class pooled_sink : public embedding_sink {
 public:
  struct settings {
    const stream_labels* labels = nullptr;           // null: no statistics
    const ridge_accumulator_maker* maker = nullptr;  // null: they are gathered on the CPU
    std::vector<index_t> kept_rows = {};             // rising; the rows whose vectors are stored
    index_t memory = 0;
    int threads = 0;
    std::filesystem::path directory = {};
    std::function<void()> check = {};
  };

  explicit pooled_sink(settings wanted) : settings_(std::move(wanted)) {}

  void begin(const embedding_shape& shape) override {
    std::vector<index_t> widths;
    layers_ = shape.layers.size();
    for (const pooling kind : shape.poolings) {
      for (const index_t layer : shape.layers) slots.push_back({layer, std::string(to_string(kind))});
      widths.insert(widths.end(), shape.widths.begin(), shape.widths.end());
    }
    store.emplace(static_cast<index_t>(settings_.kept_rows.size()), widths,
                  vector_store_options{settings_.memory, settings_.directory});
    if (settings_.labels == nullptr) return;
    const stream_labels& labels = *settings_.labels;
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
      const ridge_shape wanted = labels.shape(widths[slot]);
      statistics.push_back(settings_.maker != nullptr ? settings_.maker->make(wanted) : on_cpu(wanted));
    }
  }

  void consume(index_t first, const embedding_block& block) override {
    if (settings_.check) settings_.check();
    const std::vector<index_t> kept = seen(first, block.sequences);
    for (std::size_t slot = 0; slot < slots.size(); ++slot) keep(slot, block.values[slot], kept);
    if (settings_.labels == nullptr) return;
    parallel_for(static_cast<index_t>(slots.size()), settings_.threads,
                 [&](index_t slot, int) { gather(static_cast<std::size_t>(slot), first, block); });
  }
  /// With statistics that are gathered on a GPU, the vectors of a model that runs there stay there.
  [[nodiscard]] std::optional<int> device() const override {
    if (settings_.labels == nullptr || settings_.maker == nullptr) return {};
    return settings_.maker->device();
  }
  /// Rows of a block that are stored, relative to the block.
  [[nodiscard]] std::vector<index_t> seen(index_t first, index_t count) const override {
    const auto& all = settings_.kept_rows;
    std::vector<index_t> kept;
    for (auto at = std::lower_bound(all.begin(), all.end(), first); at != all.end() && *at < first + count;
         ++at) {
      kept.push_back(*at - first);
    }
    return kept;
  }

  std::vector<slot_name> slots;
  std::vector<std::unique_ptr<ridge_accumulator>> statistics;  // by slot, when they are gathered
  std::optional<vector_store> store;

 private:
  [[nodiscard]] static std::unique_ptr<ridge_accumulator> on_cpu(const ridge_shape& shape) {
    return std::make_unique<ridge_statistics>(shape.features, shape.targets, shape.parts, shape.target_group);
  }
  /// Puts a block's vectors of a slot into its statistics.
  void gather(std::size_t slot, index_t first, const embedding_block& block) {
    const stream_labels& labels = *settings_.labels;
    const auto y_of = [&](index_t from, index_t rows) {
      return as_matrix<const double>(labels.columns.data() + from * labels.targets, rows, labels.targets);
    };
    const auto parts_of = [&](index_t from, index_t rows) {
      return std::span<const index_t>(labels.parts)
          .subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(rows));
    };
    if (block.on_device.empty()) {
      statistics[slot]->add(block.values[slot].view(), y_of(first, block.sequences),
                            parts_of(first, block.sequences));
      return;
    }
    for (const auto& vectors : block.on_device) {
      const index_t rows = vectors->sequences();
      statistics[slot]->add_on_device({vectors->rows(slot % layers_, slot / layers_), vectors},
                                      y_of(first, rows), parts_of(first, rows));
      first += rows;
    }
  }

  void keep(std::size_t slot, const matrix<float>& values, const std::vector<index_t>& kept) {
    if (kept.empty()) return;
    const auto number = static_cast<index_t>(slot);
    if (static_cast<index_t>(kept.size()) == values.rows()) {
      store->append(number, values.view());
      return;
    }
    matrix<float> chosen(static_cast<index_t>(kept.size()), values.columns());
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const auto from = values.view().row(kept[i]);
      std::copy(from.begin(), from.end(), chosen.view().row_data(static_cast<index_t>(i)));
    }
    store->append(number, chosen.view());
  }

  settings settings_;
  std::size_t layers_ = 0;  // slots go by pooling, then by layer
};

}  // namespace detail
}  // namespace report
DNALM_END_NAMESPACE
