// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/attribution/dependency_map.hpp>
#include <dnalm/attribution/nucleotide_probabilities.hpp>
#include <dnalm/core/error.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>
#include <unit/attribution/models.hpp>

namespace {

using dnalm::dependency_map;
using dnalm::index_t;
using dnalm::nucleotide_map;

const std::filesystem::path golden = DNALM_GOLDEN_DIR;

/// A predictor whose logits of letter c at position j of a sequence are logit(sequence, c, j).
template <class Logit>
dnalm::nucleotide_predictor toy(Logit logit) {
  return [logit](std::span<const std::string> sequences) {
    std::vector<nucleotide_map> maps;
    for (const std::string& sequence : sequences) {
      nucleotide_map weights(static_cast<index_t>(sequence.size()));
      for (index_t c = 0; c < 4; ++c) {
        for (index_t j = 0; j < weights.length; ++j) weights(c, j) = logit(sequence, c, j);
      }
      maps.push_back(dnalm::log_probabilities_of(weights));
    }
    return maps;
  };
}

/// Depends on all letters and their places, differently on the two sides.
double tangled(const std::string& sequence, index_t c, index_t j) {
  double sum = 0.3 * static_cast<double>(c);
  for (index_t i = 0; i < static_cast<index_t>(sequence.size()); ++i) {
    const double code = dnalm::base_code(sequence[static_cast<std::size_t>(i)]);
    sum += std::sin(1.7 * code + 0.9 * static_cast<double>(c) + 0.4 * static_cast<double>(j)) /
           (1.5 + std::abs(static_cast<double>(i - j) + 0.25));
  }
  return sum;
}

TEST_CASE("a model of independent positions has no dependencies") {
  const auto found = dnalm::nucleotide_dependencies(
      "ACGTTA", toy([](const std::string&, index_t c, index_t j) { return static_cast<double>(c * j); }));
  for (const double value : found.log_odds.values) CHECK(value == 0);
  for (const double value : found.jacobian.values) CHECK(value == Approx(0).margin(1e-15));
  for (const double value : found.influence.values) CHECK(value == 0);
}

TEST_CASE("a planted dependency of one position on another is the only entry") {
  // Position 4 repeats position 1 with weight 2.
  const auto found =
      dnalm::nucleotide_dependencies("ACGTTA", toy([](const std::string& x, index_t c, index_t j) {
                                       return j == 4 && "ACGT"[c] == x[1] ? 2.0 : 0.0;
                                     }));
  for (index_t i = 0; i < 6; ++i) {
    for (index_t j = 0; j < 6; ++j) {
      const bool planted = i == 1 && j == 4;
      CHECK((found.log_odds(i, j) != 0) == planted);
      CHECK((found.jacobian(i, j) > 1e-12) == planted);
    }
  }
  // The odds of the letter there go from e^2 / 3 to 1 / (e^2 + 2), and the other way for the new letter.
  CHECK(found.log_odds(1, 4) == Approx(std::log2(std::exp(2.0) / 3) - std::log2(1 / (std::exp(2.0) + 2))));
  for (index_t b = 0; b < 4; ++b) {
    CHECK(found.influence(b, 1) == Approx(b == 1 ? 0.0 : found.log_odds(1, 4) / 5));
    CHECK(found.influence(b, 2) == 0);
  }
}

TEST_CASE("log-odds stay exact where one minus the probability is nothing") {
  const auto found = dnalm::nucleotide_dependencies("AC", toy([](const std::string& x, index_t c, index_t j) {
                                                      return j == 1 && c == 0 ? (x[0] == 'A' ? 60.0 : 61.0)
                                                                              : 0.0;  // 1 - p = 3 e^-60
                                                    }));
  CHECK(found.log_odds(0, 1) == Approx(1 / std::log(2.0)).epsilon(1e-12));
}

TEST_CASE("the memory for predictions changes no bit") {
  const auto all = dnalm::nucleotide_dependencies("ACGTTANCAG", toy(tangled));
  const auto few = dnalm::nucleotide_dependencies("ACGTTANCAG", toy(tangled), {.memory = 1});
  CHECK(dnalm_test::same_bits(all.log_odds.values, few.log_odds.values));
  CHECK(dnalm_test::same_bits(all.jacobian.values, few.jacobian.values));
  CHECK(dnalm_test::same_bits(all.influence.values, few.influence.values));
  for (index_t j = 0; j < 10; ++j) CHECK(all.log_odds(6, j) == 0);  // nothing is put for N
  CHECK(all.log_odds(5, 6) > 0);                                    // this toy predicts at N
}

TEST_CASE("the influence of a substitution is its mean largest change, by the convention that is asked for") {
  const std::string x = "ACGT";
  const auto f = toy(tangled);
  const auto plain = dnalm::nucleotide_dependencies(x, f);
  const auto self = dnalm::nucleotide_dependencies(x, f, {.influence_includes_self = true});
  const auto with_sign = dnalm::nucleotide_dependencies(x, f, {.signed_influence = true});
  const auto odds = [&](const std::string& sequence, index_t c, index_t j) {
    const nucleotide_map p = dnalm::probabilities(f(std::vector<std::string>{sequence}).front());
    return std::log2(p(c, j) / (1 - p(c, j)));
  };
  double sum = 0;
  double signed_sum = 0;
  double self_change = 0;
  for (index_t j = 0; j < 4; ++j) {
    double largest = 0;
    double most = -1e9;
    for (index_t c = 0; c < 4; ++c) {
      const double change = odds("AGGT", c, j) - odds(x, c, j);
      largest = std::max(largest, std::abs(change));
      most = std::max(most, change);
    }
    if (j == 1) self_change = largest;
    if (j != 1) sum += largest;
    if (j != 1) signed_sum += most;
  }
  CHECK(plain.influence(2, 1) == Approx(sum / 3));
  CHECK(self.influence(2, 1) == Approx((sum + self_change) / 3));
  CHECK(with_sign.influence(2, 1) == Approx(signed_sum / 3));
}

/// A sequence, and the logits of it and of its substitutions, of dependency.json.
struct recorded_logits {
  nlohmann::json record = read_record("dependency.json");
  std::string sequence = record.at("sequence");

