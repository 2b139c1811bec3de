// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/long_convolution.hpp.
///
/// A unit is a sequence and as many channels as a block has arrays. Transforms in one pass: a block per unit.
/// In two: a block per unit and column n2 transforms over n1 and writes to scratch, place p1 second + n2,
/// channels beside each other; a block per unit and couple of mirrored rows transforms these, multiplies by
/// the spectrum and transforms back; the columns then go the way back. As many units at a time as scratch
/// holds.
#pragma once

#include <algorithm>
#include <cmath>

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/detail/fft.cuh>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/long_convolution.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

enum class long_way { forward, adjoint, spectrum };

/// Threads of a block that transforms, at most: butterflies take some 70 registers.
inline constexpr int most_fft_threads = 256;

/// Rows beside a transform's, computed as sums: at most so many of a sequence.
inline constexpr index_t edge_rows = 64;

/// What all kernels of a call know.
struct long_work {
  device_filter filter;
  device_sequence_group group;
  device_matrix<const float> x;
  device_vector<const float> d;
  device_matrix<float> y;
  const float* edges;      // (group, edge_rows, D): rows that are sums
  complex_float* columns;  // scratch of two passes
  index_t first_unit;
};

/// How many rows of a sequence are sums, and which is the first.
struct edge_span {
  index_t first;
  index_t count;

  template <long_way Way>
  [[nodiscard]] static DNALM_HD edge_span of(index_t taps, index_t points, index_t length) {
    const index_t count = length + taps - 1 - 2 * points;
    return {Way == long_way::adjoint ? 2 * points - taps + 1 : 0, count < 0 ? 0 : count};
  }
  [[nodiscard]] DNALM_DEVICE bool holds(index_t row) const { return row >= first && row < first + count; }
};

/// A sequence and some of its channels, as the rows of a transform.
template <long_way Way>
struct long_unit {
  const long_work& work;
  index_t slot;  // of the group
  index_t begin;
  index_t length;
  index_t channel;
  edge_span edge;

  DNALM_DEVICE long_unit(const long_work& all, index_t unit) : work(all) {
    const index_t width = all.filter.shape.channels;
    const index_t blocks = (all.filter.channels + width - 1) / width;
    slot = unit / blocks;
    channel = (unit - slot * blocks) * width;
    const index_t s = all.group.sequences[slot];
    begin = all.group.offsets[s];
    length = all.group.offsets[s + 1] - begin;
    edge = edge_span::of<Way>(all.filter.taps, all.filter.shape.points, length);
  }
  [[nodiscard]] DNALM_DEVICE bool has(int array) const { return channel + array < work.filter.channels; }
  [[nodiscard]] DNALM_DEVICE float row(int array, index_t r) const {
    return r < length && has(array) ? work.x(begin + r, channel + array) : 0.0F;
  }
  /// Rows 2 j and 2 j + 1.
  [[nodiscard]] DNALM_DEVICE complex_float point(int array, index_t j) const {
    return {row(array, 2 * j), row(array, 2 * j + 1)};
  }
  DNALM_DEVICE void store(int array, index_t j, complex_float v) const {
    if (!has(array)) return;
    store_row(channel + array, 2 * j, v.re);
    store_row(channel + array, 2 * j + 1, v.im);
  }

 private:
  DNALM_DEVICE void store_row(index_t c, index_t r, float v) const {
    if (r >= length) return;
    const index_t place = slot * edge_rows + r - edge.first;
    work.y(begin + r, c) = edge.holds(r) ? work.edges[place * work.filter.channels + c]
                                         : std::fma(work.d[c], work.x(begin + r, c), v);
  }
};

/// The product at a pair of places with h, w = exp(-2 pi i k / M); they may be the same one.
template <long_way Way>
DNALM_DEVICE void multiply_places(const spectrum_pair& h, complex_float w, complex_float& place,
                                  complex_float& mirror) {
  const complex_float z = place;
  const complex_float m = mirror;
  const complex_float even{z.re + m.re, z.im - m.im};
  const complex_float odd{z.im + m.im, m.re - z.re};
  complex_float ye;
  complex_float yo;
  if constexpr (Way == long_way::adjoint) {
    ye = plus_times_conjugate(times_conjugate(even, h.even), odd, h.odd);
    yo = plus_times_conjugate(times_conjugate(odd, h.even), times_conjugate(even, w), h.odd);
  } else {
    ye = plus_times(times(even, h.even), times(odd, w), h.odd);
    yo = plus_times(times(odd, h.even), even, h.odd);
  }
  place = {ye.re - yo.im, ye.im + yo.re};
  mirror = {ye.re + yo.im, yo.re - ye.im};
}

