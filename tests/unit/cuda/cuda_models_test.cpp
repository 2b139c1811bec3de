// SPDX-License-Identifier: Apache-2.0
// The golden models on the GPU's backend, on the emulation.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <dnalm/models/device_model_of.hpp>
#include <support/cuda_emulation/backend.hpp>
#include <unit/cuda/downloaded_rows.hpp>
#include <unit/cuda/on_gpu.hpp>
#include <unit/models/gradient_golden_runs.hpp>

using dnalm_test::golden_case;
using dnalm_test::worst_on;

TEST_CASE("the cuda backend reproduces every golden model within 1e-4 in float", "[cuda]") {
  const dnalm::cuda_backend gpu;
  const auto cases = dnalm_test::golden_cases();
  REQUIRE(cases.size() == 36);
  for (const golden_case& item : cases) {
    INFO(item.name);
    const double worst = worst_on(gpu, item).absolute;
    if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN(item.name << ": " << worst);
    CHECK(worst < 1e-4);
  }
}

TEST_CASE("gradients of every golden model on the cuda backend equal PyTorch autograd in float",
          "[cuda][gradient]") {
  const dnalm::cuda_backend gpu;
  const auto cases = dnalm_test::golden_cases();
  REQUIRE(cases.size() == 36);
  std::size_t seen = 0;
  for (const golden_case& item : cases) {
    const dnalm::device_model_of<dnalm::cuda_backend> network(dnalm_test::golden_encoder(item, gpu));
    dnalm::forward_workspace workspace;
    const auto run = [&](const dnalm::token_batch& batch, const dnalm::gradient_request& request,
                         const auto& receive) {
      network.input_gradients(batch, request, receive, workspace);
    };
    for (const dnalm_test::gradient_gap& one : dnalm_test::compare_gradients_by<float>(item, run)) {
      INFO(item.name << " " << one.key << ": " << one.gap);
      CHECK(one.gap < std::max(1e-4, 4.0 * one.pytorch_float_gap));
      ++seen;
    }
  }
  CHECK(seen >= 3 * cases.size());
}

namespace {

/// Batches of a golden model.
int inputs_of(const std::string& model) {
  for (const golden_case& item : dnalm_test::golden_cases()) {
    if (item.name == model) return item.inputs;
  }
  return 0;
}

/// Hidden states of every layer and logits of the first batch of a golden model, as host rows; `rows` makes
/// them of a view of the backend's.
template <class B, class Rows>
std::vector<float> states_of(const B& backend, const char* model, const Rows& rows) {
  const auto folder = dnalm_test::golden_models / model;
  const auto config = dnalm::read_encoder_config(folder);
  const dnalm::checkpoint_source source(dnalm::io::checkpoint::open(folder), dnalm::plan_tensors(config),
                                        "golden");
  const dnalm::encoder<B> network(backend, config, source);
  const dnalm::io::safetensors_file file(folder / "expected.safetensors");
  const auto batch = dnalm_test::read_batch(file, "case0.");
  typename dnalm::encoder<B>::workspace workspace;
  std::vector<float> states;
  const auto append = [&](dnalm::input_matrix<B> x) {
    const std::vector<float> values = rows(x);
    states.insert(states.end(), values.begin(), values.end());
  };
  const typename dnalm::encoder<B>::logits_receiver logits = append;
  const auto on_layer = [&](dnalm::index_t, dnalm::input_matrix<B> x) { append(x); };
  network.forward({batch.ids, batch.offsets, batch.types}, on_layer, &logits, workspace);
  return states;
}

}  // namespace

TEST_CASE("an encoder on a GPU hands out device rows, which the backend downloads", "[cuda]") {
  for (const char* model : {"nt_v2_d8", "dnabert2_a3", "bert_grover_shards"}) {
    const dnalm::cuda_backend gpu;
    const auto downloaded = states_of(gpu, model, [&](dnalm::device_matrix<const float> x) {
      std::vector<float> values(static_cast<std::size_t>(x.rows * x.columns));
      gpu.download(x, {values.data(), x.rows, x.columns, x.columns});
      return values;
    });
    const auto seen = states_of(gpu, model, [](dnalm::device_matrix<const float> x) {
      std::vector<float> values;  // the emulated memory is the host's
      for (dnalm::index_t r = 0; r < x.rows; ++r) {
        values.insert(values.end(), x.row_data(r), x.row_data(r) + x.columns);
      }
      return values;
    });
    REQUIRE(downloaded.size() == seen.size());
    REQUIRE(!seen.empty());
    CHECK(std::memcmp(downloaded.data(), seen.data(), seen.size() * sizeof(float)) == 0);
  }
}

TEST_CASE("the cuda backend in 16 bits and tf32 stays near the golden models", "[cuda]") {
  // In each of up to 20 products one after another weights and rows are rounded, by 2^-8 (bf16) or 2^-11 of
  // themselves at most. Were they all of that size and sign, 40 of them would add up to 40; they are not: 30.
  const double roundings = 30;
  for (const char* model : {"nt_v2_d8", "dnabert2_a3", "esm2_bin"}) {
    const auto worst_of = [&](dnalm::cuda_precision precision) {
      return worst_on(dnalm::cuda_backend({.precision = precision}),
                      {.name = model, .layers = 0, .inputs = inputs_of(model)})
          .relative;
    };
    INFO(model);
    const double bf16 = worst_of(dnalm::cuda_precision::bf16);
    const double f16 = worst_of(dnalm::cuda_precision::f16);
    const double tf32 = worst_of(dnalm::cuda_precision::tf32);
    if (std::getenv("DNALM_TEST_VERBOSE") != nullptr)
      WARN(model << ": " << bf16 << " " << f16 << " " << tf32);
    CHECK(bf16 < roundings * 0x1p-9);
    CHECK(f16 < roundings * 0x1p-12);
    CHECK(tf32 < roundings * 0x1p-12);
    CHECK(bf16 > 0x1p-9);  // it is another arithmetic than float's
    CHECK(f16 > 0x1p-12);
    CHECK(tf32 > 0x1p-12);
  }
}
