// SPDX-License-Identifier: Apache-2.0
// Saliency and integrated gradients against captum (tests/golden/attribution, made by
// tests/golden/make/make_attribution.py in float64).
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/io/safetensors.hpp>
#include <support/catch.hpp>
#include <unit/attribution/attribution_models.hpp>
#include <unit/models/golden_inputs.hpp>

namespace {

/// Largest difference over the largest expected number.
double gap(const std::vector<double>& expected, const std::vector<double>& found) {
  REQUIRE(expected.size() == found.size());
  double worst = 0;
  double largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    worst = std::max(worst, std::abs(found[i] - expected[i]));
    largest = std::max(largest, std::abs(expected[i]));
  }
  return worst / largest;
}

}  // namespace

TEST_CASE("saliency and integrated gradients of the bundled GPN model equal captum's") {
  const std::vector<std::string> sequences = {"ATGGCTAAATCCCAAGGTATTGTC"};
  const dnalm::io::safetensors_file golden(dnalm_test::golden_folder / "attribution/gpn_captum.safetensors");
  const auto stored = [&](const std::string& name) { return dnalm_test::read_numbers(golden, name); };
  // Words' rows, hidden states and gradients are float at the model's edge, on cpu everything: 3e-6 and 1e-4.
  for (const auto& [backend, bound] :
       {std::pair{dnalm::backend_kind::reference, 3e-6}, std::pair{dnalm::backend_kind::cpu, 1e-4}}) {
    const dnalm::model network = dnalm_test::gpn_model({.backend = backend});
    auto probe = dnalm_test::random_probe(network, network.describe().layers(), "mean");
    probe.intercept = {0};
    for (std::size_t d = 0; d < probe.weights.size(); ++d) probe.weights[d] = d % 3 == 0 ? 1.0 : -0.5;
    const auto f = dnalm::nucleotide_function(dnalm::attribution_targets(network, probe));
    const auto saliency = dnalm::saliency(f, sequences).front();
    CHECK(gap(stored("saliency"), saliency.map.values) < bound);
    CHECK(std::abs(saliency.value - stored("value")[0]) < bound * std::abs(stored("value")[0]));
    for (const auto kind : {dnalm::baseline_kind::zero, dnalm::baseline_kind::uniform}) {
      const std::string name(dnalm::to_string(kind));
      if (backend == dnalm::backend_kind::reference && name == "zero") continue;  // slow, and the same code
      INFO(name);
      const auto found = dnalm::integrated_gradients(
          f, sequences, {.from = {.kind = kind}, .nodes = 50, .most_nodes = 50, .tolerance = 0});
      CHECK(gap(stored("integrated." + name), found.front().map.values) < bound);
      CHECK(std::abs(found.front().baseline_value - stored("value." + name)[0]) <
            bound * std::abs(stored("value")[0]));
    }
  }
}
