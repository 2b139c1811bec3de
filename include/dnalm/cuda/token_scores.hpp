// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a masked position's logits say of a letter, on a GPU.
#pragma once

#include <cstdint>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// Numbers made of rows of logits, or their gradients (const float). Each may be missing (data null).
template <class Number>
struct device_token_scores {
  device_vector<Number> log_likelihood = {};     ///< (R): log p of the row's letter
  device_vector<Number> entropy = {};            ///< (R): -sum over c of p[c] log p[c], in nats
  device_matrix<Number> log_probabilities = {};  ///< (R, V): log p[c]
};

/// log p[r, c] = x[r, c] - max_r - log(sum over c of exp(x[r, c] - max_r)), and what follows from it.
///
/// logits (R, V); letters (R), each below V, are read for the log-likelihood only. A logit of -infinity is a
/// probability of 0 and adds nothing to the entropy. One pass over a row for both numbers (the largest so far
/// is replaced on the way), a second one for the matrix. T is float or bfloat16; the results are float.
template <class T>
void cuda_token_scores(cuda_stream stream, device_rows<T> logits, device_vector<const std::int32_t> letters,
                       const device_token_scores<float>& y);

/// The adjoint: with p and H the probabilities and entropy of row r, u its gradient by the log-likelihood, v
/// by the entropy, w[c] by log p[c] (0 where missing): dx[c] = (c is the letter ? u : 0) + w[c] - (u + sum of
/// w) p[c] - v p[c] (log p[c] + H).
///
/// dx (R, V) may be the logits.
template <class T>
void cuda_token_scores_vjp(cuda_stream stream, device_rows<T> logits,
                           device_vector<const std::int32_t> letters,
                           const device_token_scores<const float>& dy, device_matrix<T> dx);

DNALM_END_NAMESPACE
