// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What several numbers over one forward pass need: their turns, and rows that one of them overwrites.
#pragma once

#include <algorithm>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Calls work() for each number of the request with views.d its gradient.
template <class Request, class Views, class Work>
void for_numbers(const Request& request, Views& views, const Work& work) {
  for (index_t number = 0; number < request.numbers; ++number) {
    views.d = views.gradients[static_cast<std::size_t>(number)];
    request.choose(number);
    work(number);
  }
}

/// y = x, rows in host memory.
template <class Matrix>
void copy_host_rows(const Matrix& x, const Matrix& y) {
  for (index_t r = 0; r < x.rows; ++r) std::copy_n(x.row_data(r), x.columns, y.row_data(r));
}

/// Whether a record that an adjoint overwrites is copied for the next number; else it is made again.
template <class B>
inline constexpr bool copies_records = B::space == memory_space::host;

}  // namespace detail
DNALM_END_NAMESPACE
