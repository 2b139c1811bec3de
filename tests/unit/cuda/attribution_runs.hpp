// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Attribution of models on the tested GPU beside the CPU: for the emulated GPU and a real one.
///
/// Bounds: float, with sums in another order than the CPU's. Each rounding is 2^-24 of its number at most; a
/// value is made by up to 168 of them one after another, through all blocks, and a gradient by as many again
/// on its way back. Were all of one sign, they would add up to 1e-5 and 2e-5 of the largest number. Values
/// are held against those of the CPU, gradients against those in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/attention_rollout.hpp>
#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/attribution/dependency_map.hpp>
#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/attribution/nucleotide_probabilities.hpp>
#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/attribution/token_attribution.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>
#include <unit/attribution/attribution_models.hpp>
#include <unit/cuda/on_gpu.hpp>

namespace dnalm_test {

inline constexpr double value_bound = 168 * 0x1p-24;
inline constexpr double gradient_bound = 2 * value_bound;

/// A model on the tested GPU, on the CPU and in double, and sequences for it.
struct model_on_both {
  std::string name = {};
  dnalm::model gpu;
  dnalm::model cpu;
  dnalm::model exact;
  bool predicts = true;  ///< tokens: a language model
  std::vector<std::string> sequences = {};
};

/// Nucleotide Transformer (3-mers), GPN, HyenaDNA, Caduceus-PS and LegNet.
inline std::vector<model_on_both> models_on_both() {
  const auto both = [](const std::string& name, const auto& make, bool predicts,
                       std::vector<std::string> some) {
    const dnalm::load_options in_double{.backend = dnalm::backend_kind::reference};
    return model_on_both{name,     make(on_gpu()), make(dnalm::load_options{}), make(in_double),
                         predicts, std::move(some)};
  };
  const std::vector<std::string> letters = {"ACGTTGCAAC", "TTAGATTACAGGC"};
  const std::vector<std::string> some = {"ACGTTGCAAC", "TTNGATTACAGGC"};
  const auto gpn = [](const dnalm::load_options& options) {
    return dnalm::load_model(golden_folder / "convnets" / "gpn_6_bin", options);
  };
  return {both("Nucleotide Transformer", kmer_model, true, some), both("GPN", gpn, true, letters),
          both("HyenaDNA", hyena_model, true, some), both("Caduceus", caduceus_model, true, some),
          both("LegNet", layer_model, false, {random_bases(1, 24), random_bases(2, 33)})};
}

/// Two outputs of a probe on the last hidden state; of a network of layers a column of its prediction.
inline dnalm::attribution_targets targets_on(const dnalm::model& network, bool predicts) {
  if (!predicts) return dnalm::attribution_targets::of_logits(network, std::vector<dnalm::index_t>{0});
  return {network, random_probe(network, network.describe().layers(), "mean", 2)};
}

inline double largest_of(std::span<const double> numbers) {
  double largest = 0.0;
  for (const double number : numbers) largest = std::max(largest, std::abs(number));
  return largest;
}

/// Numbers of two backends, and what they are a part of.
class backend_gap {
 public:
  /// `largest`: of other numbers than those expected, from which these were made.
  void add(std::span<const double> found, std::span<const double> expected, double largest = 0.0) {
    REQUIRE(found.size() == expected.size());
    double gap = 0.0;
    double size = 0.0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      REQUIRE(std::isnan(found[i]) == std::isnan(expected[i]));
      if (std::isnan(found[i])) continue;
      gap = std::max(gap, std::abs(found[i] - expected[i]));
      size = std::max(size, std::abs(expected[i]));
    }
    CHECK(size > 0.0);
    worst_ = std::max(worst_, gap / std::max(size, largest));
  }
  void check(const std::string& what, double bound) const {
    INFO(what << ": " << worst_);
    if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN(what << ": " << worst_);
    CHECK(worst_ < bound);
  }

 private:
  double worst_ = 0.0;
};

/// What a method makes of the targets on the GPU, beside double. `numbers_of` one result.
template <class Method, class Numbers>
void check_gradients(const std::string& what, const model_on_both& both, const Method& method,
                     const Numbers& numbers_of) {
  const auto found = method(targets_on(both.gpu, both.predicts));
  const auto exact = method(targets_on(both.exact, both.predicts));
  REQUIRE(found.size() == exact.size());
  backend_gap gap;
  for (std::size_t i = 0; i < found.size(); ++i) gap.add(numbers_of(found[i]), numbers_of(exact[i]));
  gap.check(both.name + ": " + what, gradient_bound);
}

