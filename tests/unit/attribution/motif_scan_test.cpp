// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/attribution/motif_scan.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/sequence/alphabet.hpp>
#include <support/catch.hpp>

namespace {

using dnalm::index_t;
using dnalm::motif_scorer;

dnalm::io::motif random_motif(std::size_t width, std::uint64_t stream) {
  dnalm::philox random(3, stream);
  dnalm::io::motif motif{.name = "random"};
  for (std::size_t i = 0; i < 4 * width; ++i) {
    motif.counts.push_back(static_cast<double>(random.below(20)) + (i % 4 == 0 ? 1 : 0));
  }
  return motif;
}

std::vector<std::uint8_t> word(std::size_t number, std::size_t width) {
  std::vector<std::uint8_t> codes(width);
  for (std::size_t i = 0; i < width; ++i, number /= 4) codes[i] = static_cast<std::uint8_t>(number % 4);
  return codes;
}

/// Every word of the motif's width with its probability, and its score by the definition.
struct scored_word {
  std::vector<std::uint8_t> codes;
  double probability = 1;
  double score = 0;  // not rounded
};

std::vector<scored_word> all_words(const dnalm::io::motif& motif, const std::array<double, 4>& background,
                                   double pseudocount) {
  const auto width = static_cast<std::size_t>(motif.width());
  std::vector<scored_word> words;
  for (std::size_t n = 0; n < std::size_t{1} << (2 * width); ++n) {
    scored_word w{.codes = word(n, width)};
    for (std::size_t i = 0; i < width; ++i) {
      const double* column = motif.counts.data() + 4 * i;
      const std::size_t a = w.codes[i];
      const double sum = column[0] + column[1] + column[2] + column[3];
      w.probability *= background[a];
      w.score += std::log2((column[a] + pseudocount * background[a]) / (sum + pseudocount) / background[a]);
    }
    words.push_back(w);
  }
  return words;
}

TEST_CASE("p-values equal the sum over all words, on both strands", "[motif]") {
  const std::array<double, 4> background = {0.3, 0.15, 0.25, 0.3};
  for (std::size_t width = 1; width <= 6; ++width) {
    const auto motif = random_motif(width, width);
    const motif_scorer scorer(motif, {.background = background, .pseudocount = 0.5});
    CHECK(scorer.unit() == 0x1p-10);
    const auto words = all_words(motif, background, 0.5);
    std::vector<std::pair<std::int32_t, double>> forward;
    std::vector<std::pair<std::int32_t, double>> reverse;
    for (const auto& w : words) {
      const std::int32_t units = scorer.forward().units_of(w.codes.data());
      // Each of the columns is rounded to the nearest step.
      REQUIRE(std::abs(units * scorer.unit() - w.score) <=
              0.5 * scorer.unit() * static_cast<double>(width) + 1e-9);
      forward.emplace_back(units, w.probability);
      std::vector<std::uint8_t> other(w.codes.rbegin(), w.codes.rend());
      for (auto& code : other) code = static_cast<std::uint8_t>(3 - code);
      REQUIRE(scorer.reverse().units_of(other.data()) == units);
      reverse.emplace_back(scorer.reverse().units_of(w.codes.data()), w.probability);
    }
    for (const auto& [strand, scores] :
         {std::pair(&scorer.forward(), &forward), {&scorer.reverse(), &reverse}}) {
      std::sort(scores->rbegin(), scores->rend());
      double sum = 0;
      for (std::size_t i = 0; i < scores->size(); ++i) {
        sum += (*scores)[i].second;
        if (i + 1 < scores->size() && (*scores)[i + 1].first == (*scores)[i].first) continue;
        // Sums of at most 4096 positive terms in another order.
        REQUIRE(std::abs(strand->p_value((*scores)[i].first) - sum) <= 1e-12 * sum);
      }
      CHECK(strand->p_value(scores->front().first + 1) == 0);
      CHECK(strand->p_value(scores->back().first - 1000) == 1);
    }
  }
}

TEST_CASE("the threshold of a p-value is the lowest score that reaches it", "[motif]") {
  const motif_scorer scorer(random_motif(5, 77));
  const auto& strand = scorer.forward();
  for (const double p : {1.0, 0.3, 1e-2, 1e-3, 1e-9}) {
    const std::int32_t units = strand.threshold(p);
    CHECK(strand.p_value(units) <= p);
    if (p < 1) CHECK(strand.p_value(units - 1) > p);
  }
}

TEST_CASE("hits are those of both strands, sorted, and the same sites on the reverse complement", "[motif]") {
  const std::vector<motif_scorer> motifs = {motif_scorer(random_motif(6, 1)),
                                            motif_scorer(random_motif(4, 2))};
  dnalm::philox random(5, 0);
  std::string sequence(500, 'A');
  for (char& letter : sequence) letter = "ACGTacgtN"[random.below(9)];
  const auto hits = dnalm::find_motifs(motifs, sequence, 0.02);
  REQUIRE(hits.size() > 10);
  for (std::size_t i = 1; i < hits.size(); ++i) {
    const auto key = [](const dnalm::motif_hit& hit) {
      return std::tuple(hit.start, hit.motif, hit.reverse);
    };
    REQUIRE(key(hits[i - 1]) < key(hits[i]));
  }
  std::size_t found = 0;
  for (index_t m = 0; m < 2; ++m) {
    const motif_scorer& motif = motifs[static_cast<std::size_t>(m)];
    for (std::size_t i = 0; i + static_cast<std::size_t>(motif.width()) <= sequence.size(); ++i) {
      const std::string site = sequence.substr(i, static_cast<std::size_t>(motif.width()));
      if (site.find('N') != std::string::npos) continue;
      for (const bool reverse : {false, true}) {
        const std::string read = reverse ? dnalm::reverse_complement(site) : site;
        std::vector<std::uint8_t> codes;
        for (const char letter : read) codes.push_back(static_cast<std::uint8_t>(dnalm::base_code(letter)));
        const std::int32_t units = motif.forward().units_of(codes.data());
        // The background is the same on both strands, and so are p-values.
        if (motif.forward().p_value(units) > 0.02) continue;
        ++found;
        const bool there = std::any_of(hits.begin(), hits.end(), [&](const dnalm::motif_hit& hit) {
          return hit.motif == m && hit.start == static_cast<index_t>(i) && hit.reverse == reverse &&
                 hit.score == units * motif.unit() && hit.p_value == motif.forward().p_value(units);
        });
        CHECK(there);
      }
    }
  }
  CHECK(found == hits.size());
  const auto forward_only = dnalm::find_motifs(motifs, sequence, 0.02, false);
  CHECK(forward_only.size() < hits.size());
  for (const auto& hit : forward_only) CHECK_FALSE(hit.reverse);
}

TEST_CASE("a motif with p-values up to a largest one finds the same sites with the same bits", "[motif]") {
  const auto counts = random_motif(6, 1);
  const std::array<double, 4> background = {0.3, 0.15, 0.25, 0.3};
  const motif_scorer all(counts, {.background = background});
  dnalm::philox random(5, 1);
  std::string sequence(2000, 'A');
  for (char& letter : sequence) letter = "ACGT"[random.below(4)];
  for (const double p : {0.5, 0.02, 1e-3}) {
    const motif_scorer tail(counts, {.background = background, .largest_p_value = p});
    CHECK(tail.largest_p_value() == p);
    for (const double asked : {p, p / 3}) {
      const auto same = dnalm::find_motifs({&tail, 1}, sequence, asked);
      const auto hits = dnalm::find_motifs({&all, 1}, sequence, asked);
      REQUIRE(same.size() == hits.size());
      REQUIRE(!hits.empty());
      for (std::size_t i = 0; i < hits.size(); ++i) {
        REQUIRE(same[i].start == hits[i].start);
        REQUIRE(same[i].reverse == hits[i].reverse);
        REQUIRE(same[i].score == hits[i].score);
        REQUIRE(same[i].p_value == hits[i].p_value);
      }
    }
    const std::int32_t least = tail.forward().threshold(p);
    CHECK(least == all.forward().threshold(p));
    CHECK(tail.forward().p_value(least - 1) == 1);  // larger ones are not told apart
    CHECK(dnalm::best_motif_site(tail, sequence)->p_value == dnalm::best_motif_site(all, sequence)->p_value);
    using dnalm_test::error_id_of;
    CHECK(error_id_of([&] { (void)dnalm::find_motifs({&tail, 1}, sequence, 1.5 * p); }) == "dnalm.usage.877");
  }
  // No word has so small a p-value: nothing is kept, nothing found.
  const motif_scorer none(counts, {.background = background, .largest_p_value = 1e-9});
  CHECK(none.forward().threshold(1e-9) == all.forward().threshold(1e-9));
  CHECK(none.forward().p_value(none.forward().threshold(1e-9)) == 0);
  CHECK(dnalm::find_motifs({&none, 1}, sequence, 1e-9).empty());
  CHECK_FALSE(dnalm::best_motif_site(none, sequence).has_value());
}

TEST_CASE("the best site is the one with the smallest p-value", "[motif]") {
  const motif_scorer motif(random_motif(6, 4));
  dnalm::philox random(6, 0);
  std::string sequence(300, 'A');
  for (char& letter : sequence) letter = "ACGT"[random.below(4)];
  const auto best = dnalm::best_motif_site(motif, sequence);
  REQUIRE(best.has_value());
  double least = 1;
  for (const auto& hit : dnalm::find_motifs({&motif, 1}, sequence, 1)) least = std::min(least, hit.p_value);
  CHECK(best->p_value == least);
  CHECK_FALSE(dnalm::best_motif_site(motif, "ACGTN").has_value());
  CHECK_FALSE(dnalm::best_motif_site(motif, "ACGNTACGT").has_value());
}

TEST_CASE("a wide motif keeps its p-values positive and its grid bounded", "[motif]") {
  dnalm::io::motif motif{.name = "wide"};
  for (int i = 0; i < 40; ++i) motif.counts.insert(motif.counts.end(), {1000, 0, 0, 0});
  const motif_scorer scorer(motif, {.pseudocount = 1e-3});
  CHECK(scorer.unit() > 0x1p-10);
  const std::vector<std::uint8_t> best(40, 0);
  // One word of 4^40 has the best score.
  CHECK(std::abs(scorer.forward().p_value(scorer.forward().units_of(best.data())) * 0x1p80 - 1) < 1e-12);
}

TEST_CASE("sites, scores and p-values agree with FIMO's within its grid", "[motif]") {
  const std::string folder = std::string(DNALM_GOLDEN_DIR) + "/motifs/";
  std::ifstream file(folder + "fimo.json");
  const auto golden = nlohmann::json::parse(file);
  const std::string sequence = golden["sequence"];
  for (const auto& motif : dnalm::io::read_motifs(folder + "fimo.meme").motifs) {
    const motif_scorer scorer(motif, {.background = golden["background"], .pseudocount = 0.1});
    // FIMO rounds each column's score to a step of 1/91 and 1/90 bits here (its scores are multiples of it).
    const double slack = 0.5 / 90 * static_cast<double>(motif.width()) + 0.01;
    const auto steps = static_cast<std::int32_t>(slack / scorer.unit());
    const auto hits = dnalm::find_motifs({&scorer, 1}, sequence, 1);
    index_t found = 0;
    for (const auto& row : golden["hits"]) {
      if (row[0] != motif.name) continue;
      const auto same = std::find_if(hits.begin(), hits.end(), [&](const dnalm::motif_hit& hit) {
        return hit.start == row[1].get<index_t>() && hit.reverse == (row[2] == "-");
      });
      REQUIRE(same != hits.end());
      ++found;
      INFO(motif.name << ' ' << same->start << ' ' << same->score << ' ' << row[3]);
      CHECK(std::abs(same->score - row[3].get<double>()) <= slack);
      const auto units = static_cast<std::int32_t>(std::lround(same->score / scorer.unit()));
      CHECK(scorer.forward().p_value(units + steps) <= row[4].get<double>());
      CHECK(scorer.forward().p_value(units - steps) >= row[4].get<double>());
    }
    CHECK(found > 1);
  }
}

TEST_CASE("motifs and options that cannot be scored are errors", "[motif]") {
  using dnalm_test::error_id_of;
  const auto id = [](const dnalm::io::motif& motif, const dnalm::motif_score_options& options = {}) {
    return error_id_of([&] { motif_scorer scorer(motif, options); });
  };
  CHECK(id({}) == "dnalm.input.875");
  CHECK(id({.counts = {1, 1, 1}}) == "dnalm.input.875");
  CHECK(id({.counts = {0, 0, 0, 0}}) == "dnalm.input.875");
  CHECK(id({.counts = {-1, 2, 1, 1}}) == "dnalm.input.875");
  CHECK(id({.counts = std::vector<double>(4004, 1.0)}) == "dnalm.input.875");
  CHECK(id(random_motif(3, 1), {.background = {0, 0.5, 0.25, 0.25}}) == "dnalm.usage.876");
  CHECK(id(random_motif(3, 1), {.pseudocount = 0}) == "dnalm.usage.876");
  for (const double p : {0.0, 1.5, std::nan("")}) {
    CHECK(id(random_motif(3, 1), {.largest_p_value = p}) == "dnalm.usage.877");
  }
  const motif_scorer motif(random_motif(3, 1));
  CHECK(error_id_of([&] { (void)dnalm::find_motifs({&motif, 1}, "ACGT", 0); }) == "dnalm.usage.877");
}

}  // namespace
