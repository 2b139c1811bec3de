// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tensor_bytes.hpp.
#pragma once

#include <cmath>
#include <cstring>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/gather_elements.hpp>
#include <dnalm/io/detail/narrow_float.hpp>
#include <dnalm/io/tensor_bytes.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// One number into its place; false when a finite number has become infinite.
inline bool store_float(dtype type, double value, std::byte* to) {
  switch (type) {
    case dtype::f64: std::memcpy(to, &value, 8); return true;
    case dtype::f32: {
      const auto narrow = static_cast<float>(value);
      std::memcpy(to, &narrow, 4);
      return std::isfinite(narrow) || !std::isfinite(value);
    }
    case dtype::f16: {
      const std::uint16_t narrow = narrow_float<10>(value);
      std::memcpy(to, &narrow, 2);
      return (narrow & 0x7C00U) != 0x7C00U || !std::isfinite(value);
    }
    default: {
      const std::uint16_t narrow = narrow_float<7>(value);
      std::memcpy(to, &narrow, 2);
      return (narrow & 0x7F80U) != 0x7F80U || !std::isfinite(value);
    }
  }
}

[[noreturn]] inline void throw_too_large(const stored_tensor& tensor, index_t index, double value,
                                         dtype type) {
  throw error(error_kind::numeric, 262, "a number is beyond the largest of the float type asked for",
              {.where = "tensor '" + tensor.info.name + "', element " + std::to_string(index),
               .expected = "numbers that fit " + std::string(to_string(type)),
               .found = std::to_string(value)});
}

}  // namespace detail

DNALM_INLINE std::vector<std::byte> row_major_bytes(const stored_tensor& tensor) {
  const index_t width = size_of(tensor.info.type);
  if (tensor.contiguous()) return {tensor.bytes.begin(), tensor.bytes.end()};
  std::vector<std::byte> bytes(static_cast<std::size_t>(checked_mul(tensor.info.size(), width)));
  detail::gather_elements(tensor, static_cast<std::size_t>(width), bytes.data());
  return bytes;
}

DNALM_INLINE std::vector<std::byte> row_major_bytes(const stored_tensor& tensor, dtype type) {
  if (!is_convertible_float(type)) {
    throw error(error_kind::unsupported, 120, "tensors cannot be converted to this type",
                {.expected = "F64, F32, F16 or BF16", .found = std::string(to_string(type))});
  }
  std::vector<std::byte> bytes = row_major_bytes(tensor);
  const dtype from = tensor.info.type;
  if (from == type || !is_convertible_float(from)) return bytes;
  const index_t count = tensor.info.size();
  std::vector<std::byte> converted(static_cast<std::size_t>(checked_mul(count, size_of(type))));
  for (index_t i = 0; i < count; ++i) {
    const auto value = read_element<double>(from, bytes.data() + i * size_of(from));
    if (!detail::store_float(type, value, converted.data() + i * size_of(type))) {
      detail::throw_too_large(tensor, i, value, type);
    }
  }
  return converted;
}

}  // namespace io
DNALM_END_NAMESPACE
