// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Softmax attention of ragged sequences on a GPU.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// The offsets of a ragged_offsets on the GPU: sequence s owns rows [offsets[s], offsets[s + 1]).
struct device_sequences {
  device_vector<const index_t> offsets;
  index_t longest = 0;  ///< tokens of the longest sequence, or more; longer ones are left out

  [[nodiscard]] index_t sequences() const { return offsets.size > 0 ? offsets.size - 1 : 0; }
};

/// attention_options<float> with its slopes on the GPU.
struct device_attention_options {
  index_t heads = 1;                             ///< head h owns channels [h K, (h + 1) K), K = width / heads
  float score_scale = 1.0F;                      ///< multiplies q . k after the dot product
  device_vector<const float> alibi_slopes = {};  ///< one per head; empty: no position bias
  index_t window = 0;  ///< tokens attend to tokens at most this far away; 0: to all of their sequence
};

/// For every sequence and head: y_i = sum over j of p_ij v_j, p_i = softmax over j of (scale q_i . k_j +
/// bias_ij), bias_ij = -slope |i - j| with ALiBi slopes, else 0; j runs over the tokens with |i - j| <=
/// window, over all for window 0.
///
/// q, k, v, y (R, D): columns [h K, (h + 1) K) belong to head h; they may be column blocks of one packed
/// matrix, y must not overlap them. T float: float arithmetic throughout, 64 keys at a time (32 for K > 64,
/// 16 for K > 128) with the largest score so far carried along. T bfloat16: both products on tensor cores
/// with float sums, the weights p rounded to bfloat16 (by up to 2^-8 of each) for the second; up to 256
/// tokens (128 for K > 64, 64 for K > 128) in one pass, longer sequences 64 or 32 keys at a time. Rows
/// aligned to 16 bytes are read faster. A sequence has the same bits alone and in any batch. Cost: 4 L^2 D
/// operations and H L^2 exponentials per sequence, with a window about 2 window + 64 keys per query in the
/// place of L; nothing of size L^2 is stored. \throws error [dnalm.unsupported.610] for K > 256 or sequences
/// of 2^30 tokens; as a launch does.
template <class T>
void cuda_attention(cuda_stream stream, device_rows<T> q, device_rows<T> k, device_rows<T> v,
                    const device_sequences& sequences, const device_attention_options& options,
                    device_matrix<T> y);

/// Floats of scratch memory on the GPU for cuda_attention_vjp of `rows` rows.
[[nodiscard]] inline index_t cuda_attention_vjp_scratch(index_t rows, index_t heads) {
  return checked_mul(checked_mul(rows, heads), 3);
}

/// Gradients by q, k and v: with dp_ij = dy_i . v_j and ds_ij = p_ij (dp_ij - sum over l of p_il dp_il): dq_i
/// = scale sum over j of ds_ij k_j, dk_j = scale sum over i of ds_ij q_i, dv_j = sum over i of p_ij dy_i.
///
/// Float arithmetic for both storage types. A pass by queries makes dq and keeps largest score, sum and mean
/// gradient of every softmax in `scratch` (cuda_attention_vjp_scratch(R, H) floats); a pass by keys makes dk
/// and dv. No sum is shared between blocks: the bits of a sequence depend on nothing else. All (R, D), column
/// blocks as in the forward; dq, dk, dv overlap neither each other nor the inputs. Cost: 18 L^2 D operations
/// and 3 H L^2 exponentials per sequence, with a window as in the forward.
/// \throws error as cuda_attention
template <class T>
void cuda_attention_vjp(cuda_stream stream, device_rows<T> q, device_rows<T> k, device_rows<T> v,
                        const device_sequences& sequences, const device_attention_options& options,
                        device_rows<T> dy, device_vector<float> scratch, device_matrix<T> dq,
                        device_matrix<T> dk, device_matrix<T> dv);

DNALM_END_NAMESPACE
