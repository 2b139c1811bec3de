// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Clocks and peaks of a GPU for the benchmarks, and what a program says without one.
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/cuda/cuda_backend.hpp>

#include "../support/clock.hpp"
#include "../support/lists.hpp"

namespace dnalm_bench {

inline void check_cuda(cudaError_t status) {
  if (status != cudaSuccess) throw std::runtime_error(cudaGetErrorString(status));
}

/// Seconds between two points of a stream, by the GPU's clock.
class device_clock {
 public:
  explicit device_clock(dnalm::cuda_stream stream) : stream_(static_cast<cudaStream_t>(stream.handle)) {
    for (cudaEvent_t& event : events_) check_cuda(cudaEventCreate(&event));
  }
  device_clock(const device_clock&) = delete;
  device_clock& operator=(const device_clock&) = delete;
  ~device_clock() {
    for (cudaEvent_t event : events_) static_cast<void>(cudaEventDestroy(event));
  }
  void start() { check_cuda(cudaEventRecord(events_[0], stream_)); }
  /// Waits for the stream.
  [[nodiscard]] double stop() {
    check_cuda(cudaEventRecord(events_[1], stream_));
    check_cuda(cudaEventSynchronize(events_[1]));
    float milliseconds = 0;
    check_cuda(cudaEventElapsedTime(&milliseconds, events_[0], events_[1]));
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  cudaStream_t stream_;
  std::array<cudaEvent_t, 2> events_ = {};
};

/// `count` calls one after another, twice to warm up, then `repeats` times: device seconds of one call, and
/// the processor seconds that putting it into the stream took.
template <class Call>
repetitions measure_on_device(dnalm::cuda_stream stream, int repeats, int count, const Call& call) {
  device_clock clock(stream);
  repetitions times;
  for (int r = -2; r < repeats; ++r) {
    const stopwatch host(true);
    clock.start();
    for (int i = 0; i < count; ++i) call();
    const double cpu = host.elapsed().cpu;
    const double device = clock.stop();
    if (r >= 0) times.add({device / count, cpu / count});
  }
  return times;
}

inline std::vector<float> random_floats(index_t count, std::uint64_t seed) {
  dnalm::philox random(seed, dnalm::hash_name("bench_cuda"));
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(random.uniform() - 0.5);
  return values;
}

/// Dense bf16 operations a second that cuBLASLt reaches on this card: a square product of 8192, median of 9.
inline double measured_peak(const dnalm::cuda_backend& gpu) {
  constexpr index_t n = 8192;
  const auto memory = std::make_shared<dnalm::detail::device_memory>(gpu.device().number, 0);
  dnalm::device_buffer<std::byte> workspace(memory, dnalm::cuda_matmul::workspace_bytes);
  const dnalm::cuda_matmul matmul(gpu.device().number, n, true, workspace.view());
  // Bits 0x3C to 0x3D of the upper byte: numbers between 2^-7 and 2^-5, so that the card works as on weights.
  std::vector<std::uint16_t> numbers(static_cast<std::size_t>(n * n));
  dnalm::philox random(3, dnalm::hash_name("bench_cuda peak"));
  for (auto& value : numbers) value = static_cast<std::uint16_t>(0x3C00U + random.below(0x200));
  dnalm::device_buffer<std::uint16_t> x(memory, n * n);
  dnalm::device_buffer<float> y(memory, n * n);
  const auto stream = gpu.stream();
  dnalm::cuda_upload(stream, numbers.data(), x.data(), {.bytes = 2 * n * n});
  dnalm::cuda_synchronize(stream);
  const dnalm::matmul_kind kind{
      .outputs = n, .inputs = n, .precision = dnalm::cuda_precision::bf16, .aligned = true};
  const dnalm::matmul_operands operands{
      .rows = n, .x = x.data(), .x_stride = n, .w = x.data(), .w_stride = n, .y = y.data(), .y_stride = n};
  const repetitions times = measure_on_device(stream, 9, 5, [&] { matmul.run(stream, kind, operands); });
  const auto side = static_cast<double>(n);
  return 2 * side * side * side / median(times.wall);
}

/// `bf16 at 700 TFLOP/s, measured`.
inline std::string floor_text(double peak, bool stated) {
  return "bf16 at " + std::to_string(peak / 1e12) + " TFLOP/s, " + (stated ? "stated" : "measured");
}

inline std::vector<std::pair<std::string, dnalm::cuda_precision>> parse_precisions(const std::string& text) {
  using dnalm::cuda_precision;
  const std::vector<std::pair<std::string, cuda_precision>> known{{"f32", cuda_precision::f32},
                                                                  {"tf32", cuda_precision::tf32},
                                                                  {"bf16", cuda_precision::bf16},
                                                                  {"f16", cuda_precision::f16}};
  std::vector<std::pair<std::string, cuda_precision>> found;
  for (const std::string& name : split(text, ',')) {
    const auto one = std::find_if(known.begin(), known.end(), [&](const auto& k) { return k.first == name; });
    if (one == known.end()) throw std::invalid_argument("f32, tf32, bf16 or f16 expected: '" + name + "'");
    found.push_back(*one);
  }
  return found;
}

/// The exit status of a program: that of `run`, 1 for an error, 77 without a GPU, which a document tells.
template <class Run>
int main_on_gpu(const std::string& program, const Run& run) {
  try {
    return run();
  } catch (const dnalm::error& e) {
    const std::set<std::string> missing{"dnalm.device.603", "dnalm.device.604", "dnalm.device.605",
                                        "dnalm.device.606"};
    if (missing.count(e.id()) == 0) {
      std::cerr << e.what() << "\n";
      return 1;
    }
    std::cout << nlohmann::json{{"program", program}, {"missing", e.what()}}.dump() << std::endl;
    return 77;
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
}

}  // namespace dnalm_bench
