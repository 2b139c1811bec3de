// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Attention with keys of relative positions on a GPU, with its adjoint
/// (backend/relative_attention.hpp).
#pragma once

#include <dnalm/backend/relative_attention.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

using device_relative_weights = relative_attention_weights<float, memory_space::device>;

/// y_i = sum over j of p_ij v_j, p_i = softmax over j of (s q_i + u) k_j + (s q_i + v) R_(j-i), by heads.
///
/// q, k (rows, H K), v and y (rows, H V): any number of sequences, each of the T rows of weights.positions. y
/// overlaps nothing. Scores are chains over the key channels; a query goes by blocks of 32 keys from the
/// first on, the largest score so far carried along, so a row's bits depend on its sequence alone.
///
/// Cost: a block of 8 queries reads all keys, relative keys and values of its head once: T / 8 times 4 T (2 K
/// + V) bytes a head, most of it from the L2 cache, and 2 T^2 (2 K + V) operations. Not measured.
/// \throws error [dnalm.unsupported.690] heads too wide for the shared memory of a block: K + V / 2 beyond
/// about 270.
void cuda_relative_attention(cuda_stream stream, device_matrix<const float> q, device_matrix<const float> k,
                             device_matrix<const float> v, const device_relative_weights& weights,
                             device_matrix<float> y);

/// Numbers of scratch memory that cuda_relative_attention_vjp needs.
[[nodiscard]] inline index_t cuda_relative_attention_vjp_scratch(index_t rows, index_t heads) {
  return checked_mul(3, checked_mul(rows, heads));
}

/// dq, dk, dv from dy (formulas in backend/relative_attention.hpp), which overlap neither each other nor the
/// inputs.
///
/// Two kernels, each of which makes all scores anew: one by queries, which leaves the largest score, the sum
/// of exponentials and the mean of dy_i v_j in the scratch, and one by keys. \throws as the forward.
void cuda_relative_attention_vjp(cuda_stream stream, device_matrix<const float> q,
                                 device_matrix<const float> k, device_matrix<const float> v,
                                 const device_relative_weights& weights, device_matrix<const float> dy,
                                 device_vector<float> scratch, device_matrix<float> dq,
                                 device_matrix<float> dk, device_matrix<float> dv);

DNALM_END_NAMESPACE
