// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows that a request's functions put gradients in.
#pragma once

#include <algorithm>
#include <string>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/gradient_request.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Zeros for a function to put a gradient in.
template <class B>
void clear_rows([[maybe_unused]] const B& backend, output_matrix<B> x) {
  if constexpr (B::space == memory_space::host) {
    for (index_t r = 0; r < x.rows; ++r) std::fill_n(x.row_data(r), x.columns, scalar_of<B>(0));
  } else {
    backend.clear(x);
  }
}
/// As check_finite_rows, of rows in host memory: others are not looked at.
template <class B>
void check_cotangent([[maybe_unused]] output_matrix<B> x, [[maybe_unused]] const std::string& what) {
  if constexpr (B::space == memory_space::host) check_finite_rows(x, what);
}

}  // namespace detail
DNALM_END_NAMESPACE
