// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The words of dnalm/cuda/detail/device.cuh, emulated on the CPU: name it in DNALM_CUDA_PLATFORM.
///
/// What each word means stands beside the real ones in device.cuh.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/detail/launch_size.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/tensor/dtype.hpp>
#include <support/cuda_emulation/block.hpp>
#include <support/cuda_emulation/grid.hpp>
#include <support/cuda_emulation/stream.hpp>
#include <support/cuda_emulation/warp_tiles.hpp>

#define DNALM_KERNEL
#define DNALM_DEVICE inline
#define DNALM_LAUNCH_BOUNDS(threads, blocks)
#define DNALM_UNROLL

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

[[nodiscard]] inline dnalm_test::gpu::block& this_block() {
  return *dnalm_test::gpu::block::running();
}

[[nodiscard]] inline int thread_index() {
  return this_block().thread();
}
[[nodiscard]] inline int block_threads() {
  return this_block().threads();
}
[[nodiscard]] inline grid_place block_index() {
  return this_block().place();
}
[[nodiscard]] inline grid_place grid_blocks() {
  return this_block().grid();
}

inline void sync_block() {
  this_block().meet_block();
}
inline void sync_warp() {
  char nothing = 0;
  this_block().meet_warp("sync_warp", nothing, [](const auto&) {});
}

template <class T>
struct shuffle_argument {
  T value;
  int from;
};
/// Every lane gets the value of the lane it names; the numbers of lanes wrap as on a GPU.
template <class T>
[[nodiscard]] T shuffle(T value, int from) {
  static_assert(std::is_trivially_copyable_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
  using argument = shuffle_argument<T>;
  argument own{value, from};
  this_block().meet_warp("shuffle", own, [](const dnalm_test::gpu::lanes_of<argument>& lanes) {
    T values[warp_threads];
    for (std::size_t l = 0; l < warp_threads; ++l) {
      values[l] = lanes[static_cast<std::size_t>(lanes[l]->from) % warp_threads]->value;
    }
    for (std::size_t l = 0; l < warp_threads; ++l) lanes[l]->value = values[l];
  });
  return own.value;
}
template <class T>
[[nodiscard]] T shuffle_xor(T value, int mask) {
  return shuffle(value, (thread_index() % warp_threads) ^ mask);
}

template <class T>
[[nodiscard]] T* shared_memory() {
  return static_cast<T*>(this_block().shared());
}

[[nodiscard]] inline float fast_exp2(float x) {
  return std::exp2(x);
}
[[nodiscard]] inline std::uint32_t pack_bf16(float low, float high) {
  return bf16_from_float(low) | static_cast<std::uint32_t>(bf16_from_float(high)) << 16;
}

inline void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  dnalm_test::gpu::mma_argument own{d, a, b};
  this_block().meet_warp("mma_bf16", own, dnalm_test::gpu::multiply_tiles);
}

/// load_tiles and load_tiles_transposed.
inline void load_tiles_as(const char* operation, bool transposed, const void* row,
                          std::uint32_t (&tiles)[4]) {
  if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) {
    throw dnalm_test::gpu::grid_fault(this_block().name(thread_index()) + ": " + operation +
                                      " not aligned to 16");
  }
  dnalm_test::gpu::tiles_argument own{row, tiles};
  this_block().meet_warp(operation, own, [transposed](const auto& lanes) {
    dnalm_test::gpu::distribute_tiles(lanes, transposed);
  });
}
inline void load_tiles(const void* row, std::uint32_t (&tiles)[4]) {
  load_tiles_as("load_tiles", false, row, tiles);
}
inline void load_tiles_transposed(const void* row, std::uint32_t (&tiles)[4]) {
  load_tiles_as("load_tiles_transposed", true, row, tiles);
}

inline void copy_async(void* shared, const void* global, int bytes = 16) {
  this_block().copy_later(shared, global, bytes);
}
inline void copy_commit() {
  this_block().close_copies();
}
template <int Open>
void copy_wait() {
  this_block().make_copies(Open);
}

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), const grid_size& grid, int threads, index_t shared_bytes,
            cuda_stream stream, Arguments... arguments) {
  if (!has_blocks(grid)) return;
  check_launch(grid, threads, shared_bytes);
  dnalm_test::gpu::put_into(
      stream, [=] { dnalm_test::gpu::run_grid(grid, threads, shared_bytes, [&] { kernel(arguments...); }); });
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
