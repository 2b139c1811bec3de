// SPDX-License-Identifier: Apache-2.0
// GPN's ConvNet and HyenaDNA through load_model(folder, on_cuda()) on the emulation: golden numbers and
// gradients, poolings, batches, precisions, twins.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <dnalm/embed.hpp>
#include <dnalm/models.hpp>
#include <dnalm/models/on_cuda.hpp>
#include <support/cuda_emulation/backend.hpp>
#include <support/same_bits.hpp>
#include <unit/models/golden_runs.hpp>
#include <unit/models/hyena_runs.hpp>

namespace {

using dnalm::index_t;
using dnalm_test::golden_hyena;
using dnalm_test::same_bits;

const std::filesystem::path golden_convnets = std::filesystem::path(DNALM_GOLDEN_DIR) / "convnets";

/// A batch, and where to find what is expected of sequence s: `prefix(s)` + "hidden.1" and so on.
struct expected_batch {
  std::vector<std::int32_t> ids = {};
  dnalm::ragged_offsets offsets = {};
};

/// All hidden states and the logits, sequence after sequence; of each the rows of all outputs in turn.
std::vector<std::vector<float>> outputs_of(const dnalm::model& model, const expected_batch& batch,
                                           index_t sequence) {
  std::vector<std::vector<float>> outputs;
  dnalm::forward_workspace workspace;
  const auto take = [&](dnalm::matrix_view<const float> x) {
    const auto rows = x.row_block(batch.offsets.begin(sequence), batch.offsets.length(sequence));
    outputs.emplace_back();
    for (index_t r = 0; r < rows.rows; ++r) {
      outputs.back().insert(outputs.back().end(), rows.row_data(r), rows.row_data(r) + rows.columns);
    }
  };
  model.forward(
      {batch.ids, batch.offsets}, [&](index_t, dnalm::matrix_view<const float> x) { take(x); },
      [&](dnalm::matrix_view<const float> x) { take(x); }, workspace);
  return outputs;
}

/// The sequences of a golden case of HyenaDNA.
expected_batch hyena_batch(const dnalm::io::safetensors_file& expected) {
  expected_batch batch;
  for (int j = 0; expected.contains("input" + std::to_string(j) + ".ids"); ++j) {
    const auto ids = dnalm_test::read_numbers(expected, "input" + std::to_string(j) + ".ids");
    for (const double id : ids) batch.ids.push_back(static_cast<std::int32_t>(id));
    batch.offsets.append(static_cast<index_t>(ids.size()));
  }
  return batch;
}
dnalm::io::safetensors_file expected_of(const std::string& name) {
  return dnalm::io::safetensors_file(golden_hyena / "expected" / (name + ".safetensors"));
}

/// Largest difference of all outputs of a golden case, in one batch.
double worst_of_hyena(const std::string& name, const dnalm::model& model) {
  const dnalm::io::safetensors_file expected = expected_of(name);
  const expected_batch batch = hyena_batch(expected);
  double worst = 0.0;
  for (index_t s = 0; s < batch.offsets.sequences(); ++s) {
    const auto found = outputs_of(model, batch, s);
    REQUIRE(static_cast<index_t>(found.size()) == model.describe().layers() + 2);
    for (std::size_t o = 0; o < found.size(); ++o) {
      const std::string output = o + 1 == found.size() ? "logits" : "hidden." + std::to_string(o);
      const auto numbers = dnalm_test::read_numbers(expected, "input" + std::to_string(s) + "." + output);
      REQUIRE(numbers.size() == found[o].size());
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const double gap = std::abs(numbers[i] - static_cast<double>(found[o][i]));
        worst = std::isnan(gap) ? 1e300 : std::max(worst, gap);
      }
    }
  }
  return worst;
}