  static nlohmann::json read_record(const std::string& name) {
    std::ifstream file(golden / "attribution" / name);
    return nlohmann::json::parse(file);
  }
  [[nodiscard]] std::vector<nucleotide_map> operator()(std::span<const std::string> sequences) const {
    std::vector<nucleotide_map> maps;
    for (const std::string& edited : sequences) {
      const auto& logits = record.at("logits").at(edited);  // (L, 4)
      nucleotide_map weights(static_cast<index_t>(edited.size()));
      for (index_t j = 0; j < weights.length; ++j) {
        for (index_t c = 0; c < 4; ++c) {
          weights(c, j) = logits[static_cast<std::size_t>(j)][static_cast<std::size_t>(c)];
        }
      }
      maps.push_back(dnalm::log_probabilities_of(weights));
    }
    return maps;
  }
};

TEST_CASE("maps agree with the recorded definition, with and without an epsilon") {
  const recorded_logits made;
  const auto compare = [&](const std::vector<double>& found, const std::string& name) {
    const auto expected = made.record.at(name).get<std::vector<double>>();
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i)
      CHECK(found[i] == Approx(expected[i]).epsilon(1e-9).margin(1e-9));
  };
  const auto exact = dnalm::nucleotide_dependencies(made.sequence, made);
  compare(exact.log_odds.values, "log_odds");
  compare(exact.jacobian.values, "jacobian");
  compare(dnalm::average_product_corrected(dnalm::symmetrized(exact.jacobian)).values, "jacobian_corrected");
  const auto notebook = dnalm::nucleotide_dependencies(
      made.sequence, made, {.epsilon = 1e-10, .signed_influence = true, .influence_includes_self = true});
  compare(notebook.log_odds.values, "notebook_log_odds");
  compare(notebook.influence.values, "notebook_influence");
}

