// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rotary positions on a GPU.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// The numbers of a rotary_table<float> on the GPU: those of position p and pair j at p * pairs + j.
struct device_rotary_table {
  device_vector<const float> cosine;
  device_vector<const float> sine;
  index_t pairs = 0;  ///< channel pairs that are rotated in every head: P, at most half the head's width

  [[nodiscard]] index_t positions() const { return pairs == 0 ? 0 : cosine.size / pairs; }
};

/// Rotates the first 2P channels of every head of every row in place, half-split: with p the row's place in
/// its sequence, y[j] = x[j] cos(p, j) - x[P + j] sin(p, j), y[P + j] = x[P + j] cos(p, j) + x[j] sin(p, j),
/// j < P; the other channels of the head stay.
///
/// x (R, D); `offsets` are those of a ragged_offsets: sequence s owns rows [offsets[s], offsets[s + 1]), the
/// last is R. table.positions() is at least the longest sequence. T is float or bfloat16; arithmetic in
/// float. Cost: one read and write of the rotated channels, a binary search of the offsets per row.
template <class T>
void cuda_rotary(cuda_stream stream, const device_rotary_table& table, device_vector<const index_t> offsets,
                 index_t heads, device_matrix<T> x);

/// The adjoint in place: the rotation by the opposite angles.
template <class T>
void cuda_rotary_vjp(cuda_stream stream, const device_rotary_table& table,
                     device_vector<const index_t> offsets, index_t heads, device_matrix<T> y);

DNALM_END_NAMESPACE
