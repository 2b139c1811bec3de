// SPDX-License-Identifier: Apache-2.0
// Input gradients of every checkpoint under tests/golden/models against PyTorch autograd
// (tests/golden/gradients, made by tests/golden/make/make_gradients.py).
#include <algorithm>
#include <cstdlib>
#include <span>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <support/catch.hpp>
#include <unit/models/gradient_golden_runs.hpp>

namespace {

using dnalm_test::compare_gradients;
using dnalm_test::formula_request;
using dnalm_test::golden_batch;
using dnalm_test::golden_case;
using dnalm_test::golden_cases;
using dnalm_test::golden_models;
using dnalm_test::gradient_gap;
using dnalm_test::read_batch;
using dnalm_test::read_numbers;
using dnalm_test::relative_gap;

bool verbose() {
  return std::getenv("DNALM_TEST_VERBOSE") != nullptr;
}

}  // namespace

TEST_CASE("gradients of every golden model equal PyTorch autograd within 1e-9 in double",
          "[models][gradient]") {
  const auto cases = golden_cases();
  REQUIRE(cases.size() == 36);
  for (const golden_case& item : cases) {
    const auto found = compare_gradients(item, dnalm::reference_backend());
    CHECK(found.size() >= 3);
    double worst = 0.0;
    for (const gradient_gap& one : found) {
      INFO(item.name << " " << one.key);
      CHECK(one.gap < 1e-9);
      worst = std::max(worst, one.gap);
    }
    if (verbose()) WARN(item.name << ": " << worst);
  }
}

TEST_CASE("gradients of every golden model equal PyTorch autograd in float, with every instruction set",
          "[models][gradient]") {
  for (const auto set : {dnalm::isa::portable, dnalm::isa::avx2, dnalm::isa::avx512}) {
    if (!dnalm::supports(set)) continue;
    const auto cases = golden_cases();
    REQUIRE(cases.size() == 36);
    for (const golden_case& item : cases) {
      const auto found = compare_gradients(item, dnalm::cpu_backend(set));
      CHECK(found.size() >= 3);
      double worst = 0.0;
      double share = 0.0;
      for (const gradient_gap& one : found) {
        INFO(item.name << " " << one.key << " " << dnalm::to_string(set));
        CHECK(one.gap < std::max(1e-4, 4.0 * one.pytorch_float_gap));
        worst = std::max(worst, one.gap);
        share = std::max(share, one.gap / one.pytorch_float_gap);
      }
      if (verbose())
        WARN(item.name << " " << dnalm::to_string(set) << ": " << worst << ", " << share
                       << " times PyTorch's own float error");
    }
  }
}

TEST_CASE("the comparison with autograd sees one weight changed by 1e-5", "[models][gradient]") {
  struct nudged final : dnalm::weight_source {
    explicit nudged(const dnalm::weight_source& inner) : inner_(inner) {}
    bool contains(const dnalm::planned_tensor& tensor) const override { return inner_.contains(tensor); }
    void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override {
      inner_.read(tensor, out);
    }
    void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override {
      inner_.read(tensor, out);
      if (tensor.role == dnalm::tensor_role::key_weight && tensor.layer == 1) out[7] += 1e-5;
    }
    const dnalm::weight_source& inner_;
  };
  const auto folder = golden_models / "nt_v2_d8";
  const auto config = dnalm::read_encoder_config(folder);
  const dnalm::checkpoint_source source(dnalm::io::checkpoint::open(folder), dnalm::plan_tensors(config),
                                        "golden");
  const dnalm::reference_encoder network(dnalm::reference_backend(), config, nudged(source));
  const dnalm::io::safetensors_file inputs(folder / "expected.safetensors");
  const dnalm::io::safetensors_file file(dnalm_test::golden_gradients / "nt_v2_d8.safetensors");
  const golden_batch input = read_batch(inputs, "case1.");
  dnalm::reference_encoder::workspace workspace;
  double gap = 0.0;
  const auto compare = [&](const dnalm::basic_input_gradient<double>& gradient) {
    gap = relative_gap(read_numbers(file, "input1.hidden.2"), gradient.words);
  };
  network.gradient({input.ids, input.offsets}, formula_request<double>("hidden.2"), compare, workspace);
  REQUIRE(gap > 1e-8);
}
