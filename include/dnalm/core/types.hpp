// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The index type and checked 64-bit size arithmetic.
#pragma once

#include <cstdint>
#include <initializer_list>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// Sizes, counts and offsets. Signed 64 bits: sequences x tokens x width passes 2^31 quickly.
using index_t = std::int64_t;

/// Product of two sizes. \throws error [dnalm.shape.101] when the result does not fit 63 bits or a factor is
/// negative.
[[nodiscard]] inline index_t checked_mul(index_t a, index_t b) {
  index_t product = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product)) {
    throw error(error_kind::shape, 101, "size does not fit 63 bits",
                {.expected = "a product below 2^63", .found = std::to_string(a) + " x " + std::to_string(b)});
  }
  return product;
}

/// Sum of two sizes. \throws error [dnalm.shape.102] as checked_mul.
[[nodiscard]] inline index_t checked_add(index_t a, index_t b) {
  index_t sum = 0;
  if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum)) {
    throw error(error_kind::shape, 102, "size does not fit 63 bits",
                {.expected = "a sum below 2^63", .found = std::to_string(a) + " + " + std::to_string(b)});
  }
  return sum;
}

/// Number of elements of a shape. \throws as checked_mul. Cost: one product per axis.
template <class Range>
[[nodiscard]] index_t checked_size(const Range& shape) {
  index_t size = 1;
  for (const auto extent : shape) size = checked_mul(size, static_cast<index_t>(extent));
  return size;
}

DNALM_END_NAMESPACE
