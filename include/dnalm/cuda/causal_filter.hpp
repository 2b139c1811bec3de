// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A filter as long as a sequence on a GPU, prepared for its long convolution.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/detail/fft_shape.hpp>
#include <dnalm/cuda/detail/scratch_pool.hpp>
#include <dnalm/cuda/device_buffer.hpp>
#include <dnalm/cuda/long_convolution.hpp>
#include <dnalm/cuda/runtime.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// The longest sequence of a long convolution: two passes over shared memory transform 2^25 points.
inline constexpr index_t cuda_longest_filter = (index_t{1} << 25) + cuda_rows_beyond;

/// Taps of the filter for sequences of `length` rows: the same for all that are computed alike. 128; else M +
/// 32, M the smallest power of two from 128 on that suffices. \throws error [dnalm.device.660] a sequence of
/// more than cuda_longest_filter rows.
[[nodiscard]] inline index_t cuda_filter_taps(index_t length) {
  if (length <= cuda_direct_rows) return cuda_direct_rows;
  if (length > cuda_longest_filter) {
    throw error(error_kind::device, 660, "a sequence is too long for the GPU's long convolution",
                {.expected = "at most " + std::to_string(cuda_longest_filter) + " tokens",
                 .found = std::to_string(length)});
  }
  index_t rows = cuda_direct_rows;
  while (rows + cuda_rows_beyond < length) rows *= 2;
  return rows + cuda_rows_beyond;
}

/// A prepared filter: spectra of its taps, factors of the transforms, and the taps of direct sums.
///
/// Taps come in double, are rounded to float once, and transformed in float on the GPU: a spectrum is away
/// from that in double by at most 4 log2(2 M) 2^-24 |h|, |h| the Euclidean norm of the channel's taps; that
/// is within the bound of cuda_long_convolution. Memory: 8 bytes per tap and channel, and 8 per tap.
struct cuda_causal_filter {
  index_t taps = 0;
  index_t channels = 0;
  detail::fft_shape shape = {};
  detail::fft_factors places = {};  ///< without the numbers themselves
  device_buffer<detail::complex_float> turns = {};
  device_buffer<detail::spectrum_pair> spectrum = {};
  device_tensor<float> head = {};

  /// Floats that it holds.
  [[nodiscard]] index_t numbers() const {
    return 2 * turns.size() + 4 * spectrum.size() + head.rows() * head.columns();
  }
  [[nodiscard]] device_filter view() const {
    device_filter f{.taps = taps, .channels = channels, .shape = shape, .head = head.view()};
    if (shape.points == 0) return f;
    f.turns = turns.data();
    f.second_turns = turns.data() + places.second;
    f.coarse = turns.data() + places.coarse;
    f.fine = turns.data() + places.fine;
    f.pair_turns = turns.data() + places.pairs;
    f.spectrum = spectrum.data();
    return f;
  }
};

namespace detail {

/// Makes filters in the memory and the stream of a backend.
struct causal_filter_maker {
  std::shared_ptr<device_memory> memory;
  scratch_pool& pool;
  cuda_stream stream;
  int block_points = fft_block_points;  ///< as shape_of_fft

  /// Taps (cuda_filter_taps(...), D). Waits until the host's numbers may change. \throws as device_buffer
  [[nodiscard]] cuda_causal_filter make(matrix_view<const double> taps) const {
    matrix<float> rounded(taps.rows, taps.columns);
    for (index_t r = 0; r < taps.rows; ++r) {
      for (index_t c = 0; c < taps.columns; ++c) rounded.view()(r, c) = static_cast<float>(taps(r, c));
    }
    cuda_causal_filter filter{.taps = taps.rows, .channels = taps.columns};
    constexpr index_t most_edge_taps = 2 * cuda_rows_beyond;
    const bool direct = taps.rows <= cuda_direct_rows;
    const index_t kept = direct ? taps.rows : most_edge_taps;
    filter.head = device_tensor<float>(memory, kept, taps.columns);
    upload(rounded.data(), kept * taps.columns, filter.head.data());
    if (!direct) transform(rounded, filter);
    return filter;
  }

 private:
  template <class T>
  void upload(const T* from, index_t size, T* to) const {
    cuda_upload(stream, from, to, {.bytes = checked_mul(size, static_cast<index_t>(sizeof(T)))});
    cuda_synchronize(stream);
  }
  void transform(const matrix<float>& taps, cuda_causal_filter& filter) const {
    int log = 0;
    while ((index_t{1} << log) < taps.rows() - cuda_rows_beyond) ++log;
    filter.shape = shape_of_fft(log, block_points);
    filter.places = factors_of_fft(filter.shape);
    const std::vector<complex_float> turns = std::exchange(filter.places.turns, {});
    filter.turns = device_buffer<complex_float>(memory, static_cast<index_t>(turns.size()));
    upload(turns.data(), filter.turns.size(), filter.turns.data());
    filter.spectrum = device_buffer<spectrum_pair>(memory, checked_mul(taps.columns(), filter.shape.pairs()));
    const index_t size = checked_mul(taps.rows(), taps.columns());
    auto rows = pool.lend_rows<float>(1, size);
    upload(taps.data(), size, rows.as<float>());
    auto sequence = pool.lend_rows<index_t>(1, 3);
    const index_t offsets[] = {0, taps.rows(), 0};  // two offsets, and the number of the only sequence
    upload(offsets, 3, sequence.as<index_t>());
    const device_sequence_group whole{
        {sequence.as<index_t>(), 2}, {sequence.as<index_t>() + 2, 1}, taps.rows()};
    const index_t numbers = cuda_long_convolution_scratch(filter.view(), 1, taps.rows());
    auto scratch = pool.lend_rows<float>(1, numbers);
    cuda_filter_spectrum(stream, {rows.as<float>(), taps.rows(), taps.columns(), taps.columns()},
                         filter.view(), whole, {scratch.as<float>(), numbers}, filter.spectrum.data());
  }
};

}  // namespace detail
DNALM_END_NAMESPACE
