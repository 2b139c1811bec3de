// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of stored_tensor.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include <dnalm/io/detail/strided.hpp>
#include <dnalm/io/stored_tensor.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

template <dtype Type, class Number>
void read_rows(const stored_tensor& tensor, Number* out) {
  constexpr index_t width = size_of(Type);
  visit_rows({tensor.info.shape, tensor.strides}, [&](index_t first, index_t length, index_t stride) {
    const std::byte* from = tensor.bytes.data() + first * width;
    for (index_t i = 0; i < length; ++i) *out++ = read_element<Number>(Type, from + i * stride * width);
    return true;
  });
}

/// Copies tile by tile where rows of the output are far apart in the file.
template <dtype Type, class Number>
void read_tiles(const stored_tensor& tensor, Number* out) {
  constexpr index_t width = size_of(Type);
  const tensor_plane plane({tensor.info.shape, tensor.strides});
  visit_tiles({tensor.info.shape, tensor.strides}, [&](const plane_tile& tile) {
    for (index_t r = 0; r < tile.rows; ++r) {
      const std::byte* from = tensor.bytes.data() + (tile.from + r * plane.row_stride) * width;
      Number* to = out + tile.to + r * plane.columns;
      for (index_t c = 0; c < tile.columns; ++c) {
        to[c] = read_element<Number>(Type, from + c * plane.column_stride * width);
      }
    }
  });
}

template <dtype Type, class Number>
void read_as(const stored_tensor& tensor, Number* out) {
  if (runs_down_columns({tensor.info.shape, tensor.strides})) {
    read_tiles<Type>(tensor, out);
  } else {
    read_rows<Type>(tensor, out);
  }
}

template <class Number>
void read_any(const stored_tensor& tensor, std::span<Number> out) {
  if (static_cast<index_t>(out.size()) != tensor.info.size()) {
    throw error(error_kind::shape, 287, "the destination of a tensor has another size",
                {.where = "tensor '" + tensor.info.name + "'",
                 .expected = std::to_string(tensor.info.size()) + " places",
                 .found = std::to_string(out.size())});
  }
  switch (tensor.info.type) {
    case dtype::f64: return read_as<dtype::f64>(tensor, out.data());
    case dtype::f32: return read_as<dtype::f32>(tensor, out.data());
    case dtype::f16: return read_as<dtype::f16>(tensor, out.data());
    case dtype::bf16: return read_as<dtype::bf16>(tensor, out.data());
    case dtype::i64: return read_as<dtype::i64>(tensor, out.data());
    case dtype::i32: return read_as<dtype::i32>(tensor, out.data());
    case dtype::i16: return read_as<dtype::i16>(tensor, out.data());
    case dtype::i8: return read_as<dtype::i8>(tensor, out.data());
    case dtype::u64: return read_as<dtype::u64>(tensor, out.data());
    case dtype::u32: return read_as<dtype::u32>(tensor, out.data());
    case dtype::u16: return read_as<dtype::u16>(tensor, out.data());
    case dtype::u8: return read_as<dtype::u8>(tensor, out.data());
    case dtype::boolean: return read_as<dtype::boolean>(tensor, out.data());
    case dtype::f8_e4m3: return read_as<dtype::f8_e4m3>(tensor, out.data());
    case dtype::f8_e5m2: return read_as<dtype::f8_e5m2>(tensor, out.data());
  }
}

/// A number's exponent, all ones in NaN and infinities only, repeated through 64 bits; and its lowest bit.
struct exponent_pattern {
  std::uint64_t bits;
  std::uint64_t lowest;
};
[[nodiscard]] constexpr exponent_pattern exponent_of(dtype type) {
  switch (type) {
    case dtype::f64: return {0x7FF0000000000000U, 0x0010000000000000U};
    case dtype::f32: return {0x7F8000007F800000U, 0x0080000000800000U};
    case dtype::f16: return {0x7C007C007C007C00U, 0x0400040004000400U};
    default: return {0x7F807F807F807F80U, 0x0080008000800080U};  // bf16
  }
}

