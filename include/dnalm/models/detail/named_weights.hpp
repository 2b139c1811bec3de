// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Tensors of a source by their names in a plan.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/weight_source.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A plan and the source that fills it; the source must outlive it.
class named_weights {
 public:
  named_weights(std::vector<planned_tensor> plan, const weight_source& source)
      : plan_(std::move(plan)), source_(source) {
    for (const planned_tensor& tensor : plan_) by_name_.emplace(tensor.name, &tensor);
  }
  named_weights(const named_weights&) = delete;
  named_weights& operator=(const named_weights&) = delete;

  /// The tensor of a name that the source holds, or null.
  [[nodiscard]] const planned_tensor* find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found != by_name_.end() && source_.contains(*found->second) ? found->second : nullptr;
  }
  /// The tensor of a name in the plan, whether the source holds it or not.
  [[nodiscard]] const planned_tensor& planned(const std::string& name) const { return *by_name_.at(name); }
  /// Its numbers; none when there is no such tensor.
  template <class T>
  [[nodiscard]] std::vector<T> read(const std::string& name) const {
    const planned_tensor* tensor = find(name);
    return tensor == nullptr ? std::vector<T>{} : read<T>(*tensor);
  }
  /// What the source gives for a tensor of the plan.
  template <class T>
  [[nodiscard]] std::vector<T> read(const planned_tensor& tensor) const {
    std::vector<T> values(static_cast<std::size_t>(checked_size(tensor.shape)));
    source_.read(tensor, std::span<T>(values));
    return values;
  }
  /// The source's pack_store, or null.
  [[nodiscard]] any_pack_store* packs() const { return source_.packs(); }
  /// The matrix of a name packed for a backend: from the source's pack_store where it has one of the
  /// backend's weights.
  template <class B>
  [[nodiscard]] typename B::weight pack(const B& backend, const std::string& name, index_t columns) const {
    using T = typename B::scalar;
    const auto make = [&] {
      const std::vector<T> values = read<T>(name);
      return backend.pack(as_matrix(values.data(), static_cast<index_t>(values.size()) / columns, columns));
    };
    auto* store = dynamic_cast<pack_store<typename B::weight>*>(source_.packs());
    const planned_tensor* tensor = find(name);
    if (store == nullptr || tensor == nullptr) return make();
    return store->find_or_pack(name, checked_size(tensor->shape) / columns, columns, false, make);
  }

 private:
  std::vector<planned_tensor> plan_;
  const weight_source& source_;
  std::map<std::string_view, const planned_tensor*> by_name_;
};

/// (rows, columns) to (columns, rows).
template <class T>
[[nodiscard]] std::vector<T> transposed(const std::vector<T>& from, index_t columns) {
  const index_t rows = static_cast<index_t>(from.size()) / columns;
  std::vector<T> to(from.size());
  for (index_t r = 0; r < rows; ++r) {
    for (index_t c = 0; c < columns; ++c)
      to[static_cast<std::size_t>(c * rows + r)] = from[static_cast<std::size_t>(r * columns + c)];
  }
  return to;
}
/// Weights (channels, 1, K) of a depthwise convolution as (K, channels).
template <class B>
[[nodiscard]] typename B::tensor load_depthwise(const B& backend, const named_weights& weights,
                                                const std::string& name, index_t channels) {
  const auto stored = weights.template read<typename B::scalar>(name);
  const index_t taps = static_cast<index_t>(stored.size()) / channels;
  return backend.upload(transposed(stored, taps), taps, channels);
}

}  // namespace detail
DNALM_END_NAMESPACE