TEST_CASE("the authors' notebooks give the same maps and influences by their conventions") {
  const recorded_logits made;
  const auto theirs = recorded_logits::read_record("dependency_notebook.json");
  const auto numbers = [&](const char* name) { return theirs.at(name).get<std::vector<double>>(); };
  const auto length = static_cast<index_t>(made.sequence.size());

  // Both in double, and 1 - p of a probability near 1 keeps some 1e-16 / (1 - p) of its size.
  const auto ours = dnalm::nucleotide_dependencies(
      made.sequence, made, {.epsilon = 1e-10, .signed_influence = true, .influence_includes_self = true});
  const auto map = numbers("map");
  REQUIRE(map.size() == ours.log_odds.values.size());
  for (std::size_t i = 0; i < map.size(); ++i) CHECK(std::abs(ours.log_odds.values[i] - map[i]) < 1e-10);
  const auto influence = numbers("influence");  // (L, 4)
  for (index_t i = 0; i < length; ++i) {
    for (index_t b = 0; b < 4; ++b) {
      CHECK(std::abs(ours.influence(b, i) - influence[static_cast<std::size_t>(4 * i + b)]) < 1e-10);
    }
  }

  // The figures' influence is that of this library in natural logarithms, by L in place of L - 1; in float.
  const auto figures = dnalm::nucleotide_dependencies(made.sequence, made, {.epsilon = 1e-4});
  const double factor = std::log(2.0) * static_cast<double>(length - 1) / static_cast<double>(length);
  const auto sums = numbers("row_sums");  // (4, L)
  for (index_t b = 0; b < 4; ++b) {
    for (index_t i = 0; i < length; ++i) {
      CHECK(std::abs(factor * figures.influence(b, i) - sums[static_cast<std::size_t>(b * length + i)]) <
            1e-4);
    }
  }
}

TEST_CASE("average product correction leaves rows and columns of sum zero") {
  const auto found = dnalm::nucleotide_dependencies("ACGTTAC", toy(tangled));
  const dependency_map corrected = dnalm::average_product_corrected(dnalm::symmetrized(found.jacobian));
  for (index_t i = 0; i < 7; ++i) {
    double row = 0;
    double column = 0;
    for (index_t j = 0; j < 7; ++j) {
      row += corrected(i, j);
      column += corrected(j, i);
      CHECK(corrected(i, j) == Approx(corrected(j, i)).margin(1e-14));
    }
    CHECK(row == Approx(0).margin(1e-13));
    CHECK(column == Approx(0).margin(1e-13));
  }
  const dependency_map larger = dnalm::symmetrized(found.log_odds, dnalm::symmetry::max);
  CHECK(larger(1, 4) == std::max(found.log_odds(1, 4), found.log_odds(4, 1)));
  CHECK(dnalm::average_product_corrected(dependency_map(3)).values == std::vector<double>(9));
}

TEST_CASE("the mean of both strands of a map is the same from either strand, bitwise") {
  const dnalm::model network = dnalm::load_model(golden / "convnets" / "gpn_7");
  const std::string x = "ACGTTGCAAC";
  const auto here = dnalm::nucleotide_dependencies(network, x, {}, true);
  const auto there = dnalm::nucleotide_dependencies(network, dnalm::reverse_complement(x), {}, true);
  CHECK(dnalm_test::same_bits(here.log_odds.values, dnalm::turned_map(there.log_odds).values));
  CHECK(dnalm_test::same_bits(here.jacobian.values, dnalm::turned_map(there.jacobian).values));
  const auto alone = dnalm::nucleotide_dependencies(network, x);
  CHECK(alone.log_odds(2, 3) != here.log_odds(2, 3));
  CHECK(alone.log_odds(2, 3) > 0);
}

