// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A whole emulated launch: its blocks one after another.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <dnalm/cuda/detail/launch_size.hpp>
#include <support/cuda_emulation/block.hpp>

namespace dnalm_test::gpu {

/// What the emulated GPU is like.
struct emulation_settings {
  /// Order of blocks, of warps and of lanes; 0: as they are numbered. Odd: the first warp in the order runs
  /// as far ahead as it can.
  std::uint64_t seed = 0;
  index_t shared_limit = index_t{163} * 1024;  ///< bytes of shared memory a block may have (163 KiB: sm_80)
};
inline emulation_settings& emulation() {
  static emulation_settings settings;
  return settings;
}

/// 0, 1, ..., count - 1 in the order that a seed gives.
[[nodiscard]] inline std::vector<int> order_of(int count, std::uint64_t seed) {
  std::vector<int> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  if (seed != 0) std::shuffle(order.begin(), order.end(), std::mt19937_64(seed));
  return order;
}

/// Turns of the threads of a block: warps in some order, their lanes in another.
[[nodiscard]] inline turn_order turns_of(int threads, std::uint64_t seed) {
  turn_order turns{.threads = {}, .greedy = seed % 2 == 1};
  const std::vector<int> lanes = order_of(warp_threads, seed);
  for (const int w : order_of(threads / warp_threads, seed)) {
    for (const int l : lanes) turns.threads.push_back(warp_threads * w + l);
  }
  return turns;
}

/// Runs `kernel` in every thread of every block. One grid at a time: threads of the host wait for each other.
/// \throws grid_fault
inline void run_grid(const dnalm::detail::gpu::grid_size& size, int threads, index_t shared_bytes,
                     const std::function<void()>& kernel) {
  if (shared_bytes > emulation().shared_limit) {
    throw grid_fault("a block has " + std::to_string(emulation().shared_limit) +
                     " bytes of shared memory, not " + std::to_string(shared_bytes));
  }
  static std::mutex one_grid;
  const std::lock_guard<std::mutex> lock(one_grid);
  const grid_place grid{static_cast<int>(size.x), static_cast<int>(size.y), static_cast<int>(size.z)};
  const std::uint64_t seed = emulation().seed;
  const turn_order turns = turns_of(threads, seed);
  for (const int b : order_of(static_cast<int>(size.x * size.y * size.z), seed)) {
    const grid_place place{b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y};
    block(place, grid, threads, shared_bytes).run(kernel, turns);
  }
}

}  // namespace dnalm_test::gpu
