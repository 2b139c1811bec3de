// SPDX-License-Identifier: Apache-2.0
// Causal convolution with a filter as long as the sequence, the filter prepared.
//
//   bench_long_convolution [--sizes 1024x256,32768x128,1048576x32] [--threads 1,2] [--repeats 9]
//
// SIZE is rows x channels, of one sequence; threads share the channels. The floor is 5 N log2 N + 3 N
// operations per channel, N twice the rows (support/forward_flops.hpp), at the multiply-add peak. Numbers are
// hashes of their place, so that peers compute the same; the sample is the last row.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/core/thread_team.hpp>
#include <dnalm/cpu/cpu_backend.hpp>

#include "../support/forward_flops.hpp"
#include "../support/lists.hpp"
#include "../support/peak.hpp"
#include "../support/report.hpp"

namespace {

using namespace dnalm_bench;

/// A number from -0.5 to 0.5 that depends on row, channel and `salt` alone (Prospector's integer hash).
float noise(std::uint32_t row, std::uint32_t channel, std::uint32_t salt) {
  std::uint32_t x = row * 0x9E3779B9U + channel * 0x85EBCA6BU + salt;
  x = (x ^ (x >> 16)) * 0x7FEB352DU;
  x = (x ^ (x >> 15)) * 0x846CA68BU;
  x ^= x >> 16;
  return static_cast<float>(static_cast<double>(x) * std::ldexp(1.0, -32) - 0.5);
}

/// One sequence, its filter, and room for the result.
class convolution_case {
 public:
  convolution_case(index_t rows, index_t channels)
      : x_(rows, channels),
        y_(rows, channels),
        d_(std::vector<float>(static_cast<std::size_t>(channels), 0.5F)),
        filter_(make_filter(rows, channels)) {
    offsets_.append(rows);
    for (index_t r = 0; r < rows; ++r) {
      for (index_t c = 0; c < channels; ++c) {
        x_.data()[r * channels + c] = noise(static_cast<std::uint32_t>(r), static_cast<std::uint32_t>(c), 0);
      }
    }
  }

  void run(const dnalm::cpu_backend& backend, std::vector<float>& scratch) {
    const dnalm::causal_filter* const filters[] = {&filter_};
    const auto channels = static_cast<index_t>(d_.size());
    backend.long_convolution(x_.view(), filters, {d_.data(), channels}, offsets_,
                             {scratch.data(), static_cast<index_t>(scratch.size())}, y_.view());
  }
  [[nodiscard]] std::vector<float> sample() const {
    const float* last = y_.data() + (y_.rows() - 1) * y_.columns();
    return {last, last + std::min<index_t>(8, y_.columns())};
  }

 private:
  /// h(i, c) = noise exp(-4 i / rows).
  static dnalm::causal_filter make_filter(index_t rows, index_t channels) {
    dnalm::matrix<double> taps(dnalm::cpu_backend().filter_taps(rows), channels);
    for (index_t i = 0; i < taps.rows(); ++i) {
      const double decay = i < rows ? std::exp(-4.0 * static_cast<double>(i) / static_cast<double>(rows)) : 0;
      for (index_t c = 0; c < channels; ++c) {
        const float h = noise(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(c), 0x5EEDU);
        taps.data()[i * channels + c] = static_cast<double>(static_cast<float>(h * decay));
      }
    }
    return dnalm::make_causal_filter(taps.view());
  }

  dnalm::matrix<float> x_;
  dnalm::matrix<float> y_;
  std::vector<float> d_;
  dnalm::causal_filter filter_;
  dnalm::ragged_offsets offsets_ = {};
};

/// Runs of one repetition: some milliseconds at least.
template <class Work>
long inner_count(const Work& work) {
  work();
  const stopwatch watch(false);
  work();
  return std::max(1L, std::lround(5e-3 / std::max(watch.elapsed().wall, 1e-7)));
}

void measure(weight_shape size, int threads, int repeats, report& out) {
  convolution_case one(size.n, size.k);
  dnalm::thread_team team(threads);
  const dnalm::cpu_backend backend = dnalm::cpu_backend().on_team(&team);
  std::vector<float> scratch(static_cast<std::size_t>(backend.long_convolution_scratch(size.n, size.k)));
  const auto work = [&] { one.run(backend, scratch); };
  const long inner = inner_count(work);
  peak_meter peak(bound_of(dnalm::choose_isa(), false), threads);
  repetitions times;
  for (int r = 0; r < repeats; ++r) {
    for (int i = 0; i < 3; ++i) peak.sample();
    const stopwatch watch(false);
    for (long i = 0; i < inner; ++i) work();
    const timing t = watch.elapsed();
    const auto runs = static_cast<double>(inner);
    times.add({t.wall / runs, t.cpu / runs / threads});
  }
  result_row row{.name = "long_convolution/f32/" + std::to_string(size.n) + "x" + std::to_string(size.k) +
                         "/t" + std::to_string(threads)};
  row.threads = threads;
  row.work = static_cast<double>(size.k) * long_convolution_flops(static_cast<double>(size.n));
  row.floor_seconds = peak.floor_seconds(row.work);
  row.floor = peak.floor_name();
  row.more = {{"rows", size.n}, {"channels", size.k}, {"peak", peak.rate()}, {"sample", one.sample()}};
  out.add(row, times);
}

}  // namespace

int main(int argc, char** argv) try {
  std::string sizes = "1024x256,32768x128,1048576x32";
  std::string threads = "1,2";
  int repeats = 9;
  CLI::App app("Long convolutions");
  app.add_option("--sizes", sizes, "rows x channels");
  app.add_option("--threads", threads, "numbers of threads");
  app.add_option("--repeats", repeats, "repetitions")->check(CLI::Range(1, 100000));
  CLI11_PARSE(app, argc, argv);
  report out("bench_long_convolution");
  for (const weight_shape size : parse_shapes(sizes)) {
    for (const int t : parse_threads(threads)) measure(size, t, repeats, out);
  }
  out.print();
  return 0;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}
