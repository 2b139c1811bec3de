// SPDX-License-Identifier: Apache-2.0
// dnalm-attribute: which method reads which option, outputs in one place, windows, the tolerance of
// integrals.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/attribution/dependency_map.hpp>
#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/nucleotide_probabilities.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/sequence/shuffle.hpp>

#include "workbench.hpp"

#include <support/catch.hpp>

using namespace workbench;

namespace {

const std::string gpn = DNALM_GOLDEN_DIR "/convnets/gpn_7";

/// Two sequences, and the program on them.
struct bench {
  bench() { write(dir / "s.fa", ">chr1:100-120\nACGTTGCAACGTGATAAGCC\n>chr1:200-216\nGGCATTGACCATGGCA\n"); }
  [[nodiscard]] outcome attribute(const std::string& method, const std::string& rest = "") const {
    return run("dnalm-attribute --model " + gpn + " --logit 3 --method " + method + " --input " +
               (dir / "s.fa") + " --output " + (dir / "x.npz") + " " + rest);
  }
  [[nodiscard]] std::vector<double> numbers(const std::string& member) const {
    return dnalm::io::npz_reader(dir / "x.npz").read(member).values<double>();
  }
  [[nodiscard]] std::string conventions() const {
    const auto text = dnalm::io::npz_reader(dir / "x.npz").read("conventions").values<std::uint8_t>();
    return std::string(text.begin(), text.end());
  }
  scratch dir;
};

/// A DNABERT-2 of two layers whose only token of two letters is AC.
std::string byte_pair_model(const scratch& dir) {
  const fs::path folder = dir.path / "pairs";
  fs::create_directory(folder);
  auto config = nlohmann::json::parse(content(DNALM_GOLDEN_DIR "/models/dnabert2_a3/config.json"));
  config["vocab_size"] = 10;
  write(folder / "config.json", config.dump());
  nlohmann::json tokenizer = {{"version", "1.0"},
                              {"truncation", nullptr},
                              {"padding", nullptr},
                              {"normalizer", nullptr},
                              {"pre_tokenizer", {{"type", "Whitespace"}}}};
  const std::vector<std::string> words = {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]",
                                          "A",     "C",     "G",     "T",     "AC"};
  nlohmann::json vocabulary;
  for (std::size_t i = 0; i < words.size(); ++i) vocabulary[words[i]] = i;
  for (std::size_t i = 0; i < 5; ++i) {
    tokenizer["added_tokens"].push_back({{"id", i},
                                         {"special", true},
                                         {"content", words[i]},
                                         {"single_word", false},
                                         {"lstrip", false},
                                         {"rstrip", false},
                                         {"normalized", false}});
  }
  tokenizer["post_processor"] =
      nlohmann::json::parse(R"({"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]})");
  tokenizer["model"] = {{"type", "BPE"},
                        {"dropout", nullptr},
                        {"unk_token", "[UNK]"},
                        {"continuing_subword_prefix", nullptr},
                        {"end_of_word_suffix", nullptr},
                        {"fuse_unk", false},
                        {"vocab", vocabulary},
                        {"merges", {"A C"}}};
  write(folder / "tokenizer.json", tokenizer.dump());
  write_weights(folder, 3);
  return folder.string();
}

/// An option with its value, a method that does not read it, and words of the message.
struct unread {
  std::string option;
  std::string method;
  std::string readers;
};

/// The file's numbers behind those of the library, float by float; `width` columns a row.
void check_rows(const std::vector<double>& found, const std::vector<std::vector<double>>& expected,
                std::size_t width) {
  REQUIRE(found.size() == expected.size() * width);
  for (std::size_t s = 0; s < expected.size(); ++s) {
    for (std::size_t i = 0; i < expected[s].size(); ++i) {
      CHECK(found[s * width + i] == static_cast<double>(static_cast<float>(expected[s][i])));
    }
  }
}

}  // namespace

