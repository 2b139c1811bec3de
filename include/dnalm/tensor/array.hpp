// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief `nd_array<T, N>`: what the library hands out at its edge. The only header that names xtensor.
#pragma once

#include <cstddef>

#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xtensor.hpp>
#endif

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// A row-major N-dimensional array that owns its numbers.
template <class T, std::size_t N>
using nd_array = xt::xtensor<T, N, xt::layout_type::row_major>;

/// A view of a two-dimensional array for the kernels. The array must outlive the view.
template <class T>
[[nodiscard]] matrix_view<T> as_matrix(nd_array<T, 2>& array) {
  const auto rows = static_cast<index_t>(array.shape(0));
  const auto columns = static_cast<index_t>(array.shape(1));
  return {array.data(), rows, columns, columns};
}
template <class T>
[[nodiscard]] matrix_view<const T> as_matrix(const nd_array<T, 2>& array) {
  const auto rows = static_cast<index_t>(array.shape(0));
  const auto columns = static_cast<index_t>(array.shape(1));
  return {array.data(), rows, columns, columns};
}

DNALM_END_NAMESPACE
