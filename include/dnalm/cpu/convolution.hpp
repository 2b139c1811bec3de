// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Convolutions along sequences as packed products, with weights in f32, bf16 or int8; sums in float.
#pragma once

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/cpu/packed_weight.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Packs the weight W (out, taps in) of a convolution. Of one in f32 with a stride of 1 and at least 32
/// channels on either side, and with a dilation d above 1 at most 256 and 64, a second form, `two_rows`, is
/// kept beside it where that needs at most nine tenths of the multiplications: cpu_convolution then makes two
/// output rows of one sequence at a time, cpu_convolution_vjp two rows of the input's gradient.
///
/// For rows i and i + d and three taps g0, g1, g2 of rows d0 ... d3, d rows apart (Winograd 1980, F(2, 3)):
///
///     m0 = (d0 - d2) g0    m1 = (d1 + d2) (g0 + g1 + g2) / 2    m2 = (d2 - d1) (g0 - g1 + g2) / 2
///     m3 = (d1 - d3) g2    y0 = m0 + m1 + m2                    y1 = m1 - m2 - m3
///
/// with sums of m over channels and groups of three taps: 4 products for 6, 12 for 18 of 9 taps. The sums of
/// weights are made in double. Memory: 4/3 of the weight more (9 taps). \throws as pack_weight.
[[nodiscard]] packed_weight pack_convolution(matrix_view<const float> w, const convolution_taps& taps,
                                             weight_format format = weight_format::f32);

/// Floats of scratch memory for cpu_convolution: what up to 96 output rows read, and a little.
[[nodiscard]] index_t cpu_convolution_scratch(const packed_weight& w);

/// y[r, n] = residual[r, n] + function(sum over t, c of x[i stride + t dilation - before, c] W[n, t in + c] +
/// bias[n]) for the output rows f + r, f = `first`, of `to`; such a row is row i of its sequence, and x's
/// rows are counted in the same sequence of `from`: those outside of it are zeros.
///
/// A block of output rows at a time, the rows that their taps read are copied beside each other, in the
/// pieces that cpu_linear multiplies; there is no larger copy of x. Convolutions to at most 64 channels in
/// f32 read x where it lies. Each sum is one chain of fused multiply-adds over increasing t in + c (by pairs
/// as in cpu_linear), of a weight with `two_rows` four of them; so a row's bits depend on its sequence and
/// the weights only. x (R, in) has all rows of `from`; W (out, taps in); y, and residual, the rows [first,
/// first + rows) of `to`. y may be the residual, not x. Cost: 2 rows taps in out operations.
void cpu_convolution(isa set, matrix_view<const float> x, const ragged_offsets& from,
                     const ragged_offsets& to, index_t first, const packed_weight& w,
                     const convolution_taps& taps, const linear_epilogue<float>& epilogue,
                     vector_view<float> scratch, matrix_view<float> y);
/// The same where output and input have the rows `offsets`.
inline void cpu_convolution(isa set, matrix_view<const float> x, const ragged_offsets& offsets, index_t first,
                            const packed_weight& w, const convolution_taps& taps,
                            const linear_epilogue<float>& epilogue, vector_view<float> scratch,
                            matrix_view<float> y) {
  cpu_convolution(set, x, offsets, offsets, first, w, taps, epilogue, scratch, y);
}

/// Floats of scratch memory for cpu_convolution_vjp: what up to 576 rows read of dy, and 32 columns of W.
/// With `two_rows`, up to 256 input and 64 output channels: what up to 96 rows read, and all of the second
/// form.
[[nodiscard]] index_t cpu_convolution_vjp_scratch(const packed_weight& w, const convolution_taps& taps);

/// dx[r, c] = residual[r, c] + sum over t, n of dy[(j + before - t dilation) / stride, n] W[n, t in + c] for
/// the rows f + r, f = `first`, of `to`, each row j of its sequence; dy's rows are counted in the same
/// sequence of `from`, quotients that are not whole or outside of it are left out: the adjoint of the product
/// alone.
///
/// Itself a convolution, of dy with the taps in reverse order and each tap's matrix turned, 32 columns at a
/// time, from the panels of the forward. Each sum is one chain over decreasing t and increasing n, in float;
/// with weights in bf16 dy is rounded and pairs are multiplied as in cpu_linear_vjp, if `out` and `in` are
/// even. A weight with `two_rows` makes two rows of dx at a time, as the forward two of y: with its taps g2,
/// g1, g0 of turned matrices the formulas of pack_convolution, taps beyond the last being the first ones
/// here; each sum is four chains over groups of three taps and increasing n. dy (R, out) has all rows of
/// `from`; residual (data null: none) and dx (rows, in); dx may be the residual, not dy. Cost: 2 rows taps in
/// out operations, one read of W for every block of rows.
void cpu_convolution_vjp(isa set, matrix_view<const float> dy, const ragged_offsets& from,
                         const ragged_offsets& to, index_t first, const packed_weight& w,
                         const convolution_taps& taps, matrix_view<const float> residual,
                         vector_view<float> scratch, matrix_view<float> dx);
/// The same where output and input have the rows `offsets`.
inline void cpu_convolution_vjp(isa set, matrix_view<const float> dy, const ragged_offsets& offsets,
                                index_t first, const packed_weight& w, const convolution_taps& taps,
                                matrix_view<const float> residual, vector_view<float> scratch,
                                matrix_view<float> dx) {
  cpu_convolution_vjp(set, dy, offsets, offsets, first, w, taps, residual, scratch, dx);
}

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/convolution_impl.hpp>
#endif