/// Every stored gradient of a golden case of HyenaDNA.
std::vector<dnalm_test::gradient_gap> hyena_gradients(const std::string& name, const dnalm::model& model) {
  const dnalm::io::safetensors_file expected = expected_of(name);
  const expected_batch all = hyena_batch(expected);
  std::vector<std::string> outputs = {"logits"};
  for (index_t layer = 1; layer <= model.describe().layers(); ++layer)
    outputs.push_back("hidden." + std::to_string(layer));
  dnalm::forward_workspace workspace;
  std::vector<dnalm_test::gradient_gap> found;
  for (index_t s = 0; s < all.offsets.sequences(); ++s) {
    const auto ids = std::span<const std::int32_t>(all.ids).subspan(
        static_cast<std::size_t>(all.offsets.begin(s)), static_cast<std::size_t>(all.offsets.length(s)));
    dnalm::ragged_offsets offsets;
    offsets.append(all.offsets.length(s));
    for (const std::string& output : outputs) {
      const std::string key = "input" + std::to_string(s) + ".gradient." + output;
      if (!expected.contains(key)) continue;
      const auto numbers = dnalm_test::read_numbers(expected, key);
      const auto compare = [&](const dnalm::input_gradient& gradient) {
        found.push_back({key, dnalm_test::relative_gap(numbers, gradient.words),
                         dnalm_test::read_numbers(expected, key + ".f32_error")[0]});
      };
      model.input_gradients({ids, offsets}, dnalm_test::formula_request<float>(output), compare, workspace);
    }
  }
  return found;
}

dnalm::model on_gpu(const std::filesystem::path& folder, const dnalm::cuda_options& where = {}) {
  return dnalm::load_model(folder, dnalm::on_cuda(where));
}

/// Three sequences of random tokens.
expected_batch random_batch(const std::vector<index_t>& lengths, std::uint64_t vocabulary) {
  dnalm::philox random(5, dnalm::hash_name("three"));
  expected_batch batch;
  for (const index_t length : lengths) {
    batch.offsets.append(length);
    for (index_t i = 0; i < length; ++i)
      batch.ids.push_back(static_cast<std::int32_t>(random.below(vocabulary)));
  }
  return batch;
}

void check_alone(const dnalm::model& model, const expected_batch& batch) {
  for (index_t s = 0; s < batch.offsets.sequences(); ++s) {
    expected_batch alone;
    alone.offsets.append(batch.offsets.length(s));
    alone.ids.assign(batch.ids.begin() + batch.offsets.begin(s), batch.ids.begin() + batch.offsets.begin(s + 1));
    const auto together = outputs_of(model, batch, s);
    const auto own = outputs_of(model, alone, 0);
    REQUIRE(together.size() == own.size());
    for (std::size_t o = 0; o < own.size(); ++o) CHECK(same_bits(together[o], own[o]));
  }
}

/// Largest difference of two models' mean and max poolings of all layers, as a part of the largest number.
double pooled_gap(const dnalm::model& a, const dnalm::model& b, const std::vector<std::string>& sequences) {
  const dnalm::embed_options options{.poolings = {dnalm::pooling::mean, dnalm::pooling::max}};
  const auto x = dnalm::embed(a, std::span<const std::string>(sequences), options);
  const auto y = dnalm::embed(b, std::span<const std::string>(sequences), options);
  double gap = 0.0;
  double largest = 0.0;
  for (const auto kind : options.poolings) {
    for (const index_t layer : x.layers) {
      for (std::size_t s = 0; s < sequences.size(); ++s) {
        for (std::size_t c = 0; c < x.at(kind, layer).shape(1); ++c) {
          const auto expected = static_cast<double>(y.at(kind, layer)(s, c));
          gap = std::max(gap, std::abs(static_cast<double>(x.at(kind, layer)(s, c)) - expected));
          largest = std::max(largest, std::abs(expected));
        }
      }
    }
  }
  return gap / largest;
}

}  // namespace

TEST_CASE("cuda: GPN reproduces the authors' code within 1e-4, and autograd", "[cuda][convnet]") {
  const dnalm::cuda_backend gpu;
  dnalm::buffer<float> copy;
  const auto download = [&](dnalm::device_matrix<const float> x) -> dnalm::matrix_view<const float> {
    copy = dnalm::buffer<float>(x.rows * x.columns);
    gpu.download(x, {copy.data(), x.rows, x.columns, x.columns});
    return {copy.data(), x.rows, x.columns, x.columns};
  };
  const auto index = dnalm::io::read_json_file(golden_convnets / "INDEX.json");
  for (const auto& item : index.at("cases")) {
    const auto folder = golden_convnets / item.at("name").get<std::string>();
    INFO(folder.filename().string());
    const int inputs = item.at("inputs").get<int>();
    CHECK(dnalm_test::worst_of_network<dnalm::convnet>(folder, inputs, gpu, download).absolute < 1e-4);
    const auto model = on_gpu(folder);
    dnalm::forward_workspace workspace;
    const auto gaps = dnalm_test::compare_stored<float>(
        folder, folder / "gradients.safetensors",
        [&](const dnalm::token_batch& batch, const dnalm::gradient_request& request, const auto& receive) {
          model.input_gradients(batch, request, receive, workspace);
        });
    CHECK(gaps.size() >= 4);
    for (const auto& one : gaps) CHECK(one.gap < std::max(1e-4, 4.0 * one.pytorch_float_gap));
  }
}