TEST_CASE("each strand of a causal model gives one triangle, and both together the whole map") {
  const dnalm::model network = dnalm::load_model(golden / "hyena" / "hub");
  const std::string x = "ACGTTGCAAC";
  const auto one = dnalm::nucleotide_dependencies(x, dnalm::predictor_of(network), {.causal = true});
  const auto other = dnalm::nucleotide_dependencies(dnalm::reverse_complement(x),
                                                    dnalm::predictor_of(network), {.causal = true});
  const auto both = dnalm::nucleotide_dependencies(network, x);
  for (index_t i = 0; i < 10; ++i) {
    for (index_t j = 0; j < 10; ++j) {
      if (j <= i) CHECK(one.log_odds(i, j) == 0);
      if (j > i) CHECK(both.log_odds(i, j) == one.log_odds(i, j));
      if (j < i) CHECK(both.jacobian(i, j) == other.jacobian(9 - i, 9 - j));
      if (i == j) CHECK(both.log_odds(i, j) == 0);
    }
  }
  CHECK(one.log_odds(2, 3) > 0);
  CHECK(other.log_odds(2, 3) > 0);
  // Without that promise what changes before the substitution is rounding.
  const auto free = dnalm::nucleotide_dependencies(x, dnalm::predictor_of(network));
  for (index_t i = 1; i < 10; ++i) CHECK(free.log_odds(i, i - 1) < 1e-3 * one.log_odds(2, 3));
  const auto masked = dnalm::nucleotide_dependencies(x, toy(tangled));
  CHECK_THROWS_WITH(dnalm::stitched_strands(masked.log_odds, masked.log_odds),
                    Catch::Contains("dnalm.input.859"));
}

TEST_CASE("dependencies of PhyloGPN reach as far as it reads, on the bases that it predicts") {
  const dnalm::model network = dnalm::load_model(golden / "supervised" / "phylogpn");
  constexpr index_t reach = 8;  // and as many bases at each end are not predicted
  const std::string sequence = "ACGTTGCAACGTGATAAGCCTA";
  const auto length = static_cast<index_t>(sequence.size());
  const auto found = dnalm::nucleotide_dependencies(network, sequence, {}, false, {});
  for (index_t i = 0; i < length; ++i) {
    for (index_t j = 0; j < length; ++j) {
      const bool predicted = j >= reach && j < length - reach;
      const bool seen = predicted && i != j && std::abs(i - j) <= reach;
      CHECK((found.log_odds(i, j) > 0) == seen);
      CHECK((found.jacobian(i, j) > 0) == seen);
    }
  }
}

TEST_CASE("an error about a substitution calls the sequence by its name") {
  const dnalm_test::temporary_folder folder("huge");
  for (const char* file : {"config.json", "model.safetensors"}) {
    std::filesystem::copy_file(golden / "hyena" / "hub" / file, folder / file);
  }
  {
    std::fstream weights(folder / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
    const std::vector<float> huge(16, 3e38F);
    weights.seekp(-static_cast<std::streamoff>(sizeof(float) * huge.size()), std::ios::end);
    weights.write(reinterpret_cast<const char*>(huge.data()),
                  static_cast<std::streamsize>(sizeof(float) * huge.size()));
  }
  const dnalm::model network = dnalm::load_model(folder.path());
  const auto of = [&](const std::string& name) {
    (void)dnalm::nucleotide_dependencies(network, "ACGTAC", {}, false, {}, name);
  };
  CHECK_THROWS_WITH(of("chr8"), Catch::Contains("dnalm.numeric.855") && Catch::Contains("sequence 'chr8': "));
  CHECK_THROWS_WITH(of(""), Catch::Contains("sequence 1: "));
}

TEST_CASE("predictions that cannot be are told") {
  const auto certain = toy([](const std::string&, index_t c, index_t) {
    return c == 0 ? 0.0 : -std::numeric_limits<double>::infinity();
  });
  CHECK_THROWS_WITH(dnalm::nucleotide_dependencies("AC", certain), Catch::Contains("dnalm.numeric.857"));
  CHECK(dnalm::nucleotide_dependencies("AC", certain, {.epsilon = 1e-10}).log_odds(0, 1) == 0);
  CHECK_THROWS_WITH(dnalm::nucleotide_dependencies("AC", certain, {.epsilon = -1}),
                    Catch::Contains("dnalm.usage.858"));
  const auto short_one = [](std::span<const std::string> sequences) {
    return std::vector<nucleotide_map>(sequences.size(), nucleotide_map(1));
  };
  CHECK_THROWS_WITH(dnalm::nucleotide_dependencies("AC", short_one), Catch::Contains("dnalm.shape.856"));
  CHECK_THROWS_WITH(dnalm::strand_average(dependency_map(2), dependency_map(3)),
                    Catch::Contains("dnalm.shape.851"));
  CHECK(dnalm::nucleotide_dependencies("", certain).log_odds.values.empty());
}

}  // namespace
