// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The words device code is written in: the only file that names what CUDA provides.
///
/// Compiled by nvcc they are the real ones. Compiled by a host compiler with DNALM_CUDA_PLATFORM they come
/// from the header that this macro names (in the tests: threads of a block as fibers on one thread of the
/// CPU). Kernels are function templates, start with whole warps, keep their shared memory in the dynamic one
/// and call warp operations with all 32 lanes.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/detail/launch_size.hpp>
#include <dnalm/cuda/stream.hpp>

#if defined(__CUDACC__)

#include <cuda_runtime.h>

#include <dnalm/cuda/detail/status.cuh>

#define DNALM_KERNEL __global__
#define DNALM_DEVICE __device__ __forceinline__
/// Of a kernel: threads of its blocks, and how many blocks should share a multiprocessor.
#define DNALM_LAUNCH_BOUNDS(threads, blocks) __launch_bounds__(threads, blocks)
/// Before a loop whose length is known.
#define DNALM_UNROLL _Pragma("unroll")

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

[[nodiscard]] DNALM_DEVICE int thread_index() {
  return static_cast<int>(threadIdx.x);
}
[[nodiscard]] DNALM_DEVICE int block_threads() {
  return static_cast<int>(blockDim.x);
}
[[nodiscard]] DNALM_DEVICE grid_place block_index() {
  return {static_cast<int>(blockIdx.x), static_cast<int>(blockIdx.y), static_cast<int>(blockIdx.z)};
}
[[nodiscard]] DNALM_DEVICE grid_place grid_blocks() {
  return {static_cast<int>(gridDim.x), static_cast<int>(gridDim.y), static_cast<int>(gridDim.z)};
}

/// Waits for all threads of the block; what they wrote to memory before is seen after.
DNALM_DEVICE void sync_block() {
  __syncthreads();
}
/// Waits for all lanes of the warp; what they wrote to memory before is seen after.
DNALM_DEVICE void sync_warp() {
  __syncwarp();
}

/// The value of lane `lane() ^ mask`, of lane `from`. T: 4 or 8 bytes.
template <class T>
[[nodiscard]] DNALM_DEVICE T shuffle_xor(T value, int mask) {
  return __shfl_xor_sync(0xFFFFFFFFU, value, mask);
}
template <class T>
[[nodiscard]] DNALM_DEVICE T shuffle(T value, int from) {
  return __shfl_sync(0xFFFFFFFFU, value, from);
}

/// The block's dynamic shared memory, aligned to 128 bytes; what it holds at the start is undefined.
template <class T>
[[nodiscard]] DNALM_DEVICE T* shared_memory() {
  extern __shared__ __align__(128) unsigned char dnalm_shared_memory[];
  return reinterpret_cast<T*>(dnalm_shared_memory);
}

/// 2^x within 2 units in the last place, subnormals as 0; 0 for -infinity.
[[nodiscard]] DNALM_DEVICE float fast_exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/// Two floats as bfloat16, ties to even, `low` in the lower half: a register of a fragment.
[[nodiscard]] DNALM_DEVICE std::uint32_t pack_bf16(float low, float high) {
  std::uint32_t both;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
}

/// d += a b for the tiles a (16 x 16), b (16 x 8), d (16 x 8) of a warp. With g = lane / 4, t = lane % 4 and
/// the lower half of a register first: a[0] = a(g, 2t..), a[1] = a(g + 8, 2t..), a[2] = a(g, 2t + 8..),
/// a[3] = a(g + 8, 2t + 8..); b[0] = b(2t.., g), b[1] = b(2t + 8.., g); d[0..1] = d(g, 2t..), d[2..3] =
/// d(g + 8, 2t..).
/// Source: PTX ISA, mma.m16n8k16 with .bf16.
DNALM_DEVICE void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/// Four 8 x 8 tiles of 16-bit numbers from shared memory: lane 8 i + j gives the address of row j of tile i
/// (16 bytes, aligned to 16) and gets in tiles[i] the numbers (lane / 4, 2 (lane % 4)..) of tile i, the first
/// in the lower half. Source: PTX ISA, ldmatrix.
DNALM_DEVICE void load_tiles(const void* row, std::uint32_t (&tiles)[4]) {
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(tiles[0]), "=r"(tiles[1]), "=r"(tiles[2]), "=r"(tiles[3])
               : "r"(address)
               : "memory");
}
/// As load_tiles, of the transposed tiles: the numbers (2 (lane % 4).., lane / 4) of tile i.
DNALM_DEVICE void load_tiles_transposed(const void* row, std::uint32_t (&tiles)[4]) {
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(tiles[0]), "=r"(tiles[1]), "=r"(tiles[2]), "=r"(tiles[3])
               : "r"(address)
               : "memory");
}

