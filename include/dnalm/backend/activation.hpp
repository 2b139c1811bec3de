// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The activation functions a kernel can apply, by name.
#pragma once

#include <string_view>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// Elementwise functions of the feed-forward blocks and of the language-model head (formulas in
/// scalar_functions.hpp).
enum class activation {
  none,       ///< x
  gelu_erf,   ///< x Phi(x), the exact form
  gelu_tanh,  ///< its tanh approximation
  silu        ///< x sigmoid(x)
};

/// Name of an activation.
[[nodiscard]] constexpr std::string_view to_string(activation function) {
  switch (function) {
    case activation::none: return "none";
    case activation::gelu_erf: return "gelu_erf";
    case activation::gelu_tanh: return "gelu_tanh";
    case activation::silu: return "silu";
  }
  return "?";
}

DNALM_END_NAMESPACE
