// SPDX-License-Identifier: Apache-2.0
// DeepLIFT and DeepSHAP down to nucleotides, on models of every kind of tokenizer and network.
#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/models/detail/pair_batch.hpp>
#include <support/catch.hpp>
#include <unit/attribution/attribution_models.hpp>
#include <unit/attribution/watched_model.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using Catch::Matchers::Contains;
using dnalm::deep_lift_map;
using dnalm::deep_lift_reference;
using dnalm::index_t;
using dnalm_test::random_bases;

namespace {

struct named_model {
  const char* name;
  std::function<dnalm::model(const dnalm::load_options&)> make;
  bool zeros = true;  ///< a row of zeros is an input like others
};
const named_model models[] = {{"3-mers", dnalm_test::kmer_model, false},
                              {"overlapping 3-mers", dnalm_test::overlapping_model, false},
                              {"HyenaDNA", dnalm_test::hyena_model},
                              {"Caduceus", dnalm_test::caduceus_model},
                              {"GPN", dnalm_test::gpn_model},
                              {"layers", dnalm_test::layer_model}};

dnalm::load_options on_reference() {
  dnalm::load_options options;
  options.backend = dnalm::backend_kind::reference;
  return options;
}
index_t last_layer(const dnalm::model& network) {
  return network.describe().summary().resizes ? 1 : network.describe().layers();
}
dnalm::attribution_targets targets_of(const dnalm::model& network, const char* pooling = "mean") {
  return {network, dnalm_test::random_probe(network, last_layer(network), pooling)};
}
double sum(const std::vector<double>& values) {
  double total = 0.0;
  for (const double value : values) total += value;
  return total;
}
double size(const std::vector<double>& values) {
  double total = 0.0;
  for (const double value : values) total += std::abs(value);
  return total;
}
constexpr index_t length = 30;
std::vector<std::string> shuffles(int count) {
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) texts.push_back(random_bases(100 + static_cast<std::uint64_t>(i), length));
  return texts;
}

/// A model whose first gradient ends a while after the others have come to rest.
class late_model final : public dnalm_test::watched_model {
 public:
  using watched_model::watched_model;
  void input_gradients(const dnalm::token_batch& batch, const dnalm::gradient_request& request,
                       dnalm::gradient_observer receive, dnalm::forward_workspace& workspace) const override {
    const bool first = begun_++ == 0;
    watched_model::input_gradients(batch, request, receive, workspace);
    if (!first) return;
    for (int seen = 0; seen != begun_;) {
      seen = begun_;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    meanwhile_ = begun_.load();
  }
  /// So much for several pairs that passes are of one.
  index_t gradient_bytes(const dnalm::gradient_request&, index_t tokens, index_t longest) const override {
    return tokens > 2 * longest ? index_t{1} << 40 : 1;
  }
  /// Gradients that began before the first ended, itself among them.
  [[nodiscard]] int begun_meanwhile() const { return meanwhile_; }

 private:
  mutable std::atomic<int> begun_ = 0;
  mutable int meanwhile_ = 0;
};

}  // namespace

