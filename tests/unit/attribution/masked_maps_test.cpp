// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/nucleotide_probabilities.hpp>
#include <dnalm/core/error.hpp>
#include <support/catch.hpp>
#include <support/random_sequences.hpp>
#include <support/same_bits.hpp>
#include <unit/attribution/models.hpp>

namespace {

using dnalm::index_t;
using dnalm::nucleotide_prediction;
using dnalm::prediction_context;
using dnalm_test::records_of;

const std::filesystem::path golden = DNALM_GOLDEN_DIR;

nucleotide_prediction predict(const dnalm::model& network, const std::string& sequence,
                              const dnalm::prediction_options& options = {}) {
  return dnalm::predict_nucleotides(network, records_of({sequence}), options).front();
}

/// ln of the sum of e^logit over tokens whose text has `letter` at `at`, over all of as many letters.
double direct_log_p(const dnalm::model& network, const std::vector<float>& logits, std::size_t letters,
                    std::size_t at, char letter) {
  const dnalm::tokenizer& tokens = *network.describe().tokens;
  double with = 0;
  double all = 0;
  for (int id = 0; id < static_cast<int>(tokens.vocabulary_size()); ++id) {
    const std::string& text = tokens.token(id);
    const bool dna = text.find_first_not_of("ACGT") == std::string::npos;
    if (text.size() != letters || !dna) continue;
    const double weight = std::exp(static_cast<double>(logits[static_cast<std::size_t>(id)]));
    all += weight;
    if (text[at] == letter) with += weight;
  }
  return std::log(with / all);
}

TEST_CASE(
    "k-mers: each token is masked alone, and a letter's probability is the sum over k-mers that have it") {
  const dnalm::model network = dnalm_test::nt_twin();
  const std::string sequence = "ACGTTGCANCA";  // CLS ACG TTG C A N C A
  const nucleotide_prediction found = predict(network, sequence);
  const dnalm::token_sequence tokens = network.tokenize(sequence);
  for (index_t t = 1; t < tokens.size(); ++t) {
    const auto at = static_cast<std::size_t>(t);
    auto ids = tokens.ids;
    ids[at] = network.describe().mask_id();
    const auto logits = dnalm_test::logits_of(network, ids)[at];
    const auto letters = static_cast<std::size_t>(tokens.end[at] - tokens.begin[at]);
    const auto likeliest = std::max_element(logits.begin(), logits.end()) - logits.begin();
    for (std::size_t i = 0; i < letters; ++i) {
      const index_t base = tokens.begin[at] + static_cast<index_t>(i);
      const bool unknown = sequence[static_cast<std::size_t>(base)] == 'N';
      CHECK(found.likeliest_tokens[static_cast<std::size_t>(base)] == (unknown ? -1 : likeliest));
      for (index_t a = 0; a < 4; ++a) {
        const double p = found.log_probabilities(a, base);
        if (sequence[static_cast<std::size_t>(base)] == 'N') {
          CHECK(std::isnan(p));
        } else {
          CHECK(p == Approx(direct_log_p(network, logits, letters, i, "ACGT"[a])).epsilon(1e-10));
        }
      }
    }
  }
  CHECK(std::isnan(found.token_entropy[8]));
  CHECK(found.token_entropy[0] == found.token_entropy[2]);
  CHECK(found.token_entropy[0] > 0);
  CHECK(found.token_entropy[0] <= std::log2(75.0));
}

TEST_CASE("k-mers: the conditional reading compares the one k-mer with each letter there") {
  const dnalm::model network = dnalm_test::nt_twin();
  const nucleotide_prediction found =
      predict(network, "ACGTTG",
              {.context = prediction_context::wild_type, .reading = dnalm::letter_reading::conditional});
  const dnalm::token_sequence tokens = network.tokenize("ACGTTG");
  const auto logits = dnalm_test::logits_of(network, tokens.ids)[2];  // TTG
  const auto of = [&](const std::string& kmer) {
    const auto id = network.tokenize(kmer).ids[1];
    return static_cast<double>(logits[static_cast<std::size_t>(id)]);
  };
  CHECK(found.log_probabilities(0, 4) - found.log_probabilities(3, 4) ==
        Approx(of("TAG") - of("TTG")).epsilon(1e-9));
  CHECK(found.log_probabilities(2, 3) - found.log_probabilities(3, 3) ==
        Approx(of("GTG") - of("TTG")).epsilon(1e-9));
}

TEST_CASE("byte pairs are read among tokens of as many letters") {
  const dnalm::model network = dnalm_test::dnabert2_twin();
  const std::string sequence = "ACGTTGCATTAGGCCATAAC";
  const nucleotide_prediction found = predict(network, sequence, {.context = prediction_context::wild_type});
  const dnalm::token_sequence tokens = network.tokenize(sequence);
  const auto logits = dnalm_test::logits_of(network, tokens.ids);
  for (std::size_t t = 1; t + 1 < tokens.ids.size(); ++t) {
    const auto letters = static_cast<std::size_t>(tokens.end[t] - tokens.begin[t]);
    for (std::size_t i = 0; i < letters; ++i) {
      const index_t base = tokens.begin[t] + static_cast<index_t>(i);
      const double expected = direct_log_p(network, logits[t], letters, i, 'G');
      CHECK(found.log_probabilities(2, base) == Approx(expected).epsilon(1e-10));
    }
  }
}

TEST_CASE("overlapping k-mers: all that hold a position are masked, and the middle one is read") {
  const dnalm::model network = dnalm_test::dnabert_twin();
  const std::string sequence = "ACGTTGCA";  // CLS, 6 tokens, SEP
  const nucleotide_prediction found = predict(network, sequence);
  const dnalm::token_sequence tokens = network.tokenize(sequence);
  auto ids = tokens.ids;
  for (const std::size_t t : {2U, 3U, 4U}) ids[t] = network.describe().mask_id();  // base 3
  const auto logits = dnalm_test::logits_of(network, ids)[3];
  for (index_t a = 0; a < 4; ++a) {
    CHECK(found.log_probabilities(a, 3) ==
          Approx(direct_log_p(network, logits, 3, 1, "ACGT"[a])).epsilon(1e-10));
    CHECK(std::isfinite(found.log_probabilities(a, 0)));
    CHECK(std::isfinite(found.log_probabilities(a, 7)));
  }
}

TEST_CASE("single letters of GPN are the softmax of their four logits") {
  const dnalm::model network = dnalm::load_model(golden / "convnets" / "gpn_7");
  const std::string sequence = "ACGNTTGCA";
  const nucleotide_prediction found = predict(network, sequence);
  const dnalm::token_sequence tokens = network.tokenize(sequence);
  REQUIRE(tokens.size() == 9);
  std::vector<std::size_t> letters;
  for (const char letter : std::string("ACGT")) {
    letters.push_back(static_cast<std::size_t>(network.tokenize(std::string(1, letter)).ids[0]));
  }
  for (std::size_t i = 0; i < 9; ++i) {
    auto ids = tokens.ids;
    ids[i] = network.describe().mask_id();
    const auto logits = dnalm_test::logits_of(network, ids)[i];
    double sum = 0;
    for (const std::size_t id : letters) sum += std::exp(static_cast<double>(logits[id]));
    for (index_t a = 0; a < 4; ++a) {
      const double p = found.log_probabilities(a, static_cast<index_t>(i));
      const auto logit = static_cast<double>(logits[letters[static_cast<std::size_t>(a)]]);
      if (i == 3) {
        CHECK(std::isnan(p));
      } else {
        CHECK(p == Approx(logit - std::log(sum)).epsilon(1e-11));
      }
    }
  }
}

TEST_CASE("a causal model predicts a letter from the tokens before it") {
  const dnalm::model network = dnalm::load_model(golden / "hyena" / "hub");
  const std::string sequence = "ACGTTGCAAC";
  const nucleotide_prediction found = predict(network, sequence);
  const dnalm::token_sequence tokens = network.tokenize(sequence);
  const auto logits = dnalm_test::logits_of(network, tokens.ids);
  for (std::size_t t = 0; t < tokens.ids.size(); ++t) {
    if (tokens.begin[t] == tokens.end[t]) continue;
    for (index_t a = 0; a < 4; ++a) {
      const double p = found.log_probabilities(a, tokens.begin[t]);
      if (t == 0) {
        CHECK(std::isnan(p));
      } else {
        CHECK(p == Approx(direct_log_p(network, logits[t - 1], 1, 0, "ACGT"[a])).epsilon(1e-10));
      }
    }
  }
  for (const auto context : {prediction_context::masked, prediction_context::wild_type}) {
    CHECK_THROWS_WITH(predict(network, sequence, {.context = context}),
                      Catch::Contains("dnalm.unsupported.854") && Catch::Contains("causal"));
  }
}

TEST_CASE("predictions have the same bits alone, together, in any order and on any number of threads") {
  const dnalm::model network = dnalm_test::nt_twin();
  std::vector<std::string> sequences;
  for (index_t i = 0; i < 9; ++i) {
    std::string sequence;
    for (index_t k = 0; k < 20 + 7 * i; ++k) sequence += "ACGTTGCAAN"[(k * k + i) % 10];
    sequences.push_back(sequence);
  }
  const auto together = dnalm::predict_nucleotides(network, records_of(sequences), {.threads = 2});
  const auto small =
      dnalm::predict_nucleotides(network, records_of(sequences), {.threads = 1, .batch_sequences = 1});
  std::vector<std::string> reversed(sequences.rbegin(), sequences.rend());
  const auto other = dnalm::predict_nucleotides(network, records_of(reversed), {.threads = 3, .memory = 1});
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto& values = together[i].log_probabilities.values;
    CHECK(dnalm_test::same_bits(values, small[i].log_probabilities.values));
    CHECK(dnalm_test::same_bits(values, other[8 - i].log_probabilities.values));
    CHECK(dnalm_test::same_bits(together[i].token_entropy, other[8 - i].token_entropy));
    CHECK(together[i].likeliest_tokens == other[8 - i].likeliest_tokens);
  }
}

