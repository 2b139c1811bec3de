// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Memory for the tokens of long sequences in large pages, where the system has them.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tokenize/tokens.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Asks for pages of 2 MiB within [begin, begin + size), fresh memory that will be written throughout: the
/// system then clears 2 MiB at a time instead of 4 KiB, which costs more than tokenizing. A wish: results do
/// not depend on it, and nothing happens where the system does not know it.
inline void prefer_large_pages(const void* begin, std::size_t size) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr std::uintptr_t page = std::uintptr_t{1} << 21;
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const std::uintptr_t first = (address + page - 1) / page * page;
  const std::uintptr_t last = (address + size) / page * page;
  if (last > first) static_cast<void>(::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE));
#else
  static_cast<void>(begin);
  static_cast<void>(size);
#endif
}

/// Reserves memory for exactly the tokens that will come.
inline void reserve_tokens(token_sequence& out, std::size_t count) {
  out.reserve(static_cast<index_t>(count));
  prefer_large_pages(out.ids.data(), out.ids.capacity() * sizeof(std::int32_t));
}

}  // namespace detail
DNALM_END_NAMESPACE