TEST_CASE("contributions of bases add up to the difference of the outputs, reference by reference",
          "[attribution][deep_lift]") {
  for (const named_model& kind : models) {
    const dnalm::model network = kind.make({});
    const auto targets = targets_of(network);
    const std::string sequence = random_bases(1, length);
    std::vector<deep_lift_reference> references = dnalm::sequence_references(shuffles(2));
    references.push_back(dnalm::uniform_reference(sequence));
    // Rows of zeros are of no use where a norm with an eps of 1e-12 reads them first.
    if (kind.zeros) references.push_back(dnalm::zero_reference(sequence));
    for (const deep_lift_reference& reference : references) {
      INFO(kind.name);
      const deep_lift_map map = dnalm::deep_lift(targets, 0, sequence, std::span(&reference, 1));
      const double difference = map.value - map.reference_values[0];
      // Float: the terms of a pass round to 6e-8 of their size, some hundred of them one after another.
      const double bound = 1e-5 * std::max(std::abs(difference), size(map.tokens));
      CHECK(std::abs(difference) > 1e-4);
      CHECK(std::abs(map.deltas[0]) < bound);
      CHECK(map.largest_delta() == map.deltas[0]);
      // What is left over is that of the bases' contributions, the split of k-mers among them.
      CHECK(std::abs(sum(map.contributions.values) - difference - map.deltas[0]) <
            1e-13 * size(map.contributions.values));
      CHECK(std::abs(sum(map.contributions.values) - sum(map.tokens)) < bound);
      double made = 0.0;
      const dnalm::nucleotide_map x = dnalm::one_hot_map(sequence);
      for (std::size_t i = 0; i < x.values.size(); ++i) {
        made += map.multipliers.values[i] * (x.values[i] - reference.letters.values[i]);
        CHECK(map.contributions.values[i] == x.values[i] * map.hypothetical.values[i]);
      }
      CHECK(std::abs(made - difference) < bound);
    }
  }
}

TEST_CASE("the hypothetical contribution of a reference's own base is exactly 0",
          "[attribution][deep_lift]") {
  for (const named_model& kind : models) {
    INFO(kind.name);
    const auto targets = targets_of(kind.make({}));
    const std::vector<std::string> reference = shuffles(1);
    const auto map =
        dnalm::deep_lift(targets, 0, random_bases(1, length), dnalm::sequence_references(reference));
    for (index_t i = 0; i < length; ++i) {
      CHECK(map.hypothetical(dnalm::base_code(reference[0][static_cast<std::size_t>(i)]), i) == 0.0);
    }
  }
}

TEST_CASE("values are those of the function, maps are means over references, bits do not depend on company",
          "[attribution][deep_lift]") {
  for (const named_model& kind : models) {
    INFO(kind.name);
    const auto targets = targets_of(kind.make({}));
    const std::string sequence = random_bases(1, length);
    const std::vector<std::string> texts = shuffles(5);
    const auto references = dnalm::sequence_references(texts);
    dnalm::deep_lift_options wide;
    wide.threads = 3;
    wide.residuals = true;
    const deep_lift_map all = dnalm::deep_lift(targets, 0, sequence, references, wide);
    dnalm::deep_lift_options narrow;
    narrow.threads = 1;
    narrow.memory = 1;
    const deep_lift_map same = dnalm::deep_lift(targets, 0, sequence, references, narrow);
    CHECK(all.hypothetical.values == same.hypothetical.values);
    CHECK(all.tokens == same.tokens);
    CHECK(all.deltas == same.deltas);
    CHECK(same.residuals.empty());
    const auto values = targets.function()(texts);
    CHECK(all.reference_values == values);
    CHECK(all.value == targets.function()(std::vector<std::string>{sequence})[0]);
    std::vector<double> mean(all.multipliers.values.size());
    for (std::size_t r = 0; r < references.size(); ++r) {
      const deep_lift_map one = dnalm::deep_lift(targets, 0, sequence, std::span(&references[r], 1));
      CHECK(one.deltas[0] == all.deltas[r]);
      for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += one.multipliers.values[i];
    }
    for (double& value : mean) value *= 0.2;
    CHECK(mean == all.multipliers.values);
  }
}

