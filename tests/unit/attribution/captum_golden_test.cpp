// SPDX-License-Identifier: Apache-2.0
// Saliency and integrated gradients against captum in float64 (tests/golden/attribution): the bundled GPN by
// make_attribution.py, the published code of other networks by make_captum.py (tests/golden/make).
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/io/safetensors.hpp>
#include <support/catch.hpp>
#include <unit/attribution/attribution_models.hpp>
#include <unit/models/golden_inputs.hpp>

namespace {

using dnalm::index_t;
namespace fs = std::filesystem;

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

/// The weights of the goldens' probe: 1 for channels that are multiples of 3, else -0.5, of the mean of the
/// last hidden state.
dnalm::fitted_probe golden_probe(const dnalm::model& network) {
  auto probe = dnalm_test::random_probe(network, network.describe().layers(), "mean");
  probe.intercept = {0};
  for (std::size_t d = 0; d < probe.weights.size(); ++d) probe.weights[d] = d % 3 == 0 ? 1.0 : -0.5;
  return probe;
}

/// A file of make_captum.py.
class captum_golden {
 public:
  explicit captum_golden(const std::string& name)
      : file_(dnalm_test::golden_folder / "attribution" / ("captum_" + name + ".safetensors")) {}

  [[nodiscard]] bool contains(const std::string& name) const { return file_.contains(name); }
  [[nodiscard]] std::vector<double> numbers(const std::string& name) const {
    return dnalm_test::read_numbers(file_, name);
  }
  [[nodiscard]] double number(const std::string& name) const { return numbers(name).at(0); }
  [[nodiscard]] std::string letters(const std::string& name) const {
    std::string text;
    for (const double byte : numbers(name)) text += static_cast<char>(byte);
    return text;
  }

 private:
  dnalm::io::safetensors_file file_;
};

/// A map against a golden one: all of it, or the columns [240, 360) and the sum. Shares of the largest
/// number.
void check_map(const captum_golden& golden, const std::string& name, const dnalm::nucleotide_map& map,
               double bound) {
  INFO(name);
  const std::vector<double> expected = golden.numbers(name);
  if (expected.size() == map.values.size()) {
    CHECK(gap(expected, map.values) < bound);
    return;
  }
  std::vector<double> stretch;
  double sum = 0;
  double size = 0;
  for (index_t a = 0; a < 4; ++a) {
    for (index_t i = 240; i < 360; ++i) stretch.push_back(map(a, i));
  }
  for (const double value : map.values) sum += value, size += std::abs(value);
  CHECK(gap(expected, stretch) < bound);
  CHECK(std::abs(sum - golden.number(name + ".sum")) < bound * size);
}

/// The numbers of the observed bases.
std::vector<double> observed(const dnalm::nucleotide_map& map, const std::string& sequence) {
  std::vector<double> values;
  for (index_t i = 0; i < map.length; ++i) {
    values.push_back(map(dnalm::base_code(sequence[static_cast<std::size_t>(i)]), i));
  }
  return values;
}

/// Saliency and every integral of a golden file, by the function of a model.
void check_against_captum(const std::string& name, const dnalm::attribution_targets& targets, double bound) {
  const captum_golden golden(name);
  const std::vector<std::string> sequences = {golden.letters("sequence")};
  const auto f = dnalm::nucleotide_function(targets);
  const auto saliency = dnalm::saliency(f, sequences).front();
  INFO(name << ", bound " << bound);
  check_map(golden, "saliency", saliency.map, bound);
  CHECK(std::abs(saliency.value - golden.number("value")) < bound * std::abs(golden.number("value")));
  int integrals = 0;
  for (const auto kind : {dnalm::baseline_kind::zero, dnalm::baseline_kind::uniform,
                          dnalm::baseline_kind::array, dnalm::baseline_kind::mask}) {
    const std::string baseline(dnalm::to_string(kind));
    if (!golden.contains("integrated." + baseline)) continue;
    dnalm::path_options options{.from = {.kind = kind}, .nodes = 50, .most_nodes = 50, .tolerance = 0};
    if (kind == dnalm::baseline_kind::array) {
      options.from.arrays = {dnalm::one_hot_map(golden.letters("other"))};
    }
    const auto found = dnalm::integrated_gradients(f, sequences, options).front();
    INFO(baseline);
    if (kind == dnalm::baseline_kind::mask) {
      CHECK(gap(golden.numbers("integrated.mask"), observed(found.map, sequences.front())) < bound);
    } else {
      check_map(golden, "integrated." + baseline, found.map, bound);
    }
    CHECK(std::abs(found.baseline_value - golden.number("value." + baseline)) <
          bound * std::max(std::abs(golden.number("value")), std::abs(found.baseline_value)));
    ++integrals;
  }
  CHECK(integrals >= 2);
}

/// On both backends: in double but for words' rows, hidden states and gradients at the model's edge, which
/// are float, 3e-6; in float, where some hundred roundings of 6e-8 follow one another, 1e-4.
template <class Targets>
void check_backends(const std::string& name, Targets&& targets) {
  for (const auto& [backend, bound] :
       {std::pair{dnalm::backend_kind::reference, 3e-6}, std::pair{dnalm::backend_kind::cpu, 1e-4}}) {
    check_against_captum(name, targets(dnalm::load_options{.backend = backend}), bound);
  }
}

/// A golden checkpoint with the files of a tokenizer beside it, which the goldens of networks do without.
dnalm::model with_vocabulary(const fs::path& golden, const fs::path& folder,
                             const dnalm::load_options& options) {
  fs::copy(golden, folder, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  fs::remove(folder / "expected.safetensors");
  return dnalm::load_model(folder, options);
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
    const auto f = dnalm::nucleotide_function(dnalm::attribution_targets(network, golden_probe(network)));
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

TEST_CASE("saliency and integrated gradients of a BERT of letters equal captum's, from the mask token too") {
  check_backends("bert", [](const dnalm::load_options& options) {
    const dnalm_test::temporary_folder folder("bert");
    dnalm_test::write_text(folder / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nN\nA\nC\nG\nT\n");
    const auto network =
        with_vocabulary(dnalm_test::golden_folder / "models" / "bert_splice", folder.path(), options);
    return dnalm::attribution_targets(network, golden_probe(network));
  });
}

TEST_CASE("saliency and integrated gradients of a Nucleotide Transformer of 3-mers equal captum's") {
  check_backends("nt", [](const dnalm::load_options& options) {
    const dnalm_test::temporary_folder folder("nt");
    dnalm_test::write_nt_v2_folder(folder.path());
    const auto network =
        with_vocabulary(dnalm_test::golden_folder / "models" / "nt_v2_d24_bin", folder.path(), options);
    return dnalm::attribution_targets(network, golden_probe(network));
  });
}

TEST_CASE("saliency and integrated gradients of HyenaDNA equal captum's on the authors' code") {
  check_backends("hyena", [](const dnalm::load_options& options) {
    const auto network = dnalm::load_model(dnalm_test::golden_folder / "hyena" / "original", options);
    return dnalm::attribution_targets(network, golden_probe(network));
  });
}

TEST_CASE("saliency and integrated gradients of a Basset equal captum's") {
  check_backends("basset", [](const dnalm::load_options& options) {
    const std::vector<index_t> columns = {0};
    return dnalm::attribution_targets::of_logits(
        dnalm::load_model(dnalm_test::golden_folder / "supervised" / "basset", options), columns,
        {.scale = dnalm::target_scale::prediction});  // captum was given the published code's probability
  });
}
