// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A table of a network as a packed weight.
#pragma once

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Weights are packed from host memory: a table on a device is downloaded for it.
template <class B>
[[nodiscard]] typename B::weight pack_table(const B& backend, const typename B::tensor& table) {
  const input_matrix<B> rows = table.view();
  if constexpr (B::space == memory_space::host) {
    return backend.pack(rows);
  } else {
    matrix<scalar_of<B>> copy(rows.rows, rows.columns);
    backend.download(rows, copy.view());
    return backend.pack(matrix_view<const scalar_of<B>>(copy.view()));
  }
}

}  // namespace detail
DNALM_END_NAMESPACE
