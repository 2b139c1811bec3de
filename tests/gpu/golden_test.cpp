// SPDX-License-Identifier: Apache-2.0
// The golden models on a real GPU.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <dnalm/cuda/cuda_backend.hpp>
#include <dnalm/cuda/cuda_bf16_backend.hpp>
#include <dnalm/models/detail/encoder_gradient_impl.hpp>
#include <dnalm/models/detail/encoder_impl.hpp>
#include <dnalm/models/device_model_of.hpp>
#include <unit/cuda/downloaded_rows.hpp>
#include <unit/models/gradient_golden_runs.hpp>

using dnalm_test::golden_case;
using dnalm_test::worst_on;

TEST_CASE("gpu: every golden model within 1e-4 in float", "[gpu][golden]") {
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

TEST_CASE("gpu: golden models in 16 bits and tf32 stay near", "[gpu][golden]") {
  // 60 roundings of products one after another, as on the emulation (unit/cuda/cuda_models_test.cpp).
  const dnalm::cuda_backend bf16({.precision = dnalm::cuda_precision::bf16});
  const dnalm::cuda_bf16_backend rows;
  const dnalm::cuda_backend f16({.precision = dnalm::cuda_precision::f16});
  const dnalm::cuda_backend tf32({.precision = dnalm::cuda_precision::tf32});
  std::size_t seen = 0;
  for (const golden_case& item : dnalm_test::golden_cases()) {
    if (item.name != "nt_v2_d8" && item.name != "dnabert2_a3" && item.name != "esm2_bin") continue;
    ++seen;
    INFO(item.name);
    CHECK(worst_on(bf16, item).relative < 60 * 0x1p-9);
    CHECK(worst_on(rows, item).relative < 120 * 0x1p-9);  // rows between products are rounded as often again
    CHECK(worst_on(f16, item).relative < 60 * 0x1p-12);
    CHECK(worst_on(tf32, item).relative < 60 * 0x1p-12);
    CHECK(worst_on(bf16, item).relative > 0x1p-12);  // it is another arithmetic than float's
  }
  REQUIRE(seen == 3);
}

TEST_CASE("gpu: gradients of golden models equal PyTorch autograd in float", "[gpu][golden][gradient]") {
  const dnalm::cuda_backend gpu;
  std::size_t seen = 0;
  for (const golden_case& item : dnalm_test::golden_cases()) {
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
  CHECK(seen >= 3 * 36);
}
