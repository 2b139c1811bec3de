// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All device code, for the one source of a program that nvcc compiles: what its other sources call.
///
/// \code
///   // gpu.cu; nvcc -std=c++20 --expt-relaxed-constexpr --fmad=false -c gpu.cu, links cudart and cublasLt
///   #include <dnalm/cuda.cuh>
/// \endcode
/// The CMake function dnalm_add_cuda(target) writes and compiles that source. Compile it for the same
/// instruction set as the others (`-Xcompiler -march=...`): names hold it (core/platform.hpp).
#pragma once

#include <cstdint>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/detail/attention.cuh>
#include <dnalm/cuda/detail/attention_packed.cuh>
#include <dnalm/cuda/detail/attention_vjp.cuh>
#include <dnalm/cuda/detail/channels.cuh>
#include <dnalm/cuda/detail/convolution.cuh>
#include <dnalm/cuda/detail/elementwise.cuh>
#include <dnalm/cuda/detail/embedding.cuh>
#include <dnalm/cuda/detail/gated.cuh>
#include <dnalm/cuda/detail/gather.cuh>
#include <dnalm/cuda/detail/layer_norm.cuh>
#include <dnalm/cuda/detail/long_convolution.cuh>
#include <dnalm/cuda/detail/moments.cuh>
#include <dnalm/cuda/detail/multiply.cuh>
#include <dnalm/cuda/detail/norm_pool.cuh>
#include <dnalm/cuda/detail/pooling.cuh>
#include <dnalm/cuda/detail/product_rows.cuh>
#include <dnalm/cuda/detail/random.cuh>
#include <dnalm/cuda/detail/relative_attention.cuh>
#include <dnalm/cuda/detail/rms_norm.cuh>
#include <dnalm/cuda/detail/rotary.cuh>
#include <dnalm/cuda/detail/row_moves.cuh>
#include <dnalm/cuda/detail/selective_scan.cuh>
#include <dnalm/cuda/detail/short_convolution.cuh>
#include <dnalm/cuda/detail/softmax.cuh>
#include <dnalm/cuda/detail/strands.cuh>
#include <dnalm/cuda/detail/token_scores.cuh>
#include <dnalm/cuda/detail/weighted_pooling.cuh>
#include <dnalm/cuda/detail/window_pooling.cuh>
#if !defined(DNALM_CUDA_PLATFORM)  // an emulation has its own
#include <dnalm/cuda/detail/matmul.cuh>
#include <dnalm/cuda/detail/runtime.cuh>
#endif

DNALM_BEGIN_NAMESPACE

