// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief CRC-32 and numbers as ZIP archives have them.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// CRC-32 of bytes appended to a message whose CRC is `crc`.
[[nodiscard]] inline std::uint32_t zip_crc(std::span<const std::byte> bytes, std::uint32_t crc = 0) {
  if (bytes.empty()) return crc;  // zlib takes a null pointer for a new start
  return static_cast<std::uint32_t>(
      ::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

/// An unsigned little-endian number of `width` bytes; the caller has checked the bounds.
[[nodiscard]] inline std::uint64_t little_endian(std::span<const std::byte> bytes, std::size_t offset,
                                                 std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = width; i-- > 0;)
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[offset + i]);
  return value;
}

inline constexpr std::uint64_t zip_large = 0xFFFFFFFFU;

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
