// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Softmax attention on a GPU of rows [q | k | v], with their rotation.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/attention.hpp>
#include <dnalm/cuda/rotary.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// y (R, D) = cuda_attention of the thirds of x (R, 3 D), q and k rotated before as cuda_rotary does; a table
/// of no pairs: as they are.
///
/// T bfloat16: as long as no sequence is longer than those of one pass (cuda/attention.hpp), q and k are
/// rotated where they are read, by the same operations with the same rounding: they are not written, and the
/// bits are those of rotating first. Else, and with T float, one pass rotates both in place.
/// table.positions() is at least the longest sequence. \throws error as cuda_attention
template <class T>
void cuda_attention_packed(cuda_stream stream, device_matrix<T> x, const device_rotary_table& rotation,
                           const device_sequences& sequences, const device_attention_options& options,
                           device_matrix<T> y);

DNALM_END_NAMESPACE
