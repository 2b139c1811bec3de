// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <dnalm/attribution/map_transforms.hpp>
#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/catch.hpp>
#include <support/random_sequences.hpp>
#include <support/same_bits.hpp>

namespace {

using dnalm::index_t;
using dnalm::nucleotide_map;
using dnalm::sequence_function;

/// Calls, sequences and what was asked, of a function of one sequence with C outputs.
struct counted {
  int calls = 0;
  std::vector<std::string> asked = {};
};
template <class Value>
sequence_function function_of(index_t outputs, Value value, counted* count = nullptr) {
  return {.outputs = outputs,
          .evaluate = [=](std::span<const std::string> sequences, std::span<double> values) {
            if (count != nullptr) ++count->calls;
            for (std::size_t i = 0; i < sequences.size(); ++i) {
              if (count != nullptr) count->asked.push_back(sequences[i]);
              for (index_t c = 0; c < outputs; ++c) {
                values[i * static_cast<std::size_t>(outputs) + static_cast<std::size_t>(c)] =
                    value(sequences[i], c);
              }
            }
          }};
}

/// Whole numbers, so that sums are exact; w(a, i) for output c.
double weight(index_t a, index_t i, index_t c) {
  return static_cast<double>((7 * a + 3 * i * i + 5 * a * i + c) % 23);
}

double additive(const std::string& sequence, index_t c) {
  double sum = 0;
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    const int a = dnalm::base_code(sequence[i]);
    if (a < 4) sum += weight(a, static_cast<index_t>(i), c);
  }
  return sum;
}

TEST_CASE("effects of an additive function are differences of its weights, exactly, for every output") {
  const std::vector<std::string> sequences = {"ACGTTNGA", "TT"};
  const auto found = dnalm::find_substitution_effects(sequences, function_of(2, additive));
  for (std::size_t s = 0; s < 2; ++s) {
    for (index_t c = 0; c < 2; ++c) {
      CHECK(found[s].reference[static_cast<std::size_t>(c)] == additive(sequences[s], c));
      for (index_t i = 0; i < static_cast<index_t>(sequences[s].size()); ++i) {
        const int here = dnalm::base_code(sequences[s][static_cast<std::size_t>(i)]);
        for (index_t b = 0; b < 4; ++b) {
          const double own = here < 4 ? weight(here, i, c) : 0.0;
          CHECK(found[s].effects[static_cast<std::size_t>(c)](b, i) == weight(b, i, c) - own);
        }
      }
    }
  }
}

TEST_CASE("three edits at a letter and four at N are asked for, equal sequences once") {
  counted count;
  const std::vector<std::string> sequences = {"ACN", "ACN", "ACA"};
  const auto found = dnalm::find_substitution_effects(sequences, function_of(1, additive, &count));
  const std::set<std::string> distinct(count.asked.begin(), count.asked.end());
  CHECK(distinct.size() == count.asked.size());
  CHECK(count.calls == 1);
  // ACN: 1 + 3 + 3 + 4; of ACA (an edit of it) itself and its 3 edits of the end are there already.
  CHECK(count.asked.size() == 11 + 6);
  CHECK(found[0].effects[0].values == found[1].effects[0].values);
  counted small;
  const auto again =
      dnalm::find_substitution_effects(sequences, function_of(1, additive, &small), {.memory = 300});
  CHECK(small.calls > 1);
  for (std::size_t s = 0; s < 3; ++s) {
    CHECK(dnalm_test::same_bits(found[s].effects[0].values, again[s].effects[0].values));
  }
}

TEST_CASE("a substitution taken back has the opposite effect") {
  const auto tangled = [](const std::string& x, index_t) {
    double sum = 0;
    for (std::size_t i = 1; i < x.size(); ++i) sum += std::sin(x[i] * x[i - 1]);
    return sum;
  };
  const auto f = function_of(1, tangled);
  const std::vector<std::string> sequences = {"ACGTT", "ACATT"};
  const auto found = dnalm::find_substitution_effects(sequences, f);
  CHECK(found[0].effects[0](0, 2) == -found[1].effects[0](2, 2));
  CHECK(found[0].effects[0](0, 2) != 0);
  CHECK(found[0].effects[0](2, 2) == 0);
}

