// SPDX-License-Identifier: Apache-2.0
// Kernels beside products: attention, layer_norm, gated, activation_vjp, softmax, rotary; one thread.
//
//   bench_kernels [--lengths 41,171,1001] [--head-widths 32,64] [--heads 16] [--rows 512] [--widths 512,1024]
//                 [--only attention,layer_norm] [--isas best,avx2] [--formats f32,bf16] [--repeats 15]
//                 [--vjp]
//
// Floors: attention 4 L^2 D operations (its adjoint 14 L^2 D) at the measured multiply-add peak; exponentials
// are not in it. The others the bytes that they read and write at least, at the rate at which memcpy moves as
// many in the same run (they stay in the second-level cache for 512 rows).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/cpu/attention.hpp>
#include <dnalm/cpu/gated.hpp>
#include <dnalm/cpu/layer_norm.hpp>
#include <dnalm/cpu/rotary.hpp>
#include <dnalm/cpu/softmax.hpp>
#include <dnalm/tensor/buffer.hpp>

#include "../support/lists.hpp"
#include "../support/peak.hpp"
#include "../support/report.hpp"

namespace {

using namespace dnalm_bench;
using dnalm::activation;
using dnalm::matrix;

constexpr double repetition_seconds = 3e-3;

matrix<float> random_matrix(index_t rows, index_t columns, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-2.0F, 2.0F);
  matrix<float> values(rows, columns);
  for (index_t i = 0; i < rows * columns; ++i) values.data()[i] = uniform(random);
  return values;
}

struct arguments {
  std::string lengths = "41,171,1001";
  std::string head_widths = "32,64";
  index_t heads = 16;
  index_t rows = 512;
  std::string widths = "512,768,1024";
  std::string only = "attention,layer_norm,gated,activation_vjp,softmax,rotary";
  std::string isas = "best,avx2";
  std::string formats = "f32,bf16";
  int repeats = 15;
  bool vjp = false;
};

/// Measures kernels on one instruction set.
class kernel_bench {
 public:
  kernel_bench(const arguments& a, dnalm::isa set, report& out) : a_(a), set_(set), out_(out) {}

  void run() {
    for (const std::string& family : split(a_.only, ',')) run_family(family);
  }

 private:
  using step = std::function<void()>;

  void run_family(const std::string& family) {
    if (family == "attention") return attention_cases();
    const bool known = family == "layer_norm" || family == "gated" || family == "activation_vjp" ||
                       family == "softmax" || family == "rotary";
    if (!known) throw std::invalid_argument("unknown kernel '" + family + "'");
    for (const index_t width : parse_sizes(a_.widths)) {
      if (family == "layer_norm") layer_norm_case(width);
      if (family == "gated") gated_cases(width);
      if (family == "activation_vjp") activation_cases(width);
      if (family == "softmax") softmax_case(width);
      if (family == "rotary") rotary_case(width);
    }
  }

  [[nodiscard]] static long inner_count(const step& work) {
    work();
    const stopwatch watch(true);
    work();
    return std::max(1L, std::lround(repetition_seconds / std::max(watch.elapsed().cpu, 1e-7)));
  }
  [[nodiscard]] static timing run_inner(const step& work, long inner) {
    const stopwatch watch(true);
    for (long i = 0; i < inner; ++i) work();
    const timing t = watch.elapsed();
    return {t.wall / static_cast<double>(inner), t.cpu / static_cast<double>(inner)};
  }
  [[nodiscard]] std::string name(const std::string& kernel, const std::string& size) const {
    const bool best = set_ == dnalm::choose_isa();
    return kernel + (best ? "" : "-" + std::string(to_string(set_))) + "/" + size + "/t1";
  }

