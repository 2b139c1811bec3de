// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <dnalm/attribution/global_importance.hpp>
#include <dnalm/core/philox.hpp>
#include <support/catch.hpp>

namespace {

using dnalm::global_importance;
using dnalm::index_t;
using dnalm::planted_motif;

index_t count_of(const std::string& sequence, const std::string& motif) {
  index_t count = 0;
  for (std::size_t i = sequence.find(motif); i != std::string::npos; i = sequence.find(motif, i + 1)) ++count;
  return count;
}

/// Outputs: 2.5 per GATAAG, minus that, and 7 where GATAAG and CACCTG stand exactly 3 apart.
const dnalm::sequence_function counter{
    .outputs = 3, .evaluate = [](std::span<const std::string> sequences, std::span<double> values) {
      for (std::size_t i = 0; i < sequences.size(); ++i) {
        const auto count = static_cast<double>(count_of(sequences[i], "GATAAG"));
        const std::size_t first = sequences[i].find("GATAAG");
        const bool pair = first != std::string::npos && first + 15 <= sequences[i].size() &&
                          sequences[i].substr(first + 9, 6) == "CACCTG";
        values[3 * i] = 2.5 * count;
        values[3 * i + 1] = -2.5 * count;
        values[3 * i + 2] = pair ? 7 : 0;
      }
    }};

/// Backgrounds without A: no planted motif arises by itself.
std::vector<std::string> plain_backgrounds(std::size_t count, std::size_t length) {
  std::vector<std::string> backgrounds;
  for (std::size_t n = 0; n < count; ++n) {
    dnalm::philox random(2, n);
    std::string letters(length, 'C');
    for (char& letter : letters) letter = "CGT"[random.below(3)];
    backgrounds.push_back(letters);
  }
  return backgrounds;
}

TEST_CASE("the importance of a motif that is counted is its coefficient", "[gia]") {
  const global_importance importance(counter, plain_backgrounds(20, 60));
  const planted_motif motif{"GATAAG", 10};
  const auto effect = importance.effect({&motif, 1});
  REQUIRE(effect.outputs.size() == 3);
  CHECK(effect.outputs[0].mean == 2.5);
  CHECK(effect.outputs[1].mean == -2.5);
  CHECK(effect.outputs[0].standard_error == 0);
  CHECK(effect.outputs[0].count == 20);
  CHECK(effect.effects.size() == 60);
  const std::vector<index_t> positions = {0, 20, 54};
  for (const auto& at : importance.position_curve("GATAAG", positions)) CHECK(at.outputs[0].mean == 2.5);
  const auto curve = importance.multiplicity_curve("gataag", positions);
  REQUIRE(curve.size() == 3);
  for (std::size_t m = 0; m < 3; ++m) CHECK(curve[m].outputs[0].mean == 2.5 * static_cast<double>(m + 1));
}

TEST_CASE("what the background holds already, and N, have no effect", "[gia]") {
  auto backgrounds = plain_backgrounds(5, 40);
  for (auto& background : backgrounds) background.replace(4, 6, "GATAAG");
  const global_importance importance(counter, backgrounds);
  for (const planted_motif& motif : {planted_motif{"GATAAG", 4}, {"NNNNNN", 4}, {"", 40}}) {
    CHECK(importance.effect({&motif, 1}).effects == std::vector<double>(15, 0.0));
  }
  CHECK(dnalm::with_motifs("acgtACGT", std::vector<planted_motif>{{"NgN", 2}}) == "acgGACGT");
}

TEST_CASE("interaction is what two motifs do beyond each alone, at the right distance only", "[gia]") {
  const global_importance importance(counter, plain_backgrounds(12, 60));
  const planted_motif first{"GATAAG", 30};
  const std::vector<index_t> gaps = {0, 3, 10, -1, -4};
  const auto curve = importance.spacing_curve(first, "CACCTG", gaps);
  REQUIRE(curve.size() == 5);
  for (std::size_t i = 0; i < curve.size(); ++i) {
    CHECK(curve[i].outputs[0].mean == 0);
    CHECK(curve[i].outputs[2].mean == (gaps[i] == 3 ? 7 : 0));
  }
  const planted_motif second{"CACCTG", 39};
  CHECK(importance.interaction({&first, 1}, {&second, 1}).outputs[2].mean == 7);
  // A gap of -4: ends three bases before the first.
  const dnalm::sequence_function place{
      .outputs = 1, .evaluate = [](std::span<const std::string> sequences, std::span<double> values) {
        for (std::size_t i = 0; i < sequences.size(); ++i) {
          values[i] = sequences[i].substr(21, 6) == "AAAAAA" && sequences[i].substr(30, 1) == "A" ? 1 : 0;
        }
      }};
  const global_importance placed(place, plain_backgrounds(3, 60));
  CHECK(placed.spacing_curve({"ACA", 30}, "AAAAAA", std::vector<index_t>{-4})[0].outputs[0].mean == 1);
}

TEST_CASE("the effect is linear in the function, and its error falls with the root of the number", "[gia]") {
  const auto weigh = [](double factor) {
    return dnalm::sequence_function{
        .outputs = 1, .evaluate = [factor](std::span<const std::string> sequences, std::span<double> values) {
          for (std::size_t i = 0; i < sequences.size(); ++i) {
            values[i] = factor * static_cast<double>(dnalm::hash_name(sequences[i]) % 1000);
          }
        }};
  };
  const planted_motif motif{"GATAAG", 3};
  const auto few = global_importance(weigh(1), plain_backgrounds(100, 30)).effect({&motif, 1});
  const auto doubled = global_importance(weigh(2), plain_backgrounds(100, 30)).effect({&motif, 1});
  CHECK(doubled.outputs[0].mean == 2 * few.outputs[0].mean);
  const auto many = global_importance(weigh(1), plain_backgrounds(1600, 30)).effect({&motif, 1});
  // Four times smaller; the estimate of a standard deviation from 100 values is off by 7 % (one sigma).
  CHECK(std::abs(few.outputs[0].standard_error / many.outputs[0].standard_error / 4 - 1) < 0.25);
}

TEST_CASE("backgrounds by shuffling keep their letters and depend on each sequence alone", "[gia]") {
  const std::vector<std::string> sequences = {"ACCCACGATGATGAACCT", "GGATTTAGCTAGACCA"};
  const auto backgrounds = dnalm::shuffled_backgrounds(sequences, 5, 2, 9);
  REQUIRE(backgrounds.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    std::string letters = backgrounds[i];
    std::string expected = sequences[i % 2];
    std::sort(letters.begin(), letters.end());
    std::sort(expected.begin(), expected.end());
    CHECK(letters == expected);
  }
  const std::vector<std::string> turned = {sequences[1], sequences[0]};
  const auto other = dnalm::shuffled_backgrounds(turned, 4, 2, 9);
  CHECK(other[0] == backgrounds[1]);
  CHECK(other[1] == backgrounds[0]);
  CHECK(other[2] == backgrounds[3]);
  CHECK(other[3] == backgrounds[2]);
  const std::vector<std::string> twice = {sequences[0], sequences[0]};
  const auto equal = dnalm::shuffled_backgrounds(twice, 2, 2, 9);
  CHECK(equal[0] == backgrounds[0]);
  CHECK(equal[1] == backgrounds[2]);
}

TEST_CASE("backgrounds by a profile have its frequencies at each position", "[gia]") {
  const std::vector<std::string> sequences = {"ANG", "CNG", "ATG", "aTg"};
  std::map<char, int> first;
  for (const auto& background : dnalm::profile_backgrounds(sequences, 4000, 3)) {
    REQUIRE(background.substr(1) == "TG");
    ++first[background[0]];
  }
  CHECK(first['A'] + first['C'] == 4000);
  CHECK(std::abs(first['A'] - 3000) < 5 * std::sqrt(4000 * 0.75 * 0.25));
  CHECK(dnalm::profile_backgrounds(sequences, 3, 3) == dnalm::profile_backgrounds(sequences, 3, 3));
}

TEST_CASE("a motif's consensus has the letters with more than half of their column", "[gia]") {
  const auto letters = [](std::vector<double> counts) {
    return dnalm::consensus_letters({.name = "M", .counts = std::move(counts)});
  };
  CHECK(letters({9, 1, 0, 0, 0, 0, 0, 3, 2, 2, 2, 1, 0, 5, 4.5, 0}) == "ATNC");
  CHECK(letters({1, 1, 0, 0, 0, 0, 6, 0, 1, 2, 1, 0}) == "G");  // one half is not more, ends are cut off
  CHECK(dnalm_test::error_id_of([&] { (void)letters({1, 1, 1, 1}); }) == "dnalm.input.890");
  CHECK(dnalm_test::error_id_of([&] { (void)letters({}); }) == "dnalm.input.890");
}

TEST_CASE("curves see that all motifs have a place before they evaluate anything", "[gia]") {
  index_t evaluations = 0;
  const dnalm::sequence_function function{
      .outputs = 1, .evaluate = [&](std::span<const std::string>, std::span<double> values) {
        ++evaluations;
        std::fill(values.begin(), values.end(), 0.0);
      }};
  auto backgrounds = plain_backgrounds(3, 30);
  backgrounds.push_back(plain_backgrounds(1, 20)[0]);  // the shortest decides
  const global_importance importance(function, backgrounds);
  const std::vector<index_t> places = {0, 8, 15};
  const std::vector<index_t> near = {0, 3};
  const auto id = [](const auto& call) { return dnalm_test::error_id_of(call); };
  CHECK(id([&] { (void)importance.position_curve("GATAAG", places); }) == "dnalm.input.882");
  CHECK(id([&] { (void)importance.multiplicity_curve("GATAAG", near); }) == "dnalm.input.882");
  CHECK(id([&] { (void)importance.spacing_curve({"GATAAG", 0}, "CACCTG", places); }) == "dnalm.input.882");
  CHECK(evaluations == 1);  // of the backgrounds
  CHECK(importance.values() == std::vector<double>(4, 0.0));
}

TEST_CASE("motifs that do not fit and backgrounds that cannot be made are errors", "[gia]") {
  using dnalm_test::error_id_of;
  const global_importance importance(counter, plain_backgrounds(2, 20));
  const auto id = [&](const std::vector<planted_motif>& motifs) {
    return error_id_of([&] { (void)importance.effect(motifs); });
  };
  CHECK(id({{"GATAAG", 15}}) == "dnalm.input.882");
  CHECK(id({{"GATAAG", -1}}) == "dnalm.input.882");
  CHECK(id({{"GATAAG", std::numeric_limits<index_t>::max()}}) == "dnalm.input.882");
  CHECK(id({{"GATXAG", 0}}) == "dnalm.input.882");
  CHECK(id({{"GATAAG", 0}, {"AC", 5}}) == "dnalm.input.882");
  CHECK(error_id_of([] { global_importance one(counter, {"ACGT"}); }) == "dnalm.input.881");
  const std::vector<std::string> none;
  const std::vector<std::string> uneven = {"ACGT", "ACG"};
  const std::vector<std::string> unknown = {"ANGT", "ANGT"};
  CHECK(error_id_of([&] { (void)dnalm::shuffled_backgrounds(none, 1); }) == "dnalm.usage.880");
  CHECK(error_id_of([&] { (void)dnalm::profile_backgrounds(uneven, -1); }) == "dnalm.usage.880");
  CHECK(error_id_of([&] { (void)dnalm::profile_backgrounds(uneven, 1); }) == "dnalm.input.881");
  CHECK(error_id_of([&] { (void)dnalm::profile_backgrounds(unknown, 1); }) == "dnalm.input.881");
}

}  // namespace