TEST_CASE("an option that the method does not read is refused with the methods that do", "[programs]") {
  const bench work;
  const std::vector<unread> cases = {
      {"--baseline uniform", "saliency", "integrated_gradients, expected_gradients, deep_lift_shap"},
      {"--replicates 3", "ism", "deep_lift_shap"},
      {"--nodes 8", "expected_gradients", "--method integrated_gradients"},
      {"--most-nodes 8", "deep_lift_shap", "--method integrated_gradients"},
      {"--tolerance 0.1", "saliency", "--method integrated_gradients"},
      {"--samples 3", "integrated_gradients", "smooth_grad, expected_gradients"},
      {"--noise 0.3", "expected_gradients", "--method smooth_grad"},
      {"--corrected", "ism", "saliency, input_x_gradient, smooth_grad"},
      {"--entropy-weighted", "entropy", "--method embedding_saliency"},
      {"--hypothetical", "saliency", "--method deep_lift_shap"},
      {"--residuals", "expected_gradients", "--method deep_lift_shap"},
      {"--centring raw", "dependency", "--method ism"},
      {"--context wild_type", "dependency", "embedding_saliency, entropy, log_odds"},
      {"--context wild_type", "embedding_saliency", "with --entropy-weighted"},
      {"--replicates 3 --baseline zero", "deep_lift_shap", "--baseline shuffles"},
      {"--dependency jacobian", "entropy", "--method dependency"},
      {"--symmetric max", "ism", "--method dependency"},
      {"--apc", "saliency", "--method dependency"},
      {"--window 8", "saliency", "entropy, log_odds, dependency"},
      {"--overlap 2", "ism", "entropy, log_odds, dependency"},
      {"--positions 3", "ism", "--method global_importance"},
      {"--both-strands", "global_importance", "all but global_importance"},
      {"--modisco m", "global_importance", "all but global_importance"}};
  for (const unread& each : cases) {
    INFO(each.option << " " << each.method);
    const auto refused = work.attribute(each.method, each.option);
    CHECK(refused.code == 2);
    CHECK(refused.id() == "dnalm.usage.732");
    CHECK(refused.err.find(each.option.substr(0, each.option.find(' '))) != std::string::npos);
    CHECK(refused.err.find("--method " + each.method) != std::string::npos);
    CHECK(refused.err.find(each.readers) != std::string::npos);
  }
  CHECK(work.dir.entries() == std::set<std::string>{"s.fa"});  // nothing was computed
  const std::string help = run("dnalm-attribute --help").out;
  CHECK(help.find("Read by smooth_grad, expected_gradients") != std::string::npos);
  CHECK(help.find("Read by all but global_importance") != std::string::npos);
  CHECK(work.attribute("saliency", "--modisco-width 9").id() == "dnalm.usage.702");
  CHECK(work.attribute("saliency", "--target x").id() == "dnalm.usage.702");
}

TEST_CASE("a target beside a map that explains none is told, and leaves the map alone", "[programs]") {
  const bench work;
  REQUIRE(work.attribute("entropy", "--html " + (work.dir / "p.html")).err == "");
  CHECK(content(work.dir / "p.html").find("target at the sequence") != std::string::npos);
  CHECK(work.conventions().find("target") == std::string::npos);
  CHECK(run("dnalm-attribute --model " + gpn + " --logit 99 --method entropy --input " + (work.dir / "s.fa") +
            " --output " + (work.dir / "y.npz"))
            .id() == "dnalm.usage.802");
}

