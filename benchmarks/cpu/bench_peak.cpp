// SPDX-License-Identifier: Apache-2.0
// What the machine can do at most: multiply-adds of each instruction set, and reading memory.
//
//   bench_peak [--threads 1,2] [--repeats 31] [--megabytes 512]
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "../support/lists.hpp"
#include "../support/peak.hpp"
#include "../support/report.hpp"

namespace {

using namespace dnalm_bench;

constexpr double spin_flops = 2e8;

void measure_spin(spin_kind kind, int threads, int repeats, report& out) {
  repetitions times;
  for (int r = 0; r < repeats; ++r) {
    const stopwatch watch(false);
    const double rate = spin_rate(kind, threads, spin_flops);
    times.add({watch.elapsed().wall, spin_flops * threads / rate});
  }
  result_row row{.name = "peak/" + std::string(to_string(kind)) + "/t" + std::to_string(threads)};
  row.threads = threads;
  row.work = spin_flops * threads;
  row.more["rate"] = row.work / median(times.cpu);
  out.add(row, times);
}

void measure_memory(const std::vector<float>& buffer, int threads, int repeats, report& out) {
  const double bytes = static_cast<double>(buffer.size() * sizeof(float));
  repetitions times;
  for (int r = 0; r < repeats; ++r) {
    const stopwatch watch(false);
    const double rate = read_rate(buffer, threads);
    times.add({watch.elapsed().wall, bytes / rate});
  }
  result_row row{.name = "peak/memory_read/t" + std::to_string(threads)};
  row.threads = threads;
  row.work = bytes;
  row.unit = "byte";
  row.more["rate"] = bytes / median(times.cpu);
  out.add(row, times);
}

}  // namespace

int main(int argc, char** argv) try {
  std::string threads = "1,2";
  int repeats = 31;
  int megabytes = 512;
  CLI::App app("Peaks of this machine");
  app.add_option("--threads", threads, "numbers of threads");
  app.add_option("--repeats", repeats, "repetitions")->check(CLI::Range(1, 100000));
  app.add_option("--megabytes", megabytes, "memory to read")->check(CLI::Range(1, 65536));
  CLI11_PARSE(app, argc, argv);
  report out("bench_peak");
  const std::vector<float> buffer = memory_to_read(static_cast<std::size_t>(megabytes) << 20);
  for (const int t : parse_threads(threads)) {
    for (const spin_kind kind : {spin_kind::fma_avx2, spin_kind::fma_avx512, spin_kind::dot_bf16}) {
      if (available(kind)) measure_spin(kind, t, repeats, out);
    }
    measure_memory(buffer, t, std::max(3, repeats / 4), out);
  }
  out.print();
  return 0;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}
