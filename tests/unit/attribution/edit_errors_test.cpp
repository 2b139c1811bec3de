// SPDX-License-Identifier: Apache-2.0
// Errors about sequences that a method made are errors about those it was given, and tell the edit.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <dnalm/attribution/dependency_map.hpp>
#include <dnalm/attribution/global_importance.hpp>
#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/core/sequence_error.hpp>
#include <support/catch.hpp>

namespace {

using Catch::Contains;
using dnalm::index_t;

/// NaN where a sequence holds a word.
dnalm::sequence_function broken_at(const std::string& word) {
  return {.evaluate = [word](std::span<const std::string> sequences, std::span<double> values) {
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      const bool broken = sequences[i].find(word) != std::string::npos;
      values[i] = broken ? std::numeric_limits<double>::quiet_NaN() : 1.0;
    }
  }};
}

}  // namespace

TEST_CASE("a value that is not finite names the sequence and the substitution that gave it", "[edits]") {
  const std::vector<std::string> sequences = {"CCCCCC", "AAAA", "GAATACAG", "AAAA"};
  for (const index_t memory : {index_t{1}, index_t{1} << 26}) {
    INFO(memory);
    CHECK_THROWS_WITH(dnalm::find_substitution_effects(sequences, broken_at("GATTACA"), {.memory = memory}),
                      Contains("dnalm.numeric.801") && Contains("sequence 3: T at position 3: output 0"));
    CHECK_THROWS_WITH(dnalm::find_substitution_effects(sequences, broken_at("GAAT"), {.memory = memory}),
                      Contains("sequence 3: output 0"));
  }
  const dnalm::substitution_function together{.evaluate = [](const std::string& sequence,
                                                             std::span<const dnalm::substitution> edits,
                                                             std::span<double> values) {
    for (std::size_t e = 0; e < edits.size(); ++e) {
      const bool broken = sequence.size() == 8 && edits[e].position == 2 && edits[e].letter == 3;
      values[e] = broken ? std::numeric_limits<double>::infinity() : 0.0;
    }
  }};
  CHECK_THROWS_WITH(dnalm::find_substitution_effects(sequences, together),
                    Contains("sequence 3: T at position 3: output 0"));
  const std::vector<dnalm::nucleotide_map> guess(1, dnalm::nucleotide_map(8));
  CHECK_THROWS_WITH(dnalm::screen_substitution_effects(sequences[2], broken_at("GATTACA"), guess, 24),
                    Contains("sequence 1: T at position 3: output 0"));
}

TEST_CASE("an error out of a function of substitutions is about its sequence, not about an edit", "[edits]") {
  const dnalm::substitution_function f{
      .evaluate = [](const std::string& sequence, std::span<const dnalm::substitution>, std::span<double>) {
        if (sequence == "ACGT") return;
        throw dnalm::sequence_error(dnalm::error_kind::input, 433, "too short", 0, {.where = "here"});
      }};
  const std::vector<std::string> sequences = {"ACGT", "AC"};
  CHECK_THROWS_WITH(dnalm::find_substitution_effects(sequences, f),
                    Contains("[dnalm.input.433]: too short, in sequence 2: here"));
}

TEST_CASE("an error whose place is a sequence becomes one about it", "[edits]") {
  const auto of = [](const std::string& where) {
    return [where](const std::string& words) {
      throw dnalm::error(dnalm::error_kind::input, 407, "a token\nwithout a row",
                         {.where = words + where, .expected = "0 to 3", .found = "4"});
    };
  };
  const auto passed_on = [](const auto& work) {
    try {
      dnalm::detail::about_sequence(4, work);
    } catch (const dnalm::sequence_error& problem) {
      return std::string(problem.of(1, "T at position 3").what());
    }
    return std::string();
  };
  CHECK(passed_on(of(", token 7")) ==
        "[dnalm.input.407]: a token?without a row, in sequence 2: T at position 3: token 7, "
        "expected 0 to 3, found 4");
  CHECK(passed_on(of("")) ==
        "[dnalm.input.407]: a token?without a row, in sequence 2: T at position 3, expected 0 to 3, found 4");
  const auto elsewhere = [](const std::string&) {
    throw dnalm::error(dnalm::error_kind::config, 405, "no tokenizer", {.where = "a folder"});
  };
  CHECK_THROWS_WITH(dnalm::detail::about_sequence(4, elsewhere),
                    "[dnalm.config.405]: no tokenizer, in a folder");
}