/// Whether each base has the bits that it has in the window of its token alone; a token holds `letters` bases
/// and begins `step` behind the one before.
bool as_in_windows(const dnalm::model& network, const std::string& sequence,
                   const dnalm::prediction_options& options, index_t letters, index_t step, index_t frame) {
  const nucleotide_prediction found = predict(network, sequence, options);
  const auto bases = static_cast<index_t>(sequence.size());
  const index_t tokens = (bases - letters) / step + 1;
  const auto windows = dnalm::plan_windows(tokens, options.window.tokens - frame, options.window.overlap);
  REQUIRE(windows.size() > 2);
  dnalm::prediction_options whole = options;
  whole.window = {};
  bool same = true;
  index_t unread = 0;  // bases without a prediction
  const auto alike = [&](double here, double there) {
    unread += std::isnan(here) ? 1 : 0;
    return here == there || (std::isnan(here) && std::isnan(there));
  };
  for (const dnalm::token_window& window : windows) {
    const index_t first = window.begin * step;
    const auto part =
        sequence.substr(static_cast<std::size_t>(first),
                        static_cast<std::size_t>((window.end - window.begin - 1) * step + letters));
    const nucleotide_prediction alone = predict(network, part, whole);
    for (index_t base = 0; base < bases; ++base) {
      // Of overlapping tokens the middle one is read.
      const index_t token =
          std::clamp<index_t>(step < letters ? base - letters / 2 : base / step, 0, tokens - 1);
      if (token < window.keep_begin || token >= window.keep_end) continue;
      const auto at = static_cast<std::size_t>(base);
      for (index_t a = 0; a < 4; ++a) {
        same = same && alike(found.log_probabilities(a, base), alone.log_probabilities(a, base - first));
      }
      same =
          same && alike(found.token_entropy[at], alone.token_entropy[at - static_cast<std::size_t>(first)]);
    }
  }
  return same && unread <= 5;  // the five numbers of the first base of a causal model
}

