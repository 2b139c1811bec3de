// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows kept as bfloat16: the storage types of the kernels on a GPU.
#pragma once

#include <cstdint>

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/dtype.hpp>

DNALM_BEGIN_NAMESPACE

/// The upper half of a float. Storage only: kernels compute in float.
struct bfloat16 {
  std::uint16_t bits;
};

/// A stored number as float: exact.
[[nodiscard]] DNALM_HD inline float to_float(float value) {
  return value;
}
[[nodiscard]] DNALM_HD inline float to_float(bfloat16 value) {
  return float_from_bf16(value.bits);
}

/// The stored number nearest to a float, ties to even.
template <class Stored>
[[nodiscard]] DNALM_HD inline Stored to_stored(float value) {
  if constexpr (sizeof(Stored) == sizeof(float)) {
    return value;
  } else {
    return Stored{bf16_from_float(value)};
  }
}

DNALM_END_NAMESPACE
