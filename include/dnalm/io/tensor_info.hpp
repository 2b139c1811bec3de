// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What is known of a tensor of a file before it is read: name, element type, shape.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/dtype.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// Name, element type and shape of a stored tensor; a scalar has an empty shape.
struct tensor_info {
  std::string name = {};
  dtype type = dtype::f32;
  std::vector<index_t> shape = {};

  /// Number of elements. \throws error [dnalm.shape.101] on overflow (readers have checked it before).
  [[nodiscard]] index_t size() const { return checked_size(shape); }
};

/// What kind of file a tensor lies in.
enum class weight_format { safetensors, torch, npz };

/// `safetensors`, `PyTorch`, `npz`.
[[nodiscard]] constexpr std::string_view to_string(weight_format format) {
  switch (format) {
    case weight_format::safetensors: return "safetensors";
    case weight_format::torch: return "PyTorch";
    case weight_format::npz: return "npz";
  }
  return "?";
}

/// A shape as people write it: `[2, 3]`, `[]` for a scalar.
[[nodiscard]] inline std::string shape_text(const std::vector<index_t>& shape) {
  std::string text = "[";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis != 0) text += ", ";
    text += std::to_string(shape[axis]);
  }
  return text + "]";
}

}  // namespace io
DNALM_END_NAMESPACE
