// SPDX-License-Identifier: Apache-2.0
// Maps of a function that reads both strands alike: the map of the reverse complement is the map, turned.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/attribution/strand_average.hpp>
#include <support/catch.hpp>
#include <unit/attribution/attribution_models.hpp>

namespace {

using dnalm::index_t;
using dnalm::nucleotide_map;

/// DeepSEA's network of predictions, the mean of both strands.
dnalm::attribution_targets deepsea() {
  const dnalm::model network =
      dnalm::load_model(dnalm_test::golden_folder / "supervised" / "deepsea_predict");
  const std::vector<index_t> column = {1};
  return dnalm::attribution_targets::of_logits(network, column);
}

/// Whether `there`, of the reverse complement, is `here` turned, but for 1e-4 of its largest number: both are
/// float passes whose sums have other orders.
void check_turned(const nucleotide_map& here, const nucleotide_map& there) {
  const nucleotide_map turned = dnalm::turned_map(there);
  double largest = 0;
  double gap = 0;
  double plain = 0;
  REQUIRE(here.values.size() == there.values.size());
  for (std::size_t i = 0; i < here.values.size(); ++i) {
    largest = std::max(largest, std::abs(here.values[i]));
    gap = std::max(gap, std::abs(here.values[i] - turned.values[i]));
    plain = std::max(plain, std::abs(here.values[i] - there.values[i]));
  }
  CHECK(largest > 0);
  CHECK(gap < 1e-4 * largest);
  CHECK(plain > 0.1 * largest);
}

std::vector<std::string> both(const std::string& sequence) {
  return {sequence, dnalm::reverse_complement(sequence)};
}

}  // namespace

TEST_CASE("a model that reads both strands alike has the maps of either strand, turned") {
  const dnalm::attribution_targets targets = deepsea();
  const index_t length = targets.network().describe().max_tokens;
  std::string sequence = dnalm_test::random_bases(21, length);
  sequence[9] = 'N';
  const auto f = dnalm::nucleotide_function(targets);
  const auto gradients = dnalm::saliency(f, both(sequence));
  CHECK(gradients[0].value == Approx(gradients[1].value).epsilon(1e-5));
  check_turned(gradients[0].map, gradients[1].map);
  check_turned(dnalm::corrected(gradients[0].map), dnalm::corrected(gradients[1].map));
  const dnalm::path_options few{.from = {.kind = dnalm::baseline_kind::uniform}, .nodes = 4, .most_nodes = 4};
  const auto integrated = dnalm::integrated_gradients(f, both(sequence), few);
  check_turned(integrated[0].map, integrated[1].map);

  std::string other = dnalm_test::random_bases(22, length);
  other[9] = 'N';
  std::vector<nucleotide_map> contributions;
  for (std::size_t strand = 0; strand < 2; ++strand) {
    const auto reference = dnalm::sequence_references(std::vector<std::string>{both(other)[strand]});
    contributions.push_back(dnalm::deep_lift(targets, 0, both(sequence)[strand], reference).hypothetical);
  }
  check_turned(contributions[0], contributions[1]);
}
