// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Element types of files, their sizes, and their conversion to float and double.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// Element types that checkpoints and arrays use. `f8_*` can be named and sized, not converted.
enum class dtype { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean, f8_e4m3, f8_e5m2 };

/// Bytes of one element.
[[nodiscard]] constexpr index_t size_of(dtype type) {
  switch (type) {
    case dtype::f64:
    case dtype::i64:
    case dtype::u64: return 8;
    case dtype::f32:
    case dtype::i32:
    case dtype::u32: return 4;
    case dtype::f16:
    case dtype::bf16:
    case dtype::i16:
    case dtype::u16: return 2;
    default: return 1;
  }
}

/// Name as safetensors writes it (`F32`, `BF16`, `I64`, `BOOL`, ...).
[[nodiscard]] constexpr std::string_view to_string(dtype type) {
  switch (type) {
    case dtype::f64: return "F64";
    case dtype::f32: return "F32";
    case dtype::f16: return "F16";
    case dtype::bf16: return "BF16";
    case dtype::i64: return "I64";
    case dtype::i32: return "I32";
    case dtype::i16: return "I16";
    case dtype::i8: return "I8";
    case dtype::u64: return "U64";
    case dtype::u32: return "U32";
    case dtype::u16: return "U16";
    case dtype::u8: return "U8";
    case dtype::boolean: return "BOOL";
    case dtype::f8_e4m3: return "F8_E4M3";
    case dtype::f8_e5m2: return "F8_E5M2";
  }
  return "?";
}

/// bfloat16 bits to float: exact (the upper half of a float).
[[nodiscard]] DNALM_HD inline float float_from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// The nearest bfloat16, ties to even; infinite beyond the largest; NaN stays NaN.
[[nodiscard]] DNALM_HD inline std::uint16_t bf16_from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16;
  const bool is_nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
  return static_cast<std::uint16_t>(is_nan ? bits >> 16 | 0x40U : rounded);
}

/// The nearest IEEE half, ties to even, subnormals included; infinite from 65520 on; NaN stays NaN.
[[nodiscard]] DNALM_HD inline std::uint16_t f16_from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000U;
  const std::uint32_t size = bits & 0x7FFFFFFFU;
  std::uint32_t half = 0x7E00U;
  if (size < 0x38800000U) {  // below 2^-14: a multiple of 2^-24, the last place of numbers from 0.5 on
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(size) + 0.5F) - 0x3F000000U;
  } else if (size < 0x477FF000U) {
    half = (size + 0xFFFU + (size >> 13 & 1U) - 0x38000000U) >> 13;  // the exponent's bias is 112 less
  } else if (size <= 0x7F800000U) {
    half = 0x7C00U;
  }
  return static_cast<std::uint16_t>(sign | half);
}

/// IEEE half bits to float: exact, subnormals, infinities and NaN included.
[[nodiscard]] inline float float_from_f16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU;
  const std::uint32_t mantissa = bits & 0x3FFU;
  if (exponent == 0) {  // zero or subnormal: mantissa x 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1.0p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | (mantissa << 13));
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

namespace detail {

template <class Stored>
[[nodiscard]] Stored load_unaligned(const void* from) {
  Stored value;
  std::memcpy(&value, from, sizeof(Stored));
  return value;
}

}  // namespace detail

/// Reads one element of any convertible type (little-endian, any alignment) as Number (float or double).
/// \throws error [dnalm.unsupported.120] for the 8-bit float types.
template <class Number>
[[nodiscard]] Number read_element(dtype type, const void* from) {
  using detail::load_unaligned;
  switch (type) {
    case dtype::f64: return static_cast<Number>(load_unaligned<double>(from));
    case dtype::f32: return static_cast<Number>(load_unaligned<float>(from));
    case dtype::f16: return static_cast<Number>(float_from_f16(load_unaligned<std::uint16_t>(from)));
    case dtype::bf16: return static_cast<Number>(float_from_bf16(load_unaligned<std::uint16_t>(from)));
    case dtype::i64: return static_cast<Number>(load_unaligned<std::int64_t>(from));
    case dtype::i32: return static_cast<Number>(load_unaligned<std::int32_t>(from));
    case dtype::i16: return static_cast<Number>(load_unaligned<std::int16_t>(from));
    case dtype::i8: return static_cast<Number>(load_unaligned<std::int8_t>(from));
    case dtype::u64: return static_cast<Number>(load_unaligned<std::uint64_t>(from));
    case dtype::u32: return static_cast<Number>(load_unaligned<std::uint32_t>(from));
    case dtype::u16: return static_cast<Number>(load_unaligned<std::uint16_t>(from));
    case dtype::u8: return static_cast<Number>(load_unaligned<std::uint8_t>(from));
    case dtype::boolean: return static_cast<Number>(load_unaligned<std::uint8_t>(from) != 0);
    default: break;
  }
  throw error(
      error_kind::unsupported, 120, "8-bit float tensors cannot be converted",
      {.expected = "F64, F32, F16, BF16, an integer type or BOOL", .found = std::string(to_string(type))});
}

DNALM_END_NAMESPACE