TEST_CASE("centring: the fixed example, its 4/3, and N columns") {
  // Effects 0, -1, -2, -3 of A, C, G, T at a position that holds A.
  nucleotide_map raw(2);
  for (index_t b = 0; b < 4; ++b) {
    raw(b, 0) = -static_cast<double>(b);
    raw(b, 1) = static_cast<double>(b) + 1;  // N
  }
  CHECK(dnalm::observed_values(raw, "AN") == std::vector<double>{0, 0});
  const nucleotide_map four = dnalm::centred(raw, "AN", dnalm::effect_centring::mean4);
  const nucleotide_map three = dnalm::centred(raw, "AN", dnalm::effect_centring::mean3);
  CHECK(dnalm::observed_values(four, "AN") == std::vector<double>{1.5, 0});
  CHECK(dnalm::observed_values(three, "AN") == std::vector<double>{2, 0});
  CHECK(four(3, 0) == -1.5);
  CHECK(four(0, 1) == -1.5);
  CHECK(three(0, 1) == -1.5);
  CHECK(dnalm::centred(raw, "AN", dnalm::effect_centring::raw).values == raw.values);
  CHECK_THROWS_WITH(dnalm::centred(raw, "A", dnalm::effect_centring::mean4),
                    Catch::Contains("dnalm.shape.851"));
  CHECK(dnalm::to_string(dnalm::effect_centring::mean3) == "mean3");
}

TEST_CASE("additive functions have no epistasis, and a product has its own") {
  const auto f = function_of(1, additive);
  for (index_t j = 1; j < 5; ++j) CHECK(dnalm::pair_epistasis("ACGTT", f, 0, 'G', j, 'A').front() == 0);
  const auto both =
      function_of(1, [](const std::string& x, index_t) { return x[0] == 'G' && x[3] == 'A' ? 3.0 : 0.0; });
  CHECK(dnalm::pair_epistasis("ACGTT", both, 0, 'G', 3, 'A').front() == 3);
  CHECK_THROWS_WITH(dnalm::pair_epistasis("ACGTT", f, 1, 'G', 1, 'A'), Catch::Contains("dnalm.usage.863"));
  CHECK_THROWS_WITH(dnalm::pair_epistasis("ACGTT", f, 1, 'N', 2, 'A'), Catch::Contains("dnalm.usage.863"));
}

TEST_CASE("a screen computes the edits of largest guess, and its recall is what it found of the largest") {
  const std::string x = "ACGTTGCATN";
  counted count;
  const auto f = function_of(2, additive, &count);
  const auto all =
      dnalm::find_substitution_effects(std::vector<std::string>{x}, function_of(2, additive)).front();
  std::vector<nucleotide_map> guess = all.effects;  // right but for one edit, which looks like nothing
  double largest = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < guess[0].values.size(); ++i) {
    if (std::abs(guess[0].values[i]) > largest) largest = std::abs(guess[0].values[i]), at = i;
  }
  guess[0].values[at] = guess[1].values[at] = 0.125;
  const auto screened = dnalm::screen_substitution_effects(x, f, guess, 8);
  CHECK(count.asked.size() == 9);
  double computed = 0;
  for (std::size_t i = 0; i < guess[0].values.size(); ++i) {
    computed += screened.computed.values[i];
    for (std::size_t c = 0; c < 2; ++c)
      CHECK(screened.effects[c].values[i] == (i == at ? 0.125 : all.effects[c].values[i]));
  }
  CHECK(computed == 8);
  CHECK(screened.reference == all.reference);
  CHECK(dnalm::screen_recall(x, all.effects, screened.computed, 8) == Approx(7.0 / 8));
  const dnalm::substitution_function together{
      .outputs = 2,
      .evaluate = [](const std::string& sequence, std::span<const dnalm::substitution> edits,
                     std::span<double> values) {
        for (std::size_t e = 0; e < edits.size(); ++e) {
          std::string edited = sequence;
          const auto place = static_cast<std::size_t>(edits[e].position);
          if (edits[e].letter >= 0) edited[place] = "ACGT"[edits[e].letter];
          for (index_t c = 0; c < 2; ++c) values[2 * e + static_cast<std::size_t>(c)] = additive(edited, c);
        }
      }};
  const auto same = dnalm::screen_substitution_effects(x, together, guess, 8);
  CHECK(same.reference == screened.reference);
  CHECK(same.computed.values == screened.computed.values);
  for (std::size_t c = 0; c < 2; ++c) CHECK(same.effects[c].values == screened.effects[c].values);
  CHECK_THROWS_WITH(dnalm::screen_substitution_effects(x, together, guess, -1),
                    Catch::Contains("dnalm.usage.862"));
  const auto full = dnalm::screen_substitution_effects(x, f, guess, 1000);
  CHECK(dnalm_test::same_bits(full.effects[0].values, all.effects[0].values));
  CHECK(dnalm::screen_recall(x, all.effects, full.computed, 31) == 1);
  CHECK_THROWS_WITH(dnalm::screen_substitution_effects(x, f, all.effects, -1),
                    Catch::Contains("dnalm.usage.862"));
  CHECK_THROWS_WITH(dnalm::screen_substitution_effects("AC", f, all.effects, 1),
                    Catch::Contains("dnalm.shape.860"));
  guess[0].values[0] = std::nan("");  // A at a position that holds A: not an edit
  CHECK_NOTHROW(dnalm::screen_substitution_effects(x, f, guess, 1));
  guess[0].values[1] = std::nan("");
  CHECK_THROWS_WITH(dnalm::screen_substitution_effects(x, f, guess, 1), Catch::Contains("dnalm.numeric.861"));
}

