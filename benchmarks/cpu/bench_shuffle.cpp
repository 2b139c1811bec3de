// SPDX-License-Identifier: Apache-2.0
// Uniform shuffles that keep k-let counts.
//
//   bench_shuffle [--sizes 100,1000,10000] [--k 1,2,3] [--repeats 9]
//
// One thread. Work is counted in letters written; counting the words of a sequence is part of it, once for
// each twenty shuffles, as backgrounds of one sequence are made. There is no floor: the chain of dependent
// steps, not a peak of the machine, bounds the work. Letters are hashes of their place, so that peers shuffle
// the same sequences.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>

#include <dnalm/sequence/shuffle.hpp>

#include "../support/clock.hpp"
#include "../support/lists.hpp"
#include "../support/report.hpp"

namespace {

using namespace dnalm_bench;
constexpr std::uint32_t replicates = 20;

std::string hashed_letters(index_t length) {
  std::string letters(static_cast<std::size_t>(length), 'A');
  for (std::size_t i = 0; i < letters.size(); ++i) {
    std::uint32_t x = static_cast<std::uint32_t>(i) * 0x9E3779B9U + 0x5EEDU;
    x = (x ^ (x >> 16)) * 0x7FEB352DU;
    x = (x ^ (x >> 15)) * 0x846CA68BU;
    letters[i] = "ACGT"[(x >> 16) & 3];
  }
  return letters;
}

void measure(index_t length, index_t k, int repeats, report& out) {
  const std::string letters = hashed_letters(length);
  std::uint64_t sequence = 0;
  std::size_t kept = 0;  // so that nothing is left out
  const auto work = [&] {
    const dnalm::sequence_shuffler shuffler(letters, k);
    ++sequence;
    for (std::uint32_t r = 0; r < replicates; ++r) {
      kept += static_cast<unsigned char>(shuffler.shuffled({.sequence = sequence, .replicate = r}).back());
    }
  };
  work();
  const stopwatch first(false);
  work();
  const long inner = std::max(1L, std::lround(2e-2 / std::max(first.elapsed().wall, 1e-7)));
  repetitions times;
  for (int r = 0; r < repeats; ++r) {
    const stopwatch watch(true);
    for (long i = 0; i < inner; ++i) work();
    const timing t = watch.elapsed();
    times.add({t.wall / static_cast<double>(inner), t.cpu / static_cast<double>(inner)});
  }
  result_row row{.name = "shuffle/k" + std::to_string(k) + "/" + std::to_string(length)};
  row.work = static_cast<double>(length) * replicates;
  row.unit = "letter";
  row.more = {{"letters", length}, {"k", k}, {"replicates", replicates}, {"check", kept % 256}};
  out.add(row, times);
}

}  // namespace

int main(int argc, char** argv) try {
  std::string sizes = "100,1000,10000";
  std::string words = "1,2,3";
  int repeats = 9;
  CLI::App app("Shuffles that keep k-let counts");
  app.add_option("--sizes", sizes, "letters of a sequence");
  app.add_option("--k", words, "lengths of the words");
  app.add_option("--repeats", repeats, "repetitions")->check(CLI::Range(1, 100000));
  CLI11_PARSE(app, argc, argv);
  report out("bench_shuffle");
  for (const std::string& size : split(sizes, ',')) {
    for (const std::string& k : split(words, ',')) measure(parse_size(size), parse_size(k), repeats, out);
  }
  out.print();
  return 0;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}
