// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Queries and keys that are rotated where attention reads them.
///
/// The operations and their order are those of rotate_pairs, and each number is rounded to bfloat16 once: the
/// bits are those of rows that were rotated before.
#pragma once

#include <cstdint>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/detail/attention_fragments.cuh>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/rotary.cuh>
#include <dnalm/cuda/rotary.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Two neighbouring numbers of a table.
struct alignas(8) table_pair {
  float low;
  float high;
};

/// query_fragments after their rotation.
class turned_fragments {
 public:
  DNALM_DEVICE turned_fragments(const half_rows& q, int first, const device_rotary_table& table)
      : source_(q, first), pairs_(static_cast<int>(table.pairs)) {
    paired_ = pairs_ % 2 == 0 && reinterpret_cast<std::uintptr_t>(table.cosine.data) % 8 == 0 &&
              reinterpret_cast<std::uintptr_t>(table.sine.data) % 8 == 0;
    DNALM_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int row = first + lane() / 4 + 8 * half;
      const index_t place = row < static_cast<int>(q.rows) ? row : q.rows - 1;
      cosine_[half] = table.cosine.data + place * pairs_;
      sine_[half] = table.sine.data + place * pairs_;
    }
  }
  /// Channels [c, c + 16).
  DNALM_DEVICE void load(int c, std::uint32_t (&a)[4]) const {
    const int place = c + lane() % 4 * 2;
    a[0] = pair_at(0, place);
    a[1] = pair_at(1, place);
    a[2] = pair_at(0, place + 8);
    a[3] = pair_at(1, place + 8);
    sync_warp();  // as query_fragments
  }

 private:
  /// Channels c and c + 1, c even.
  [[nodiscard]] DNALM_DEVICE std::uint32_t pair_at(int half, int c) const {
    if (c >= 2 * pairs_) return source_.pair_at(half, c);
    if (!paired_) return pack_bf16(number_at(half, c), number_at(half, c + 1));
    const bool first = c < pairs_;
    const int j = first ? c : c - pairs_;
    const std::uint32_t own = source_.pair_at(half, c);
    const std::uint32_t other = source_.pair_at(half, first ? c + pairs_ : j);
    const table_pair cosine = *reinterpret_cast<const table_pair*>(cosine_[half] + j);
    const table_pair sine = *reinterpret_cast<const table_pair*>(sine_[half] + j);
    return pack_bf16(turned(first, low_of(own), low_of(other), cosine.low, sine.low),
                     turned(first, high_of(own), high_of(other), cosine.high, sine.high));
  }
  [[nodiscard]] DNALM_DEVICE float number_at(int half, int c) const {
    const bool first = c < pairs_;
    const int j = first ? c : c - pairs_;
    const bfloat16* row = source_.rows[half];
    return turned(first, to_float(row[c]), to_float(row[first ? c + pairs_ : j]), cosine_[half][j],
                  sine_[half][j]);
  }
  /// A channel of the first or the second half of the rotated ones; `other` is its partner.
  [[nodiscard]] static DNALM_DEVICE float turned(bool first, float own, float other, float cosine,
                                                 float sine) {
    return first ? own * cosine - other * sine : own * cosine + other * sine;
  }
  [[nodiscard]] static DNALM_DEVICE float low_of(std::uint32_t two) {
    return float_from_bf16(static_cast<std::uint16_t>(two));
  }
  [[nodiscard]] static DNALM_DEVICE float high_of(std::uint32_t two) {
    return float_from_bf16(static_cast<std::uint16_t>(two >> 16));
  }

  query_fragments source_;
  const float* cosine_[2];
  const float* sine_[2];
  int pairs_;
  bool paired_;  ///< no two neighbours belong to different halves, and those of the table are read at once
};

/// What attention_short does with queries and keys as it reads them: it rotates them.
struct turned_rows {
  static constexpr bool turns_keys = true;
  device_rotary_table table;

  [[nodiscard]] DNALM_DEVICE turned_fragments queries(const half_rows& q, int first) const {
    return {q, first, table};
  }
  /// The first `count` rows in shared memory, in place. The work of the threads `rank` of `threads`.
  template <int W>
  DNALM_DEVICE void turn_keys(int count, int rank, int threads, bfloat16* keys) const {
    const int pairs = static_cast<int>(table.pairs);
    const int parts = (pairs + 7) / 8;
    for (int i = rank; i < count * parts; i += threads) {
      const int place = i / parts;
      const int j = i % parts * 8;
      rotate_pairs<8>(table, place, j, pairs - j < 8 ? pairs - j : 8, 1.0F,
                      keys + place * half_stride<W> + j);
    }
  }
};

}  // namespace detail::gpu
DNALM_END_NAMESPACE