/// The first prediction of a network of one row, a pass for each sequence.
sequence_function passes_of(const dnalm::model& network) {
  return {.outputs = network.state_width(network.logits_state()),
          .evaluate = [&network](std::span<const std::string> sequences, std::span<double> values) {
            dnalm::forward_workspace workspace;
            auto out = values.begin();
            for (const std::string& sequence : sequences) {
              const auto ids = network.tokenize(sequence).ids;
              dnalm::ragged_offsets offsets;
              offsets.append(static_cast<index_t>(ids.size()));
              const auto take = [&](dnalm::matrix_view<const float> x) {
                out = std::copy(x.row(0).begin(), x.row(0).end(), out);
              };
              network.logits({ids, offsets}, take, workspace);
            }
          }};
}

TEST_CASE(
    "recomputing what an edit reaches gives the effects of whole passes, bitwise, on any number of threads") {
  const dnalm::model network =
      dnalm::load_model(std::filesystem::path(DNALM_GOLDEN_DIR) / "supervised" / "basset");
  const auto& graph = std::get<dnalm::layer_graph>(network.describe().config);
  std::string sequence = dnalm_test::random_sequence(8, graph.input.length);
  sequence[5] = 'N';
  const std::vector<std::string> sequences = {sequence};
  const auto naive = dnalm::find_substitution_effects(sequences, passes_of(network)).front();
  for (const int threads : {1, 2}) {
    const auto reused = dnalm::find_substitution_effects(
                            sequences, dnalm::predictions_of_edits(network, {.threads = threads}))
                            .front();
    CHECK(reused.reference == naive.reference);
    REQUIRE(reused.effects.size() == naive.effects.size());
    for (std::size_t c = 0; c < naive.effects.size(); ++c) {
      CHECK(dnalm_test::same_bits(reused.effects[c].values, naive.effects[c].values));
    }
  }
  CHECK(naive.effects[0](0, 5) != 0);
}

TEST_CASE("effects on the mean of HyenaDNA's last state are those of whole passes") {
  const dnalm::model network = dnalm::load_model(std::filesystem::path(DNALM_GOLDEN_DIR) / "hyena" / "hub");
  const index_t state = network.describe().layers();
  const auto mean = [](dnalm::matrix_view<const float> rows, index_t each, std::span<double> values) {
    for (index_t r = 0; r < rows.rows; ++r) {
      values[static_cast<std::size_t>(r / each)] +=
          static_cast<double>(rows(r, 2)) / static_cast<double>(each);
    }
  };
  const sequence_function naive{
      .outputs = 1, .evaluate = [&](std::span<const std::string> sequences, std::span<double> values) {
        dnalm::forward_workspace workspace;
        for (std::size_t i = 0; i < sequences.size(); ++i) {
          const auto ids = network.tokenize(sequences[i]).ids;
          dnalm::ragged_offsets offsets;
          offsets.append(static_cast<index_t>(ids.size()));
          const auto take = [&](index_t at, dnalm::matrix_view<const float> x) {
            if (at == state) mean(x, x.rows, values.subspan(i, 1));
          };
          network.forward(ids, offsets, take, workspace);
        }
      }};
  const std::vector<std::string> sequences = {"ACGTTGCAAC"};
  const auto expected = dnalm::find_substitution_effects(sequences, naive).front();
  const auto found =
      dnalm::find_substitution_effects(sequences, dnalm::function_of_edits(network, state, 1, mean)).front();
  CHECK(found.reference[0] == expected.reference[0]);
  double gap = 0;
  double largest = 0;
  for (std::size_t i = 0; i < expected.effects[0].values.size(); ++i) {
    const double effect = expected.effects[0].values[i];
    gap = std::max(gap, std::abs(found.effects[0].values[i] - effect));
    largest = std::max(largest, std::abs(effect));
  }
  CHECK(gap / largest < 9.9e-7);  // four times what was seen: the rounding of the long convolutions
  CHECK(std::abs(expected.effects[0](2, 3)) > 1e-4);
}

TEST_CASE("a model without a shorter way, and a prediction of several rows, are told") {
  const std::filesystem::path golden = DNALM_GOLDEN_DIR;
  const dnalm::model strands = dnalm::load_model(golden / "caduceus" / "ps");
  const auto none = [](dnalm::matrix_view<const float>, index_t, std::span<double>) {};
  const auto f = dnalm::function_of_edits(strands, 1, 1, none);
  CHECK_THROWS_WITH(dnalm::find_substitution_effects(std::vector<std::string>{"ACGT"}, f),
                    Catch::Contains("dnalm.unsupported.868"));
  CHECK_THROWS_WITH(
      dnalm::find_substitution_effects(std::vector<std::string>{"AC"}, dnalm::substitution_function{}),
      Catch::Contains("dnalm.usage.800"));
}

}  // namespace