/// The spectra of a filter at a pair of places, divided by 2 M.
[[nodiscard]] DNALM_DEVICE spectrum_pair spectrum_of_places(complex_float z, complex_float m, float scale) {
  return {{scale * (z.re + m.re), scale * (z.im - m.im)}, {scale * (z.im + m.im), scale * (m.re - z.re)}};
}

/// What is done with the frequencies in shared memory; `spectrum` is written where they are a filter's.
template <long_way Way>
struct frequency_step {
  const device_filter& filter;
  index_t channel;  // of array 0
  spectrum_pair* spectrum;

  [[nodiscard]] DNALM_DEVICE index_t entry(int array, int pair) const {
    return (channel + array) * filter.shape.pairs() + pair;
  }
  DNALM_DEVICE void pair(int array, int number, complex_float& place, complex_float& mirror) const {
    if (channel + array >= filter.channels) return;
    if constexpr (Way == long_way::spectrum) {
      const float scale = 0.25F / static_cast<float>(filter.shape.points);
      spectrum[entry(array, number)] = spectrum_of_places(place, mirror, scale);
    } else {
      const spectrum_pair h = filter.spectrum[entry(array, number)];
      multiply_places<Way>(h, filter.pair_turns[number], place, mirror);
    }
  }
  /// Pair 0: frequencies 0 and M / 2, their own mirrors, with real spectra.
  DNALM_DEVICE void ends(int array, complex_float& zero, complex_float& half) const {
    if (channel + array >= filter.channels) return;
    if constexpr (Way == long_way::spectrum) {
      const float scale = 0.25F / static_cast<float>(filter.shape.points);
      const spectrum_pair a = spectrum_of_places(zero, zero, scale);
      const spectrum_pair b = spectrum_of_places(half, half, scale);
      spectrum[entry(array, 0)] = {{a.even.re, b.even.re}, {a.odd.re, b.odd.re}};
    } else {
      const spectrum_pair h = filter.spectrum[entry(array, 0)];
      complex_float same = zero;
      multiply_places<Way>({{h.even.re, 0.0F}, {h.odd.re, 0.0F}}, {1.0F, 0.0F}, zero, same);
      same = half;
      multiply_places<Way>({{h.even.im, 0.0F}, {h.odd.im, 0.0F}}, {-1.0F, 0.0F}, half, same);
    }
  }
};

/// All pairs of a transform in one pass, or those of row 0.
template <long_way Way>
DNALM_DEVICE void step_alone(const fft_block& block, int channels, const frequency_step<Way>& step) {
  block.for_each(channels, block.points() / 2, [&](int array, int i) {
    if (i == 0) {
      step.ends(array, block.at(array, 0), block.at(array, 1));
    } else {
      step.pair(array, i, block.at(array, lower_place(i)), block.at(array, mirrored_place(i)));
    }
  });
}

/// All pairs of a couple of mirrored rows, the second one `channels` arrays behind the first.
template <long_way Way>
DNALM_DEVICE void step_couple(const fft_block& block, int channels, int couple,
                              const frequency_step<Way>& step) {
  const int n = block.points();
  if (couple == 0) step_alone<Way>(block, channels, step);
  block.for_each(channels, n, [&](int array, int i) {
    if (couple > 0) {
      step.pair(array, couple * n + i, block.at(array, i), block.at(array + channels, n - 1 - i));
    } else if (i < n / 2) {  // row 1 is its own mirror
      step.pair(array, n / 2 + i, block.at(array + channels, i), block.at(array + channels, n - 1 - i));
    }
  });
}

/// A unit by transforms in one pass.
template <long_way Way>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(most_fft_threads, 2)
    long_at_once_kernel(long_work work, spectrum_pair* spectrum) {
  const fft_shape& shape = work.filter.shape;
  const fft_block block{shared_memory<complex_float>(), shape.channels, shape.log_second, work.filter.turns};
  const long_unit<Way> unit(work, work.first_unit + block_index().x);
  block.forward([&](int array, int j) { return unit.point(array, j); }, block.put());
  step_alone<Way>(block, shape.channels, {work.filter, unit.channel, spectrum});
  if constexpr (Way != long_way::spectrum) {
    sync_block();
    block.inverse(block.get(), [&](int array, int j, complex_float v) { unit.store(array, j, v); });
  }
}

/// A column of a unit of two passes: point n1 second + n2, in scratch place p1 second + n2.
struct long_column {
  const long_work& work;
  index_t unit;  // of this launch
  int column;    // n2