TEST_CASE("sums over references have the same bits however passes are cut and shared out",
          "[attribution][deep_lift]") {
  const dnalm::model network = dnalm_test::kmer_model({});
  const dnalm::attribution_targets targets(network,
                                           dnalm_test::random_probe(network, last_layer(network), "mean", 3));
  const auto references = dnalm::sequence_references(shuffles(11));
  const std::string sequence = random_bases(1, length);
  std::vector<std::vector<deep_lift_map>> alone;  // by reference
  for (const deep_lift_reference& one : references) {
    alone.push_back(dnalm::deep_lift(targets, sequence, std::span(&one, 1)));
  }
  for (index_t memory = 1; memory <= index_t{1} << 30; memory *= 2) {  // one pair at a time to all at once
    dnalm::deep_lift_options options;
    options.threads = 4;
    options.memory = memory;
    const auto found = dnalm::deep_lift(targets, sequence, references, options);
    for (std::size_t t = 0; t < found.size(); ++t) {
      std::vector<double> mean(found[t].hypothetical.values.size());
      for (std::size_t r = 0; r < alone.size(); ++r) {
        const deep_lift_map& one = alone[r][t];
        for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += one.hypothetical.values[i];
        REQUIRE(found[t].deltas[r] == one.deltas[0]);
        REQUIRE(found[t].reference_values[r] == one.reference_values[0]);
      }
      for (double& value : mean) value *= 1.0 / 11;
      REQUIRE(found[t].hypothetical.values == mean);
    }
  }
}

TEST_CASE("a pass that takes long holds up the others once twice as many as threads wait for it",
          "[attribution][deep_lift]") {
  const dnalm::model network = dnalm_test::kmer_model({});
  const auto late = std::make_shared<const late_model>(network);
  const dnalm::attribution_targets targets({late, network.describe()},
                                           dnalm_test::random_probe(network, last_layer(network), "mean"));
  const auto references = dnalm::sequence_references(shuffles(40));
  const std::string sequence = random_bases(1, length);
  dnalm::deep_lift_options options;
  options.threads = 3;
  const deep_lift_map found = dnalm::deep_lift(targets, 0, sequence, references, options);
  // The pass that came first may be that of any of the first three references; six run or wait, one is added.
  CHECK(late->begun_meanwhile() <= 10);
  CHECK(found.hypothetical.values ==
        dnalm::deep_lift(targets_of(network), 0, sequence, references).hypothetical.values);
}

TEST_CASE("all targets over one forward pass of a pair have the bits that each has alone",
          "[attribution][deep_lift]") {
  for (const named_model& kind : models) {
    INFO(kind.name);
    const dnalm::model network = kind.make({});
    const auto watch = std::make_shared<const dnalm_test::watched_model>(network);
    const dnalm::model watched(watch, network.describe());
    for (const bool logits : {false, true}) {
      const auto probe = dnalm_test::random_probe(network, last_layer(network), "max", 3);
      const std::vector<index_t> columns = {0, 2};
      const auto targets = logits && !network.describe().summary().resizes
                               ? dnalm::attribution_targets::of_logits(watched, columns)
                               : dnalm::attribution_targets(watched, probe);
      const auto references = dnalm::sequence_references(shuffles(2));
      const std::string sequence = random_bases(1, length);
      dnalm::deep_lift_options options;
      options.residuals = true;
      watch->gradients = 0;
      const auto all = dnalm::deep_lift(targets, sequence, references, options);
      CHECK(watch->gradients <= 2);
      REQUIRE(static_cast<index_t>(all.size()) == targets.size());
      for (index_t t = 0; t < targets.size(); ++t) {
        INFO("target " << t);
        const deep_lift_map& found = all[static_cast<std::size_t>(t)];
        const deep_lift_map alone = dnalm::deep_lift(targets, t, sequence, references, options);
        CHECK(found.hypothetical.values == alone.hypothetical.values);
        CHECK(found.tokens == alone.tokens);
        CHECK(found.value == alone.value);
        CHECK(found.reference_values == alone.reference_values);
        CHECK(found.deltas == alone.deltas);
        CHECK(found.residuals == alone.residuals);
      }
      CHECK(all[0].value != all[1].value);
    }
  }
}

