// SPDX-License-Identifier: Apache-2.0
// Attention alone on a GPU, by head width and length; device time.
//
//   bench_cuda_attention [--head-widths 32,64,128] [--lengths 41,171,1001] [--tokens 65536] [--width 512]
//                        [--types bf16,f32] [--repeats 15] [--stated-peak TFLOPS]
//
// The floor is 4 L D operations per token at the dense bf16 peak (measured, or stated); exponentials, which
// bound short heads, are not in it.
#include <CLI/CLI.hpp>

#include <dnalm/cuda/attention.hpp>
#include <dnalm/cuda/bfloat16.hpp>

#include "../support/report.hpp"
#include "gpu.hpp"

namespace {

using namespace dnalm_bench;

struct arguments {
  std::string head_widths = "32,64,128";
  std::string lengths = "41,171,1001";
  std::string types = "bf16,f32";
  index_t tokens = 65536;
  index_t width = 512;
  int repeats = 15;
  double stated = 0;
};

/// q | k | v of T and room for y on the GPU.
template <class T>
struct operands {
  operands(const dnalm::cuda_backend& gpu, index_t rows, index_t width)
      : memory(std::make_shared<dnalm::detail::device_memory>(gpu.device().number, 0)),
        qkv(memory, rows, 3 * width),
        y(memory, rows, width) {
    const std::vector<float> numbers = random_floats(rows * 3 * width, 1);
    std::vector<T> stored(numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) stored[i] = dnalm::to_stored<T>(numbers[i]);
    dnalm::cuda_upload(gpu.stream(), stored.data(), qkv.data(),
                       {.bytes = static_cast<index_t>(stored.size() * sizeof(T))});
    gpu.synchronize();
  }
  std::shared_ptr<dnalm::detail::device_memory> memory;
  dnalm::device_tensor<T> qkv;
  dnalm::device_tensor<T> y;
};

template <class T>
void measure_case(const dnalm::cuda_backend& gpu, const std::string& type, index_t length, index_t head_width,
                  double peak, const arguments& a, report& out) {
  const index_t sequences = std::max<index_t>(1, a.tokens / length);
  operands<T> o(gpu, sequences * length, a.width);
  std::vector<index_t> starts;
  for (index_t s = 0; s <= sequences; ++s) starts.push_back(s * length);
  dnalm::device_buffer<index_t> offsets(o.memory, sequences + 1);
  dnalm::cuda_upload(gpu.stream(), starts.data(), offsets.data(),
                     {.bytes = static_cast<index_t>(starts.size() * sizeof(index_t))});
  gpu.synchronize();
  const dnalm::device_attention_options options{a.width / head_width,
                                                1.0F / std::sqrt(static_cast<float>(head_width))};
  const auto part = [&](index_t i) { return o.qkv.view().column_block(i * a.width, a.width); };
  const auto tokens = static_cast<double>(sequences * length);
  result_row row{.name = "cuda_attention/" + type + "/L" + std::to_string(length) + "xK" +
                         std::to_string(head_width)};
  row.work = 4 * tokens * static_cast<double>(length) * static_cast<double>(a.width);
  row.floor_seconds = row.work / peak;
  row.floor = floor_text(peak, a.stated > 0);
  row.more = {{"clock", "device"}, {"peak", peak}, {"tokens", tokens}};
  out.add(row, measure_on_device(gpu.stream(), a.repeats, 5, [&] {
            dnalm::cuda_attention<T>(gpu.stream(), part(0), part(1), part(2),
                                     {{offsets.data(), offsets.size()}, length}, options, o.y.view());
          }));
}

int run(const arguments& a) {
  const dnalm::cuda_backend gpu;
  report out("bench_cuda_attention");
  out.set("gpu", dnalm::describe(gpu.device()));
  const double peak = a.stated > 0 ? a.stated * 1e12 : measured_peak(gpu);
  for (const std::string& type : split(a.types, ',')) {
    if (type != "bf16" && type != "f32") throw std::invalid_argument("bf16 or f32 expected: '" + type + "'");
    for (const index_t head_width : parse_sizes(a.head_widths)) {
      if (a.width % head_width != 0) throw std::invalid_argument("--width is no multiple of a head width");
      for (const index_t length : parse_sizes(a.lengths)) {
        if (type == "bf16") {
          measure_case<dnalm::bfloat16>(gpu, type, length, head_width, peak, a, out);
        } else {
          measure_case<float>(gpu, type, length, head_width, peak, a, out);
        }
      }
    }
  }
  out.print();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  arguments a;
  CLI::App app("Attention on a GPU");
  app.add_option("--head-widths", a.head_widths, "channels of a head");
  app.add_option("--lengths", a.lengths, "tokens of a sequence");
  app.add_option("--tokens", a.tokens, "of all sequences")->check(CLI::Range(1, 10000000));
  app.add_option("--width", a.width, "channels of all heads")->check(CLI::Range(1, 100000));
  app.add_option("--types", a.types, "bf16, f32");
  app.add_option("--repeats", a.repeats, "repetitions of 5")->check(CLI::Range(1, 100000));
  app.add_option("--stated-peak", a.stated, "dense bf16 TFLOP/s that the card's maker states; 0: measured");
  CLI11_PARSE(app, argc, argv);
  return main_on_gpu("bench_cuda_attention", [&] { return run(a); });
}
