// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Sums and multiples of rows. One operation per number: the same bits with every instruction set, and
/// vectors of four keep up with the second-level cache.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/detail/lanes_portable.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// y[c] += x[c]; x may be y.
inline void add_row(const float* x, index_t columns, float* y) {
  using namespace isa_portable;
  index_t c = 0;
  for (; c + 16 <= columns; c += 16) store(y + c, add(load(y + c), load(x + c)));
  if (const index_t n = columns - c; n > 0) {
    store_part(y + c, add(load_part(y + c, n), load_part(x + c, n)), n);
  }
}

/// y[c] = factor x[c]; x may be y.
inline void multiply_row(const float* x, float factor, index_t columns, float* y) {
  using namespace isa_portable;
  const lanes f = set1(factor);
  index_t c = 0;
  for (; c + 16 <= columns; c += 16) store(y + c, mul(load(x + c), f));
  if (const index_t n = columns - c; n > 0) store_part(y + c, mul(load_part(x + c, n), f), n);
}

}  // namespace detail
DNALM_END_NAMESPACE