/// DNA without N.
std::string bases_without_n(index_t length) {
  std::string sequence = dnalm_test::random_sequence(8, length);
  std::replace(sequence.begin(), sequence.end(), 'N', 'A');
  return sequence;
}

TEST_CASE("longer sequences are read in windows, with the bits of a window's bases as their own sequence") {
  const std::string sequence = bases_without_n(60);
  for (const auto context : {prediction_context::masked, prediction_context::wild_type}) {
    INFO(dnalm::to_string(context));
    CHECK(as_in_windows(dnalm_test::nt_twin(), sequence,
                        {.context = context, .window = {.tokens = 9, .overlap = 2}}, 3, 3, 1));
    CHECK(as_in_windows(dnalm_test::dnabert_twin(), sequence,
                        {.context = context, .window = {.tokens = 14, .overlap = 4}}, 3, 1, 2));
  }
  const dnalm::model network = dnalm_test::dnabert_twin();
  const nucleotide_prediction fits = predict(network, sequence.substr(0, 20));
  const nucleotide_prediction same =
      predict(network, sequence.substr(0, 20), {.window = {.tokens = dnalm::window_rule::model_limit}});
  CHECK(dnalm_test::same_bits(fits.log_probabilities.values, same.log_probabilities.values));
  CHECK_THROWS_WITH(predict(network, sequence), Catch::Contains("dnalm.input.406"));
  CHECK_NOTHROW(predict(network, sequence, {.window = {.tokens = dnalm::window_rule::model_limit}}));
  CHECK_THROWS_WITH(predict(network, sequence, {.window = {.tokens = 33}}),
                    Catch::Contains("dnalm.usage.459"));
  CHECK_THROWS_WITH(predict(network, sequence, {.window = {.overlap = 2}}),
                    Catch::Contains("dnalm.usage.460"));
}