  DNALM_DEVICE explicit long_column(const long_work& all) : work(all) {
    const int second = all.filter.shape.second();
    unit = block_index().x / second;
    column = block_index().x % second;
  }
  [[nodiscard]] DNALM_DEVICE complex_float& place(int array, int p1) const {
    const fft_shape& shape = work.filter.shape;
    const index_t at = unit * shape.points + p1 * index_t{shape.second()} + column;
    return work.columns[at * shape.channels + array];
  }
  /// exp(-2 pi i n2 k1 / M).
  [[nodiscard]] DNALM_DEVICE complex_float turn(int p1) const {
    const fft_shape& shape = work.filter.shape;
    const int m = column * reversed_bits(p1, shape.log_first);
    const int fine = shape.fine_bits();
    return times(work.filter.coarse[m >> fine], work.filter.fine[m & ((1 << fine) - 1)]);
  }
};

template <long_way Way>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(most_fft_threads, 2) long_columns_kernel(long_work work) {
  const fft_shape& shape = work.filter.shape;
  const fft_block block{shared_memory<complex_float>(), shape.channels, shape.log_first, work.filter.turns};
  const long_column column(work);
  const long_unit<Way> unit(work, work.first_unit + column.unit);
  block.forward(
      [&](int array, int n1) { return unit.point(array, index_t{n1} * shape.second() + column.column); },
      [&](int array, int p1, complex_float v) { column.place(array, p1) = times(v, column.turn(p1)); });
}

template <long_way Way>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(most_fft_threads, 2)
    long_rows_kernel(long_work work, spectrum_pair* spectrum) {
  const fft_shape& shape = work.filter.shape;
  const int couples = shape.first() / 2;
  const index_t unit_here = block_index().x / couples;
  const int couple = block_index().x % couples;
  const long_unit<Way> unit(work, work.first_unit + unit_here);
  const int rows[2] = {couple == 0 ? 0 : lower_place(couple), couple == 0 ? 1 : mirrored_place(couple)};
  const fft_block block{shared_memory<complex_float>(), 2 * shape.channels, shape.log_second,
                        work.filter.second_turns};
  const auto place = [&](int array, int n2) -> complex_float& {
    const int row = array < shape.channels ? rows[0] : rows[1];
    const index_t at = unit_here * shape.points + index_t{row} * shape.second() + n2;
    return work.columns[at * shape.channels + (array & (shape.channels - 1))];
  };
  block.forward([&](int array, int n2) { return place(array, n2); }, block.put());
  step_couple<Way>(block, shape.channels, couple, {work.filter, unit.channel, spectrum});
  if constexpr (Way != long_way::spectrum) {
    sync_block();
    block.inverse(block.get(), [&](int array, int n2, complex_float v) { place(array, n2) = v; });
  }
}

template <long_way Way>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(most_fft_threads, 2) long_columns_back_kernel(long_work work) {
  const fft_shape& shape = work.filter.shape;
  const fft_block block{shared_memory<complex_float>(), shape.channels, shape.log_first, work.filter.turns};
  const long_column column(work);
  const long_unit<Way> unit(work, work.first_unit + column.unit);
  block.inverse([&](int array, int p1) { return times_conjugate(column.place(array, p1), column.turn(p1)); },
                [&](int array, int n1, complex_float v) {
                  unit.store(array, index_t{n1} * shape.second() + column.column, v);
                });
}

/// edges[slot, e] = sum over the taps of row first + e of a sequence, and d x: one chain over the rows read.
template <long_way Way>
struct long_edges {
  long_work work;
  float* edges;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    const index_t slot = r / edge_rows;
    const index_t s = work.group.sequences[slot];
    const index_t begin = work.group.offsets[s];
    const index_t length = work.group.offsets[s + 1] - begin;
    const edge_span edge = edge_span::of<Way>(work.filter.taps, work.filter.shape.points, length);
    const index_t e = r - slot * edge_rows;
    if (e >= edge.count) return;
    const index_t i = edge.first + e;
    const index_t first = Way == long_way::adjoint ? i : 0;
    const index_t last = Way == long_way::adjoint ? length - 1 : i;
    for (index_t c = team.rank(); c < work.filter.channels; c += Threads) {
      float sum = 0.0F;
      for (index_t j = first; j <= last; ++j) {
        const index_t tap = Way == long_way::adjoint ? j - i : i - j;
        sum = std::fma(work.filter.head(tap, c), work.x(begin + j, c), sum);
      }
      edges[r * work.filter.channels + c] = std::fma(work.d[c], work.x(begin + i, c), sum);
    }
  }
};

