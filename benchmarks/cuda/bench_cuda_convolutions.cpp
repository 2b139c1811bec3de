// SPDX-License-Identifier: Apache-2.0
// Hidden states of networks of convolutions on a GPU, of published shapes with random weights; device time.
//
//   bench_cuda_convolutions [--cases hyena_1kb,hyena_32kb,hyena_1m,gpn_512bp,...] [--precisions f32]
//                           [--repeats 9] [--stated-peak TFLOPS]
//
// Filters are made before. The floor is the products' 2 operations per weight and token at the dense bf16
// peak; Fourier transforms, which read and write memory (cuda/long_convolution.hpp), are not in it. The peer
// is benchmarks/peers/cuda_convolutions.py.
#include <CLI/CLI.hpp>

#include <dnalm/models/on_cuda.hpp>
#include <dnalm/models/random_source.hpp>

#include "../support/report.hpp"
#include "gpu.hpp"

namespace {

using namespace dnalm_bench;

struct arguments {
  std::string cases = "hyena_1kb,hyena_32kb,hyena_1m,gpn_512bp,caduceus_1kb,caduceus_131kb";
  std::string precisions = "f32";
  int repeats = 9;
  double stated = 0;
};

/// Sequences of one length.
struct workload {
  index_t sequences = 1;
  index_t length = 0;
};

/// HyenaDNA as published: tiny-1k, small-32k and large-1m by width, blocks and longest input.
dnalm::hyena_config hyena_of(index_t width, index_t layers, index_t positions) {
  dnalm::hyena_config config;
  config.width = width;
  config.layers = layers;
  config.feed_forward = 4 * width;
  config.letters = 12;
  config.vocabulary = 16;
  config.positions = positions;
  config.embedding = 5;
  config.filter_order = 64;
  config.tied_head = true;
  return config;
}
dnalm::convnet_config gpn() {
  dnalm::convnet_config config;
  config.layers = 25;
  config.width = 512;
  config.vocabulary = 7;
  return config;
}

/// Caduceus-PS with 256 channels a strand, as seqlen-1k and seqlen-131k are published.
dnalm::caduceus_config caduceus(index_t layers) {
  dnalm::caduceus_config config;
  config.layers = layers;
  config.channels = 256;
  config.width = 512;
  config.inner = 512;
  config.rank = 16;
  config.vocabulary = 16;
  config.letters = 16;
  config.two_strands = true;
  config.exchanges_strands = true;
  for (std::int32_t v = 0; v < 16; ++v) config.complement.push_back(v >= 7 && v <= 10 ? 17 - v : v);
  return config;
}

/// Weights of the products of all blocks.
double product_weights(const dnalm::caduceus_config& c) {
  const auto e = static_cast<double>(c.inner);
  const auto parts = static_cast<double>(c.rank + 2 * c.states);
  const double block = e * (3 * static_cast<double>(c.channels) + 2 * (parts + static_cast<double>(c.rank)));
  return static_cast<double>(c.layers * c.strands()) * block;
}
double product_weights(const dnalm::hyena_config& c) {
  const auto d = static_cast<double>(c.width);
  return static_cast<double>(c.layers) * (4 * d * d + 2 * d * static_cast<double>(c.feed_forward));
}
double product_weights(const dnalm::convnet_config& c) {
  const auto d = static_cast<double>(c.width);
  return static_cast<double>(c.layers) * static_cast<double>(c.taps + 1) * d * d;
}

template <template <class> class Network, class Config>
void measure(const std::string& name, const std::string& precision, const dnalm::cuda_backend& gpu,
             const Config& config, const workload& work, double peak, const arguments& a, report& out) {
  using network_type = Network<dnalm::cuda_backend>;
  const network_type network(gpu, config, dnalm::random_source(1, config.initializer_range));
  typename network_type::workspace workspace;
  dnalm::ragged_offsets offsets;
  for (index_t s = 0; s < work.sequences; ++s) offsets.append(work.length);
  dnalm::philox random(7, dnalm::hash_name("tokens"));
  std::vector<std::int32_t> ids(static_cast<std::size_t>(offsets.rows()));
  for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random.below(6));
  const auto no_layer = [](index_t, dnalm::device_matrix<const float>) {};
  const auto tokens = static_cast<double>(offsets.rows());
  result_row row{.name = "cuda_convolutions/" + name + "/" + precision};
  row.work = 2 * product_weights(config) * tokens;
  row.floor_seconds = row.work / peak;
  row.floor = floor_text(peak, a.stated > 0) + ", products alone";
  row.more = {{"clock", "device"},
              {"peak", peak},
              {"tokens", tokens},
              {"sequences", work.sequences},
              {"length", work.length}};
  out.add(row, measure_on_device(gpu.stream(), a.repeats, 1, [&] {
            network.forward({ids, offsets, {}}, no_layer, nullptr, workspace);
          }));
}

void measure_case(const std::string& name, const std::string& precision, const dnalm::cuda_backend& gpu,
                  double peak, const arguments& a, report& out) {
  if (name == "hyena_1kb") {
    measure<dnalm::hyena_network>(name, precision, gpu, hyena_of(128, 2, 1026), {128, 1024}, peak, a, out);
  } else if (name == "hyena_32kb") {
    measure<dnalm::hyena_network>(name, precision, gpu, hyena_of(256, 4, 32770), {4, 32768}, peak, a, out);
  } else if (name == "hyena_1m") {
    measure<dnalm::hyena_network>(name, precision, gpu, hyena_of(256, 8, 1000002), {1, 1000000}, peak, a,
                                  out);
  } else if (name == "caduceus_1kb") {
    measure<dnalm::caduceus_network>(name, precision, gpu, caduceus(4), {32, 1000}, peak, a, out);
  } else if (name == "caduceus_131kb") {
    measure<dnalm::caduceus_network>(name, precision, gpu, caduceus(16), {1, 131072}, peak, a, out);
  } else if (name == "gpn_512bp") {
    measure<dnalm::convnet>(name, precision, gpu, gpn(), {64, 512}, peak, a, out);
  } else {
    throw std::invalid_argument("unknown case '" + name + "'");
  }
}

int run(const arguments& a) {
  report out("bench_cuda_convolutions");
  double peak = a.stated * 1e12;
  for (const auto& [precision_name, precision] : parse_precisions(a.precisions)) {
    const dnalm::cuda_backend gpu({.precision = precision});
    out.set("gpu", dnalm::describe(gpu.device()));
    if (peak == 0) peak = measured_peak(gpu);
    for (const std::string& name : split(a.cases, ',')) {
      measure_case(name, precision_name, gpu, peak, a, out);
    }
  }
  out.print();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  arguments a;
  CLI::App app("Networks of convolutions on a GPU");
  app.add_option("--cases", a.cases,
                 "hyena_1kb, hyena_32kb, hyena_1m, gpn_512bp, caduceus_1kb, caduceus_131kb");
  app.add_option("--precisions", a.precisions, "f32, tf32, bf16, f16");
  app.add_option("--repeats", a.repeats, "repetitions")->check(CLI::Range(1, 100000));
  app.add_option("--stated-peak", a.stated, "dense bf16 TFLOP/s that the card's maker states; 0: measured");
  CLI11_PARSE(app, argc, argv);
  return main_on_gpu("bench_cuda_convolutions", [&] { return run(a); });
}
