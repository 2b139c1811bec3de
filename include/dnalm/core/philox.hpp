// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Counter-based random numbers: Philox 4x32-10, keyed by a seed and a stream name.
///
/// A draw is a pure function of (seed, stream, counter), so it never depends on threads, batches or order.
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// One Philox 4x32-10 block: 128 random bits of (counter, key). Verified against the authors' known-answer
/// vectors.
[[nodiscard]] DNALM_HD inline std::array<std::uint32_t, 4> philox_block(std::array<std::uint32_t, 4> counter,
                                                                        std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = 0xD2511F53ULL * counter[0];
    const std::uint64_t p1 = 0xCD9E8D57ULL * counter[2];
    counter = {static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(p1),
               static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

/// 64-bit FNV-1a of a text: turns names (tensors, sequences) into stream numbers.
[[nodiscard]] inline std::uint64_t hash_name(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char letter : text) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3ULL;
  }
  return hash;
}

/// A stream of random numbers for (seed, stream). Copyable; two equal streams give equal numbers.
class philox {
 public:
  explicit philox(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// 32 uniform bits.
  [[nodiscard]] std::uint32_t next_u32() {
    if (used_ == 4) {
      block_ = philox_block({static_cast<std::uint32_t>(counter_), static_cast<std::uint32_t>(counter_ >> 32),
                             static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                            {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
      ++counter_;
      used_ = 0;
    }
    return block_[used_++];
  }
  /// 64 uniform bits.
  [[nodiscard]] std::uint64_t next_u64() {
    const std::uint64_t high = next_u32();
    return (high << 32) | next_u32();
  }
  /// Uniform in [0, 1), 53 bits.
  [[nodiscard]] double uniform() { return static_cast<double>(next_u64() >> 11) * 0x1.0p-53; }
  /// Uniform integer in [0, bound), bound > 0, without bias (rejection).
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t limit = bound * (~std::uint64_t{0} / bound);
    std::uint64_t draw = next_u64();
    while (draw >= limit) draw = next_u64();
    return draw % bound;
  }
  /// Standard normal (Box-Muller, one of the pair is dropped to stay a pure function of the counter).
  [[nodiscard]] double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(6.283185307179586476925 * uniform());
  }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t counter_ = 0;
  std::array<std::uint32_t, 4> block_{};
  unsigned used_ = 4;
};

DNALM_END_NAMESPACE
