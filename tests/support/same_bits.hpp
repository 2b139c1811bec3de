// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The bits of two rows of numbers.
#pragma once

#include <cstring>
#include <span>
#include <type_traits>

namespace dnalm_test {

/// Whether two rows of numbers hold the same bits: a NaN equals the same NaN, 0 is not -0, two empty rows are
/// equal.
template <class T>
bool same_bits(std::span<const T> a, std::span<const T> b) {
  static_assert(std::is_trivially_copyable_v<T>);
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

/// The same of two vectors, or whatever else holds its numbers in one piece.
template <class Row>
bool same_bits(const Row& a, const Row& b) {
  using value = std::remove_reference_t<decltype(*a.data())>;
  return same_bits(std::span<const value>(a.data(), a.size()), std::span<const value>(b.data(), b.size()));
}

}  // namespace dnalm_test
