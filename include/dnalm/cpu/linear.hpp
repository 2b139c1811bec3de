// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Products with weights in f32, bf16 or int8; sums in float.
#pragma once

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/cpu/packed_weight.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Floats of scratch memory for cpu_linear and cpu_linear_gated: a copy of up to 96 rows, and a little.
[[nodiscard]] index_t cpu_linear_scratch(const packed_weight& w);

/// y[r, n] = residual[r, n] + function(sum over k of x[r, k] W[n, k] + bias[n]).
///
/// Each sum is one chain of fused multiply-adds over increasing k (with weights in bf16 and int8 on
/// AVX512-BF16: over increasing pairs of k), so a row's bits depend on that row and the weights only. With
/// these weights x is rounded to bfloat16 first. x (R, in), y (R, out); y may be the residual, not x. Cost:
/// 2 R in out operations.
void cpu_linear(isa set, matrix_view<const float> x, const packed_weight& w,
                const linear_epilogue<float>& epilogue, vector_view<float> scratch, matrix_view<float> y);

/// y = function(a) b with [a | b] = x W^T + bias, for a weight packed as gated: the same sums.
/// x (R, in), y (R, out / 2), not x. The residual of the epilogue is not used.
void cpu_linear_gated(isa set, matrix_view<const float> x, const packed_weight& w,
                      const linear_epilogue<float>& epilogue, vector_view<float> scratch,
                      matrix_view<float> y);

/// cpu_linear, or cpu_linear_gated when the weight was packed as gated, with the same bits, that also leaves
/// z = x W^T + bias, what the function is of. z (R, out) overlaps neither x nor y.
void cpu_linear_recorded(isa set, matrix_view<const float> x, const packed_weight& w,
                         const linear_epilogue<float>& epilogue, vector_view<float> scratch,
                         matrix_view<float> z, matrix_view<float> y);

/// Floats of scratch memory for cpu_linear_vjp and cpu_linear_recorded_vjp: a copy of up to 576 rows of dy,
/// and a part of W.
[[nodiscard]] index_t cpu_linear_vjp_scratch(const packed_weight& w);

/// dx[r, k] = residual[r, k] + sum over n of dy[r, n] W[n, k]: the adjoint of the product alone.
///
/// Read from the panels of the forward: 32 columns of W for 512 outputs at a time are turned into `scratch`,
/// then a block of rows passes by. Each sum is one chain of fused multiply-adds over increasing n, in float.
/// With weights in bf16 dy (below: dz) is rounded to bfloat16 first; on AVX512-BF16 the chain then goes over
/// pairs of outputs, 1024 at a time, if `out` (of each half of a gated weight) is even. dy (R, out), residual
/// (R, in; data null: none), dx (R, in); dx may be the residual, not dy. Cost: 2 R in out operations, one
/// read of W for every block of rows (576, fewer where out is beyond 4096).
void cpu_linear_vjp(isa set, matrix_view<const float> dy, const packed_weight& w,
                    matrix_view<const float> residual, vector_view<float> scratch, matrix_view<float> dx);

/// dx = residual + dz W with dz = function'(z) dy, for a gated weight [function'(a) b dy | function(a) dy], z
/// = [a | b]: cpu_linear_vjp after cpu_activation_vjp or cpu_gated_vjp, with the same bits, without dz in
/// memory.
///
/// z (R, out), dy (R, out; gated: R, out / 2); dx may be the residual, neither z nor dy.
void cpu_linear_recorded_vjp(isa set, matrix_view<const float> z, activation function,
                             matrix_view<const float> dy, const packed_weight& w,
                             matrix_view<const float> residual, vector_view<float> scratch,
                             matrix_view<float> dx);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/linear_impl.hpp>
#endif