  /// A kernel of `flops` operations.
  void compute_case(const std::string& kernel, const std::string& size, index_t rows, double flops,
                    const step& work, bool rounded = false) {
    peak_meter peak(bound_of(set_, rounded), 1);
    repetitions times;
    const long inner = inner_count(work);
    for (int r = 0; r < a_.repeats; ++r) {
      peak.sample();
      times.add(run_inner(work, inner));
    }
    result_row row{.name = name(kernel, size)};
    row.work = flops;
    row.floor_seconds = peak.floor_seconds(flops);
    row.floor = peak.floor_name();
    add(row, rows, times);
  }
  /// A kernel that reads and writes `numbers` floats in all. In place it touches half as much memory, and so
  /// does the copy beside it: forth and back between two quarters.
  void memory_case(const std::string& kernel, const std::string& size, index_t rows, index_t numbers,
                   const step& work, bool in_place = false) {
    const auto part = static_cast<std::size_t>(numbers / (in_place ? 4 : 2));
    std::vector<float> from(part, 1.0F);
    std::vector<float> to(part);
    const step copy = [&] {
      std::memcpy(to.data(), from.data(), part * sizeof(float));
      __asm__ volatile("" ::"r"(to.data()) : "memory");
      if (!in_place) return;
      std::memcpy(from.data(), to.data(), part * sizeof(float));
      __asm__ volatile("" ::"r"(from.data()) : "memory");
    };
    repetitions times;
    repetitions copies;
    const long inner = inner_count(work);
    const long copy_inner = inner_count(copy);
    for (int r = 0; r < a_.repeats; ++r) {
      copies.add(run_inner(copy, copy_inner));
      times.add(run_inner(work, inner));
    }
    result_row row{.name = name(kernel, size)};
    row.work = static_cast<double>(numbers) * sizeof(float);
    row.unit = "byte";
    row.floor_seconds = median(copies.cpu);
    row.floor = "memcpy at " + std::to_string(row.work / row.floor_seconds / 1e9) + " GB/s read and written";
    add(row, rows, times);
  }
  void add(result_row& row, index_t rows, const repetitions& times) {
    row.more["isa"] = std::string(to_string(set_));
    row.more["clock"] = "cpu";
    row.more["nanoseconds_per_row"] = 1e9 * median(times.cpu) / static_cast<double>(rows);
    out_.add(row, times);
  }

  void attention_cases() {
    for (const index_t length : parse_sizes(a_.lengths)) {
      for (const index_t width : parse_sizes(a_.head_widths)) attention_case(length, width);
    }
  }
  /// As many sequences as about 500 tokens hold, q, k and v as column blocks of one matrix.
  void attention_case(index_t length, index_t head_width) {
    const index_t d = a_.heads * head_width;
    const index_t sequences = std::max<index_t>(1, 500 / length);
    dnalm::ragged_offsets offsets;
    for (index_t s = 0; s < sequences; ++s) offsets.append(length);
    const index_t rows = offsets.rows();
    const matrix<float> qkv = random_matrix(rows, 3 * d, 1);
    matrix<float> y(rows, d);
    const dnalm::attention_options<float> options{
        .heads = a_.heads, .score_scale = 1.0F / std::sqrt(static_cast<float>(head_width))};
    const auto part = [&](index_t i) { return qkv.view().column_block(i * d, d); };
    const double pairs = static_cast<double>(sequences * length * length) * static_cast<double>(d);
    const std::string size =
        "L" + std::to_string(length) + "xH" + std::to_string(a_.heads) + "xK" + std::to_string(head_width);
    dnalm::buffer<float> scratch(dnalm::cpu_attention_scratch(length, head_width));
    matrix<float> dq(rows, d);
    matrix<float> dk(rows, d);
    matrix<float> dv(rows, d);
    for (const dnalm::weight_format format : parse_formats(a_.formats)) {
      const bool rounded = format != dnalm::weight_format::f32 && set_ == dnalm::isa::avx512_bf16;
      if (format != dnalm::weight_format::f32 && !rounded) continue;  // the same as f32
      compute_case(
          rounded ? "attention_bf16" : "attention", size, rows, 4 * pairs,
          [&] {
            dnalm::cpu_attention(set_, format, part(0), part(1), part(2), offsets, options, scratch.view(),
                                 y.view());
          },
          rounded);
      if (!a_.vjp) continue;
      dnalm::buffer<float> more(dnalm::cpu_attention_vjp_scratch(set_, format, length, head_width));
      compute_case(
          rounded ? "attention_vjp_bf16" : "attention_vjp", size, rows, 10 * pairs,
          [&] {
            dnalm::cpu_attention_vjp(set_, format, part(0), part(1), part(2), offsets, options, y.view(),
                                     more.view(), dq.view(), dk.view(), dv.view());
          },
          rounded);
    }
  }

