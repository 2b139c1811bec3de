// SPDX-License-Identifier: Apache-2.0
// Products with weights, y = x W^T: every format and instruction set, beside Eigen.
//
//   bench_linear --m 41,328,1280 --nk 1536x512,512x2048 [--formats f32,bf16,int8] [--isas best,avx2]
//                [--threads 1,2] [--repeats 15] [--weights warm,cold] [--gated] [--epilogue gelu_erf]
//                [--no-eigen]
//
// M rows, N output and K input channels. Threads multiply at the same time, each its own rows with the same
// weights, as the workers of embed() do. `warm` multiplies with the same weights again and again, `cold` with
// copies in turn that together exceed every cache, so that each product reads its weights from memory.
// The floor is the larger of 2 M N K operations at the measured peak of the instruction set and, when cold,
// the bytes of the packed weights at the measured read rate. The clock is the threads' processor time.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <barrier>
#include <cmath>
#include <exception>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <dnalm/cpu/linear.hpp>
#include <dnalm/tensor/buffer.hpp>

#include "../support/lists.hpp"
#include "../support/peak.hpp"
#include "../support/report.hpp"
#include "eigen_product.hpp"

namespace {

using namespace dnalm_bench;
using dnalm::activation;
using dnalm::matrix;
using dnalm::packed_weight;
using dnalm::weight_format;

constexpr double cold_bytes = 384.0 * (1 << 20);
constexpr double repetition_seconds = 4e-3;
constexpr double case_seconds = 0.3;  // repeated until both the number and the time are reached

struct setting {
  weight_format format = weight_format::f32;
  dnalm::isa set = dnalm::isa::portable;
  int threads = 1;
  bool cold = false;
  bool gated = false;
  activation function = activation::none;
  bool eigen = true;
  int repeats = 15;
};

matrix<float> random_matrix(index_t rows, index_t columns, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  matrix<float> values(rows, columns);
  for (index_t i = 0; i < rows * columns; ++i) values.data()[i] = uniform(random);
  return values;
}

/// What one thread multiplies.
struct lane {
  matrix<float> x;
  matrix<float> y;
  dnalm::buffer<float> scratch;
  std::size_t next = 0;  // of the weights
};

/// Runs `step(lane)` `inner` times on every thread at once. Wall time of all, mean processor time of a
/// thread.
timing run_lanes(std::vector<lane>& lanes, long inner, const std::function<void(lane&)>& step) {
  std::vector<double> cpu(lanes.size(), 0.0);
  std::barrier together(static_cast<std::ptrdiff_t>(lanes.size()));
  const auto work = [&](std::size_t i) {
    together.arrive_and_wait();
    const stopwatch watch(true);
    for (long n = 0; n < inner; ++n) step(lanes[i]);
    cpu[i] = watch.elapsed().cpu;
  };
  const stopwatch watch(false);
  {
    std::vector<std::jthread> pool;
    for (std::size_t i = 1; i < lanes.size(); ++i) pool.emplace_back(work, i);
    work(0);
  }
  double sum = 0;
  for (const double seconds : cpu) sum += seconds;
  const double scale = 1.0 / static_cast<double>(inner);
  return {watch.elapsed().wall * scale, sum / static_cast<double>(lanes.size()) * scale};
}

/// How often a step runs in one repetition.
long inner_count(std::vector<lane>& lanes, const std::function<void(lane&)>& step) {
  run_lanes(lanes, 1, step);
  const double seconds = run_lanes(lanes, 1, step).cpu;
  return std::max(1L, std::lround(repetition_seconds / std::max(seconds, 1e-7)));
}

std::string format_name(const setting& s) {
  std::string text(to_string(s.format));
  if (s.set != dnalm::choose_isa()) text += "-" + std::string(to_string(s.set));
  return text;
}

std::string case_name(index_t m, weight_shape shape, const setting& s) {
  std::string text = s.gated ? "linear_gated/" : "linear/";
  text += format_name(s) + "/" + std::to_string(m) + "x" + std::to_string(shape.n) + "x" +
          std::to_string(shape.k);
  if (s.function != activation::none) text += "/" + std::string(to_string(s.function));
  return text + (s.cold ? "/cold/t" : "/warm/t") + std::to_string(s.threads);
}

std::vector<lane> make_lanes(index_t m, weight_shape shape, index_t scratch, int threads) {
  std::vector<lane> lanes;
  for (int t = 0; t < threads; ++t) {
    lanes.push_back({random_matrix(m, shape.k, static_cast<unsigned>(t)), matrix<float>(m, shape.n),
                     dnalm::buffer<float>(scratch), static_cast<std::size_t>(t)});
  }
  return lanes;
}

class product_bench {
 public:
  product_bench(index_t m, weight_shape shape, const setting& s, const std::vector<float>& memory)
      : m_(m), shape_(shape), s_(s), memory_(memory), w_(random_matrix(shape.n, shape.k, 99)) {
    weights_.push_back(dnalm::pack_weight(w_.view(), s.format, s.gated));
    bytes_ = static_cast<double>(weights_[0].panel_count() * weights_[0].panel_bytes());
    const double copies = s.cold ? std::ceil(cold_bytes / bytes_) : 1;
    while (static_cast<double>(weights_.size()) < copies) {
      weights_.push_back(dnalm::pack_weight(w_.view(), s.format, s.gated));
    }
    lanes_ = make_lanes(m, shape, dnalm::cpu_linear_scratch(weights_[0]), s.threads);
  }

