// SPDX-License-Identifier: Apache-2.0
// Attribution of models on a real GPU.
#include <unit/cuda/attribution_runs.hpp>

TEST_CASE("gpu: gradient maps are those of double", "[gpu][models][attribution]") {
  for (const auto& both : dnalm_test::models_on_both()) dnalm_test::check_gradient_maps(both);
}

TEST_CASE("gpu: effects of substitutions are those of the cpu", "[gpu][models][attribution]") {
  for (const auto& both : dnalm_test::models_on_both()) dnalm_test::check_substitution_effects(both);
}

TEST_CASE("gpu: entropies and dependency maps are those of the cpu", "[gpu][models][attribution]") {
  for (const auto& both : dnalm_test::models_on_both()) {
    if (both.predicts) dnalm_test::check_predictions(both);
  }
}

TEST_CASE("gpu: a map has the same bits alone and beside others", "[gpu][models][attribution]") {
  for (const auto& both : dnalm_test::models_on_both()) dnalm_test::check_maps_alone(both);
}

TEST_CASE("gpu: DeepLIFT and rollout say on which backend they run", "[gpu][models][attribution]") {
  dnalm_test::check_refused_methods(dnalm_test::models_on_both().front());
}
