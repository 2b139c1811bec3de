// SPDX-License-Identifier: Apache-2.0
// HyenaDNA folders behind `model`: what any program gets from load_model.
#include <dnalm/models/load_model.hpp>

#include <cmath>
#include <cstring>
#include <variant>
#include <vector>

#include <dnalm/embed/embeddings.hpp>
#include <dnalm/models/inspect.hpp>
#include <support/catch.hpp>
#include <unit/models/hyena_runs.hpp>

using dnalm::index_t;

TEST_CASE("load_model reads every HyenaDNA folder and computes the stored numbers", "[models][hyena]") {
  for (const std::string& name : dnalm_test::hyena_cases) {
    INFO(name);
    const dnalm::model network = dnalm::load_model(dnalm_test::golden_hyena / name);
    const dnalm::model_description& about = network.describe();
    const auto& config = std::get<dnalm::hyena_config>(about.config);
    CHECK(about.architecture_name() == "HyenaDNA");
    CHECK(about.max_tokens == config.positions);
    CHECK(about.heads() == 0);
    REQUIRE(about.tokens.has_value());
    CHECK(about.tokens->vocabulary_size() == config.letters);
    const dnalm_test::expected_sequences expected(dnalm_test::golden_hyena, name);
    CHECK(dnalm_test::worst_of_loaded(expected, network, true) < 1e-4);
  }
}

TEST_CASE("HyenaDNA folders embed, twin and tell about themselves", "[models][hyena]") {
  const auto folder = dnalm_test::golden_hyena / "hub";
  const dnalm::model network = dnalm::load_model(folder);
  const std::vector<dnalm::io::sequence_record> sequences{{"a", "ACGTNACGTTGCA"}, {"b", "GATTACA"}};
  const auto both = dnalm::embed(network, sequences, {.logits = true});
  const auto alone = dnalm::embed(network, std::span(sequences).subspan(1), {.logits = true});
  const auto& mean = both.at(dnalm::pooling::mean, 2);
  const auto& one = alone.at(dnalm::pooling::mean, 2);
  REQUIRE(mean.shape(1) == 36);
  CHECK(std::memcmp(mean.data() + 36, one.data(), 36 * sizeof(float)) == 0);
  const dnalm::model twin = dnalm::random_twin(network, 7);
  CHECK(twin.describe().name == "random:hub");
  const auto random = dnalm::embed(twin, sequences, {});
  bool differs = false;
  for (index_t c = 0; c < 36; ++c) {
    REQUIRE(std::isfinite(random.at(dnalm::pooling::mean, 2)(0, c)));
    differs = differs || random.at(dnalm::pooling::mean, 2)(0, c) != mean(0, c);
  }
  CHECK(differs);
  CHECK(dnalm_test::error_id_of([&] { (void)network.tokenize(std::string(200, 'A')); }) == "dnalm.input.406");
}

TEST_CASE("no tensor of a block is called unused", "[models][hyena]") {
  const dnalm::model_inspection inspected = dnalm::inspect_model(dnalm_test::golden_hyena / "hub_tied");
  CHECK(inspected.loadable());
  for (const dnalm::inspected_tensor& tensor : inspected.tensors) {
    INFO(tensor.info.name);
    CHECK(tensor.status == dnalm::tensor_status::used);
  }
}