/// Whether numbers that lie side by side are all finite. Adding its lowest bit to an exponent of ones carries
/// into the sign's place.
[[nodiscard]] inline bool all_finite(dtype type, const std::byte* from, std::size_t bytes) {
  const exponent_pattern exponent = exponent_of(type);
  std::uint64_t carried = 0;
  std::size_t i = 0;
  for (; i + 8 <= bytes; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, from + i, sizeof(word));
    carried |= (word & exponent.bits) + exponent.lowest;
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, from + i, bytes - i);
  carried |= (rest & exponent.bits) + exponent.lowest;
  return (carried & (exponent.bits + exponent.lowest)) == 0;
}

template <dtype Type>
[[nodiscard]] index_t find_non_finite_of(const stored_tensor& tensor) {
  constexpr index_t width = size_of(Type);
  index_t index = 0;
  index_t found = -1;
  visit_rows({tensor.info.shape, tensor.strides}, [&](index_t first, index_t length, index_t stride) {
    const std::byte* from = tensor.bytes.data() + first * width;
    if (stride == 1 && all_finite(Type, from, static_cast<std::size_t>(length * width))) {
      index += length;
      return true;
    }
    for (index_t i = 0; i < length; ++i, ++index) {
      if (!std::isfinite(read_element<double>(Type, from + i * stride * width))) {
        found = index;
        return false;
      }
    }
    return true;
  });
  return found;
}

}  // namespace detail

DNALM_INLINE std::vector<index_t> contiguous_strides(const std::vector<index_t>& shape) {
  std::vector<index_t> strides(shape.size(), 1);
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return strides;  // nothing to step over
  index_t stride = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride = checked_mul(stride, shape[axis]);
  }
  return strides;
}

DNALM_INLINE bool stored_tensor::contiguous() const {
  index_t stride = 1;
  for (std::size_t axis = info.shape.size(); axis-- > 0;) {
    if (info.shape[axis] == 0) return true;
    if (info.shape[axis] != 1 && strides[axis] != stride) return false;
    stride *= info.shape[axis];
  }
  return true;
}

DNALM_INLINE void read_stored(const stored_tensor& tensor, std::span<float> out) {
  if (tensor.info.type == dtype::f32 && tensor.contiguous() && out.size_bytes() == tensor.bytes.size()) {
    if (!out.empty()) std::memcpy(out.data(), tensor.bytes.data(), out.size_bytes());
    return;
  }
  detail::read_any(tensor, out);
}

DNALM_INLINE void read_stored(const stored_tensor& tensor, std::span<double> out) {
  detail::read_any(tensor, out);
}

DNALM_INLINE index_t find_non_finite(const stored_tensor& tensor) {
  switch (tensor.info.type) {
    case dtype::f64: return detail::find_non_finite_of<dtype::f64>(tensor);
    case dtype::f32: return detail::find_non_finite_of<dtype::f32>(tensor);
    case dtype::f16: return detail::find_non_finite_of<dtype::f16>(tensor);
    case dtype::bf16: return detail::find_non_finite_of<dtype::bf16>(tensor);
    default: return -1;
  }
}

DNALM_INLINE index_t find_non_finite(std::span<const float> values) {
  constexpr std::size_t block = 4096;
  for (std::size_t first = 0; first < values.size(); first += block) {
    const auto part = values.subspan(first, std::min(block, values.size() - first));
    const auto bytes = std::as_bytes(part);
    if (detail::all_finite(dtype::f32, bytes.data(), bytes.size())) continue;
    const auto found =
        std::find_if(part.begin(), part.end(), [](float value) { return !std::isfinite(value); });
    return static_cast<index_t>(first) + (found - part.begin());
  }
  return -1;
}

}  // namespace io
DNALM_END_NAMESPACE