TEST_CASE("two outputs of one name, and an output in the place of an input, are refused", "[programs]") {
  const bench work;
  const std::string x = work.dir / "x.npz";
  fs::create_directory(work.dir.path / "sub");
  fs::create_symlink("s.fa", work.dir.path / "link.fa");
  fs::create_hard_link(work.dir.path / "s.fa", work.dir.path / "hard.fa");
  write(work.dir / "m.txt", ">M\nA [1]\nC [0]\nG [0]\nT [0]\n");
  const std::string motifs = " --motifs " + (work.dir / "m.txt");
  for (const std::string& rest :
       {"--bedgraph " + x, "--html " + (work.dir / "sub/../x.npz"), "--svg " + x,
        "--html " + (work.dir / "p") + " --bedgraph " + (work.dir / "./p"),
        "--bedgraph " + (work.dir / "s.fa"), "--html " + (work.dir / "link.fa"),
        "--html " + (work.dir / "hard.fa"),
        "--modisco " + (work.dir / "m") + " --html " + (work.dir / "m.attr.npz"),
        "--motif-hits " + (work.dir / "h") + " --motif-recovery " + (work.dir / "h") + motifs,
        "--motif-hits " + (work.dir / "m.txt") + motifs}) {
    INFO(rest);
    const auto refused = work.attribute("saliency", rest);
    CHECK(refused.code == 2);
    CHECK(refused.id() == "dnalm.usage.733");
  }
  CHECK_FALSE(fs::exists(x));
  CHECK(run("dnalm-embed --model " + gpn + " --input " + (work.dir / "s.fa") + " --output " +
            (work.dir / "sub/../s.fa"))
            .id() == "dnalm.usage.733");
  CHECK(run("dnalm-tokenize --model " + gpn + " --input " + (work.dir / "s.fa") + " --output " +
            (work.dir / "link.fa"))
            .id() == "dnalm.usage.733");
  write(work.dir / "sub/predictions.tsv", "name\tsequence\tlabel\n");
  CHECK(run("dnalm-evaluate --model " + gpn + " --data " + (work.dir / "sub/predictions.tsv") + " --out " +
            (work.dir / "sub"))
            .id() == "dnalm.usage.733");
  CHECK(content(work.dir / "s.fa").starts_with(">chr1"));
  CHECK(work.attribute("saliency", "--html /dev/null").id() != "dnalm.usage.733");
}

TEST_CASE("windows of maps of a language model are those of the library", "[programs]") {
  const bench work;
  const dnalm::model network = dnalm::load_model(gpn);
  const auto records = dnalm::io::read_sequences(work.dir / "s.fa").records;
  const dnalm::prediction_options windows{.window = {.tokens = 9, .overlap = 3}};
  REQUIRE(work.attribute("entropy", "--window 9 --overlap 3").err == "");
  CHECK(work.conventions().find("\"window\": \"9 tokens, overlap 3\"") != std::string::npos);
  std::vector<std::vector<double>> entropies;
  for (const auto& each : dnalm::predict_nucleotides(network, records, windows)) {
    entropies.push_back(dnalm::entropy_bits(each.log_probabilities));
  }
  const auto found = work.numbers("entropy");
  check_rows(found, entropies, 20);
  REQUIRE(work.attribute("entropy").err == "");
  CHECK(work.conventions().find("window") == std::string::npos);
  CHECK(work.numbers("entropy")[8] != found[8]);

  REQUIRE(work.attribute("dependency", "--window 9 --overlap 3").err == "");
  const auto map = dnalm::nucleotide_dependencies(network, records[0].sequence, {}, false, windows).log_odds;
  const auto dependency = work.numbers("dependency");
  std::vector<std::vector<double>> rows;
  for (std::size_t i = 0; i < 20; ++i) {
    rows.emplace_back(map.values.begin() + static_cast<std::ptrdiff_t>(20 * i),
                      map.values.begin() + static_cast<std::ptrdiff_t>(20 * (i + 1)));
  }
  check_rows({dependency.begin(), dependency.begin() + 400}, rows, 20);
  CHECK(dependency[19] == 0);  // what lies in another window is not seen
  CHECK(work.attribute("entropy", "--overlap 3").id() == "dnalm.usage.460");
  CHECK(work.attribute("entropy", "--window x").id() == "dnalm.usage.461");
}

