// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The rows of one or several weight tensors below each other, packed without a copy where they lie in
/// memory.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/weight_source.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The tensors of `roles` that a layer has, below each other: lent by the source where it can, else read.
/// What was lent is given back when the object goes.
template <class T>
class weight_rows {
 public:
  weight_rows(const planned_weights& weights, std::initializer_list<tensor_role> roles, index_t layer,
              index_t columns)
      : weights_(weights) {
    for (const tensor_role role : roles) {
      if (const planned_tensor* tensor = weights.find(role, layer)) add(*tensor, columns);
    }
  }
  weight_rows(const weight_rows&) = delete;
  weight_rows& operator=(const weight_rows&) = delete;
  ~weight_rows() { give_back(); }

  /// Packed for a backend; `gated`: the rows are [a | b].
  template <class B>
  [[nodiscard]] typename B::weight pack(const B& backend, bool gated) const {
    const std::span<const matrix_view<const T>> parts(parts_);
    if constexpr (requires { backend.pack_parts(parts, gated); }) {
      return backend.pack_parts(parts, gated);
    } else {
      const std::vector<T> joined = join();
      const index_t columns = parts_.front().columns;
      const auto all = as_matrix(joined.data(), static_cast<index_t>(joined.size()) / columns, columns);
      return gated ? backend.pack_gated(all) : backend.pack(all);
    }
  }

 private:
  void add(const planned_tensor& tensor, index_t columns) {
    const index_t rows = checked_size(tensor.shape) / columns;
    if constexpr (std::is_same_v<T, float>) {
      const std::span<const float> numbers = lend(tensor);
      if (!numbers.empty()) {
        parts_.push_back(as_matrix(numbers.data(), rows, columns));
        return;
      }
    }
    copies_.push_back(weights_.template read<T>(tensor.role, tensor.layer));
    parts_.push_back(as_matrix(static_cast<const T*>(copies_.back().data()), rows, columns));
  }
  [[nodiscard]] std::span<const float> lend(const planned_tensor& tensor) {
    lent_.reserve(lent_.size() + 1);
    try {
      const std::span<const float> numbers = weights_.lend(tensor);
      if (!numbers.empty()) lent_.push_back(&tensor);
      return numbers;
    } catch (...) {
      give_back();
      throw;
    }
  }
  void give_back() {
    for (const planned_tensor* tensor : lent_) weights_.release(*tensor);
    lent_.clear();
  }
  [[nodiscard]] std::vector<T> join() const {
    std::vector<T> all;
    for (const auto& part : parts_) all.insert(all.end(), part.data, part.data + part.rows * part.columns);
    return all;
  }

  const planned_weights& weights_;
  std::vector<const planned_tensor*> lent_;
  std::vector<std::vector<T>> copies_;
  std::vector<matrix_view<const T>> parts_;
};

/// What the rows of these tensors are called in a pack_store: their names, joined; and how many they are.
struct row_description {
  std::string name = {};
  index_t rows = 0;
};
[[nodiscard]] inline row_description describe_rows(const planned_weights& weights,
                                                   std::initializer_list<tensor_role> roles, index_t layer,
                                                   index_t columns) {
  row_description about;
  for (const tensor_role role : roles) {
    const planned_tensor* tensor = weights.find(role, layer);
    if (tensor == nullptr) continue;
    about.name += (about.name.empty() ? "" : "+") + tensor->name;
    about.rows = checked_add(about.rows, checked_size(tensor->shape) / columns);
  }
  return about;
}

/// The tensors of `roles` that a layer has, below each other and packed: from the source's pack_store where
/// it has one of the backend's weights.
template <class B>
[[nodiscard]] typename B::weight pack_rows(const B& backend, const planned_weights& weights,
                                           std::initializer_list<tensor_role> roles, index_t layer,
                                           index_t columns, bool gated) {
  const auto pack = [&] {
    return weight_rows<typename B::scalar>(weights, roles, layer, columns).pack(backend, gated);
  };
  auto* store = dynamic_cast<pack_store<typename B::weight>*>(weights.packs());
  if (store == nullptr) return pack();
  const row_description about = describe_rows(weights, roles, layer, columns);
  return about.rows > 0 ? store->find_or_pack(about.name, about.rows, columns, gated, pack) : pack();
}

}  // namespace detail
DNALM_END_NAMESPACE
