// SPDX-License-Identifier: Apache-2.0
// SpliceAI against Keras on a narrow network: predictions, input gradients, and that multipliers are
// complete.
#include <vector>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/layer_network.hpp>
#include <support/catch.hpp>
#include <unit/models/multiplier_runs.hpp>
#include <unit/models/small_spliceai.hpp>
#include <unit/models/supervised_runs.hpp>

namespace {

template <class B>
dnalm::layer_network<B> network_on(const B& backend) {
  return {backend, dnalm_test::small_spliceai(), dnalm_test::spliceai_weights()};
}

}  // namespace

TEST_CASE("SpliceAI gives what Keras gives: predictions and gradients", "[models][supervised]") {
  const dnalm::io::safetensors_file expected(dnalm_test::golden_supervised / "expected" /
                                             "spliceai.safetensors");
  dnalm_test::check_gaps(dnalm_test::compare_supervised(network_on(dnalm::reference_backend()), expected),
                         dnalm_test::compare_supervised(network_on(dnalm::cpu_backend()), expected));
}

TEST_CASE("multipliers of SpliceAI are complete in double and in float", "[models][deep_lift]") {
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 40; ++i) ids.push_back((i * i + 3 * i) % 4);
  dnalm::ragged_offsets offsets;
  offsets.append(40);
  const auto pairs = dnalm_test::with_references(ids, offsets, {}, 5, [](std::int32_t id) { return id > 3; });
  const auto exact = run_multipliers(network_on(dnalm::reference_backend()), pairs, "logits");
  CHECK(std::abs(exact.difference) > 1e-6);
  CHECK(exact.alike);
  CHECK(exact.words_gap() < 1e-12);
  const auto rounded = run_multipliers(network_on(dnalm::cpu_backend()), pairs, "logits");
  CHECK(rounded.alike);
  // The two outputs are rounded themselves; multipliers explain their difference as it is.
  const double of_outputs = std::abs(rounded.difference - exact.difference);
  CHECK(std::abs(rounded.words.sum - rounded.difference) < 1e-5 * rounded.words.size + 2.0 * of_outputs);
}