TEST_CASE("dnalm-attribute takes windows where a sequence is longer than the model", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");  // at most 2048 tokens; each N is one
  const std::string letters = std::string(2100, 'N') + "GATTACAGATTA";
  write(dir / "s.fa", ">long\n" + letters + "\n");
  const std::string command = "dnalm-attribute --model " + model +
                              " --method entropy --context wild_type --input " + (dir / "s.fa") +
                              " --output " + (dir / "x.npz");
  CHECK(run(command).id() == "dnalm.input.406");
  REQUIRE(run(command + " --window max --overlap 4").err == "");
  const auto entropy = dnalm::io::npz_reader(dir / "x.npz").read("entropy").values<float>();
  REQUIRE(entropy.size() == letters.size());
  for (std::size_t i = 0; i < letters.size(); ++i) {
    CHECK((letters[i] == 'N' ? std::isnan(entropy[i]) : entropy[i] >= 0 && entropy[i] <= 2));
  }
}

TEST_CASE("an integral that misses its tolerance is told by name, in the file and on the page",
          "[programs]") {
  const bench work;
  const std::string page = "--html " + (work.dir / "p.html");
  const auto missed =
      work.attribute("integrated_gradients", "--nodes 2 --most-nodes 4 --tolerance 1e-9 " + page);
  CHECK(missed.code == 0);
  CHECK(missed.err.find("2 of 2 sequences misses the tolerance 1e-09 with up to 4 nodes") !=
        std::string::npos);
  CHECK(missed.err.find("chr1:100-120, chr1:200-216") != std::string::npos);
  CHECK(work.numbers("nodes") == std::vector<double>{4, 4});
  CHECK(work.numbers("within_tolerance") == std::vector<double>{0, 0});
  CHECK(work.conventions().find("met by 0 of 2 sequences, with up to 4 nodes; largest") != std::string::npos);
  CHECK(work.conventions().find("Gauss-Legendre, 2, doubled until") != std::string::npos);
  CHECK(content(work.dir / "p.html").find("4 nodes: misses the tolerance") != std::string::npos);

  const auto met = work.attribute("integrated_gradients", "--nodes 5 --most-nodes 5 --tolerance 10 " + page);
  CHECK(met.err == "");
  CHECK(work.numbers("nodes") == std::vector<double>{5, 5});
  CHECK(work.numbers("within_tolerance") == std::vector<double>{1, 1});
  CHECK(work.conventions().find("met by 2 of 2 sequences, with up to 5 nodes\"") != std::string::npos);
  CHECK(work.conventions().find("\"Gauss-Legendre, 5\"") != std::string::npos);
  CHECK(content(work.dir / "p.html").find("misses") == std::string::npos);
  CHECK(work.attribute("integrated_gradients", "--nodes 9 --most-nodes 4").id() == "dnalm.usage.807");
}