  [[nodiscard]] std::string size_name(index_t width) const {
    return std::to_string(a_.rows) + "x" + std::to_string(width);
  }
  void layer_norm_case(index_t width) {
    const matrix<float> x = random_matrix(a_.rows, width, 2);
    matrix<float> y(a_.rows, width);
    const dnalm::buffer<float> gamma(width);
    memory_case("layer_norm", size_name(width), a_.rows, 2 * a_.rows * width,
                [&] { dnalm::cpu_layer_norm(set_, x.view(), gamma.view(), gamma.view(), 1e-5F, y.view()); });
    if (!a_.vjp) return;
    const matrix<float> dy = random_matrix(a_.rows, width, 3);
    memory_case("layer_norm_vjp", size_name(width), a_.rows, 3 * a_.rows * width,
                [&] { dnalm::cpu_layer_norm_vjp(set_, x.view(), gamma.view(), 1e-5F, dy.view(), y.view()); });
  }
  void gated_cases(index_t width) {
    const matrix<float> x = random_matrix(a_.rows, 2 * width, 4);
    matrix<float> y(a_.rows, width);
    for (const activation f : {activation::silu, activation::gelu_erf, activation::gelu_tanh}) {
      memory_case("gated_" + std::string(to_string(f)), size_name(width), a_.rows, 3 * a_.rows * width,
                  [&] { dnalm::cpu_gated(set_, x.view(), f, y.view()); });
    }
  }
  void activation_cases(index_t width) {
    const matrix<float> z = random_matrix(a_.rows, width, 5);
    const matrix<float> dy = random_matrix(a_.rows, width, 6);
    matrix<float> dz(a_.rows, width);
    for (const activation f : {activation::silu, activation::gelu_erf, activation::gelu_tanh}) {
      memory_case("activation_vjp_" + std::string(to_string(f)), size_name(width), a_.rows,
                  3 * a_.rows * width,
                  [&] { dnalm::cpu_activation_vjp(set_, z.view(), f, dy.view(), dz.view()); });
    }
  }
  /// In place: each call takes the probabilities of the one before, which are as good as any numbers.
  void softmax_case(index_t width) {
    matrix<float> x = random_matrix(a_.rows, width, 7);
    memory_case(
        "softmax", size_name(width), a_.rows, 2 * a_.rows * width,
        [&] { dnalm::cpu_softmax_rows(set_, x.view()); }, true);
  }
  /// Sequences of 171 tokens, whole heads rotated.
  void rotary_case(index_t width) {
    const index_t head_width = width / a_.heads / 2 * 2;
    if (head_width == 0) return;
    dnalm::ragged_offsets offsets;
    while (offsets.rows() < a_.rows) offsets.append(std::min<index_t>(171, a_.rows - offsets.rows()));
    std::vector<float> frequencies;
    for (index_t j = 0; j < head_width / 2; ++j) {
      frequencies.push_back(dnalm::rotary_frequency(j, head_width, 10000.0F));
    }
    const auto table = dnalm::make_rotary_table<float>(frequencies, 171);
    matrix<float> x = random_matrix(a_.rows, a_.heads * head_width, 8);
    memory_case(
        "rotary", size_name(a_.heads * head_width), a_.rows, 2 * a_.rows * a_.heads * head_width,
        [&] { dnalm::cpu_rotary(set_, table, offsets, a_.heads, x.view()); }, true);
  }

  const arguments& a_;
  dnalm::isa set_;
  report& out_;
};

}  // namespace

int main(int argc, char** argv) try {
  arguments a;
  CLI::App app("Kernels beside products");
  app.add_option("--lengths", a.lengths, "tokens of a sequence, for attention");
  app.add_option("--head-widths", a.head_widths, "channels of a head");
  app.add_option("--heads", a.heads, "heads")->check(CLI::Range(1, 1024));
  app.add_option("--rows", a.rows, "rows, for the others")->check(CLI::Range(1, 1000000));
  app.add_option("--widths", a.widths, "columns, for the others");
  app.add_option("--only", a.only, "families");
  app.add_option("--isas", a.isas, "best, portable, avx2, avx512, avx512_bf16");
  app.add_option("--formats", a.formats,
                 "of attention: f32, bf16 (where the CPU multiplies pairs of bfloat16)");
  app.add_option("--repeats", a.repeats, "repetitions")->check(CLI::Range(1, 100000));
  app.add_flag("--vjp", a.vjp, "adjoints of attention and layer_norm too");
  CLI11_PARSE(app, argc, argv);
  report out("bench_kernels");
  for (const std::string& isa : split(a.isas, ',')) {
    const auto set = parse_isa(isa);
    if (!set || (isa != "best" && *set == dnalm::choose_isa())) continue;
    kernel_bench(a, *set, out).run();
  }
  out.print();
  return 0;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}