/// Begins to copy 16 bytes to shared memory, both addresses aligned to 16: the first `bytes` of them (0 to
/// 16), zeros for the rest. Done after a copy_wait that covers the copy_commit after it.
DNALM_DEVICE void copy_async(void* shared, const void* global, int bytes = 16) {
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :
               : "r"(address), "l"(__cvta_generic_to_global(global)), "r"(bytes)
               : "memory");
}
/// Closes the group of this thread's copies since the last copy_commit.
DNALM_DEVICE void copy_commit() {
  asm volatile("cp.async.commit_group;" : : : "memory");
}
/// Waits for this thread's groups but the last `Open`. Other threads see the copies after a sync_block.
template <int Open>
DNALM_DEVICE void copy_wait() {
  asm volatile("cp.async.wait_group %0;" : : "n"(Open) : "memory");
}

/// Puts a kernel into a stream. A grid without blocks is no launch.
/// \throws error as error_of when CUDA refuses it or an earlier kernel failed, [dnalm.device.601] as
/// check_launch.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), const grid_size& grid, int threads, index_t shared_bytes,
            cuda_stream stream, Arguments... arguments) {
  if (!has_blocks(grid)) return;
  check_launch(grid, threads, shared_bytes);
  if (shared_bytes > index_t{48} * 1024) {  // more than that is given only to those who ask
    check_runtime(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                       static_cast<int>(shared_bytes)),
                  "shared memory of a kernel");
  }
  const dim3 blocks(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y),
                    static_cast<unsigned>(grid.z));
  kernel<<<blocks, static_cast<unsigned>(threads), static_cast<std::size_t>(shared_bytes),
           static_cast<cudaStream_t>(stream.handle)>>>(arguments...);
  check_runtime(cudaGetLastError(), "start of a kernel");
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE

#elif defined(DNALM_CUDA_PLATFORM)
#include DNALM_CUDA_PLATFORM
#else
#error "device code is compiled by nvcc, or with DNALM_CUDA_PLATFORM naming the header of an emulation"
#endif

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Place of the thread in its warp, and of the warp in its block.
[[nodiscard]] DNALM_DEVICE int lane() {
  return thread_index() % warp_threads;
}
[[nodiscard]] DNALM_DEVICE int warp() {
  return thread_index() / warp_threads;
}

/// Sum and largest over the lanes of the warp, the same bits in every lane. NaN does not become the largest.
template <class T>
[[nodiscard]] DNALM_DEVICE T warp_sum(T value) {
  DNALM_UNROLL
  for (int mask = warp_threads / 2; mask > 0; mask /= 2) value += shuffle_xor(value, mask);
  return value;
}
template <class T>
[[nodiscard]] DNALM_DEVICE T warp_max(T value) {
  DNALM_UNROLL
  for (int mask = warp_threads / 2; mask > 0; mask /= 2) {
    const T other = shuffle_xor(value, mask);
    value = other > value ? other : value;
  }
  return value;
}

/// Sum over the threads of the block, the same bits in every thread. `shared` holds one T per warp; it may be
/// used again after the call.
template <class T>
[[nodiscard]] DNALM_DEVICE T block_sum(T value, T* shared) {
  value = warp_sum(value);
  if (lane() == 0) shared[warp()] = value;
  sync_block();
  T total = shared[0];
  for (int w = 1; w < block_threads() / warp_threads; ++w) total += shared[w];
  sync_block();
  return total;
}
/// Largest over the threads of the block; as block_sum.
template <class T>
[[nodiscard]] DNALM_DEVICE T block_max(T value, T* shared) {
  value = warp_max(value);
  if (lane() == 0) shared[warp()] = value;
  sync_block();
  T largest = shared[0];
  for (int w = 1; w < block_threads() / warp_threads; ++w)
    largest = shared[w] > largest ? shared[w] : largest;
  sync_block();
  return largest;
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
