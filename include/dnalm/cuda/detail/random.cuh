// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/random.hpp: a thread per number.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/random.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Block `counter` of a stream, as philox counts them.
[[nodiscard]] DNALM_DEVICE std::array<std::uint32_t, 4> random_block(std::uint64_t seed, std::uint64_t stream,
                                                                     std::uint64_t counter) {
  return philox_block({static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32),
                       static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)},
                      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}

/// The first or second 64 bits of a block, and the number of [0, 1) that philox makes of them.
[[nodiscard]] DNALM_DEVICE std::uint64_t half_of(const std::array<std::uint32_t, 4>& block, bool second) {
  const std::uint64_t high = second ? block[2] : block[0];
  return (high << 32) | (second ? block[3] : block[1]);
}
[[nodiscard]] DNALM_DEVICE double unit_number(std::uint64_t bits) {
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

struct uniform_numbers {
  random_numbers from;

  [[nodiscard]] DNALM_DEVICE double operator()(std::uint64_t i) const {
    const std::uint64_t number = from.offset + i;
    return unit_number(half_of(random_block(from.seed, from.stream, number / 2), number % 2 == 1));
  }
};

/// Box-Muller, as philox::normal: a block for each number.
struct normal_numbers {
  random_numbers from;
  double scale;

  [[nodiscard]] DNALM_DEVICE double operator()(std::uint64_t i) const {
    const auto block = random_block(from.seed, from.stream, from.offset + i);
    const double radius = std::sqrt(-2.0 * std::log(1.0 - unit_number(half_of(block, false))));
    return scale * (radius * std::cos(6.283185307179586476925 * unit_number(half_of(block, true))));
  }
};

/// As philox::below, in a stream of its own.
struct bounded_numbers {
  random_numbers from;
  std::uint64_t bound;
  std::uint64_t limit;  ///< the largest multiple of the bound: draws from there on are rejected

  [[nodiscard]] DNALM_DEVICE std::uint64_t operator()(std::uint64_t i) const {
    std::uint64_t number = 0;
    std::uint64_t draw = 0;
    do {
      draw = half_of(random_block(from.seed, from.stream + from.offset + i, number / 2), number % 2 == 1);
      ++number;
    } while (draw >= limit);
    return draw % bound;
  }
};

inline constexpr int random_threads = 256;

template <class Numbers, class T>
DNALM_KERNEL void fill_kernel(Numbers numbers, device_vector<T> y) {
  const index_t i = index_t{block_index().x} * random_threads + thread_index();
  if (i < y.size) y[i] = static_cast<T>(numbers(static_cast<std::uint64_t>(i)));
}

template <class Numbers, class T>
void launch_fill(cuda_stream stream, const Numbers& numbers, device_vector<T> y) {
  const index_t blocks = y.size / random_threads + (y.size % random_threads == 0 ? 0 : 1);
  launch(fill_kernel<Numbers, T>, {.x = blocks}, random_threads, 0, stream, numbers, y);
}

}  // namespace detail::gpu

DNALM_EMITTED void cuda_fill_uniform(cuda_stream stream, const random_numbers& from,
                                     device_vector<double> y) {
  detail::gpu::launch_fill(stream, detail::gpu::uniform_numbers{from}, y);
}

template <class T>
void cuda_fill_normal(cuda_stream stream, const random_numbers& from, double scale, device_vector<T> y) {
  detail::gpu::launch_fill(stream, detail::gpu::normal_numbers{from, scale}, y);
}

DNALM_EMITTED void cuda_fill_below(cuda_stream stream, const random_numbers& from, std::uint64_t bound,
                                   device_vector<std::int32_t> y) {
  if (bound < 1 || bound > (std::uint64_t{1} << 31)) {
    throw error(error_kind::usage, 652, "random integers on a GPU are below a bound of 31 bits",
                {.expected = "1 to 2147483648", .found = std::to_string(bound)});
  }
  const std::uint64_t limit = bound * (~std::uint64_t{0} / bound);
  detail::gpu::launch_fill(stream, detail::gpu::bounded_numbers{from, bound, limit}, y);
}

DNALM_END_NAMESPACE
