// SPDX-License-Identifier: Apache-2.0
// HyenaDNA folders behind `model`: what any program gets from load_model.
#include <string>
#include <variant>

#include <unit/models/hyena_runs.hpp>
#include <unit/models/sequence_load_checks.hpp>

TEST_CASE("load_model reads every HyenaDNA folder and computes the stored numbers", "[models][hyena]") {
  for (const std::string& name : dnalm_test::hyena_cases) {
    INFO(name);
    const dnalm::model network = dnalm_test::checked_model(dnalm_test::golden_hyena, name);
    const dnalm::model_description& about = network.describe();
    const auto& config = std::get<dnalm::hyena_config>(about.config);
    CHECK(about.architecture_name() == "HyenaDNA");
    CHECK(about.max_tokens == config.positions);
    CHECK(about.tokens->vocabulary_size() == config.letters);
  }
}

TEST_CASE("HyenaDNA folders embed, twin and tell about themselves", "[models][hyena]") {
  const auto folder = dnalm_test::golden_hyena / "hub";
  dnalm_test::check_embedding_and_twin(folder);
  const dnalm::model network = dnalm::load_model(folder);
  CHECK(network.describe().layers() == 2);
  CHECK(network.describe().width() == 36);
  CHECK(dnalm_test::error_id_of([&] { (void)network.tokenize(std::string(200, 'A')); }) == "dnalm.input.406");
}

TEST_CASE("no tensor of a block is called unused", "[models][hyena]") {
  dnalm_test::check_all_tensors_used(dnalm::inspect_model(dnalm_test::golden_hyena / "hub_tied"));
}
