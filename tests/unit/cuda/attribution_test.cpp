// SPDX-License-Identifier: Apache-2.0
// Attribution of models on the GPU's backend, on the emulation.
#include <support/cuda_emulation/backend.hpp>
#include <unit/cuda/attribution_runs.hpp>

TEST_CASE("cuda: gradient maps are those of double", "[cuda][attribution]") {
  for (const auto& both : dnalm_test::models_on_both()) dnalm_test::check_gradient_maps(both);
}

TEST_CASE("cuda: effects of substitutions are those of the cpu", "[cuda][attribution]") {
  for (const auto& both : dnalm_test::models_on_both()) dnalm_test::check_substitution_effects(both);
}

TEST_CASE("cuda: entropies and dependency maps are those of the cpu", "[cuda][attribution]") {
  for (const auto& both : dnalm_test::models_on_both()) {
    if (both.predicts) dnalm_test::check_predictions(both);
  }
}

TEST_CASE("cuda: a map has the same bits alone and beside others", "[cuda][attribution]") {
  for (const auto& both : dnalm_test::models_on_both()) dnalm_test::check_maps_alone(both);
}

TEST_CASE("cuda: DeepLIFT and rollout say on which backend they run", "[cuda][attribution]") {
  dnalm_test::check_refused_methods(dnalm_test::models_on_both().front());
}