/// Rows of a direct sum that a thread has at a time, and warps of a block.
inline constexpr int direct_chunk = 8;
inline constexpr int direct_warps = 4;

/// sum[r] = the sum of row first + r of a sequence of up to cuda_direct_rows rows, whose channel is a column
/// of `rows`; one chain over the rows it reads.
template <long_way Way>
DNALM_DEVICE void direct_sums(const float* rows, const device_matrix<const float>& taps, index_t c,
                              int length, int first, float (&sum)[direct_chunk]) {
  constexpr bool back = Way == long_way::adjoint;
  float window[direct_chunk] = {};  // the tap between the row that is read and row first + r
  if constexpr (!back) {
    DNALM_UNROLL
    for (int r = 1; r < direct_chunk; ++r) window[r - 1] = first + r < length ? taps(first + r, c) : 0.0F;
  }
  const int last = back ? length - 1 : first + direct_chunk - 1;
  for (int j = back ? first : 0; j <= last && j < length; ++j) {
    const float x = rows[j * warp_threads];
    DNALM_UNROLL
    for (int r = direct_chunk - 1; r > 0; --r) window[r] = window[r - 1];
    const int tap = back ? j - first : first - j;
    window[0] = tap >= 0 ? taps(tap, c) : 0.0F;
    DNALM_UNROLL
    for (int r = 0; r < direct_chunk; ++r) {
      const bool reads = back ? j >= first + r : j <= first + r;
      if (reads) sum[r] = std::fma(window[r], x, sum[r]);
    }
  }
}

/// A block per sequence and 32 channels: y = sum + d x.
template <long_way Way>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(direct_warps* warp_threads, 4) long_direct_kernel(long_work work) {
  const index_t channels = work.filter.channels;
  const index_t blocks = (channels + warp_threads - 1) / warp_threads;
  const index_t slot = block_index().x / blocks;
  const index_t c = (block_index().x - slot * blocks) * warp_threads + lane();
  const index_t s = work.group.sequences[slot];
  const index_t begin = work.group.offsets[s];
  const auto length = static_cast<int>(work.group.offsets[s + 1] - begin);
  float* rows = shared_memory<float>() + lane();
  for (int r = warp(); r < length; r += direct_warps) {
    rows[r * warp_threads] = c < channels ? work.x(begin + r, c) : 0.0F;
  }
  sync_block();
  if (c >= channels) return;
  for (int first = warp() * direct_chunk; first < length; first += direct_warps * direct_chunk) {
    float sum[direct_chunk] = {};
    direct_sums<Way>(rows, work.filter.head, c, length, first, sum);
    DNALM_UNROLL
    for (int r = 0; r < direct_chunk; ++r) {
      if (first + r >= length) continue;
      work.y(begin + first + r, c) = std::fma(work.d[c], rows[(first + r) * warp_threads], sum[r]);
    }
  }
}

/// Bytes of scratch for the columns of two passes that a call takes at most; at least one unit fits always.
inline constexpr index_t most_column_bytes = index_t{256} << 20;

/// Units of a call, and how many of them run at a time.
struct unit_count {
  index_t all;
  index_t at_a_time;
};
[[nodiscard]] inline unit_count units_of(const device_filter& filter, index_t sequences) {
  const index_t width = filter.shape.channels;
  const index_t all = checked_mul(sequences, (filter.channels + width - 1) / width);
  if (filter.shape.at_once()) return {all, all};
  const index_t bytes = checked_mul(filter.shape.points, width * index_t{sizeof(complex_float)});
  return {all, std::clamp<index_t>(most_column_bytes / bytes, 1, std::max<index_t>(all, 1))};
}
/// Floats of scratch for the rows that are sums, 0 when there are none; rounded up so that 16 bytes follow.
[[nodiscard]] inline index_t edge_numbers(const device_filter& filter, index_t sequences, index_t longest) {
  if (longest + filter.taps - 1 <= 2 * index_t{filter.shape.points}) return 0;
  return checked_mul(checked_mul(sequences, edge_rows), checked_add(filter.channels, 3) / 4 * 4);
}

/// Threads for so many points of all arrays: a butterfly of radix 8 each, as long as there are enough.
[[nodiscard]] inline int fft_threads(int points) {
  return std::clamp(points / 8, warp_threads, most_fft_threads);
}

