// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rounding to the 16-bit float formats, to nearest, ties to even.
#pragma once

#include <bit>
#include <cstdint>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// Bits of the 16-bit float with `MantissaBits` bits of mantissa that is nearest to `value`.
///
/// value = (-1)^s m 2^(e - 52) with 2^52 <= m < 2^53; the result keeps the upper MantissaBits + 1 bits of m,
/// fewer below 2^(1 - bias) (subnormal). Beyond the largest finite number: infinity. NaN stays (quiet) NaN.
/// One rounding from double, so there is no double rounding.
template <int MantissaBits>
[[nodiscard]] inline std::uint16_t narrow_float(double value) {
  constexpr int exponent_bits = 15 - MantissaBits;
  constexpr int bias = (1 << (exponent_bits - 1)) - 1;
  constexpr std::uint64_t largest = ((std::uint64_t{1} << exponent_bits) - 1) << MantissaBits;  // infinity
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 48 & 0x8000U);
  const auto exponent = static_cast<int>(bits >> 52 & 0x7FFU);
  std::uint64_t mantissa = bits & ((std::uint64_t{1} << 52) - 1);
  if (exponent == 0x7FF) {
    const std::uint64_t quiet = mantissa != 0 ? std::uint64_t{1} << (MantissaBits - 1) : 0;
    return static_cast<std::uint16_t>(sign | largest | quiet);
  }
  if (exponent == 0) return sign;  // below 2^-1022: rounds to zero in both formats
  mantissa |= std::uint64_t{1} << 52;
  const int target = exponent - 1023 + bias;  // biased exponent of the result, if it is normal
  const int shift = 52 - MantissaBits + (target > 0 ? 0 : 1 - target);
  if (shift > 54) return sign;
  const std::uint64_t half = std::uint64_t{1} << (shift - 1);
  const std::uint64_t rest = mantissa & ((half << 1) - 1);
  std::uint64_t rounded = mantissa >> shift;
  if (rest > half || (rest == half && (rounded & 1U) != 0)) ++rounded;
  // A carry out of the mantissa raises the exponent by itself; the leading 1 of a normal number is taken off.
  if (target > 0) rounded += static_cast<std::uint64_t>(target - 1) << MantissaBits;
  return static_cast<std::uint16_t>(sign | (rounded < largest ? rounded : largest));
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
