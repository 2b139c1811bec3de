// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The activation functions a kernel can apply, by name.
#pragma once

#include <string_view>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// Elementwise functions of networks (formulas in scalar_functions.hpp).
enum class activation {
  none,          ///< x
  gelu_erf,      ///< x Phi(x), the exact form
  gelu_tanh,     ///< its tanh approximation
  gelu_sigmoid,  ///< x sigmoid(1.702 x), its third form
  silu,          ///< x sigmoid(x)
  relu,          ///< max(x, 0)
  sigmoid,       ///< 1 / (1 + exp(-x))
  tanh,          ///< the hyperbolic tangent
  exponential,   ///< exp(x)
  softplus       ///< log(1 + exp(x))
};

/// Name of an activation.
[[nodiscard]] constexpr std::string_view to_string(activation function) {
  switch (function) {
    case activation::none: return "none";
    case activation::gelu_erf: return "gelu_erf";
    case activation::gelu_tanh: return "gelu_tanh";
    case activation::gelu_sigmoid: return "gelu_sigmoid";
    case activation::silu: return "silu";
    case activation::relu: return "relu";
    case activation::sigmoid: return "sigmoid";
    case activation::tanh: return "tanh";
    case activation::exponential: return "exponential";
    case activation::softplus: return "softplus";
  }
  return "?";
}

DNALM_END_NAMESPACE