template <long_way Way>
void launch_at_once(cuda_stream stream, const long_work& work, index_t units, spectrum_pair* spectrum) {
  const fft_shape& shape = work.filter.shape;
  launch(long_at_once_kernel<Way>, {.x = units}, fft_threads(shape.points * shape.channels),
         fft_shared_bytes(shape.points, shape.channels), stream, work, spectrum);
}
/// `units` units from work.first_unit on.
template <long_way Way>
void launch_two_passes(cuda_stream stream, const long_work& work, index_t units, spectrum_pair* spectrum) {
  const fft_shape& shape = work.filter.shape;
  const int first = shape.first();
  const int second = shape.second();
  const index_t first_bytes = fft_shared_bytes(first, shape.channels);
  launch(long_columns_kernel<Way>, {.x = units * second}, fft_threads(first * shape.channels), first_bytes,
         stream, work);
  launch(long_rows_kernel<Way>, {.x = units * (first / 2)}, fft_threads(2 * second * shape.channels),
         fft_shared_bytes(second, 2 * shape.channels), stream, work, spectrum);
  if constexpr (Way != long_way::spectrum) {
    launch(long_columns_back_kernel<Way>, {.x = units * second}, fft_threads(first * shape.channels),
           first_bytes, stream, work);
  }
}

template <long_way Way>
void launch_long(cuda_stream stream, long_work work, device_vector<float> scratch, spectrum_pair* spectrum) {
  const device_filter& filter = work.filter;
  const index_t sequences = work.group.sequences.size;
  if (filter.shape.points == 0) {
    const index_t blocks = (filter.channels + warp_threads - 1) / warp_threads;
    launch(long_direct_kernel<Way>, {.x = sequences * blocks}, direct_warps * warp_threads,
           work.group.longest * warp_threads * index_t{sizeof(float)}, stream, work);
    return;
  }
  if constexpr (Way != long_way::spectrum) {
    const index_t edges = edge_numbers(filter, sequences, work.group.longest);
    if (edges > 0) {
      launch_rows(stream, sequences * edge_rows, filter.channels, long_edges<Way>{work, scratch.data});
      work.edges = scratch.data;
      scratch = scratch.part(edges, scratch.size - edges);
    }
  }
  work.columns = reinterpret_cast<complex_float*>(scratch.data);
  const unit_count units = units_of(filter, sequences);
  for (; work.first_unit < units.all; work.first_unit += units.at_a_time) {
    const index_t count = std::min(units.at_a_time, units.all - work.first_unit);
    if (filter.shape.at_once()) {
      launch_at_once<Way>(stream, work, count, spectrum);
    } else {
      launch_two_passes<Way>(stream, work, count, spectrum);
    }
  }
}

}  // namespace detail::gpu

DNALM_EMITTED index_t cuda_long_convolution_scratch(const device_filter& filter, index_t sequences,
                                                    index_t longest) {
  if (filter.shape.points == 0) return 0;
  const index_t edges = detail::gpu::edge_numbers(filter, sequences, longest);
  if (filter.shape.at_once()) return edges;
  const index_t units = detail::gpu::units_of(filter, sequences).at_a_time;
  const index_t unit = checked_mul(2 * index_t{filter.shape.points}, filter.shape.channels);
  return checked_add(edges, checked_mul(units, unit));
}

DNALM_EMITTED void cuda_long_convolution(cuda_stream stream, device_matrix<const float> v,
                                         const device_filter& filter, const device_sequence_group& group,
                                         device_vector<const float> d, device_vector<float> scratch,
                                         device_matrix<float> y) {
  using detail::gpu::long_way;
  detail::gpu::launch_long<long_way::forward>(stream, {filter, group, v, d, y, nullptr, nullptr, 0}, scratch,
                                              nullptr);
}

DNALM_EMITTED void cuda_long_convolution_vjp(cuda_stream stream, device_matrix<const float> dy,
                                             const device_filter& filter, const device_sequence_group& group,
                                             device_vector<const float> d, device_vector<float> scratch,
                                             device_matrix<float> dv) {
  using detail::gpu::long_way;
  detail::gpu::launch_long<long_way::adjoint>(stream, {filter, group, dy, d, dv, nullptr, nullptr, 0},
                                              scratch, nullptr);
}

DNALM_EMITTED void cuda_filter_spectrum(cuda_stream stream, device_matrix<const float> taps,
                                        const device_filter& filter, const device_sequence_group& whole,
                                        device_vector<float> scratch, detail::spectrum_pair* spectrum) {
  using detail::gpu::long_way;
  detail::gpu::launch_long<long_way::spectrum>(stream, {filter, whole, taps, {}, {}, nullptr, nullptr, 0},
                                               scratch, spectrum);
}

DNALM_END_NAMESPACE