TEST_CASE("sequences with few distinct shuffles are told by name, in the file and on the page",
          "[programs]") {
  const bench work;
  const std::string rich = "ACGTTGCAACGTGATAAGCCGGATTACAGCTTAGCA";
  write(work.dir / "s.fa", ">repeat\nACTGACTGACTG\n>rich\n" + rich + "\n");
  const std::string page = " --html " + (work.dir / "p.html");
  const std::string told =
      "1 of 2 sequences have fewer than ten times as many distinct dinucleotide shuffles";
  const double many = static_cast<double>(dnalm::sequence_shuffler(rich).number().exact.value());
  for (const std::string& command : {std::string("deep_lift_shap"), std::string("expected_gradients"),
                                     std::string("integrated_gradients --baseline shuffles")}) {
    INFO(command);
    const auto made = work.attribute(command, "--replicates 2" + page);
    REQUIRE(made.code == 0);
    CHECK(made.err.find(told) != std::string::npos);
    CHECK(made.err.find("(repeat: 1 for 2);") != std::string::npos);
    CHECK(work.numbers("distinct_shuffles") == std::vector<double>{1, many});
    CHECK(work.conventions().find("at least 1 of a sequence, itself included; of 1 of 2 sequences fewer") !=
          std::string::npos);
    CHECK(content(work.dir / "p.html").find("distinct shuffles</dt><dd>1</dd>") != std::string::npos);
  }
  const auto planted = work.attribute("global_importance", "--insert GATA --backgrounds 5" + page);
  CHECK(planted.err.find("(repeat: 1 for 3);") != std::string::npos);
  CHECK(work.numbers("distinct_shuffles") == std::vector<double>{1, many, 1, many, 1});
  CHECK(content(work.dir / "p.html").find("at least 1 of a sequence") != std::string::npos);

  REQUIRE(work.attribute("deep_lift_shap", "--baseline zero").err == "");
  CHECK_FALSE(dnalm::io::npz_reader(work.dir / "x.npz").contains("distinct_shuffles"));
  write(work.dir / "s.fa", ">rich\n" + rich + "\n");
  CHECK(work.attribute("deep_lift_shap", "--replicates 2").err == "");
}

TEST_CASE("residuals of DeepLIFT at each hidden state are those of the library", "[programs]") {
  const bench work;
  REQUIRE(work.attribute("deep_lift_shap", "--baseline uniform --residuals --html " + (work.dir / "p.html"))
              .err == "");
  const auto targets =
      dnalm::attribution_targets::of_logits(dnalm::load_model(gpn), std::vector<dnalm::index_t>{3});
  std::vector<double> expected;
  for (const auto& record : dnalm::io::read_sequences(work.dir / "s.fa").records) {
    const std::vector<dnalm::deep_lift_reference> reference = {dnalm::uniform_reference(record.sequence)};
    const auto found = dnalm::deep_lift(targets, 0, record.sequence, reference, {.residuals = true});
    expected.insert(expected.end(), found.residuals[0].begin(), found.residuals[0].end());
  }
  CHECK(work.numbers("residuals") == expected);
  const auto states = static_cast<dnalm::index_t>(expected.size() / 2);
  CHECK(dnalm::io::npz_reader(work.dir / "x.npz").read("residuals").shape ==
        std::vector<dnalm::index_t>{2, states});
  const std::string page = content(work.dir / "p.html");
  CHECK(page.find("Completeness by hidden state") != std::string::npos);
  CHECK(page.find("<td>" + std::to_string(states - 1) + "</td>") != std::string::npos);
  CHECK(work.conventions().find("\"residuals\"") != std::string::npos);
  REQUIRE(work.attribute("deep_lift_shap", "--baseline uniform").err == "");
  CHECK_FALSE(dnalm::io::npz_reader(work.dir / "x.npz").contains("residuals"));
}

TEST_CASE("dependency maps of every kind are those of the library", "[programs]") {
  const bench work;
  const auto records = dnalm::io::read_sequences(work.dir / "s.fa").records;
  const auto found = dnalm::nucleotide_dependencies(dnalm::load_model(gpn), records[0].sequence);
  const auto apc = [](const dnalm::dependency_map& map) { return dnalm::average_product_corrected(map); };
  const std::vector<std::pair<std::string, dnalm::dependency_map>> cases = {
      {"--dependency jacobian", found.jacobian},
      {"--symmetric max", dnalm::symmetrized(found.log_odds, dnalm::symmetry::max)},
      {"--apc", apc(found.log_odds)},
      {"--dependency jacobian --symmetric mean --apc", apc(dnalm::symmetrized(found.jacobian))}};
  for (const auto& [rest, map] : cases) {
    INFO(rest);
    REQUIRE(work.attribute("dependency", rest + " --svg " + (work.dir / "d")).err == "");
    const auto all = work.numbers("dependency");
    check_rows({all.begin(), all.begin() + 400}, {map.values}, 400);
    const bool corrected = rest.find("--apc") != std::string::npos;
    CHECK((work.conventions().find("average product correction") != std::string::npos) == corrected);
    const std::string drawing = content(work.dir / "d/0001.chr1_100-120.svg");
    CHECK((drawing.find("#123a82") != std::string::npos) == corrected);  // numbers below 0 are blue
    CHECK((drawing.find("Jacobian, norm (nats)") != std::string::npos) ==
          (rest.find("jacobian") != std::string::npos));
  }
  CHECK(work.conventions().find("centred over both; row substituted, column observed; mean of the map") !=
        std::string::npos);
  CHECK(work.attribute("dependency", "--symmetric least").id() == "dnalm.usage.702");
}

