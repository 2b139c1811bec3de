// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What trainers put before the names of a network's tensors.
#pragma once

#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/graph_builder.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The first of `module.model.`, `module.`, `model.` and nothing that, before `name`, is a tensor of the
/// file; nothing where none is.
[[nodiscard]] inline std::string prefix_of(const tensor_table& tensors, const std::string& name) {
  for (const char* prefix : {"module.model.", "module.", "model."}) {
    if (tensors.contains(prefix + name)) return prefix;
  }
  return {};
}

}  // namespace detail
DNALM_END_NAMESPACE