TEST_CASE("residuals tell what every hidden state explains", "[attribution][deep_lift]") {
  for (const named_model& kind : models) {
    INFO(kind.name);
    const dnalm::model network = kind.make(on_reference());
    dnalm::deep_lift_options options;
    options.residuals = true;
    const auto map = dnalm::deep_lift(targets_of(network), 0, random_bases(1, length),
                                      dnalm::sequence_references(shuffles(2)), options);
    REQUIRE(map.residuals.size() == 2);
    const bool resizes = network.describe().summary().resizes;
    for (std::size_t r = 0; r < 2; ++r) {
      CHECK(static_cast<index_t>(map.residuals[r].size()) == (resizes ? 1 : last_layer(network) + 1));
      for (const double residual : map.residuals[r]) CHECK(std::abs(residual) < 1e-5 * size(map.tokens));
    }
  }
  deep_lift_map made;
  made.deltas = {0.25, -0.5, 0.25};
  CHECK(made.largest_delta() == -0.5);
  const double nan = std::nan("");
  for (const auto& deltas : {std::vector{nan, 0.01}, std::vector{0.01, nan, 1.0}}) {
    made.deltas = deltas;
    CHECK(std::isnan(made.largest_delta()));
  }
  made.residuals = {{0.1, 0.1, 0.5, 0.0}, {0.0, 0.0, 0.3, 0.0}};
  CHECK(made.weakest_step() == 2);
}

TEST_CASE("a linear model's multipliers are its gradient", "[attribution][deep_lift]") {
  const dnalm::model network = dnalm_test::hyena_model(on_reference());
  const dnalm::fitted_probe probe = dnalm_test::random_probe(network, 0, "mean_all");  // of the embedding
  const dnalm::attribution_targets targets(network, probe);
  const std::string sequence = random_bases(1, length);
  const auto map = dnalm::deep_lift(targets, 0, sequence, dnalm::sequence_references(shuffles(3)));
  const dnalm::nucleotide_input input(network);
  const auto tokens = static_cast<double>(input.layout(sequence).tokens.size());
  dnalm::matrix<float> row(1, probe.width);
  for (int a = 0; a < 4; ++a) {
    network.word_rows(std::vector<std::int32_t>{input.letter_token(a)}, row.view());
    double slope = 0.0;
    for (index_t d = 0; d < probe.width; ++d) {
      slope += static_cast<double>(row.view()(0, d)) * probe.weights[static_cast<std::size_t>(d)] / tokens;
    }
    for (index_t i = 0; i < length; ++i) CHECK(map.multipliers(a, i) == Approx(slope).margin(1e-6));
  }
}

TEST_CASE("poolings by the largest numbers and by CLS are complete", "[attribution][deep_lift]") {
  for (const char* pooling : {"max", "cls", "mean_all"}) {
    INFO(pooling);
    const auto targets = targets_of(dnalm_test::kmer_model(), pooling);
    const auto map =
        dnalm::deep_lift(targets, 0, random_bases(1, length), dnalm::sequence_references(shuffles(3)));
    for (const double delta : map.deltas) CHECK(std::abs(delta) < 1e-5 * size(map.tokens));
    CHECK(size(map.tokens) > 1e-3);
  }
}

TEST_CASE("logits are explained as well", "[attribution][deep_lift]") {
  for (const named_model& kind : models) {
    INFO(kind.name);
    const std::vector<index_t> columns = {0};
    const auto targets = dnalm::attribution_targets::of_logits(kind.make({}), columns);
    const auto map =
        dnalm::deep_lift(targets, 0, random_bases(1, length), dnalm::sequence_references(shuffles(2)));
    for (const double delta : map.deltas) {
      CHECK(std::abs(delta) < 1e-5 * std::max(size(map.tokens), std::abs(map.value)));
    }
  }
}