TEST_CASE("log-odds and the likeliest letters and tokens are those of the library", "[programs]") {
  const bench work;
  write(work.dir / "s.fa", ">chr1:100-120\nACGTTGCAACGTGATAAGCC\n>n\nGGCATTGNCCATGGCA\n");
  const auto records = dnalm::io::read_sequences(work.dir / "s.fa").records;
  const auto found = dnalm::predict_nucleotides(dnalm::load_model(gpn), records);
  for (const std::string method : {"log_odds", "entropy"}) {
    INFO(method);
    REQUIRE(work.attribute(method).err == "");
    const auto letters = work.numbers("likeliest_letters");
    const auto tokens = work.numbers("likeliest_tokens");
    for (std::size_t s = 0; s < 2; ++s) {
      const std::string likeliest = dnalm::likeliest_letters(found[s].log_probabilities);
      for (std::size_t i = 0; i < 20; ++i) {
        const std::size_t code = i < likeliest.size() ? std::string("ACGT").find(likeliest[i]) : 4;
        CHECK(letters[s * 20 + i] == (code < 4 ? static_cast<double>(code) : -1));
        CHECK(tokens[s * 20 + i] == (i < likeliest.size() ? found[s].likeliest_tokens[i] : -1));
      }
    }
    CHECK(letters[27] == -1);  // N is not predicted
  }
  REQUIRE(work.attribute("log_odds", "--html " + (work.dir / "p.html")).err == "");
  const auto values = work.numbers("attributions");
  for (std::size_t s = 0; s < 2; ++s) {
    std::vector<std::vector<double>> rows;
    const auto odds = dnalm::log_odds_bits(found[s].log_probabilities);
    const auto length = static_cast<std::ptrdiff_t>(odds.length);
    for (std::ptrdiff_t a = 0; a < 4; ++a) {
      rows.emplace_back(odds.values.begin() + a * length, odds.values.begin() + (a + 1) * length);
    }
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(80 * s);
    check_rows({begin, begin + 80}, rows, 20);
  }
  CHECK(content(work.dir / "p.html").find("log2 odds (bits)") != std::string::npos);
}

TEST_CASE("letters that no byte pair can hold have no log-odds", "[programs]") {
  const scratch dir;
  write(dir / "s.fa", ">s\nGACT\n");
  const std::string folder = byte_pair_model(dir);
  const auto refused = run("dnalm-attribute --model " + folder + " --method log_odds --input " +
                           (dir / "s.fa") + " --output " + (dir / "x.npz"));
  CHECK(refused.id() == "dnalm.unsupported.891");
  CHECK(refused.err.find("position 2") != std::string::npos);
}

