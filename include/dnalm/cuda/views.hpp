// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Views of memory on the GPU, as the kernels take them.
#pragma once

#include <type_traits>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// What a kernel writes, and what it reads in a type of its own.
template <class T>
using device_matrix = matrix_view<T, memory_space::device>;
template <class T>
using device_vector = vector_view<T, memory_space::device>;

/// Rows that a kernel only reads. They take the storage type T (float or bfloat16) of the rows it writes: T
/// is not deduced from them, so that a writable view passes as well.
template <class T>
using device_rows = matrix_view<const std::type_identity_t<T>, memory_space::device>;

/// First rows of every sequence, and the end of the last (those of two ragged_offsets), where a kernel's
/// output has other rows than its input.
struct device_resizing {
  device_vector<const index_t> from;  ///< of the input; of an adjoint the forward's
  device_vector<const index_t> to;    ///< of the output
};

DNALM_END_NAMESPACE
