// SPDX-License-Identifier: Apache-2.0
// Targets of edited sequences, and logits at one token, by what each substitution reaches and the target
// reads: the numbers of passes of the edited sequences.
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/substitution_effects.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>
#include <unit/attribution/attribution_models.hpp>

namespace {

using dnalm::index_t;

/// ln of the softmax of one of some rows of logits, at column `column`.
double log_probability(std::span<const float> logits, std::size_t column) {
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x));
  return static_cast<double>(logits[column]) - std::log(sum);
}

void check_same(const std::vector<std::string>& sequences, const dnalm::sequence_function& passes,
                const dnalm::substitution_function& edits) {
  const auto expected = dnalm::find_substitution_effects(sequences, passes);
  const auto found = dnalm::find_substitution_effects(sequences, edits);
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    CHECK(found[s].reference == expected[s].reference);
    REQUIRE(found[s].effects.size() == expected[s].effects.size());
    double largest = 0;
    for (std::size_t c = 0; c < found[s].effects.size(); ++c) {
      CHECK(dnalm_test::same_bits(found[s].effects[c].values, expected[s].effects[c].values));
      for (const double effect : found[s].effects[c].values) largest = std::max(largest, std::abs(effect));
    }
    CHECK(largest > 0);
  }
}

TEST_CASE(
    "the log-likelihood at the centre of GPN has the effects of whole passes, on any number of threads") {
  const dnalm::model network = dnalm_test::gpn_model();
  const auto read = [](dnalm::matrix_view<const float> rows, index_t each, std::span<double> values) {
    REQUIRE(each == 1);
    for (index_t r = 0; r < rows.rows; ++r) {
      values[static_cast<std::size_t>(r)] =
          log_probability({rows.row_data(r), static_cast<std::size_t>(rows.columns)}, 4);
    }
  };
  const dnalm::sequence_function passes{
      .outputs = 1, .evaluate = [&](std::span<const std::string> sequences, std::span<double> values) {
        dnalm::forward_workspace workspace;
        for (std::size_t s = 0; s < sequences.size(); ++s) {
          const auto ids = network.tokenize(sequences[s]).ids;
          dnalm::ragged_offsets offsets;
          offsets.append(static_cast<index_t>(ids.size()));
          const auto take = [&](dnalm::matrix_view<const float> x) {
            read(x.row_block(x.rows / 2, 1), 1, values.subspan(s, 1));
          };
          network.logits({ids, offsets}, take, workspace);
        }
      }};
  const dnalm::read_output centre{.logits = true,
                                  .rows = [](index_t rows) { return std::vector<index_t>{rows / 2}; }};
  const std::vector<std::string> sequences = {dnalm_test::random_bases(1, 61),
                                              dnalm_test::random_bases(2, 8)};
  for (const int threads : {1, 3}) {
    check_same(sequences, passes, dnalm::function_of_edits(network, centre, 1, read, {.threads = threads}));
  }
}

TEST_CASE("targets of edited sequences have the bits of those of passes") {
  for (const dnalm::model& network : {dnalm_test::gpn_model(), dnalm_test::layer_model()}) {
    INFO(network.describe().name);
    REQUIRE(network.edits_are_exact());
    const bool resizes = network.describe().summary().resizes;
    std::string sequence = dnalm_test::random_bases(3, resizes ? 80 : 40);
    sequence[7] = 'N';
    const std::vector<index_t> columns = {0};
    check_same({sequence}, dnalm::attribution_targets::of_logits(network, columns).function(),
               dnalm::attribution_targets::of_logits(network, columns).function_of_substitutions());
    for (const std::string pooling : {"mean", "mean_all", "max"}) {
      INFO(pooling);
      const dnalm::attribution_targets targets(network, dnalm_test::random_probe(network, 2, pooling, 2));
      check_same({sequence}, targets.function(), targets.function_of_substitutions({.threads = 2}));
    }
  }
}

