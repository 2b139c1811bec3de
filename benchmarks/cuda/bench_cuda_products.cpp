// SPDX-License-Identifier: Apache-2.0
// Products with weights on a GPU, rows in float, by shape and precision; device time.
//
//   bench_cuda_products [--m 41,328,4224] [--nk 1536x512,...] [--precisions bf16,f32] [--repeats 15]
//                       [--stated-peak TFLOPS]
//
// The floor is 2 M N K operations at the dense bf16 peak: what a square product of 8192 reaches here, or the
// stated one. Rows are rounded to 16 bits in the measured time, as a model does it.
#include <CLI/CLI.hpp>

#include "../support/report.hpp"
#include "gpu.hpp"

namespace {

using namespace dnalm_bench;

struct arguments {
  std::string m = "41,328,4224,16896";
  std::string nk = "1536x512,512x512,4096x512,512x2048,3072x1024,1024x1024,8192x1024,1024x4096";
  std::string precisions = "bf16,f32";
  int repeats = 15;
  double stated = 0;
};

void measure_shape(const dnalm::cuda_backend& gpu, const std::string& precision, index_t m,
                   const weight_shape& shape, double peak, const arguments& a, report& out) {
  const std::vector<float> numbers = random_floats(shape.n * shape.k, 1);
  const auto w = gpu.pack({numbers.data(), shape.n, shape.k, shape.k});
  const auto x = gpu.upload(random_floats(m * shape.k, 2), m, shape.k);
  auto memory = gpu.allocate(m * shape.n);
  const dnalm::device_matrix<float> y{memory.data(), m, shape.n, shape.n};
  result_row row{.name = "cuda_linear/" + precision + "/" + std::to_string(m) + "x" +
                         std::to_string(shape.n) + "x" + std::to_string(shape.k)};
  row.work = 2 * static_cast<double>(m) * static_cast<double>(shape.n) * static_cast<double>(shape.k);
  row.floor_seconds = row.work / peak;
  row.floor = floor_text(peak, a.stated > 0);
  row.more = {{"clock", "device"}, {"peak", peak}};
  out.add(row, measure_on_device(gpu.stream(), a.repeats, 20, [&] { gpu.linear(x.view(), w, {}, {}, y); }));
}

int run(const arguments& a) {
  report out("bench_cuda_products");
  double peak = a.stated * 1e12;
  for (const auto& [name, precision] : parse_precisions(a.precisions)) {
    const dnalm::cuda_backend gpu({.precision = precision});
    if (peak == 0) peak = measured_peak(gpu);
    out.set("gpu", dnalm::describe(gpu.device()));
    for (const weight_shape& shape : parse_shapes(a.nk)) {
      for (const index_t m : parse_sizes(a.m)) measure_shape(gpu, name, m, shape, peak, a, out);
    }
  }
  out.print();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  arguments a;
  CLI::App app("Products on a GPU");
  app.add_option("--m", a.m, "rows");
  app.add_option("--nk", a.nk, "outputs x inputs");
  app.add_option("--precisions", a.precisions, "f32, tf32, bf16, f16");
  app.add_option("--repeats", a.repeats, "repetitions of 20 products")->check(CLI::Range(1, 100000));
  app.add_option("--stated-peak", a.stated, "dense bf16 TFLOP/s that the card's maker states; 0: measured");
  CLI11_PARSE(app, argc, argv);
  return main_on_gpu("bench_cuda_products", [&] { return run(a); });
}
