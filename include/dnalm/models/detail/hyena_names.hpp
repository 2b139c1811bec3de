// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What HyenaDNA calls its tensors.
#pragma once

#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A tensor of a block by what stands behind the block's number: `norm1.weight`, `mixer.in_proj.weight`, ...
[[nodiscard]] inline std::string hyena_tensor(index_t layer, const std::string& name) {
  return "backbone.layers." + std::to_string(layer) + "." + name;
}
/// Product i of the filter's network, without `.weight` and `.bias`.
[[nodiscard]] inline std::string hyena_filter_product(index_t i) {
  return "mixer.filter_fn.implicit_filter." + std::to_string(2 * i);
}
/// The frequencies of the sine behind product i: one module stands behind each but the last.
[[nodiscard]] inline std::string hyena_frequency(index_t i) {
  return "mixer.filter_fn.implicit_filter." + std::to_string(2 * i + 1) + ".freq";
}

}  // namespace detail
DNALM_END_NAMESPACE