/// Largest difference of effects over the largest effect.
double relative_gap(const dnalm::substitution_effects& found, const dnalm::substitution_effects& expected) {
  double gap = 0;
  double largest = 0;
  for (std::size_t c = 0; c < expected.effects.size(); ++c) {
    for (std::size_t i = 0; i < expected.effects[c].values.size(); ++i) {
      const double effect = expected.effects[c].values[i];
      gap = std::max(gap, std::abs(found.effects[c].values[i] - effect));
      largest = std::max(largest, std::abs(effect));
    }
  }
  return gap / largest;
}

TEST_CASE("targets of HyenaDNA are those of passes, up to rounding") {
  const dnalm::model network = dnalm_test::hyena_model();
  CHECK_FALSE(network.edits_are_exact());
  CHECK(network.runs_edits());
  REQUIRE(network.describe().has_cls());
  std::vector<std::string> sequences = {"ACGTTGCAAC", dnalm_test::random_bases(4, 60)};
  sequences[1][30] = 'N';
  for (const std::string pooling : {"mean", "cls", "max"}) {
    INFO(pooling);
    const dnalm::attribution_targets targets(network, dnalm_test::random_probe(network, 2, pooling, 2));
    const auto expected = dnalm::find_substitution_effects(sequences, targets.function());
    const auto found = dnalm::find_substitution_effects(sequences, targets.function_of_substitutions());
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      CHECK(found[s].reference == expected[s].reference);  // of the sequence itself nothing is rounded anew
      // Four times what was seen. Largest values have most of it: nothing is averaged.
      CHECK(relative_gap(found[s], expected[s]) < 6e-6);
    }
  }
}

TEST_CASE("targets of HyenaDNA's edits have the same bits on any threads, with any memory and beside any") {
  const dnalm::model network = dnalm_test::hyena_model();
  const std::string sequence = dnalm_test::random_bases(5, 60);
  const dnalm::attribution_targets targets(network, dnalm_test::random_probe(network, 2, "mean", 2));
  const auto effects = [&](const std::vector<std::string>& sequences, const dnalm::edited_options& options) {
    return dnalm::find_substitution_effects(sequences, targets.function_of_substitutions(options));
  };
  const auto alone = effects({sequence}, {.threads = 1}).front();
  const std::vector<std::string> several = {dnalm_test::random_bases(6, 41), sequence};
  for (const auto& other :
       {effects({sequence}, {.threads = 3}).front(), effects({sequence}, {.threads = 2, .memory = 1}).front(),
        effects(several, {.threads = 2, .memory = 1 << 14}).back()}) {
    for (std::size_t c = 0; c < 2; ++c) {
      CHECK(dnalm_test::same_bits(other.effects[c].values, alone.effects[c].values));
    }
  }
  // Those of a screen.
  const dnalm::nucleotide_map guess = alone.effects[1];
  const std::vector<dnalm::nucleotide_map> guesses = {guess, guess};
  const auto screened = dnalm::screen_substitution_effects(
      sequence, targets.function_of_substitutions({.threads = 3}), guesses, 20);
  for (std::size_t i = 0; i < guess.values.size(); ++i) {
    const double expected = screened.computed.values[i] != 0 ? alone.effects[0].values[i] : guess.values[i];
    CHECK(screened.effects[0].values[i] == expected);
  }
  // A few edits, in another order.
  const auto f = targets.function_of_substitutions({.threads = 2});
  const std::vector<dnalm::substitution> some = {{59, 1}, {7, 2}, {30, 0}, {7, 3}};
  std::vector<double> values(2 * some.size());
  f.evaluate(sequence, some, values);
  for (std::size_t e = 0; e < some.size(); ++e) {
    for (std::size_t c = 0; c < 2; ++c) {
      const double effect = alone.effects[c](some[e].letter, some[e].position);
      if (dnalm::base_code(sequence[static_cast<std::size_t>(some[e].position)]) == some[e].letter) continue;
      CHECK(values[2 * e + c] - alone.reference[c] == effect);
    }
  }
}

}  // namespace
