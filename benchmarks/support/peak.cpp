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
// each in a register of its own.
#define DNALM_BENCH_TWELVE(step) \
  step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7) step(8) step(9) step(10) step(11)

__attribute__((target("avx2,fma"))) void spin_avx2(long rounds) {
  const __m256 x = _mm256_set1_ps(0.5F);
  const __m256 y = _mm256_set1_ps(0.25F);
#define DNALM_BENCH_DECLARE(i) __m256 a##i = _mm256_set1_ps(float(i));
#define DNALM_BENCH_STEP(i)           \
  a##i = _mm256_fmadd_ps(a##i, x, y); \
  __asm__ volatile("" : "+x"(a##i));
#define DNALM_BENCH_SUM(i) total = _mm256_add_ps(total, a##i);
  DNALM_BENCH_TWELVE(DNALM_BENCH_DECLARE)
  for (long r = 0; r < rounds; ++r) {
    DNALM_BENCH_TWELVE(DNALM_BENCH_STEP)
  }
  __m256 total = _mm256_setzero_ps();
  DNALM_BENCH_TWELVE(DNALM_BENCH_SUM)
  sink = _mm256_cvtss_f32(total);
#undef DNALM_BENCH_DECLARE
#undef DNALM_BENCH_STEP
#undef DNALM_BENCH_SUM
}

__attribute__((target("avx512f"))) void spin_avx512(long rounds) {
  const __m512 x = _mm512_set1_ps(0.5F);
  const __m512 y = _mm512_set1_ps(0.25F);
#define DNALM_BENCH_DECLARE(i) __m512 a##i = _mm512_set1_ps(float(i));
#define DNALM_BENCH_STEP(i)           \
  a##i = _mm512_fmadd_ps(a##i, x, y); \
  __asm__ volatile("" : "+v"(a##i));
#define DNALM_BENCH_SUM(i) total = _mm512_add_ps(total, a##i);
  DNALM_BENCH_TWELVE(DNALM_BENCH_DECLARE)
  for (long r = 0; r < rounds; ++r) {
    DNALM_BENCH_TWELVE(DNALM_BENCH_STEP)
  }
  __m512 total = _mm512_setzero_ps();
  DNALM_BENCH_TWELVE(DNALM_BENCH_SUM)
  sink = _mm512_cvtss_f32(total);
#undef DNALM_BENCH_DECLARE
#undef DNALM_BENCH_STEP
#undef DNALM_BENCH_SUM
}

__attribute__((target("avx512f,avx512bf16,avx512vl,avx512bw"))) void spin_bf16(long rounds) {
  const __m512bh x = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5F), _mm512_set1_ps(0.5F));
#define DNALM_BENCH_DECLARE(i) __m512 a##i = _mm512_set1_ps(float(i));
#define DNALM_BENCH_STEP(i)            \
  a##i = _mm512_dpbf16_ps(a##i, x, x); \
  __asm__ volatile("" : "+v"(a##i));
#define DNALM_BENCH_SUM(i) total = _mm512_add_ps(total, a##i);
  DNALM_BENCH_TWELVE(DNALM_BENCH_DECLARE)
  for (long r = 0; r < rounds; ++r) {
    DNALM_BENCH_TWELVE(DNALM_BENCH_STEP)
  }
  __m512 total = _mm512_setzero_ps();
  DNALM_BENCH_TWELVE(DNALM_BENCH_SUM)
  sink = _mm512_cvtss_f32(total);
#undef DNALM_BENCH_DECLARE
#undef DNALM_BENCH_STEP
#undef DNALM_BENCH_SUM
}
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
  std::vector<double> rates(static_cast<std::size_t>(threads), 0.0);
  std::barrier together(threads);
  const auto work = [&](std::size_t worker) {
    spin(kind, rounds / 16 + 1);
    together.arrive_and_wait();
    const stopwatch watch(true);
    spin(kind, rounds);
    rates[worker] = static_cast<double>(rounds) * flops_of(kind) / watch.elapsed().cpu;
  };
  {
    std::vector<std::jthread> pool;
    for (std::size_t worker = 1; worker < rates.size(); ++worker) pool.emplace_back(work, worker);
    work(0);
  }
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

double read_rate(const std::vector<float>& buffer, int threads) {
  const std::size_t part = buffer.size() / static_cast<std::size_t>(threads) / 64 * 64;
  std::vector<double> rates(static_cast<std::size_t>(threads), 0.0);
  std::vector<float> sums(rates.size(), 0.0F);
  std::barrier together(threads);
  const auto work = [&](std::size_t worker) {
    together.arrive_and_wait();
    const stopwatch watch(true);
    sums[worker] = read_all(buffer.data() + worker * part, part);
    rates[worker] = static_cast<double>(part * sizeof(float)) / watch.elapsed().cpu;
  };
  {
    std::vector<std::jthread> pool;
    for (std::size_t worker = 1; worker < sums.size(); ++worker) pool.emplace_back(work, worker);
    work(0);
  }
  sink = std::accumulate(sums.begin(), sums.end(), 0.0F);
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

std::vector<float> memory_to_read(std::size_t bytes) {
  return std::vector<float>(bytes / sizeof(float), 1.0F);
}

}  // namespace dnalm_bench