  void run(report& out) {
    const auto ours = [this](lane& l) { multiply(l); };
    const auto eigen = [this](lane& l) {
      eigen_product(l.x.data(), w_.data(), l.y.data(), m_, shape_.n, shape_.k);
    };
    const bool with_eigen = s_.eigen && !s_.cold && !s_.gated && s_.format == weight_format::f32 &&
                            s_.function == activation::none && s_.set == dnalm::choose_isa();
    peak_meter peak(bound_of(s_.set, s_.format != weight_format::f32), s_.threads);
    repetitions own_times;
    repetitions eigen_times;
    std::vector<double> reads;
    const long own_inner = inner_count(lanes_, ours);
    const long eigen_inner = with_eigen ? inner_count(lanes_, eigen) : 1;
    const stopwatch whole(false);
    for (int r = 0; r < s_.repeats || whole.elapsed().wall < case_seconds; ++r) {
      peak.sample();
      own_times.add(run_lanes(lanes_, own_inner, ours));
      if (with_eigen) eigen_times.add(run_lanes(lanes_, eigen_inner, eigen));
      if (s_.cold && r % 4 == 0) reads.push_back(read_rate(memory_, s_.threads));
    }
    result_row row = make_row(peak, median(reads));
    out.add(row, own_times);
    if (with_eigen) {
      row.who = eigen_version();
      out.add(row, eigen_times);
    }
  }

 private:
  void multiply(lane& l) const {
    const packed_weight& w = weights_[l.next++ % weights_.size()];
    dnalm::linear_epilogue<float> epilogue;
    epilogue.function = s_.function;
    if (s_.gated) {
      const auto half = l.y.view().column_block(0, shape_.n / 2);
      dnalm::cpu_linear_gated(s_.set, l.x.view(), w, epilogue, l.scratch.view(), half);
    } else {
      dnalm::cpu_linear(s_.set, l.x.view(), w, epilogue, l.scratch.view(), l.y.view());
    }
  }
  [[nodiscard]] result_row make_row(const peak_meter& peak, double read) const {
    result_row row{.name = case_name(m_, shape_, s_)};
    row.threads = s_.threads;
    const double flops = 2.0 * static_cast<double>(m_) * static_cast<double>(shape_.n * shape_.k);
    row.work = flops * s_.threads;
    row.floor_seconds = peak.floor_seconds(row.work);
    row.floor = peak.floor_name();
    const double reading = read > 0 ? bytes_ * s_.threads / read : 0;
    if (reading > row.floor_seconds) {
      row.floor_seconds = reading;
      row.floor = "memory at " + std::to_string(read / 1e9) + " GB/s";
    }
    row.more = {{"m", m_},
                {"n", shape_.n},
                {"k", shape_.k},
                {"isa", std::string(to_string(s_.set))},
                {"peak", peak.rate()},
                {"clock", "cpu"}};
    if (read > 0) row.more["memory_read"] = read;
    return row;
  }

