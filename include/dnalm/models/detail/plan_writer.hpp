// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Writes a tensor plan line by line.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/planned_tensor.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Collects planned tensors; `within(prefix, layer)` sets what the following names begin with.
class plan_writer {
 public:
  explicit plan_writer(bool norm_bias) : norm_bias_(norm_bias) {}
  void within(std::string prefix, index_t layer = -1) {
    prefix_ = std::move(prefix);
    layer_ = layer;
  }
  planned_tensor& add(const std::string& name, std::vector<index_t> shape, tensor_role role,
                      tensor_kind kind = tensor_kind::matrix) {
    planned_tensor tensor;
    tensor.name = prefix_ + name;
    tensor.shape = std::move(shape);
    tensor.role = role;
    tensor.kind = kind;
    tensor.layer = layer_;
    plan_.push_back(std::move(tensor));
    return plan_.back();
  }
  /// `name`.weight (out, in), and `name`.bias (out) when there is one.
  void linear(const std::string& name, index_t out, index_t in, tensor_role weight, tensor_role bias,
              bool has_bias = true) {
    add(name + ".weight", {out, in}, weight);
    if (has_bias) add(name + ".bias", {out}, bias, tensor_kind::bias);
  }
  void norm(const std::string& name, index_t width, tensor_role weight, tensor_role bias) {
    add(name + ".weight", {width}, weight, tensor_kind::norm_weight);
    if (norm_bias_) add(name + ".bias", {width}, bias, tensor_kind::bias);
  }
  /// A tensor that files may carry and the forward pass does not need.
  planned_tensor& unused(const std::string& name, std::vector<index_t> shape, bool counted,
                         tensor_kind kind = tensor_kind::matrix) {
    planned_tensor& tensor = add(name, std::move(shape), tensor_role::unused, kind);
    tensor.required = false;
    tensor.counted = counted;
    return tensor;
  }
  /// `name`.weight and `name`.bias of a layer that only other uses of the model need.
  void unused_linear(const std::string& name, index_t out, index_t in, bool counted = false) {
    unused(name + ".weight", {out, in}, counted);
    unused(name + ".bias", {out}, counted, tensor_kind::bias);
  }
  [[nodiscard]] std::vector<planned_tensor> take() { return std::move(plan_); }

 private:
  std::vector<planned_tensor> plan_;
  std::string prefix_;
  index_t layer_ = -1;
  bool norm_bias_;
};

}  // namespace detail
DNALM_END_NAMESPACE