TEST_CASE("cuda: HyenaDNA reproduces the published code within 1e-4, and autograd", "[cuda][hyena]") {
  for (const std::string& name : dnalm_test::hyena_cases) {
    INFO(name);
    const auto model = on_gpu(golden_hyena / name);
    CHECK(worst_of_hyena(name, model) < 1e-4);
    const auto gaps = hyena_gradients(name, model);
    CHECK(gaps.size() >= 2);
    for (const auto& one : gaps) {
      INFO(one.key << ": " << one.gap << ", PyTorch " << one.pytorch_float_gap);
      CHECK(one.gap < std::max(1e-4, 4.0 * one.pytorch_float_gap));
    }
  }
}

TEST_CASE("cuda: numbers of convolution networks do not depend on the batch", "[cuda][convnet][hyena]") {
  check_alone(on_gpu(golden_convnets / "gpn_7"), random_batch({21, 1, 40}, 7));
  check_alone(on_gpu(golden_hyena / "hub_tied"), random_batch({30, 1, 17}, 12));
}

TEST_CASE("cuda: poolings of convolution networks are those of the cpu, recorded ones too",
          "[cuda][convnet][hyena]") {
  const std::vector<std::string> sequences{"ACGTACGTTGCA", "TTTACGAAGATTACACC", "GATTACA"};
  for (const auto& folder : {golden_convnets / "gpn_7"}) {
    const auto cpu = dnalm::load_model(folder);
    const auto gpu = on_gpu(folder);
    for (int time = 0; time < 3; ++time) CHECK(pooled_gap(gpu, cpu, sequences) < 1e-4);
  }
}

TEST_CASE("cuda: convolution networks in 16 bits stay near", "[cuda][convnet][hyena]") {
  // As of the encoders: 30 roundings of 2^-9 one after another.
  const std::vector<std::string> sequences{"ACGTACGTTGCA", "TTTACGAAGATTACACC"};
  const auto folder = golden_convnets / "gpn_7";
  const auto half = on_gpu(folder, {.precision = dnalm::cuda_precision::bf16});
  const double gap = pooled_gap(half, dnalm::load_model(folder), sequences);
  CHECK(gap < 30 * 0x1p-9);
  CHECK(gap > 0x1p-16);  // it is another arithmetic than float's
  const auto hyena = on_gpu(golden_hyena / "hub_tied", {.precision = dnalm::cuda_precision::bf16});
  CHECK(worst_of_hyena("hub_tied", hyena) < 0.1);
}

TEST_CASE("cuda: random twins of convolution networks, and networks of another kind",
          "[cuda][convnet][hyena]") {
  const expected_batch batch = random_batch({5, 9}, 6);
  for (const auto& folder : {golden_convnets / "gpn_7", golden_hyena / "hub_tied"}) {
    const auto original = on_gpu(folder);
    const auto twin = outputs_of(dnalm::random_twin(original, 3), batch, 1);
    const auto again = outputs_of(dnalm::random_twin(folder, 3, dnalm::on_cuda()), batch, 1);
    REQUIRE(twin.size() == again.size());
    for (std::size_t o = 0; o < twin.size(); ++o) CHECK(same_bits(twin[o], again[o]));
    CHECK_FALSE(same_bits(twin.back(), outputs_of(original, batch, 1).back()));
    const auto encoder = dnalm::read_network_config(dnalm_test::golden_models / "nt_v2_d8");
    CHECK(dnalm_test::error_id_of([&] {
            static_cast<void>(original.remade(encoder, dnalm::random_source(1, 0.02), 1));
          }) == "dnalm.unsupported.440");
  }
}