/// Saliency (of which input times gradient are the entries of the observed letters), SmoothGrad, integrated
/// and expected gradients from equal weights of all letters, norms of gradients by embeddings.
inline void check_gradient_maps(const model_on_both& both) {
  const auto numbers = [](const auto& result) { return result.map.values; };
  const dnalm::baseline uniform{.kind = dnalm::baseline_kind::uniform};
  const auto check = [&](const char* what, const auto& method) {
    const auto run = [&](const auto& targets) { return method(dnalm::nucleotide_function(targets)); };
    check_gradients(what, both, run, numbers);
  };
  check("saliency", [&](const auto& f) { return dnalm::saliency(f, both.sequences); });
  check("SmoothGrad", [&](const auto& f) { return dnalm::smooth_grad(f, both.sequences, {.samples = 2}); });
  check("integrated gradients", [&](const auto& f) {
    return dnalm::integrated_gradients(f, both.sequences, {.from = uniform, .nodes = 4, .most_nodes = 4});
  });
  check("expected gradients", [&](const auto& f) {
    return dnalm::expected_gradients(f, both.sequences, {.from = uniform, .samples = 2});
  });
  check_gradients(
      "norms by embeddings", both,
      [&](const auto& targets) { return dnalm::token_attribution(targets, both.sequences); },
      [](const auto& result) { return result.gradient_norm; });
}

/// Effects of all substitutions, whole passes. They are differences of values: parts of the largest of these.
inline void check_substitution_effects(const model_on_both& both) {
  const auto gpu = targets_on(both.gpu, both.predicts);
  const auto cpu = targets_on(both.cpu, both.predicts);
  const std::vector<std::string> one = {both.sequences.front()};
  const auto found = dnalm::find_substitution_effects(one, gpu.function());
  const auto expected = dnalm::find_substitution_effects(one, cpu.function());
  backend_gap values, effects;
  values.add(found[0].reference, expected[0].reference);
  for (std::size_t output = 0; output < expected[0].effects.size(); ++output) {
    effects.add(found[0].effects[output].values, expected[0].effects[output].values,
                largest_of(expected[0].reference));
  }
  values.check(both.name + ": values", value_bound);
  effects.check(both.name + ": effects of substitutions", value_bound);
}

/// What a language model predicts at every position, and how that depends on the others: parts of the
/// largest number, or of 1 bit.
inline void check_predictions(const model_on_both& both) {
  std::vector<dnalm::io::sequence_record> records(both.sequences.size());
  for (std::size_t i = 0; i < records.size(); ++i) records[i].sequence = both.sequences[i];
  const auto found = dnalm::predict_nucleotides(both.gpu, records);
  const auto expected = dnalm::predict_nucleotides(both.cpu, records);
  backend_gap entropies, tokens, odds, jacobians, influences;
  for (std::size_t i = 0; i < records.size(); ++i) {
    entropies.add(dnalm::entropy_bits(found[i].log_probabilities),
                  dnalm::entropy_bits(expected[i].log_probabilities), 1.0);
    tokens.add(found[i].token_entropy, expected[i].token_entropy, 1.0);
    CHECK(found[i].likeliest_tokens == expected[i].likeliest_tokens);
  }
  const std::string& first = both.sequences.front();
  const auto map = dnalm::nucleotide_dependencies(both.gpu, first);
  const auto wanted = dnalm::nucleotide_dependencies(both.cpu, first);
  odds.add(map.log_odds.values, wanted.log_odds.values, 1.0);
  jacobians.add(map.jacobian.values, wanted.jacobian.values, 1.0);
  influences.add(map.influence.values, wanted.influence.values, 1.0);
  entropies.check(both.name + ": entropies", value_bound);
  tokens.check(both.name + ": entropies of tokens", value_bound);
  odds.check(both.name + ": dependency map", value_bound);
  jacobians.check(both.name + ": categorical Jacobian", value_bound);
  influences.check(both.name + ": influences", value_bound);
}

/// A sequence's map alone, beside others and on another number of threads.
inline void check_maps_alone(const model_on_both& both) {
  const auto targets = targets_on(both.gpu, both.predicts);
  const auto together = dnalm::saliency(dnalm::nucleotide_function(targets, {.threads = 2}), both.sequences);
  const auto outputs = static_cast<std::size_t>(targets.size());
  for (std::size_t s = 0; s < both.sequences.size(); ++s) {
    const auto alone = dnalm::saliency(dnalm::nucleotide_function(targets, {.threads = 1}),
                                       std::vector<std::string>{both.sequences[s]});
    for (std::size_t output = 0; output < outputs; ++output) {
      INFO(both.name << ", sequence " << s << ", output " << output);
      CHECK(same_bits(alone[output].map.values, together[s * outputs + output].map.values));
    }
  }
}

/// DeepLIFT and rollout: the messages say where they run.
inline void check_refused_methods(const model_on_both& both) {
  const auto targets = targets_on(both.gpu, both.predicts);
  const std::string& sequence = both.sequences.front();
  INFO(both.name);
  const auto references =
      dnalm::sequence_references(std::vector<std::string>{std::string(sequence.size(), 'A')});
  CHECK_THROWS_WITH(dnalm::deep_lift(targets, 0, sequence, references),
                    Catch::Contains("dnalm.unsupported.830") && Catch::Contains("without on_cuda"));
  std::vector<dnalm::io::sequence_record> records(1);
  records[0].sequence = sequence;
  CHECK_THROWS_WITH(dnalm::roll_out_attention(both.gpu, records),
                    Catch::Contains("dnalm.unsupported.866") && Catch::Contains("without on_cuda"));
}

}  // namespace dnalm_test