TEST_CASE("gradients of many points name the sequence of the list that they are of", "[edits]") {
  const dnalm::relaxed_function f{.evaluate = [](std::span<const dnalm::relaxed_point> points,
                                                 std::span<double> values,
                                                 std::span<dnalm::nucleotide_weights> gradients) {
    for (std::size_t i = 0; i < points.size(); ++i) {
      const auto length = static_cast<index_t>(points[i].sequence.size());
      values[i] = 0;
      if (gradients.empty()) continue;
      gradients[i].letters = dnalm::nucleotide_map(length);
      gradients[i].letters(0, 0) = length == 3 ? std::nan("") : 0.0;
    }
  }};
  std::vector<std::string> sequences(70, "ACGTACGT");
  sequences[66] = "ACG";
  const auto third =
      Contains("[dnalm.numeric.803]: a gradient by nucleotides is not finite, in sequence 67: output 0");
  CHECK_THROWS_WITH(dnalm::saliency(f, sequences), third);
  CHECK_THROWS_WITH(dnalm::smooth_grad(f, sequences, {.samples = 2, .first_number = 100}), third);
  const dnalm::baseline from{.kind = dnalm::baseline_kind::uniform};
  CHECK_THROWS_WITH(dnalm::integrated_gradients(f, sequences, {.from = from, .nodes = 2, .first_number = 9}),
                    third);
  CHECK_THROWS_WITH(dnalm::expected_gradients(f, sequences, {.from = from, .samples = 2, .first_number = 9}),
                    third);
}

TEST_CASE("a prediction that cannot be made names the substitution it is of", "[edits]") {
  const dnalm::nucleotide_predictor predict = [](std::span<const std::string> sequences) {
    std::vector<dnalm::nucleotide_map> maps;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      if (sequences[i] == "GATT") {
        throw dnalm::sequence_error(dnalm::error_kind::numeric, 855, "a logit that is not finite",
                                    static_cast<index_t>(i), {.where = "token 1"}, "sequence '7'");
      }
      maps.emplace_back(4);
      for (double& value : maps.back().values) value = std::log(0.25);
    }
    return maps;
  };
  CHECK_THROWS_WITH(dnalm::nucleotide_dependencies("GAAT", predict),
                    Contains("dnalm.numeric.855") && Contains("sequence 1: T at position 3: token 1"));
  CHECK_THROWS_WITH(dnalm::nucleotide_dependencies("GATT", predict), Contains("sequence 1: token 1"));
}

TEST_CASE("a value of a planted motif names the background and what was planted", "[edits]") {
  const dnalm::global_importance importance(broken_at("GATA"), {"CCCCCCCC", "CCCCCCAC"});
  const std::vector<index_t> places = {0, 3};
  CHECK_THROWS_WITH(
      importance.position_curve("GAT", places),
      Contains("dnalm.numeric.801") && Contains("sequence 2: with GAT at position 4: output 0"));
}

TEST_CASE("an error passes from list to list and keeps its id", "[edits]") {
  const dnalm::sequence_error first(dnalm::error_kind::numeric, 801, "a number", 4, {.found = "nan"});
  CHECK(std::string(first.what()) == "[dnalm.numeric.801]: a number, in sequence 5, found nan");
  const dnalm::sequence_error second = first.of(1, "T at position 3").of(2, "its reverse complement");
  CHECK(second.sequence() == 2);
  CHECK(second.id() == "dnalm.numeric.801");
  CHECK(std::string(second.named("x").what()) ==
        "[dnalm.numeric.801]: a number, in sequence 'x': its reverse complement: T at position 3, found nan");
}
