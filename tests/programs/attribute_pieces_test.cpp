// SPDX-License-Identifier: Apache-2.0
// dnalm-attribute on models whose tokens are pieces of text (BPE): scores of tokens, spread over their bases.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/attribution/nucleotide_input.hpp>
#include <dnalm/attribution/token_attribution.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/sequence/alphabet.hpp>

#include "workbench.hpp"

#include <support/catch.hpp>
#include <support/small_models.hpp>

using namespace workbench;

namespace {

using dnalm::index_t;

const std::vector<std::string> sequences = {"ACGTTGCAACGTGATAAGCCGGATTACAGCTTAGCA", "GGCATTGACC"};

/// A small DNABERT-2 and two sequences.
struct bench {
  bench() {
    model = dir / "pieces";
    fs::create_directory(model);
    dnalm_test::write_dnabert2_folder(model);
    write_weights(model, 4);
    write(dir / "s.fa", ">a\n" + sequences[0] + "\n>b\n" + sequences[1] + "\n");
  }
  [[nodiscard]] outcome attribute(const std::string& method, const std::string& rest = "") const {
    return run("dnalm-attribute --model " + model + " --logit 9 --method " + method + " --input " +
               (dir / "s.fa") + " --output " + (dir / "x.npz") + " " + rest);
  }
  [[nodiscard]] std::vector<double> numbers(const std::string& member) const {
    return dnalm::io::npz_reader(dir / "x.npz").read(member).values<double>();
  }
  scratch dir;
  std::string model;
};

/// Scores of a sequence's tokens as numbers of its bases.
std::vector<double> bases_of(const dnalm::model& network, const std::string& sequence,
                             const std::vector<double>& scores, dnalm::token_spread spread) {
  return dnalm::spread_over_bases(network.tokenize(sequence), scores, static_cast<index_t>(sequence.size()),
                                  spread);
}

/// The file's maps behind numbers of bases: at the letter that stands there, 0 at the others.
void check_maps(const bench& work, const std::vector<std::vector<double>>& bases) {
  const auto maps = work.numbers("attributions");
  REQUIRE(maps.size() == 4 * 36 * 2);
  for (std::size_t s = 0; s < 2; ++s) {
    REQUIRE(bases[s].size() == sequences[s].size());
    for (std::size_t i = 0; i < bases[s].size(); ++i) {
      for (std::size_t a = 0; a < 4; ++a) {
        const bool observed = sequences[s][i] == "ACGT"[a];
        const double expected = observed ? static_cast<double>(static_cast<float>(bases[s][i])) : 0;
        CHECK(maps[4 * 36 * s + 36 * a + i] == expected);
      }
    }
  }
}

/// The file's members of tokens behind the scores of the library.
void check_tokens(const bench& work, const dnalm::model& network,
                  const std::vector<std::vector<double>>& expected) {
  const auto scores = work.numbers("token_scores");
  const auto begin = work.numbers("token_begin");
  const auto end = work.numbers("token_end");
  const auto ids = work.numbers("token_ids");
  const auto offsets = work.numbers("offsets");
  REQUIRE(offsets.size() == 3);
  std::size_t at = 0;
  for (std::size_t s = 0; s < 2; ++s) {
    CHECK(offsets[s] == static_cast<double>(at));
    const auto tokens = network.tokenize(sequences[s]);
    for (std::size_t t = 0; t < expected[s].size(); ++t, ++at) {
      CHECK(scores[at] == static_cast<double>(static_cast<float>(expected[s][t])));
      CHECK(ids[at] == tokens.ids[t]);
      CHECK(begin[at] == static_cast<double>(static_cast<index_t>(tokens.begin[t])));
      CHECK(end[at] == static_cast<double>(static_cast<index_t>(tokens.end[t])));
    }
  }
  CHECK(offsets[2] == static_cast<double>(at));
}

/// Both.
void check_scores(const bench& work, const dnalm::model& network,
                  const std::vector<std::vector<double>>& expected, dnalm::token_spread spread) {
  check_tokens(work, network, expected);
  std::vector<std::vector<double>> bases;
  for (std::size_t s = 0; s < 2; ++s) bases.push_back(bases_of(network, sequences[s], expected[s], spread));
  check_maps(work, bases);
}

}  // namespace

