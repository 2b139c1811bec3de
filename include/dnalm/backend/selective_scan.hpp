// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The kernels of Mamba's mixer and of Caduceus: selective scan, short convolutions in both
/// directions, RMS norm, and the two strands of a batch.
#pragma once

#include <concepts>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// In which order a scan meets the rows of a sequence: from the first to the last, or from the last to the
/// first.
enum class scan_order { forward, backward };

/// What a selective scan reads: E channels, N states of each.
template <class T, memory_space Space = memory_space::host>
struct scan_input {
  matrix_view<const T, Space> x = {};      ///< (R, E)
  matrix_view<const T, Space> delta = {};  ///< (R, E): steps, before the softplus
  matrix_view<const T, Space> parts = {};  ///< (R, 2 N): [B | C]
  matrix_view<const T, Space> rates = {};  ///< (N, E): A, finite and not positive
  vector_view<const T, Space> skip = {};   ///< (E): D
  scan_order order = scan_order::forward;
};

/// Gradients by the first three of scan_input, in their shapes. x and delta may be those of the input, parts
/// not.
template <class T, memory_space Space = memory_space::host>
struct scan_gradient {
  matrix_view<T, Space> x = {};
  matrix_view<T, Space> delta = {};
  matrix_view<T, Space> parts = {};
};

/// selective_scan(input, offsets, scratch, y): with d = softplus(delta), along every sequence in the order of
/// the input, the state s (N, E) being 0 before its first row,
///   s[n, e] = exp(d[t, e] A[n, e]) s[n, e] + d[t, e] x[t, e] B[t, n],
///   y[t, e] = sum over n of s[n, e] C[t, n] + D[e] x[t, e];
/// y may be x or delta. It needs selective_scan_scratch(E, N) numbers. selective_scan_vjp(input, offsets, dy,
/// scratch, gradient) needs selective_scan_vjp_scratch(longest, E, N).
///
/// short_convolution as in long_convolution_kernels; short_convolution_back(x, w, bias, offsets, y): y[t, c]
/// = bias[c] + sum over j < K of w[j, c] x[t + K - 1 - j, c]: the same from the other end, rows behind a
/// sequence being zeros. Of each the adjoint, which reads w and offsets.
///
/// rms_norm(x, gamma, eps, y): y[r, c] = x[r, c] gamma[c] / sqrt(mean over c of x[r, c]^2 + eps); y may be x.
/// rms_norm_vjp: dx from x, gamma and dy; dx may be dy, not x.
template <class B>
concept selective_scan_kernels = requires(const B& b, const scan_input<typename B::scalar, B::space>& input,
                                          const scan_gradient<typename B::scalar, B::space>& gradient,
                                          input_matrix<B> x, input_vector<B> d, const ragged_offsets& offsets,
                                          index_t size, typename B::scalar eps, output_vector<B> scratch,
                                          output_matrix<B> y) {
  { b.selective_scan_scratch(size, size) } -> std::same_as<index_t>;
  { b.selective_scan(input, offsets, scratch, y) } -> std::same_as<void>;
  { b.selective_scan_vjp_scratch(size, size, size) } -> std::same_as<index_t>;
  { b.selective_scan_vjp(input, offsets, x, scratch, gradient) } -> std::same_as<void>;
  { b.short_convolution(x, x, d, offsets, y) } -> std::same_as<void>;
  { b.short_convolution_vjp(x, x, offsets, y) } -> std::same_as<void>;
  { b.short_convolution_back(x, x, d, offsets, y) } -> std::same_as<void>;
  { b.short_convolution_back_vjp(x, x, offsets, y) } -> std::same_as<void>;
  { b.rms_norm(x, d, eps, y) } -> std::same_as<void>;
  { b.rms_norm_vjp(x, d, eps, x, y) } -> std::same_as<void>;
};

/// A scan in pieces: selective_scan_from(input, state, scratch, y) takes rows of one sequence, y of all of
/// them, from the state that the rows before them (in the order of the input) left in `state`, and leaves
/// theirs there; scan_state_size(E, N) numbers, all 0 before the first row. However the rows are cut, y has
/// the bits of selective_scan, whose scratch it needs.
///
/// It has no adjoint of its own: gradients keep all rows, run in one piece and go back through
/// selective_scan_vjp, so no gradient by a state is ever carried from piece to piece.
template <class B>
concept carried_scan_kernels = selective_scan_kernels<B> &&
    requires(const B& b, const scan_input<typename B::scalar, B::space>& input, index_t size,
             output_vector<B> state, output_matrix<B> y) {
  { b.scan_state_size(size, size) } -> std::same_as<index_t>;
  { b.selective_scan_from(input, state, state, y) } -> std::same_as<void>;
};

/// A scan that leaves states for its adjoint: selective_scan_keeping(input, offsets, scratch, y, kept) is
/// selective_scan and fills `kept`, scan_kept_size(R, E, N) numbers for R rows whatever the sequences;
/// selective_scan_kept_vjp(input, offsets, dy, scratch, gradient, kept), with the input and the offsets of
/// that scan, has the bits of selective_scan_vjp, whose scratch it needs, and does not compute them again.
template <class B>
concept kept_scan_kernels = selective_scan_kernels<B> &&
    requires(const B& b, const scan_input<typename B::scalar, B::space>& input,
             const scan_gradient<typename B::scalar, B::space>& gradient, const ragged_offsets& offsets,
             index_t size, input_matrix<B> dy, output_matrix<B> y, output_vector<B> scratch,
             input_vector<B> kept) {
  { b.scan_kept_size(size, size, size) } -> std::same_as<index_t>;
  { b.selective_scan_keeping(input, offsets, scratch, y, scratch) } -> std::same_as<void>;
  { b.selective_scan_kept_vjp(input, offsets, dy, scratch, gradient, kept) } -> std::same_as<void>;
};

/// The two strands of a network whose hidden states are 2 D wide: x (R, 2 D) has the given strand in its
/// first half and, its channels in the opposite order, the other strand in its second; y (2 R, D) has them
/// below each other, with channels in one order.
///
/// fold_strands(x, exchanged, y): y[r, c] = x[r, c], y[R + r, c] = x[r, 2 D - 1 - c]; where `exchanged`, the
/// halves of x change places first. unfold_strands(y, exchanged, x) undoes it; each is the adjoint of the
/// other.
template <class B>
concept strand_kernels = requires(const B& b, input_matrix<B> x, output_matrix<B> y) {
  { b.fold_strands(x, true, y) } -> std::same_as<void>;
  { b.unfold_strands(x, true, y) } -> std::same_as<void>;
};

/// Everything a mixer of Mamba needs.
template <class B>
concept mamba_backend = encoder_backend<B> && selective_scan_kernels<B>;

/// Everything a Caduceus network needs: of an encoder's kernels all but attention.
template <class B>
concept caduceus_backend = mamba_backend<B> && strand_kernels<B>;

DNALM_END_NAMESPACE
