// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How errors call the gradients that a request's functions give.
#pragma once

#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

[[nodiscard]] inline std::string cotangent_name(index_t layer) {
  return "the gradient given for hidden state " + std::to_string(layer);
}
inline constexpr const char* logits_cotangent = "the gradient given for the logits";

}  // namespace detail
DNALM_END_NAMESPACE
