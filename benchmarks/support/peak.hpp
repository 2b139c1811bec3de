// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What this CPU can do at most, measured: multiply-adds a second, bytes a second from memory.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/cpu/isa.hpp>

#include "clock.hpp"

namespace dnalm_bench {

/// Which multiply-add.
enum class spin_kind {
  fma_avx2,    ///< 256-bit vfmadd231ps
  fma_avx512,  ///< 512-bit vfmadd231ps
  dot_bf16     ///< 512-bit vdpbf16ps, two products a lane
};

[[nodiscard]] std::string_view to_string(spin_kind kind);
[[nodiscard]] bool available(spin_kind kind);

/// The multiply-add that bounds products of an instruction set; `bf16`: with weights in bf16 or int8.
/// portable has none of its own and is held against AVX2.
[[nodiscard]] spin_kind bound_of(dnalm::isa set, bool bf16);

/// Runs about `flops` operations on registers on each of `threads` threads at once. Returns operations a
/// second of all threads together, from each thread's processor time.
[[nodiscard]] double spin_rate(spin_kind kind, int threads, double flops = 2e8);

/// Reads `buffer` (a multiple of 256 bytes per thread) on `threads` threads at once, each its own part. Bytes
/// a second of all together, from each thread's processor time.
[[nodiscard]] double read_rate(const std::vector<float>& buffer, int threads);

/// A buffer far beyond the caches.
[[nodiscard]] std::vector<float> memory_to_read(std::size_t bytes = std::size_t{512} << 20);

/// Medians of spin_rate, taken again and again while a benchmark runs.
class peak_meter {
 public:
  peak_meter(spin_kind kind, int threads) : kind_(kind), threads_(threads) {}
  /// One more measurement, of a few milliseconds.
  void sample() {
    if (available(kind_)) rates_.push_back(spin_rate(kind_, threads_));
  }
  /// Operations a second; 0 when this CPU has not the instruction.
  [[nodiscard]] double rate() const { return median(rates_); }
  [[nodiscard]] spin_kind kind() const { return kind_; }
  /// Seconds that `flops` operations take at least; 0 when nothing is known.
  [[nodiscard]] double floor_seconds(double flops) const { return rate() > 0 ? flops / rate() : 0; }
  /// What such a floor is, for people.
  [[nodiscard]] std::string floor_name() const {
    return std::string(to_string(kind_)) + " at " + std::to_string(rate() / 1e9) + " GFLOP/s";
  }

 private:
  spin_kind kind_;
  int threads_;
  std::vector<double> rates_;
};

}  // namespace dnalm_bench
