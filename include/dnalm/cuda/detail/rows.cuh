// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What kernels on rows share: who works on a row, and 16 bytes at a time.
///
/// Which numbers of a row a thread takes, and in which order they are added up, depends on the row's width
/// and storage type alone: not on its place, its alignment or the number of rows.
#pragma once

#include <cstdint>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/stream.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Numbers of a row that a thread takes at a time: 16 bytes.
template <class Stored>
inline constexpr int pack_of = 16 / static_cast<int>(sizeof(Stored));

template <class Stored>
struct alignas(16) sixteen_bytes {
  Stored values[pack_of<Stored>];
};

[[nodiscard]] DNALM_DEVICE bool is_aligned(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) % 16 == 0;
}

/// to[i] = from[i] for i < count, 0 for the rest. Where the address allows, 16 bytes at a time.
template <int N, class Stored>
DNALM_DEVICE void load_numbers(const Stored* from, int count, float (&to)[N]) {
  constexpr int pack = pack_of<Stored>;
  static_assert(N % pack == 0);
  if (count == N && is_aligned(from)) {
    DNALM_UNROLL
    for (int i = 0; i < N; i += pack) {
      const sixteen_bytes<Stored> part = *reinterpret_cast<const sixteen_bytes<Stored>*>(from + i);
      DNALM_UNROLL
      for (int j = 0; j < pack; ++j) to[i + j] = to_float(part.values[j]);
    }
    return;
  }
  DNALM_UNROLL
  for (int i = 0; i < N; ++i) to[i] = i < count ? to_float(from[i]) : 0.0F;
}

/// to[i] = from[i] for i < count.
template <int N, class Stored>
DNALM_DEVICE void store_numbers(const float (&from)[N], int count, Stored* to) {
  constexpr int pack = pack_of<Stored>;
  static_assert(N % pack == 0);
  if (count == N && is_aligned(to)) {
    DNALM_UNROLL
    for (int i = 0; i < N; i += pack) {
      sixteen_bytes<Stored> part;
      DNALM_UNROLL
      for (int j = 0; j < pack; ++j) part.values[j] = to_stored<Stored>(from[i + j]);
      *reinterpret_cast<sixteen_bytes<Stored>*>(to + i) = part;
    }
    return;
  }
  DNALM_UNROLL
  for (int i = 0; i < N; ++i) {
    if (i < count) to[i] = to_stored<Stored>(from[i]);
  }
}

/// The threads that work on one row: a warp, or a whole block with one float of shared memory per warp.
template <int Threads>
struct row_team {
  [[nodiscard]] DNALM_DEVICE int rank() const { return thread_index() % Threads; }
  /// Over the threads of the team; all get the same bits.
  [[nodiscard]] DNALM_DEVICE float sum(float value) const {
    if constexpr (Threads == warp_threads) {
      return warp_sum(value);
    } else {
      return block_sum(value, shared_memory<float>());
    }
  }
  [[nodiscard]] DNALM_DEVICE float max(float value) const {
    if constexpr (Threads == warp_threads) {
      return warp_max(value);
    } else {
      return block_max(value, shared_memory<float>());
    }
  }
  /// Calls visit(c, count) for the parts [c, c + count), count <= N, of a row that are this thread's.
  template <int N, class Visit>
  DNALM_DEVICE void for_each_part(int columns, const Visit& visit) const {
    for (int c = rank() * N; c < columns; c += Threads * N) visit(c, columns - c < N ? columns - c : N);
  }
};

/// operation(row, team) for every row, each by a team of its own.
template <int Threads, class Operation>
DNALM_KERNEL void rows_kernel(index_t rows, Operation operation) {
  const int teams = block_threads() / Threads;
  const index_t row = index_t{block_index().x} * teams + thread_index() / Threads;
  if (row < rows) operation(row, row_team<Threads>{});
}

/// Up to this width a warp works on a row, beyond it a block.
inline constexpr index_t widest_warp_row = 1024;

/// \throws error [dnalm.device.602] for rows of 2^30 numbers and more: they are numbered in 32 bits.
inline void check_columns(index_t columns) {
  if (columns < index_t{1} << 30) return;
  throw error(error_kind::device, 602, "a row is too long for the GPU's kernels",
              {.expected = "less than 1073741824 columns", .found = std::to_string(columns)});
}

/// Starts an operation on rows of `columns` numbers. Without rows or columns nothing is started.
/// \throws as check_columns and launch
template <class Operation>
void launch_rows(cuda_stream stream, index_t rows, index_t columns, const Operation& operation) {
  if (rows == 0 || columns == 0) return;
  check_columns(columns);
  if (columns <= widest_warp_row) {
    launch(rows_kernel<warp_threads, Operation>, {.x = (rows + 3) / 4}, 4 * warp_threads, 0, stream, rows,
           operation);
  } else {
    constexpr int threads = 256;
    launch(rows_kernel<threads, Operation>, {.x = rows}, threads, threads / warp_threads * index_t{4}, stream,
           rows, operation);
  }
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