TEST_CASE("windows of a causal model share tokens, from which the first of a window are read") {
  const dnalm::model network = dnalm::load_model(golden / "hyena" / "hub");
  const std::string sequence = bases_without_n(39);
  const dnalm::token_sequence tokens = network.tokenize("ACGT");
  const index_t frame = tokens.size() - 4;
  CHECK(as_in_windows(network, sequence, {.window = {.tokens = 14 + frame, .overlap = 6}}, 1, 1, frame));
  CHECK_THROWS_WITH(predict(network, sequence, {.window = {.tokens = 14}}),
                    Catch::Contains("dnalm.usage.870") && Catch::Contains("in sequence 's0'"));
  const std::vector<dnalm::io::sequence_record> unnamed = {{.sequence = "ACGT"}, {.sequence = sequence}};
  CHECK_THROWS_WITH(dnalm::predict_nucleotides(network, unnamed, {.window = {.tokens = 14}}),
                    Catch::Contains("in sequence 2,"));
}

TEST_CASE("PhyloGPN predicts the bases of an unmasked sequence that it has rows for") {
  const dnalm::model network = dnalm::load_model(golden / "supervised" / "phylogpn");
  constexpr index_t ends = 8;  // taps of 3, dilations 1, 3, 1, 3
  CHECK(dnalm::default_context(network) == prediction_context::wild_type);
  const std::string sequence = bases_without_n(40);
  const dnalm::nucleotide_prediction found = predict(network, sequence);
  const auto logits = dnalm_test::logits_of(network, network.tokenize(sequence).ids);
  REQUIRE(logits.size() == 40 - 2 * ends);
  for (index_t i = 0; i < 40; ++i) {
    const bool known = i >= ends && i < 40 - ends;
    CHECK(std::isnan(found.log_probabilities(0, i)) == !known);
    CHECK(std::isnan(found.token_entropy[static_cast<std::size_t>(i)]) == !known);
    if (!known) continue;
    const std::vector<float>& row = logits[static_cast<std::size_t>(i - ends)];
    double sum = 0;
    for (const float logit : row) sum += std::exp(double(logit));
    for (index_t a = 0; a < 4; ++a) {
      CHECK(found.log_probabilities(a, i) ==
            Approx(double(row[static_cast<std::size_t>(a)]) - std::log(sum)).margin(1e-12));
    }
    const auto likeliest = std::max_element(row.begin(), row.end()) - row.begin();
    CHECK(found.likeliest_tokens[static_cast<std::size_t>(i)] == likeliest);
  }
  std::string other = sequence;
  other[20] = sequence[20] == 'A' ? 'C' : 'A';
  const dnalm::nucleotide_prediction changed = predict(network, other);
  for (index_t i = ends; i < 40 - ends; ++i) {  // as far as it reads, to both sides alike
    const bool same = changed.log_probabilities(0, i) == found.log_probabilities(0, i);
    CHECK(same == (i < 20 - ends || i > 20 + ends));
  }
  const std::vector<std::string> several = {bases_without_n(33), sequence, bases_without_n(17),
                                            "ACGTNACGTACGTNNACGTACGT"};
  const auto together = dnalm::predict_nucleotides(network, records_of(several), {.threads = 2});
  CHECK(dnalm_test::same_bits(together[1].log_probabilities.values, found.log_probabilities.values));
  CHECK(std::isnan(together[3].log_probabilities(0, 13)));  // N
  CHECK(std::isfinite(together[3].log_probabilities(0, 12)));
  CHECK_THROWS_WITH(predict(network, bases_without_n(2 * ends)),
                    Catch::Contains("dnalm.input.433") && Catch::Contains("sequence 's0'"));
  CHECK_THROWS_WITH(predict(network, sequence, {.window = {.tokens = 20}}),
                    Catch::Contains("dnalm.unsupported.462"));
  for (const auto context : {prediction_context::masked, prediction_context::left}) {
    CHECK_THROWS_WITH(predict(network, sequence, {.context = context}),
                      Catch::Contains("dnalm.unsupported.854") && Catch::Contains("no mask token"));
  }
}

TEST_CASE("what is no language model, or lacks a context, is told by name") {
  const dnalm::model nt = dnalm_test::nt_twin();
  CHECK_THROWS_WITH(predict(nt, "ACG", {.context = prediction_context::left}),
                    Catch::Contains("dnalm.unsupported.854") && Catch::Contains("not causal"));
  CHECK_THROWS_WITH(predict(nt, ""), Catch::Contains("dnalm.input.408"));
  CHECK_THROWS_WITH(predict(nt, "ACXG"), Catch::Contains("dnalm.input.150"));
  CHECK(dnalm::predict_nucleotides(nt, {}).empty());
  const dnalm::model basset = dnalm::load_model(golden / "supervised" / "basset");
  CHECK_THROWS_WITH(predict(basset, "ACG"), Catch::Contains("dnalm.unsupported.853"));
}

}  // namespace
