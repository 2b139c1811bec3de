// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A filter as long as a sequence, prepared for the long convolution in float.
#pragma once

#include <memory>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/detail/fft_tables.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Taps of some number of channels, by blocks of 16, for all sequences whose cpu_filter_taps is `taps`.
///
/// The first `rows_at_once` rows of a sequence are computed by Fourier transforms of twice as many numbers,
/// those behind them by sums of products. 0: all are.
struct causal_filter {
  index_t taps = 0;
  index_t channels = 0;
  index_t rows_at_once = 0;
  index_t direct_rows = 0;  ///< rows of `direct` per block; 0: it is empty, no row is computed directly
  std::shared_ptr<const detail::fft_tables> tables = {};  ///< null where no row is computed at once
  buffer<float> spectrum = {};  ///< by blocks and pairs: H_e, H_o over 2 rows_at_once, 16 channels each
  buffer<float> direct = {};    ///< by blocks and rows, zeros behind the taps

  /// Numbers that it holds.
  [[nodiscard]] index_t numbers() const { return spectrum.size() + direct.size(); }
};

/// What filters of as many taps share while they are made: the factors of their transforms.
struct causal_filter_plan {
  index_t taps = 0;
  std::shared_ptr<const detail::fft_tables> tables = {};
  std::vector<detail::fft_turn> turns = {};  ///< exp(-2 pi i k / M), of the transform in double
};

/// Taps of the filter for sequences of `length` rows: the same for all lengths that are computed alike.
///
/// Up to 128 rows by sums alone. Else P rows at once, P the smallest of 2^k and 3 x 2^k from 128 on with P +
/// 32 >= length (P >= length from 2^16 on), and up to 32 rows behind them: a row costs as many products as
/// the sequence has rows, the next larger transform some 50 P (docs/kernels.md).
[[nodiscard]] index_t cpu_filter_taps(index_t length);

/// Prepares taps (cpu_filter_taps(...), D). Spectra are computed in double and rounded once. Cost: a
/// transform in double; memory: 16 bytes per tap and channel at most.
[[nodiscard]] causal_filter make_causal_filter(matrix_view<const double> taps);
/// The same in two steps, for filters of some channels after each other: a channel's numbers are the same
/// bits whichever channels are with it. `plan` is that of as many taps.
[[nodiscard]] causal_filter_plan plan_causal_filter(index_t taps);
[[nodiscard]] causal_filter make_causal_filter(matrix_view<const double> taps,
                                               const causal_filter_plan& plan);

/// Numbers of a filter of so many taps and channels, without its factors.
[[nodiscard]] index_t causal_filter_numbers(index_t taps, index_t channels);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/causal_filter_impl.hpp>
#endif
