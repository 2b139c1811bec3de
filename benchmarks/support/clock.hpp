// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Clocks of the benchmarks: wall time, and the processor time that a busy machine does not lengthen.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <vector>

namespace dnalm_bench {

inline double seconds_of(clockid_t clock) {
  std::timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Wall time and processor time of a stretch of work.
struct timing {
  double wall = 0;
  double cpu = 0;  ///< of this thread, or of the whole process
};

/// Measures from its construction. `thread`: processor time of the calling thread only.
class stopwatch {
 public:
  explicit stopwatch(bool thread)
      : clock_(thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID),
        wall_(seconds_of(CLOCK_MONOTONIC)),
        cpu_(seconds_of(clock_)) {}
  [[nodiscard]] timing elapsed() const {
    return {seconds_of(CLOCK_MONOTONIC) - wall_, seconds_of(clock_) - cpu_};
  }

 private:
  clockid_t clock_;
  double wall_;
  double cpu_;
};

/// The middle value, or the mean of the two; 0 of none.
inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const std::size_t half = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half), values.end());
  const double upper = values[half];
  if (values.size() % 2 == 1) return upper;
  return (upper + *std::max_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half))) / 2;
}

/// All repetitions of one case.
struct repetitions {
  std::vector<double> wall = {};
  std::vector<double> cpu = {};

  void add(timing t) {
    wall.push_back(t.wall);
    cpu.push_back(t.cpu);
  }
};

}  // namespace dnalm_bench
