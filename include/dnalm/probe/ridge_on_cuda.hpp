// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Streamed moments for ridge probes on a GPU.
///
/// Needs no CUDA to be compiled. Who uses it links the device code: one source that includes dnalm/cuda.cuh.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/cell_moments.hpp>
#include <dnalm/cuda/runtime.hpp>
#include <dnalm/probe/detail/probe_checks.hpp>
#include <dnalm/probe/ridge_accumulator.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// Targets of the cells, (group, part).
[[nodiscard]] inline std::vector<index_t> cell_targets(const ridge_accumulator& groups) {
  std::vector<index_t> cells;
  for (index_t group = 0; group < groups.groups(); ++group) {
    cells.insert(cells.end(), static_cast<std::size_t>(groups.parts()),
                 static_cast<index_t>(groups.group_targets(group).size()));
  }
  return cells;
}
/// Bytes on the GPU that moments of a shape need at most.
[[nodiscard]] inline index_t bytes_on_cuda(const ridge_shape& shape) {
  const index_t groups = shape.target_group.empty()
                             ? 1
                             : 1 + *std::max_element(shape.target_group.begin(), shape.target_group.end());
  const std::vector<index_t> targets(
      static_cast<std::size_t>(std::max<index_t>(0, checked_mul(groups, shape.parts))), shape.targets);
  return cuda_cell_moments::bytes(shape.features, targets);
}

}  // namespace detail

/// Moments gathered on a GPU by cuda_cell_moments, leaves of 256 rows: those of ridge_statistics but for the
/// last bits, the sums being added up in another order.
class cuda_ridge_statistics : public ridge_accumulator {
 public:
  /// \throws as ridge_accumulator and cuda_cell_moments
  cuda_ridge_statistics(std::shared_ptr<cuda_moments_room> room, const ridge_shape& shape)
      : ridge_accumulator(shape),
        device_(room->device()),
        cells_(std::move(room), shape.features, detail::cell_targets(*this)) {}

  /// \throws as ridge_accumulator::add, device_buffer
  void add(matrix_view<const float> x, matrix_view<const double> y, std::span<const index_t> part,
           std::span<const double> weight = {}) override {
    check_sizes(x.rows, x.columns, y, part, weight);
    const auto check = [&](index_t row) { detail::check_finite_row<float>(x.row(row), row); };
    const std::vector<cell_row> rows = rows_of_cells(y, part, weight, check);
    cells_.add(x, rows, labels_of(rows, y).view());
  }
  [[nodiscard]] std::optional<int> device() const override { return device_; }
  /// \throws as ridge_accumulator::add_on_device, device_buffer
  void add_on_device(const owned_device_rows& x, matrix_view<const double> y, std::span<const index_t> part,
                     std::span<const double> weight = {}) override {
    check_sizes(x.rows.rows, x.rows.columns, y, part, weight);
    const std::vector<cell_row> rows = rows_of_cells(y, part, weight, [](index_t) {});
    cells_.add(x.rows, rows, labels_of(rows, y).view(), x.owner);
  }
  [[nodiscard]] index_t rows(index_t part, index_t group = 0) const override {
    check_cell(part, group);
    return cells_.rows(group * parts() + part);
  }
  [[nodiscard]] ridge_moments moments(std::span<const index_t> parts, index_t group = 0) const override {
    check_cell(0, group);
    ridge_moments sum = make_moments(features(), static_cast<index_t>(group_targets(group).size()));
    for (const index_t part : parts) {
      check_cell(part, group);
      merge_moments(sum, moments_of(group * this->parts() + part));
    }
    return sum;
  }

 private:
  /// The cells that rows go to, in their order; `check(row)` comes after the check of the row's weight.
  template <class Check>
  [[nodiscard]] std::vector<cell_row> rows_of_cells(matrix_view<const double> y,
                                                    std::span<const index_t> part,
                                                    std::span<const double> weight,
                                                    const Check& check) const {
    std::vector<cell_row> rows;
    for (index_t row = 0; row < y.rows; ++row) {
      const double share = checked_weight(row, part, weight);
      check(row);
      const index_t to = part[static_cast<std::size_t>(row)];
      for (index_t group = 0; to >= 0 && group < groups(); ++group) {
        if (is_labelled(y.row(row), group)) rows.push_back({row, group * parts() + to, share});
      }
    }
    return rows;
  }
  /// A row of labels for each of `rows`: those of its cell's group.
  [[nodiscard]] matrix<double> labels_of(std::span<const cell_row> rows, matrix_view<const double> y) const {
    std::size_t widest = 0;
    for (index_t group = 0; group < groups(); ++group) widest = std::max(widest, group_targets(group).size());
    matrix<double> labels(static_cast<index_t>(rows.size()), static_cast<index_t>(widest));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      double* to = labels.view().row_data(static_cast<index_t>(i));
      for (const index_t column : group_targets(rows[i].cell / parts())) *to++ = y(rows[i].row, column);
    }
    return labels;
  }
  [[nodiscard]] ridge_moments moments_of(index_t cell) const {
    const cell_moments from = cells_.read(cell);
    const index_t width = features();
    ridge_moments to = make_moments(width, cells_.targets(cell));
    to.rows = from.rows;
    to.weight = from.weight;
    to.mean_x.assign(from.mean.begin(), from.mean.begin() + width);
    to.mean_y.assign(from.mean.begin() + width, from.mean.end());
    to.cross.assign(from.products.begin() + width * width, from.products.end());
    to.yy = from.squares;
    const auto at = [width](index_t i, index_t j) { return static_cast<std::size_t>(i * width + j); };
    for (index_t i = 0; i < width; ++i) {
      for (index_t j = 0; j <= i; ++j) to.gram[at(i, j)] = to.gram[at(j, i)] = from.products[at(i, j)];
    }
    return to;
  }

  int device_;
  cuda_cell_moments cells_;  // (group, part)
};

/// Makes cuda_ridge_statistics that share one stream: for report::evaluation_options::statistics.
class cuda_ridge_maker : public ridge_accumulator_maker {
 public:
  /// `memory_limit` in bytes of the GPU's memory; 0: what the GPU has. Half of what is left is used at most.
  /// \throws as cuda_find_device
  explicit cuda_ridge_maker(int device = 0, index_t memory_limit = 0)
      : device_(device),
        limit_(memory_limit),
        room_(std::make_shared<cuda_moments_room>(device, memory_limit)) {}

  [[nodiscard]] bool fits(const ridge_shape& shape, index_t count) const override {
    const index_t left =
        limit_ > 0 ? limit_ - room_->memory()->used() : cuda_find_device(device_).free_memory;
    return checked_mul(detail::bytes_on_cuda(shape), count) <= left / 2;
  }
  [[nodiscard]] std::optional<int> device() const override { return device_; }
  [[nodiscard]] std::unique_ptr<ridge_accumulator> make(const ridge_shape& shape) const override {
    return std::make_unique<cuda_ridge_statistics>(room_, shape);
  }

 private:
  int device_;
  index_t limit_;
  std::shared_ptr<cuda_moments_room> room_;
};

DNALM_END_NAMESPACE
