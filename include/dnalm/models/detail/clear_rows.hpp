// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Zeros for a function to put a gradient in.
#pragma once

#include <algorithm>

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// All numbers of a matrix become 0.
template <class T>
void clear_all_rows(matrix_view<T> x) {
  for (index_t r = 0; r < x.rows; ++r) std::fill_n(x.row_data(r), x.columns, T(0));
}

}  // namespace detail
DNALM_END_NAMESPACE
