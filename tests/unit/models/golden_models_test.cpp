// SPDX-License-Identifier: Apache-2.0
// Every checkpoint under tests/golden/models against what the reference implementations computed from it.
#include <cstdlib>
#include <span>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/catch.hpp>
#include <unit/models/golden_runs.hpp>

namespace {

using dnalm::index_t;
using dnalm_test::difference;
using dnalm_test::gaps;
using dnalm_test::golden_batch;
using dnalm_test::golden_case;
using dnalm_test::golden_cases;
using dnalm_test::golden_models;
using dnalm_test::read_batch;
using dnalm_test::read_numbers;
using dnalm_test::worst_of_case;

}  // namespace

TEST_CASE("the reference backend reproduces every golden model within 1e-9 in double", "[models]") {
  const auto cases = golden_cases();
  REQUIRE(cases.size() == 36);
  for (const golden_case& item : cases) {
    INFO(item.name);
    const double worst = worst_of_case(item, dnalm::reference_backend()).relative;
    if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN(item.name << ": " << worst);
    CHECK(worst < 1e-9);
  }
}

TEST_CASE("the cpu backend reproduces every golden model within 1e-4 in float, with every instruction set",
          "[models]") {
  for (const auto set : {dnalm::isa::portable, dnalm::isa::avx2, dnalm::isa::avx512}) {
    if (!dnalm::supports(set)) continue;
    for (const golden_case& item : golden_cases()) {
      INFO(item.name << " " << dnalm::to_string(set));
      const double worst = worst_of_case(item, dnalm::cpu_backend(set)).absolute;
      if (std::getenv("DNALM_TEST_VERBOSE") != nullptr)
        WARN(item.name << " " << dnalm::to_string(set) << ": " << worst);
      CHECK(worst < 1e-4);
    }
  }
}

TEST_CASE("the golden comparison sees one weight changed by 1e-3", "[models]") {
  // The same comparison with one weight changed by 1e-3 must see it.
  const auto folder = golden_models / "nt_v2_d8";
  const auto config = dnalm::read_encoder_config(folder);
  struct nudged final : dnalm::weight_source {
    explicit nudged(const dnalm::weight_source& inner) : inner_(inner) {}
    bool contains(const dnalm::planned_tensor& tensor) const override { return inner_.contains(tensor); }
    void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override {
      inner_.read(tensor, out);
    }
    void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override {
      inner_.read(tensor, out);
      if (tensor.role == dnalm::tensor_role::key_weight && tensor.layer == 1) out[7] += 1e-3;
    }
    const dnalm::weight_source& inner_;
  };
  const dnalm::checkpoint_source source(dnalm::io::checkpoint::open(folder), dnalm::plan_tensors(config),
                                        "golden");
  const dnalm::reference_encoder network(dnalm::reference_backend(), config, nudged(source));
  const dnalm::io::safetensors_file file(folder / "expected.safetensors");
  const golden_batch batch = read_batch(file, "case1.");
  dnalm::reference_encoder::workspace workspace;
  gaps worst;
  const auto on_layer = [&](index_t layer, dnalm::matrix_view<const double> x) {
    worst.include(difference(read_numbers(file, "case1.hidden." + std::to_string(layer)), batch, x));
  };
  network.forward({batch.ids, batch.offsets, batch.types}, on_layer, nullptr, workspace);
  REQUIRE(worst.relative > 1e-7);
}