TEST_CASE("dnalm-attribute scores the tokens of models of pieces, and spreads the scores as it is told",
          "[programs]") {
  const bench work;
  const dnalm::model network = dnalm::load_model(work.model);
  const auto targets = dnalm::attribution_targets::of_logits(network, std::vector<index_t>{9});
  std::vector<std::vector<double>> products;
  for (const auto& found : dnalm::token_attribution(targets, sequences))
    products.push_back(found.input_times_gradient);
  REQUIRE(work.attribute("input_x_gradient").err == "");
  CHECK(content(work.dir / "x.npz").find("even: a token's score in equal parts") != std::string::npos);
  check_scores(work, network, products, dnalm::token_spread::even);
  REQUIRE(work.attribute("input_x_gradient", "--spread repeat").err == "");
  check_scores(work, network, products, dnalm::token_spread::repeat);
  REQUIRE(work.attribute("input_x_gradient", "--both-strands --html " + (work.dir / "p.html")).err == "");
  check_tokens(work, network, products);  // of the sequence as given
  std::vector<std::string> turned;
  for (const std::string& sequence : sequences) turned.push_back(dnalm::reverse_complement(sequence));
  const auto others = dnalm::token_attribution(targets, turned);
  std::vector<std::vector<double>> means;
  for (std::size_t s = 0; s < 2; ++s) {
    const auto even = dnalm::token_spread::even;
    means.push_back(bases_of(network, sequences[s], products[s], even));
    const auto other = bases_of(network, turned[s], others[s].input_times_gradient, even);
    for (std::size_t i = 0; i < other.size(); ++i) {
      means[s][i] = (means[s][i] + other[other.size() - 1 - i]) / 2;
    }
  }
  check_maps(work, means);

  std::vector<std::vector<double>> lifted;
  std::vector<double> deltas;
  for (const std::string& sequence : sequences) {
    const auto mask = dnalm::nucleotide_input(network).mask_token();
    const std::vector<dnalm::deep_lift_reference> reference = {dnalm::token_reference(sequence, mask)};
    const auto found = dnalm::deep_lift(targets, 0, sequence, reference);
    lifted.push_back(found.tokens);
    deltas.push_back(found.largest_delta());
  }
  REQUIRE(work.attribute("deep_lift_shap").err == "");
  check_scores(work, network, lifted, dnalm::token_spread::even);
  CHECK(work.numbers("convergence_delta") == deltas);
  REQUIRE(work.attribute("deep_lift_shap", "--baseline mask --residuals --spread repeat").err == "");
  check_scores(work, network, lifted, dnalm::token_spread::repeat);
  REQUIRE(work.attribute("deep_lift_shap", "--both-strands --residuals").err == "");
  const auto text = dnalm::io::npz_reader(work.dir / "x.npz").read("conventions").values<std::uint8_t>();
  const std::string conventions(text.begin(), text.end());
  CHECK(conventions.find("larger in size, token_scores of the given one") != std::string::npos);
  CHECK(conventions.find("\"residuals\"") != std::string::npos);
}

TEST_CASE("dnalm-attribute refuses what has no meaning for tokens", "[programs]") {
  const bench work;
  for (const std::string& rest : std::vector<std::string>{
           "deep_lift_shap --baseline zero", "deep_lift_shap --baseline shuffles",
           "deep_lift_shap --replicates 3", "deep_lift_shap --modisco " + (work.dir / "m"),
           "input_x_gradient --modisco " + (work.dir / "m"), "deep_lift_shap --hypothetical",
           "deep_lift_shap --baseline-file " + (work.dir / "s.fa"), "input_x_gradient --corrected"}) {
    INFO(rest);
    const auto refused = work.attribute(rest);
    CHECK(refused.id() == "dnalm.unsupported.746");
    CHECK(refused.code == 4);
  }
  CHECK(work.attribute("saliency").id() == "dnalm.unsupported.804");
  CHECK(work.attribute("integrated_gradients").id() == "dnalm.unsupported.804");
  CHECK(work.attribute("ism --screen 3").id() == "dnalm.unsupported.804");
  const auto letters = run(std::string("dnalm-attribute --model ") + DNALM_GOLDEN_DIR +
                           "/convnets/gpn_7 --logit 3 --method " + "input_x_gradient --spread even --input " +
                           (work.dir / "s.fa") + " --output " + (work.dir / "y.npz"));
  CHECK(letters.id() == "dnalm.unsupported.746");
}
