// SPDX-License-Identifier: Apache-2.0
// SpliceAI against Keras on a narrow network of the published description
// (tests/golden/make/make_spliceai.py): predictions, input gradients, and that multipliers are complete. Its
// weights are a formula.
#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/detail/config_file.hpp>
#include <dnalm/models/layer_network.hpp>
#include <dnalm/models/layer_recipe.hpp>
#include <support/catch.hpp>
#include <support/temporary_folder.hpp>
#include <unit/models/formula_runs.hpp>
#include <unit/models/multiplier_runs.hpp>
#include <unit/models/supervised_runs.hpp>

namespace {

using dnalm::index_t;

constexpr index_t width = 5;
constexpr index_t groups = 4;

/// Taps of convolution `i`, 1 to 39: the skips and the ends have one.
index_t taps_of(index_t i) {
  if (i < 3 || i == 9 * groups + 3 || (i - 2) % 9 == 0) return 1;
  return (i - 3) / 9 == groups - 1 ? 3 : 5;
}

std::vector<dnalm::io::tensor_info> tensors() {
  std::vector<dnalm::io::tensor_info> all;
  const auto add = [&](const std::string& name, const std::vector<index_t>& shape) {
    all.push_back({name, dnalm::dtype::f32, shape});
  };
  for (index_t i = 1; i <= 9 * groups + 3; ++i) {
    const std::string name = "conv1d_" + std::to_string(i);
    const index_t outputs = i == 9 * groups + 3 ? 3 : width;
    add(name + "/kernel", {taps_of(i), i == 1 ? 4 : width, outputs});
    add(name + "/bias", {outputs});
  }
  for (index_t i = 1; i <= 8 * groups; ++i) {
    const std::string name = "batch_normalization_" + std::to_string(i);
    for (const char* part : {"gamma", "beta", "moving_mean", "moving_variance"}) {
      add(name + "/" + part, {width});
    }
  }
  return all;
}

dnalm::layer_graph small_spliceai() {
  const dnalm_test::temporary_folder folder("spliceai");
  folder.write("config.json", R"({"model_type": "spliceai", "dilations": [1, 2, 3, 4]})");
  const auto config = dnalm::detail::open_config(folder.path());
  const dnalm::tensor_table table(tensors(), "spliceai");
  return dnalm::find_recipe("spliceai")->make({config, table});
}

dnalm_test::formula_source weights() {
  return dnalm_test::formula_source([](const dnalm::planned_tensor& tensor) {
    const bool norm = tensor.name.ends_with("gamma") || tensor.name.ends_with("moving_variance");
    return dnalm_test::formula_source::reading{tensor.name, norm};
  });
}

template <class B>
dnalm::layer_network<B> network_on(const B& backend) {
  return {backend, small_spliceai(), weights()};
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