// Every kernel for rows of one storage type.
#define DNALM_INSTANTIATE_KERNELS(T)                                                                         \
  template void cuda_add<T>(cuda_stream, device_rows<T>, device_matrix<T>);                                  \
  template void cuda_scale<T>(cuda_stream, float, device_matrix<T>);                                         \
  template void cuda_embed_rows<T>(cuda_stream, device_vector<const std::int32_t>, device_rows<T>,           \
                                   device_vector<const float>, device_matrix<T>);                            \
  template void cuda_embed_rows_vjp<T>(cuda_stream, device_vector<const float>, device_rows<T>,              \
                                       device_matrix<T>);                                                    \
  template void cuda_add_rows<T>(cuda_stream, device_vector<const std::int32_t>, device_rows<T>,             \
                                 device_matrix<T>);                                                          \
  template void cuda_gather_taps<T>(cuda_stream, device_matrix<const float>, const device_resizing&,         \
                                    const convolution_taps&, index_t, device_matrix<T>);                     \
  template void cuda_gated<T>(cuda_stream, device_rows<T>, activation, device_matrix<T>);                    \
  template void cuda_gated_vjp<T>(cuda_stream, device_rows<T>, activation, device_rows<T>,                   \
                                  device_matrix<T>);                                                         \
  template void cuda_activate<T>(cuda_stream, device_rows<T>, activation, device_matrix<T>);                 \
  template void cuda_activation_vjp<T>(cuda_stream, device_rows<T>, activation, device_rows<T>,              \
                                       device_matrix<T>);                                                    \
  template void cuda_layer_norm<T>(cuda_stream, device_rows<T>, device_vector<const float>,                  \
                                   device_vector<const float>, float, device_matrix<T>);                     \
  template void cuda_layer_norm_vjp<T>(cuda_stream, device_rows<T>, device_vector<const float>, float,       \
                                       device_rows<T>, device_matrix<T>);                                    \
  template void cuda_rms_norm<T>(cuda_stream, device_rows<T>, device_vector<const float>, float,             \
                                 device_matrix<T>);                                                          \
  template void cuda_rms_norm_vjp<T>(cuda_stream, device_rows<T>, device_vector<const float>, float,         \
                                     device_rows<T>, device_matrix<T>);                                      \
  template void cuda_norm_pool<T>(cuda_stream, device_matrix<const float>, device_vector<const float>,       \
                                  device_vector<const float>, float, const norm_pool_batch&,                 \
                                  device_vector<double>, device_matrix<T>, const device_pooled_rows&);       \
  template void cuda_pool_rows<T>(cuda_stream, device_rows<T>, const device_pooling&, device_matrix<float>); \
  template void cuda_pool_rows_vjp<T>(cuda_stream, device_matrix<const float>, const device_pooling&,        \
                                      device_matrix<T>);                                                     \
  template void cuda_note_non_finite<T>(cuda_stream, device_rows<T>, device_vector<const index_t>,           \
                                        device_matrix<float>);                                               \
  template void cuda_rotary<T>(cuda_stream, const device_rotary_table&, device_vector<const index_t>,        \
                               index_t, device_matrix<T>);                                                   \
  template void cuda_rotary_vjp<T>(cuda_stream, const device_rotary_table&, device_vector<const index_t>,    \
                                   index_t, device_matrix<T>);                                               \
  template void cuda_softmax_rows<T>(cuda_stream, device_matrix<T>);                                         \
  template void cuda_softmax_rows_vjp<T>(cuda_stream, device_rows<T>, device_rows<T>, device_matrix<T>);     \
  template void cuda_token_scores<T>(cuda_stream, device_rows<T>, device_vector<const std::int32_t>,         \
                                     const device_token_scores<float>&);                                     \
  template void cuda_token_scores_vjp<T>(cuda_stream, device_rows<T>, device_vector<const std::int32_t>,     \
                                         const device_token_scores<const float>&, device_matrix<T>);         \
  template void cuda_attention<T>(cuda_stream, device_rows<T>, device_rows<T>, device_rows<T>,               \
                                  const device_sequences&, const device_attention_options&,                  \
                                  device_matrix<T>);                                                         \
  template void cuda_attention_packed<T>(cuda_stream, device_matrix<T>, const device_rotary_table&,          \
                                         const device_sequences&, const device_attention_options&,           \
                                         device_matrix<T>);                                                  \
  template void cuda_attention_vjp<T>(cuda_stream, device_rows<T>, device_rows<T>, device_rows<T>,           \
                                      const device_sequences&, const device_attention_options&,              \
                                      device_rows<T>, device_vector<float>, device_matrix<T>,                \
                                      device_matrix<T>, device_matrix<T>)

// Rows that are moved as they are, which double ones are too.
#define DNALM_INSTANTIATE_MOVES(T)                                                                 \
  template void cuda_gather_rows<T>(cuda_stream, device_rows<T>, device_vector<const index_t>,     \
                                    device_matrix<T>);                                             \
  template void cuda_gather_rows_vjp<T>(cuda_stream, device_rows<T>, device_vector<const index_t>, \
                                        device_matrix<T>);                                         \
  template void cuda_move_rows<T>(cuda_stream, device_rows<T>, device_vector<const index_t>,       \
                                  device_vector<const index_t>, device_matrix<T>)

DNALM_INSTANTIATE_MOVES(float);
DNALM_INSTANTIATE_MOVES(bfloat16);
DNALM_INSTANTIATE_MOVES(double);
#undef DNALM_INSTANTIATE_MOVES

template void cuda_fill_normal<float>(cuda_stream, const random_numbers&, double, device_vector<float>);
template void cuda_fill_normal<double>(cuda_stream, const random_numbers&, double, device_vector<double>);

DNALM_INSTANTIATE_KERNELS(float);
DNALM_INSTANTIATE_KERNELS(bfloat16);
#undef DNALM_INSTANTIATE_KERNELS

template void cuda_layer_norm_both<bfloat16>(cuda_stream, device_matrix<const float>,
                                             device_vector<const float>, device_vector<const float>, float,
                                             device_matrix<float>, device_matrix<bfloat16>);
template void cuda_layer_norm<bfloat16, float>(cuda_stream, device_rows<float>, device_vector<const float>,
                                               device_vector<const float>, float, device_matrix<bfloat16>);

DNALM_END_NAMESPACE
