// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Causal convolution with a filter as long as the sequence on a GPU, with its adjoint.
///
/// Rows 2 j and 2 j + 1 of a channel are the real and the imaginary part of point j of a transform of M
/// points, M rows being computed at once; the second half of the points are the zeros behind them. So a
/// channel never shares a transform with another one: none can take digits from its neighbour, as two
/// channels packed into one transform would. With X_e, X_o the transforms of even and odd rows, Z = X_e + i
/// X_o, H_e and H_o those of the taps and w = exp(-2 pi i / M): Y_e = H_e X_e + w^k H_o X_o and Y_o = H_e X_o
/// + H_o X_e for k and -k together; the adjoint takes the conjugates of H_e, H_o and w.
///
/// The filter has M + 32 taps, and serves sequences of up to as many rows: those few whose sums come out
/// mixed with the products that go round the circle of 2 M rows (the first ones, of the adjoint the last) are
/// computed as sums of at most 63 products. Sequences of up to 128 rows are computed as sums.
///
/// Prediction, per number of v: up to 4,096 rows at once one read of v, one more for d v, one write, and two
/// of the spectrum, which the L2 cache has for all sequences but the first; bound by shared memory, 16 bytes
/// per point and pass, some 8 passes there and back: 128 sequences of 1,024 rows and 128 channels in 0.1 ms
/// on an H100, where memory alone would take 0.05 ms. More rows go through scratch memory, 13 times v's bytes
/// in all with the spectrum: 1,048,576 rows of 256 channels move 14 GB, 4 ms at 3.3 TB/s. Not measured.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/detail/fft_shape.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// The longest sequence that is computed as sums, and the rows that a transform serves beyond its own.
inline constexpr index_t cuda_direct_rows = 128;
inline constexpr index_t cuda_rows_beyond = 32;

/// A filter as the kernels read it (cuda/causal_filter.hpp has the memory).
struct device_filter {
  index_t taps = 0;
  index_t channels = 0;
  detail::fft_shape shape = {};                  ///< no points: sums alone
  const detail::complex_float* turns = nullptr;  ///< factors, and where their tables begin
  const detail::complex_float* second_turns = nullptr;
  const detail::complex_float* coarse = nullptr;
  const detail::complex_float* fine = nullptr;
  const detail::complex_float* pair_turns = nullptr;
  const detail::spectrum_pair* spectrum = nullptr;  ///< (channels, M / 2), divided by 2 M
  device_matrix<const float> head = {};             ///< taps: all of them, or the first 64
};

/// The sequences of a batch that share a filter, by their numbers; none is empty.
struct device_sequence_group {
  device_vector<const index_t> offsets = {};
  device_vector<const index_t> sequences = {};
  index_t longest = 0;
};

/// Floats of scratch that both functions need for so many sequences, the longest of `longest` rows.
[[nodiscard]] index_t cuda_long_convolution_scratch(const device_filter& filter, index_t sequences,
                                                    index_t longest);

/// y[i, c] = sum over j <= i of h[i - j, c] v[j, c] + d[c] v[i, c] for the rows of the group's sequences; all
/// other rows of y stay. v, y (R, D), y may be v.
///
/// Error of a row computed by transforms: at most 8 log2(2 M) 2^-24 |h| |v|, the Euclidean norms of the
/// channel's taps and rows; of one by sums: at most 130 2^-24 sum over j of |h[i - j] v[j]|.
void cuda_long_convolution(cuda_stream stream, device_matrix<const float> v, const device_filter& filter,
                           const device_sequence_group& group, device_vector<const float> d,
                           device_vector<float> scratch, device_matrix<float> y);

/// dv[j, c] = sum over i >= j of h[i - j, c] dy[i, c] + d[c] dy[j, c]; dv may be dy. Bounds and cost as of
/// the forward.
void cuda_long_convolution_vjp(cuda_stream stream, device_matrix<const float> dy, const device_filter& filter,
                               const device_sequence_group& group, device_vector<const float> d,
                               device_vector<float> scratch, device_matrix<float> dv);

/// Fills `spectrum`, which is filter.spectrum's memory, from taps (T, D), one sequence of T rows: `whole` has
/// the offsets 0 and T and the sequence 0. Scratch as of one sequence of T rows.
void cuda_filter_spectrum(cuda_stream stream, device_matrix<const float> taps, const device_filter& filter,
                          const device_sequence_group& whole, device_vector<float> scratch,
                          detail::spectrum_pair* spectrum);

DNALM_END_NAMESPACE
