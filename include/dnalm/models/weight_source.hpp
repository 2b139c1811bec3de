// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Where a network's numbers come from: a checkpoint, or a random twin.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/backend/pack_store.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/tensor_plan.hpp>

DNALM_BEGIN_NAMESPACE

/// Fills tensors of a plan, row-major. May be called from several threads at once.
class weight_source {
 public:
  virtual ~weight_source() = default;
  /// Whether an optional tensor is there.
  [[nodiscard]] virtual bool contains(const planned_tensor& tensor) const = 0;
  /// `out` has as many numbers as the tensor. All are finite.
  virtual void read(const planned_tensor& tensor, std::span<float> out) const = 0;
  virtual void read(const planned_tensor& tensor, std::span<double> out) const = 0;
  /// The numbers where they lie, when they lie in memory as floats, row-major; else empty: then `read`. All
  /// are finite. Valid until `release`, which gives the memory behind them back.
  [[nodiscard]] virtual std::span<const float> lend(const planned_tensor&) const { return {}; }
  virtual void release(const planned_tensor&) const {}
  /// Where packed matrices of these numbers are kept, or null.
  [[nodiscard]] virtual any_pack_store* packs() const { return nullptr; }
};

/// Tensors by role and layer.
class planned_weights {
 public:
  planned_weights(const encoder_config& config, const weight_source& source)
      : planned_weights(plan_tensors(config), source, config.mask_row_zero ? config.mask_id : -1) {}
  /// `zero_row` of the word table counts as zeros; -1: none.
  planned_weights(std::vector<planned_tensor> plan, const weight_source& source, index_t zero_row = -1)
      : plan_(std::move(plan)), source_(source), zero_row_(zero_row) {}

  /// The tensor of a role that the source holds, or null.
  [[nodiscard]] const planned_tensor* find(tensor_role role, index_t layer = -1) const {
    for (const planned_tensor& tensor : plan_) {
      if (tensor.role == role && tensor.layer == layer) return source_.contains(tensor) ? &tensor : nullptr;
    }
    return nullptr;
  }
  /// Its numbers; none when there is no such tensor.
  template <class T>
  [[nodiscard]] std::vector<T> read(tensor_role role, index_t layer = -1) const {
    std::vector<T> values;
    append(role, layer, values);
    return values;
  }
  template <class T>
  void append(tensor_role role, index_t layer, std::vector<T>& values) const {
    const planned_tensor* tensor = find(role, layer);
    if (tensor == nullptr) return;
    const std::size_t before = values.size();
    values.resize(before + static_cast<std::size_t>(checked_size(tensor->shape)));
    source_.read(*tensor, std::span<T>(values).subspan(before));
    if (role == tensor_role::words && zero_row_ >= 0 && zero_row_ < tensor->shape[0]) {
      const auto width = static_cast<std::size_t>(tensor->shape[1]);
      std::fill_n(values.data() + before + static_cast<std::size_t>(zero_row_) * width, width, T(0));
    }
  }

  /// Its numbers where they lie (weight_source::lend); empty when they must be read.
  [[nodiscard]] std::span<const float> lend(const planned_tensor& tensor) const {
    if (tensor.role == tensor_role::words && zero_row_ >= 0) return {};
    return source_.lend(tensor);
  }
  void release(const planned_tensor& tensor) const { source_.release(tensor); }
  [[nodiscard]] any_pack_store* packs() const { return source_.packs(); }

 private:
  std::vector<planned_tensor> plan_;
  const weight_source& source_;
  index_t zero_row_;  // of the word table, -1: none
};

DNALM_END_NAMESPACE