TEST_CASE("--top takes the sequences of largest target, of equals the first in the file", "[programs]") {
  const bench work;
  const std::string first = "ACGTTGCAACGTGATAAGCC";
  const std::string second = "GGCATTGACCATGGCATTGC";
  write(work.dir / "s.fa", ">a\n" + first + "\n>b\n" + second + "\n>c\n" + first + "\n>d\n" + second + "\n");
  const auto values =
      dnalm::attribution_targets::of_logits(dnalm::load_model(gpn), std::vector<dnalm::index_t>{3})
          .function()(std::vector<std::string>{first, second});
  REQUIRE(values[0] != values[1]);
  std::vector<std::string> order = {"a", "c", "b", "d"};
  if (values[0] < values[1]) order = {"b", "d", "a", "c"};
  for (const std::size_t top : {1U, 2U, 3U, 4U, 9U}) {
    REQUIRE(work.attribute("saliency", "--top " + std::to_string(top)).err == "");
    const auto names = dnalm::io::npz_reader(work.dir / "x.npz").read("names").texts();
    CHECK(names ==
          std::vector<std::string>(order.begin(), order.begin() + std::min<long>(4, static_cast<long>(top))));
  }
}

TEST_CASE("drawings name the method and the target, and number positions along the genome", "[programs]") {
  const bench work;
  write(work.dir / "s.fa", ">chr1:100-120\nACGTTGCAACGTGATAAGCC\n>chr1:205-225(-)\nGGCATTGACCATGGCATTGC\n");
  const std::string target =
      dnalm::attribution_targets::of_logits(dnalm::load_model(gpn), std::vector<dnalm::index_t>{3}).name(0);
  REQUIRE(work.attribute("saliency", "--svg " + (work.dir / "d")).err == "");
  const std::string logo = content(work.dir / "d/0001.chr1_100-120.svg");
  CHECK(logo.find("chr1:100-120: saliency of " + target) != std::string::npos);
  CHECK(logo.find(">gradient<") != std::string::npos);
  CHECK(logo.find(">110<") != std::string::npos);
  CHECK(logo.find(">101<") != std::string::npos);
  const std::string turned = content(work.dir / "d/0002.chr1_205-225_-_.svg");
  CHECK(turned.find(">225<") < turned.find(">220<"));
  CHECK(turned.find(">220<") < turned.find(">210<"));
  REQUIRE(work.attribute("dependency", "--svg " + (work.dir / "m")).err == "");
  const std::string map = content(work.dir / "m/0001.chr1_100-120.svg");
  CHECK(map.find("chr1:100-120: dependency<") != std::string::npos);  // it explains no target
  CHECK(map.find("observed position, chr1") != std::string::npos);
  CHECK(map.find(">110<") != std::string::npos);
}

TEST_CASE("sequences too long for a drawing are told, and stand on the page without one", "[programs]") {
  const bench work;
  write(work.dir / "s.fa", ">long\n" + std::string(20001, 'A') + "\n>short\nACGTTGCAACGT\n");
  const std::string rest = "--html " + (work.dir / "p.html") + " --svg " + (work.dir / "d");
  const auto made = work.attribute("input_x_gradient", rest);
  REQUIRE(made.code == 0);
  CHECK(made.err.find("1 of 2 sequences have no drawing, of more than 20000 letters (long)") !=
        std::string::npos);
  const std::string page = content(work.dir / "p.html");
  CHECK(page.find("<h2>long</h2>") != std::string::npos);
  CHECK(page.find("none, of more than 20,000 letters") != std::string::npos);
  CHECK(fs::exists(work.dir.path / "d/0002.short.svg"));
  CHECK_FALSE(fs::exists(work.dir.path / "d/0001.long.svg"));
}

TEST_CASE("names that no track can place are refused before the work", "[programs]") {
  const bench work;
  write(work.dir / "s.fa", ">chr1:100-120\nACGTTGCAACGTGATAAGCC\n>enhancer\nGGCATTGACCATGGCATTGC\n");
  const std::string track = "--bedgraph " + (work.dir / "t.bedgraph");
  CHECK(work.attribute("rollout").id() == "dnalm.unsupported.866");  // told by the work itself
  const auto refused = work.attribute("rollout", track);
  CHECK(refused.id() == "dnalm.input.729");
  CHECK(refused.err.find("enhancer") != std::string::npos);
  CHECK(work.attribute("rollout", "--top 2 " + track).id() == "dnalm.input.729");
}
