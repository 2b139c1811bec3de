// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What stands before and after a product on a GPU: rows of 16-bit numbers, and what is done to its
/// rows.
#pragma once

#include <cstdint>

#include <dnalm/backend/activation.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = bfloat16 nearest to x[r, c], as bits; 0 for the columns that y has more than x.
///
/// Rows of y are aligned to 16 bytes and a multiple of 8 wide, as for cuda_rows_to_f16.
void cuda_rows_to_bf16(cuda_stream stream, device_matrix<const float> x, device_matrix<std::uint16_t> y);
void cuda_rows_to_bf16(cuda_stream stream, device_matrix<const bfloat16> x, device_matrix<std::uint16_t> y);

/// y[r, c] = half nearest to x[r, c] / factors[r], as bits; factors[r] is the power of two that brings the
/// row's largest number between 2^14 and 2^15 (1 for rows of zeros, and next to numbers that are infinite).
///
/// So no row is too large for half numbers or, as gradients often are, too small: what is lost is below 2^-38
/// of the row's largest number.
void cuda_rows_to_f16(cuda_stream stream, device_matrix<const float> x, device_vector<float> factors,
                      device_matrix<std::uint16_t> y);

/// How cuda_finish_rows finishes; what is empty is left out.
struct product_finish {
  device_vector<const float> factors = {};   ///< one per row
  device_vector<const float> bias = {};      ///< one per column
  activation function = activation::none;    ///< after the bias
  device_matrix<const float> residual = {};  ///< data null: none; may be y
};

/// y[r, c] = residual[r, c] + function(factors[r] z[r, c] + bias[c]) in float; y may be z, and has no other
/// overlap.
void cuda_finish_rows(cuda_stream stream, device_matrix<const float> z, const product_finish& finish,
                      device_matrix<float> y);
void cuda_finish_rows(cuda_stream stream, device_matrix<const float> z, const product_finish& finish,
                      device_matrix<bfloat16> y);
void cuda_finish_rows(cuda_stream stream, device_matrix<const bfloat16> z, const product_finish& finish,
                      device_matrix<bfloat16> y);

DNALM_END_NAMESPACE
