// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How a backend keeps weight matrices.
#pragma once

#include <string_view>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// How weights are kept in memory. Products add up in float with each of them.
enum class weight_format {
  f32,   ///< as they are
  bf16,  ///< rounded to bfloat16, and so are the rows they are multiplied with: half the memory, twice the
         ///< speed where the CPU has AVX512-BF16
  int8   ///< rounded to 255 steps of the largest weight of each output channel; the rest as bf16
};

[[nodiscard]] constexpr std::string_view to_string(weight_format format) {
  switch (format) {
    case weight_format::f32: return "f32";
    case weight_format::bf16: return "bf16";
    case weight_format::int8: return "int8";
  }
  return "?";
}

DNALM_END_NAMESPACE
