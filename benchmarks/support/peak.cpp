// SPDX-License-Identifier: Apache-2.0
#include "peak.hpp"

#include <algorithm>
#include <barrier>
#include <numeric>
#include <thread>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dnalm_bench {
namespace {

volatile float sink = 0;  // keeps results alive

#if defined(__x86_64__)
// Twelve independent chains hide the latency of the multiply-add on all its ports. The empty assembly keeps
// each in a register of its own (v: any vector register that the instruction set has).
#define DNALM_BENCH_TWELVE(step, ...)                                                                      \
  step(0, __VA_ARGS__) step(1, __VA_ARGS__) step(2, __VA_ARGS__) step(3, __VA_ARGS__) step(4, __VA_ARGS__) \
      step(5, __VA_ARGS__) step(6, __VA_ARGS__) step(7, __VA_ARGS__) step(8, __VA_ARGS__)                  \
          step(9, __VA_ARGS__) step(10, __VA_ARGS__) step(11, __VA_ARGS__)
#define DNALM_BENCH_DECLARE(i, bits) __m##bits a##i = _mm##bits##_set1_ps(float(i));
#define DNALM_BENCH_STEP(i, multiply_add) \
  a##i = multiply_add(a##i, x, y);        \
  __asm__ volatile("" : "+v"(a##i));
#define DNALM_BENCH_SUM(i, bits) total = _mm##bits##_add_ps(total, a##i);

// A function of twelve chains a = multiply_add(a, x, y) in registers of 256 or 512 bits.
#define DNALM_BENCH_SPIN(name, isa, bits, multiply_add, x_value, y_value) \
  __attribute__((target(isa))) void name(long rounds) {                   \
    const auto x = x_value;                                               \
    const auto y = y_value;                                               \
    DNALM_BENCH_TWELVE(DNALM_BENCH_DECLARE, bits)                         \
    for (long r = 0; r < rounds; ++r) {                                   \
      DNALM_BENCH_TWELVE(DNALM_BENCH_STEP, multiply_add)                  \
    }                                                                     \
    __m##bits total = _mm##bits##_setzero_ps();                           \
    DNALM_BENCH_TWELVE(DNALM_BENCH_SUM, bits)                             \
    sink = _mm##bits##_cvtss_f32(total);                                  \
  }

DNALM_BENCH_SPIN(spin_avx2, "avx2,fma", 256, _mm256_fmadd_ps, _mm256_set1_ps(0.5F), _mm256_set1_ps(0.25F))
DNALM_BENCH_SPIN(spin_avx512, "avx512f", 512, _mm512_fmadd_ps, _mm512_set1_ps(0.5F), _mm512_set1_ps(0.25F))
DNALM_BENCH_SPIN(spin_bf16, "avx512f,avx512bf16,avx512vl,avx512bw", 512, _mm512_dpbf16_ps,
                 _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5F), _mm512_set1_ps(0.5F)), x)

#undef DNALM_BENCH_SPIN
#undef DNALM_BENCH_SUM
#undef DNALM_BENCH_STEP
#undef DNALM_BENCH_DECLARE
#undef DNALM_BENCH_TWELVE
#endif

/// Operations of one round.
double flops_of(spin_kind kind) {
  const double lanes = kind == spin_kind::fma_avx2 ? 8 : kind == spin_kind::fma_avx512 ? 16 : 32;
  return 12 * lanes * 2;
}

void spin(spin_kind kind, long rounds) {
#if defined(__x86_64__)
  if (kind == spin_kind::fma_avx2) spin_avx2(rounds);
  if (kind == spin_kind::fma_avx512) spin_avx512(rounds);
  if (kind == spin_kind::dot_bf16) spin_bf16(rounds);
#else
  static_cast<void>(kind);
  static_cast<void>(rounds);
#endif
}

/// Runs warm_up(worker), then all at once work(worker), on `threads` threads. Returns the sum of `amount`
/// over each thread's processor time of the work.
template <class WarmUp, class Work>
double sum_of_rates(int threads, double amount, WarmUp warm_up, Work work) {
  std::vector<double> rates(static_cast<std::size_t>(threads), 0.0);
  std::barrier together(threads);
  const auto run = [&](std::size_t worker) {
    warm_up(worker);
    together.arrive_and_wait();
    const stopwatch watch(true);
    work(worker);
    rates[worker] = amount / watch.elapsed().cpu;
  };
  {
    std::vector<std::jthread> pool;
    for (std::size_t worker = 1; worker < rates.size(); ++worker) pool.emplace_back(run, worker);
    run(0);
  }
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

/// Many sums, so that the loop waits for memory and not for an addition.
float read_all(const float* data, std::size_t size) {
  float sums[64] = {};
  for (std::size_t i = 0; i + 64 <= size; i += 64) {
    for (std::size_t j = 0; j < 64; ++j) sums[j] += data[i + j];
  }
  return std::accumulate(sums, sums + 64, 0.0F);
}

}  // namespace

std::string_view to_string(spin_kind kind) {
  switch (kind) {
    case spin_kind::fma_avx2: return "fma_avx2";
    case spin_kind::fma_avx512: return "fma_avx512";
    case spin_kind::dot_bf16: return "dot_bf16";
  }
  return "?";
}

bool available(spin_kind kind) {
  switch (kind) {
    case spin_kind::fma_avx2: return dnalm::supports(dnalm::isa::avx2);
    case spin_kind::fma_avx512: return dnalm::supports(dnalm::isa::avx512);
    case spin_kind::dot_bf16: return dnalm::supports(dnalm::isa::avx512_bf16);
  }
  return false;
}

spin_kind bound_of(dnalm::isa set, bool bf16) {
  if (set == dnalm::isa::avx512_bf16 && bf16) return spin_kind::dot_bf16;
  return set == dnalm::isa::portable || set == dnalm::isa::avx2 ? spin_kind::fma_avx2 : spin_kind::fma_avx512;
}

double spin_rate(spin_kind kind, int threads, double flops) {
  const long rounds = std::max(1L, static_cast<long>(flops / flops_of(kind)));
  return sum_of_rates(
      threads, static_cast<double>(rounds) * flops_of(kind),
      [&](std::size_t) { spin(kind, rounds / 16 + 1); }, [&](std::size_t) { spin(kind, rounds); });
}

double read_rate(const std::vector<float>& buffer, int threads) {
  const std::size_t part = buffer.size() / static_cast<std::size_t>(threads) / 64 * 64;
  std::vector<float> sums(static_cast<std::size_t>(threads), 0.0F);
  const double rate = sum_of_rates(
      threads, static_cast<double>(part * sizeof(float)), [](std::size_t) {},
      [&](std::size_t worker) { sums[worker] = read_all(buffer.data() + worker * part, part); });
  sink = std::accumulate(sums.begin(), sums.end(), 0.0F);
  return rate;
}

std::vector<float> memory_to_read(std::size_t bytes) {
  return std::vector<float>(bytes / sizeof(float), 1.0F);
}

}  // namespace dnalm_bench