  index_t m_;
  weight_shape shape_;
  setting s_;
  const std::vector<float>& memory_;
  matrix<float> w_;
  std::vector<packed_weight> weights_;
  std::vector<lane> lanes_;
  double bytes_ = 0;
};

activation parse_activation(const std::string& text) {
  for (const auto f : {activation::none, activation::gelu_erf, activation::gelu_tanh, activation::silu}) {
    if (text == to_string(f)) return f;
  }
  throw std::invalid_argument("none, gelu_erf, gelu_tanh or silu expected: '" + text + "'");
}

struct arguments {
  std::string m = "41,328,1280";
  std::string nk =
      "1536x512,512x512,4096x512,512x2048,3072x1024,1024x1024,8192x1024,1024x4096,"
      "2304x768,768x768,6144x768,768x3072";
  std::string formats = "f32,bf16";
  std::string isas = "best,avx2";
  std::string threads = "1";
  std::string weights = "warm";
  std::string epilogue = "none";
  bool gated = false;
  bool no_eigen = false;
  int repeats = 15;
};

void run_all(const arguments& a, report& out) {
  const auto weights = split(a.weights, ',');
  const bool any_cold = std::find(weights.begin(), weights.end(), "cold") != weights.end();
  const std::vector<float> memory = any_cold ? memory_to_read() : std::vector<float>();
  setting s;
  s.gated = a.gated;
  s.eigen = !a.no_eigen;
  s.function = parse_activation(a.epilogue);
  s.repeats = a.repeats;
  for (const weight_shape shape : parse_shapes(a.nk)) {
    if (a.gated && shape.n % 2 != 0) throw std::invalid_argument("gated weights have an even N");
    for (const index_t m : parse_sizes(a.m)) {
      for (const auto format : parse_formats(a.formats)) {
        for (const std::string& name : split(a.isas, ',')) {
          const auto set = parse_isa(name);
          if (!set || (name != "best" && *set == dnalm::choose_isa())) continue;
          for (const int threads : parse_threads(a.threads)) {
            for (const std::string& place : weights) {
              if (place != "warm" && place != "cold")
                throw std::invalid_argument("warm or cold expected: " + place);
              s.format = format;
              s.set = *set;
              s.threads = threads;
              s.cold = place == "cold";
              product_bench(m, shape, s, memory).run(out);
            }
          }
        }
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) try {
  arguments a;
  CLI::App app("Products with weights");
  app.add_option("--m", a.m, "rows");
  app.add_option("--nk", a.nk, "output x input channels");
  app.add_option("--formats", a.formats, "f32, bf16, int8");
  app.add_option("--isas", a.isas, "best, portable, avx2, avx512, avx512_bf16");
  app.add_option("--threads", a.threads, "numbers of threads");
  app.add_option("--weights", a.weights, "warm, cold");
  app.add_option("--epilogue", a.epilogue, "none, gelu_erf, gelu_tanh, silu");
  app.add_flag("--gated", a.gated, "the gated product");
  app.add_flag("--no-eigen", a.no_eigen, "without the peer");
  app.add_option("--repeats", a.repeats, "repetitions; more where they take less than 0.3 s")
      ->check(CLI::Range(1, 100000));
  CLI11_PARSE(app, argc, argv);
  report out("bench_linear");
  run_all(a, out);
  out.print();
  return 0;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}