TEST_CASE("bases that the model reads as unknown get nothing and keep the sum", "[attribution][deep_lift]") {
  const auto targets = targets_of(dnalm_test::hyena_model());
  std::string sequence = random_bases(1, length);
  sequence[20] = 'N';
  std::vector<std::string> reference = shuffles(1);
  CHECK_THROWS_WITH(dnalm::deep_lift(targets, 0, sequence, dnalm::sequence_references(reference)),
                    Contains("dnalm.shape.834") && Contains("position 20"));
  reference[0][20] = 'N';
  const auto map = dnalm::deep_lift(targets, 0, sequence, dnalm::sequence_references(reference));
  for (index_t a = 0; a < 4; ++a) CHECK(map.hypothetical(a, 20) == 0.0);
  CHECK(std::abs(map.deltas[0]) < 1e-5 * size(map.tokens));
}

TEST_CASE("models of pieces have contributions of tokens, against a token", "[attribution][deep_lift]") {
  const dnalm::model network = dnalm_test::piece_model();
  const auto targets = targets_of(network);
  const std::string sequence = random_bases(1, length);
  const deep_lift_reference masks =
      dnalm::token_reference(sequence, dnalm::nucleotide_input(network).mask_token());
  const auto map = dnalm::deep_lift(targets, 0, sequence, std::span(&masks, 1));
  CHECK(static_cast<index_t>(map.tokens.size()) == network.tokenize(sequence).size());
  CHECK(std::abs(map.deltas[0]) < 1e-5 * size(map.tokens));
  CHECK(size(map.tokens) > 1e-3);
  CHECK(size(map.hypothetical.values) == 0.0);
  CHECK_THROWS_WITH(dnalm::deep_lift(targets, 0, sequence, dnalm::sequence_references(shuffles(1))),
                    Contains("dnalm.unsupported.835"));
}

TEST_CASE("a reference of mask tokens is explained by bases", "[attribution][deep_lift]") {
  const dnalm::model network = dnalm_test::kmer_model();
  const std::string sequence = random_bases(1, length);
  const deep_lift_reference masks =
      dnalm::token_reference(sequence, dnalm::nucleotide_input(network).mask_token());
  const auto map = dnalm::deep_lift(targets_of(network), 0, sequence, std::span(&masks, 1));
  CHECK(std::abs(map.deltas[0]) < 1e-5 * size(map.tokens));
  CHECK(std::abs(sum(map.contributions.values) - sum(map.tokens)) < 1e-5 * size(map.tokens));
}

TEST_CASE("what cannot be explained is refused", "[attribution][deep_lift]") {
  const dnalm::model network = dnalm_test::hyena_model();
  const auto targets = targets_of(network);
  const std::string sequence = random_bases(1, length);
  const auto good = dnalm::sequence_references(shuffles(1));
  CHECK_THROWS_WITH(dnalm::deep_lift(targets, 1, sequence, good), Contains("dnalm.usage.802"));
  CHECK_THROWS_WITH(dnalm::deep_lift(targets, 0, sequence, {}), Contains("dnalm.usage.833"));
  auto bad = dnalm::sequence_references(std::vector<std::string>{"ACGT"});
  CHECK_THROWS_WITH(dnalm::deep_lift(targets, 0, sequence, bad), Contains("dnalm.shape.834"));
  bad = good;
  bad[0].letters(0, 7) = std::nan("");
  CHECK_THROWS_WITH(dnalm::deep_lift(targets, 0, sequence, bad), Contains("dnalm.shape.834"));

  dnalm::fitted_probe steep = dnalm_test::random_probe(network, last_layer(network), "mean");
  for (std::size_t d = 0; d < steep.weights.size(); ++d) steep.weights[d] = d % 2 == 0 ? 6e39 : -6e39;
  CHECK_THROWS_WITH(dnalm::deep_lift({network, steep}, 0, sequence, good),
                    Contains("dnalm.numeric.836") && Contains("sequence 1: hidden state"));

  struct other_backend {
    [[nodiscard]] std::string_view name() const { return "elsewhere"; }
  };
  dnalm::ragged_offsets offsets;
  CHECK_THROWS_WITH(static_cast<void>(dnalm::detail::pairs_of(other_backend(), {{}, offsets}, true)),
                    Contains("dnalm.unsupported.830") && Contains("elsewhere"));
}
