// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How many blocks and threads a kernel is started with.
#pragma once

#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Threads of a warp.
inline constexpr int warp_threads = 32;

/// Blocks of a launch.
struct grid_size {
  index_t x = 1;
  index_t y = 1;
  index_t z = 1;
};

/// Place of a block in its grid, or the grid's size as the device sees it.
struct grid_place {
  int x = 0;
  int y = 0;
  int z = 0;
};

/// True when there is work: a grid without blocks is not launched.
[[nodiscard]] inline bool has_blocks(const grid_size& grid) {
  return grid.x > 0 && grid.y > 0 && grid.z > 0;
}

/// \throws error [dnalm.device.601] when no GPU can take such a launch: x up to 2^31 - 1 blocks, y and z up
/// to 65535, whole warps of at most 1024 threads.
inline void check_launch(const grid_size& grid, int threads, index_t shared_bytes) {
  const bool fits = grid.x <= 2147483647 && grid.y <= 65535 && grid.z <= 65535;
  const bool whole = threads >= warp_threads && threads <= 1024 && threads % warp_threads == 0;
  if (fits && whole && shared_bytes >= 0) return;
  throw error(error_kind::device, 601, "a kernel cannot be started with so many blocks or threads",
              {.expected = "at most 2147483647 x 65535 x 65535 blocks of 32, 64, ... 1024 threads",
               .found = std::to_string(grid.x) + " x " + std::to_string(grid.y) + " x " +
                        std::to_string(grid.z) + " blocks of " + std::to_string(threads) + " threads, " +
                        std::to_string(shared_bytes) + " bytes of shared memory"});
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
