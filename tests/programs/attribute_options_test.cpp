// SPDX-License-Identifier: Apache-2.0
// dnalm-attribute: which method reads which option, outputs in one place, windows, the tolerance of
// integrals.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/attribution/dependency_map.hpp>
#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/map_transforms.hpp>
#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/attribution/nucleotide_probabilities.hpp>
#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/sequence/alphabet.hpp>
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
  [[nodiscard]] bool says(const std::string& words) const {
    return conventions().find(words) != std::string::npos;
  }
  [[nodiscard]] bool holds(const std::string& file, const std::string& words) const {
    return content(dir / file).find(words) != std::string::npos;
  }
  scratch dir;
  dnalm::model network = dnalm::load_model(gpn);
  dnalm::attribution_targets targets =
      dnalm::attribution_targets::of_logits(network, std::vector<dnalm::index_t>{3});
};

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
      {"--whole-passes", "saliency", "--method ism"},
      {"--baseline-file b.fa", "ism", "integrated_gradients, expected_gradients, deep_lift_shap"},
      {"--replicates 3 --baseline-file b.fa", "deep_lift_shap", "--baseline shuffles"},
      {"--screen 3", "saliency", "--method ism"},
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
      {"--chromosome-sizes c", "global_importance", "all but global_importance"},
      {"--modisco m", "rollout", "deep_lift_shap, ism, log_odds"},
      {"--modisco m", "global_importance", "deep_lift_shap, ism, log_odds"}};
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

TEST_CASE("outputs in the place of a model's files are refused, others beside them are written",
          "[programs]") {
  const bench work;
  const fs::path folder = work.dir.path / "model";
  fs::copy(gpn, folder);
  fs::create_hard_link(folder / "model.safetensors", work.dir.path / "weights.npz");
  const std::string config = content(folder / "config.json");
  const std::string model = " --model " + folder.string();
  const std::string input = " --input " + (work.dir / "s.fa");
  const std::string inside = folder.string() + "/";
  for (const std::string& command :
       {"dnalm-embed" + model + input + " --output " + inside + "config.json",
        "dnalm-embed" + model + "/." + input + " --output " + inside + "model.safetensors",
        "dnalm-embed" + model + input + " --output " + (work.dir / "weights.npz"),
        "dnalm-tokenize" + model + input + " --output " + inside + "../model/config.json",
        "dnalm-tokenize --tokenizer " + folder.string() + input + " --output " + inside + "config.json",
        "dnalm-attribute" + model + input + " --method entropy --output " + (work.dir / "x.npz") +
            " --html " + inside + "config.json"}) {
    INFO(command);
    const auto refused = run(command);
    CHECK(refused.code == 2);
    CHECK(refused.id() == "dnalm.usage.733");
  }
  CHECK(
      run("dnalm-evaluate" + model + " --data " + make_table(work.dir, "t.tsv") + " --out " + folder.string())
          .id() == "dnalm.usage.590");
  CHECK(content(folder / "config.json") == config);
  CHECK(content(folder / "model.safetensors") == content(fs::path(gpn) / "model.safetensors"));
  for (int again = 0; again < 2; ++again) {
    CHECK(run("dnalm-embed --quiet" + model + input + " --output " + inside + "x.npz").err == "");
  }
}

TEST_CASE("files that config.json names are the model's, whatever they are called", "[programs]") {
  const bench work;
  const fs::path folder = work.dir.path / "model";
  fs::create_directory(folder);
  write(folder / "config.json",
        R"({"model_type": "spliceai", "files": ["w.npz", "v.weights"], "keras_model": "description"})");
  const std::vector<std::string> files = {"w.npz", "v.weights", "description", "source.h5"};
  for (const std::string& file : files) write(folder / file, "weights");
  const auto embed = [&](const std::string& output) {
    return run("dnalm-embed --model " + folder.string() + " --input " + (work.dir / "s.fa") + " --output " +
               (folder / output).string());
  };
  for (const std::string& file : files) {
    INFO(file);
    const auto refused = embed(file);
    CHECK(refused.code == 2);
    CHECK(refused.id() == "dnalm.usage.733");
    CHECK(content(folder / file) == "weights");
  }
  write(folder / "x.npz", "an output");
  CHECK(embed("x.npz").id() != "dnalm.usage.733");  // that no configuration names
  write(folder / "config.json", "{");
  CHECK(embed("w.npz").id() != "dnalm.usage.733");
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

TEST_CASE("a target is told where the model takes the sequence at once, and --top needs every one",
          "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");  // at most 2048 tokens; each N is one
  write(dir / "s.fa", ">short\nGATTACAGATTA\n>long\n" + std::string(2100, 'N') + "GATTACAGATTA\n");
  const std::string command = "dnalm-attribute --model " + model + " --logit 9 --input " + (dir / "s.fa") +
                              " --output " + (dir / "x.npz") + " --html " + (dir / "p.html") + " --method ";
  const std::string windows = "entropy --context wild_type --window max";
  REQUIRE(run(command + windows).err == "");
  const auto targets =
      dnalm::attribution_targets::of_logits(dnalm::load_model(model), std::vector<dnalm::index_t>{9});
  char value[40];
  std::snprintf(value, sizeof value, "%.6g",
                targets.function()(std::vector<std::string>{"GATTACAGATTA"}).front());
  const std::string page = content(dir / "p.html");
  const std::size_t of_long = page.find("<h2>long</h2>");
  REQUIRE(of_long != std::string::npos);
  CHECK(page.find(value) < of_long);
  CHECK(page.find("none, longer than the model takes at once") > of_long);
  CHECK(page.find("none, longer than the model takes at once") != std::string::npos);
  for (const std::string& refused : {windows + " --top 1", std::string("saliency")}) {
    INFO(refused);
    const auto told = run(command + refused);
    CHECK(told.id() == "dnalm.input.406");
    CHECK(told.err.find("sequence 'long'") != std::string::npos);
    CHECK((told.err.find("--top") != std::string::npos) == (refused != "saliency"));
  }
}

TEST_CASE("errors of predictions name the record, wherever it stands in the file", "[programs]") {
  const scratch dir;
  std::string text;
  for (int i = 0; i < 20; ++i) {
    text += i == 18 ? ">long\n" + std::string(30, 'C') + "GATTACAGAT\n"
                    : ">s" + std::to_string(i) + "\nGATTACA\n";
  }
  write(dir / "s.fa", text);
  for (const char* method : {"entropy", "dependency"}) {
    INFO(method);
    const auto told = run("dnalm-attribute --model " DNALM_GOLDEN_DIR "/hyena/hub --window 14 --input " +
                          (dir / "s.fa") + " --output " + (dir / "x.npz") + " --method " + method);
    CHECK(told.id() == "dnalm.usage.870");  // windows of a causal model without an overlap
    CHECK(told.err.find("in sequence 'long', expected") != std::string::npos);
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
  const double many = static_cast<double>(dnalm::sequence_shuffler(rich).number().exact.value());
  for (const char* method : {"deep_lift_shap", "expected_gradients", "integrated_gradients"}) {
    INFO(method);
    const auto made = work.attribute(method, "--baseline shuffles --replicates 2" + page);
    CHECK(made.err.find("1 of 2 sequences have fewer than ten times") != std::string::npos);
    CHECK(made.err.find("(repeat: 1 for 2);") != std::string::npos);
    CHECK(work.numbers("distinct_shuffles") == std::vector<double>{1, many});
    CHECK(work.says("at least 1 of a sequence, itself included; of 1 of 2 sequences fewer"));
    CHECK(work.holds("p.html", "distinct shuffles</dt><dd>1</dd>"));
  }
  const auto planted = work.attribute("global_importance", "--insert GATA --backgrounds 5" + page);
  CHECK(planted.err.find("(repeat: 1 for 3);") != std::string::npos);
  CHECK(work.numbers("distinct_shuffles") == std::vector<double>{1, many, 1, many, 1});
  CHECK(work.holds("p.html", "at least 1 of a sequence"));
  CHECK(work.attribute("deep_lift_shap", "--baseline zero").err == "");
  write(work.dir / "s.fa", ">rich\n" + rich + "\n");
  CHECK(work.attribute("deep_lift_shap", "--replicates 2").err == "");
}

TEST_CASE("residuals of DeepLIFT at each hidden state are those of the library", "[programs]") {
  const bench work;
  REQUIRE(work.attribute("deep_lift_shap", "--baseline uniform --residuals --html " + (work.dir / "p")).err ==
          "");
  std::vector<double> expected;
  for (const auto& record : dnalm::io::read_sequences(work.dir / "s.fa").records) {
    const std::vector<dnalm::deep_lift_reference> reference = {dnalm::uniform_reference(record.sequence)};
    const auto found = dnalm::deep_lift(work.targets, 0, record.sequence, reference, {.residuals = true});
    expected.insert(expected.end(), found.residuals[0].begin(), found.residuals[0].end());
  }
  CHECK(work.numbers("residuals") == expected);
  CHECK(work.holds("p", "Completeness by hidden state"));
  CHECK(work.holds("p", "<td>" + std::to_string(expected.size() / 2 - 1) + "</td>"));
}

TEST_CASE("a network of layers has one residual, and the page does not say that it is one of layers",
          "[programs]") {
  const bench work;
  const std::string folder = DNALM_GOLDEN_DIR "/supervised/legnet";
  const std::string sequence = "ACGTTGCAACGTGATAAGCC" + std::string(90, 'C');
  write(work.dir / "one.fa", ">one\n" + sequence + "\n");
  REQUIRE(run("dnalm-attribute --model " + folder +
              " --logit 0 --method deep_lift_shap --baseline uniform --residuals --input " +
              (work.dir / "one.fa") + " --output " + (work.dir / "x.npz") + " --html " + (work.dir / "p"))
              .err == "");
  const dnalm::model network = dnalm::load_model(folder);
  const auto targets = dnalm::attribution_targets::of_logits(network, std::vector<dnalm::index_t>{0});
  const std::vector<dnalm::deep_lift_reference> reference = {dnalm::uniform_reference(sequence)};
  const auto found = dnalm::deep_lift(targets, 0, sequence, reference, {.residuals = true});
  REQUIRE(found.residuals[0].size() == 1);
  CHECK(work.numbers("residuals") == found.residuals[0]);
  CHECK(work.holds("p", "Completeness of the network as a whole"));
  CHECK(work.holds("p", "what all layers up to the target lose together"));
  CHECK_FALSE(work.holds("p", "the layer between them"));
  CHECK(work.says("the residual of the whole network"));
}

TEST_CASE("dependency maps of every kind are those of the library", "[programs]") {
  const bench work;
  const auto records = dnalm::io::read_sequences(work.dir / "s.fa").records;
  const auto found = dnalm::nucleotide_dependencies(work.network, records[0].sequence);
  const auto corrected = dnalm::average_product_corrected(dnalm::symmetrized(found.jacobian));
  const std::vector<std::pair<std::string, dnalm::dependency_map>> cases = {
      {"--dependency jacobian", found.jacobian},
      {"--symmetric max", dnalm::symmetrized(found.log_odds, dnalm::symmetry::max)},
      {"--dependency jacobian --symmetric mean --apc", corrected}};
  for (const auto& [rest, map] : cases) {
    INFO(rest);
    REQUIRE(work.attribute("dependency", rest + " --svg " + (work.dir / "d")).err == "");
    const auto all = work.numbers("dependency");
    check_rows({all.begin(), all.begin() + 400}, {map.values}, 400);
    const bool apc = rest.find("--apc") != std::string::npos;
    CHECK(work.holds("d/0001.chr1_100-120.svg", "#123a82") == apc);  // numbers below 0 are blue
  }
  CHECK(
      work.says("centred over both; row substituted, column observed; mean of the map and its transpose; "
                "average product"));
}

TEST_CASE("log-odds and the likeliest letters and tokens are those of the library", "[programs]") {
  const bench work;
  write(work.dir / "s.fa", ">n\nGGCATTGNCCATGGCA\n");
  const auto records = dnalm::io::read_sequences(work.dir / "s.fa").records;
  const auto found = dnalm::predict_nucleotides(work.network, records).front();
  const auto odds = dnalm::log_odds_bits(found.log_probabilities);
  std::vector<double> codes;
  for (const char letter : dnalm::likeliest_letters(found.log_probabilities)) {
    codes.push_back(letter == 'N' ? -1 : static_cast<double>(std::string("ACGT").find(letter)));
  }
  for (const char* method : {"entropy", "log_odds"}) {
    REQUIRE(work.attribute(method).err == "");
    CHECK(work.numbers("likeliest_letters") == codes);
    CHECK(work.numbers("likeliest_tokens") ==
          std::vector<double>(found.likeliest_tokens.begin(), found.likeliest_tokens.end()));
  }
  check_rows(work.numbers("attributions"), {odds.values}, 64);
}

TEST_CASE("--top takes the sequences of largest target, of equals the first in the file", "[programs]") {
  const bench work;
  const std::vector<std::string> letters = {"ACGTTGCAACGTGATAAGCC", "GGCATTGACCATGGCATTGC"};
  write(work.dir / "s.fa",
        ">a\n" + letters[0] + "\n>b\n" + letters[1] + "\n>c\n" + letters[0] + "\n>d\n" + letters[1] + "\n");
  const auto values = work.targets.function()(letters);
  REQUIRE(values[0] != values[1]);
  std::vector<std::string> order = {"a", "c", "b", "d"};
  if (values[0] < values[1]) order = {"b", "d", "a", "c"};
  for (const int top : {9, 4, 3, 2, 1}) {
    if (top < 4) order.pop_back();
    REQUIRE(work.attribute("saliency", "--top " + std::to_string(top)).err == "");
    CHECK(dnalm::io::npz_reader(work.dir / "x.npz").read("names").texts() == order);
  }
}

TEST_CASE("drawings name method and target, and number positions along the genome", "[programs]") {
  const bench work;
  write(work.dir / "s.fa",
        ">chr1:100-116\nGGCATTGACCATGGCA\n>chr1:205-225(-)\nGGCATTGACCATGGCATTGC\n>long\n" +
            std::string(20001, 'A') + "\n");
  const std::string drawn = " --svg " + (work.dir / "d") + " --html " + (work.dir / "p");
  const auto made = work.attribute("input_x_gradient", drawn);
  CHECK(made.err.find("1 of 3 sequences have no drawing, of more than 20000 letters (long)") !=
        std::string::npos);
  CHECK(work.holds("p", "<h2>long</h2>"));
  CHECK(work.holds("p", "none, of more than 20,000 letters"));
  CHECK(work.holds("d/0001.chr1_100-116.svg", "chr1:100-116: input_x_gradient of " + work.targets.name(0)));
  for (const char* words : {">gradient \u00d7 input<", ">101<", ">110<"}) {
    CHECK(work.holds("d/0001.chr1_100-116.svg", words));
  }
  const std::string turned = content(work.dir / "d/0002.chr1_205-225_-_.svg");
  CHECK(turned.find(">220<") < turned.find(">210<"));
  write(work.dir / "s.fa", ">chr1:100-116\nGGCATTGACCATGGCA\n");
  REQUIRE(work.attribute("dependency", drawn).err == "");
  for (const char* words : {": dependency<", "observed position, chr1", ">110<"}) {
    CHECK(work.holds("d/0001.chr1_100-116.svg", words));
  }
}

TEST_CASE("names that no track can place are refused before the work", "[programs]") {
  const bench work;
  write(work.dir / "s.fa", ">chr1:100-120\nACGTTGCAACGTGATAAGCC\n>enhancer\nGGCATTGACCATGGCATTGC\n");
  CHECK(work.attribute("rollout").id() == "dnalm.unsupported.866");  // told by the work itself
  for (const char* more : {"", " --top 2"}) {
    CHECK(work.attribute("rollout", "--bedgraph " + (work.dir / "t") + more).id() == "dnalm.input.729");
  }
}

TEST_CASE("--screen computes the edits of largest first-order effect, and says which and what it found",
          "[programs]") {
  const bench work;
  REQUIRE(work.attribute("ism", "--centring raw").err == "");
  const std::vector<double> all = work.numbers("attributions");
  const std::string page = " --html " + (work.dir / "p.html");
  const auto made = work.attribute("ism", "--centring raw --screen 7 --screen-check 1" + page);
  CHECK(made.err.find("of the 7 largest edits were computed, mean of 1 sequences") != std::string::npos);
  const std::vector<double> some = work.numbers("attributions");
  const std::vector<double> computed = work.numbers("computed");
  CHECK(dnalm::io::npz_reader(work.dir / "x.npz").read("computed").type == dnalm::dtype::boolean);
  const auto records = dnalm::io::read_sequences(work.dir / "s.fa").records;
  const auto slopes = dnalm::saliency(dnalm::nucleotide_function(work.targets),
                                      std::vector<std::string>{records[0].sequence, records[1].sequence});
  REQUIRE(computed.size() == all.size());
  for (std::size_t s = 0; s < 2; ++s) {
    const auto guess = dnalm::first_order_effects(slopes[s].map, records[s].sequence);
    double count = 0;
    for (dnalm::index_t a = 0; a < 4; ++a) {
      for (dnalm::index_t i = 0; i < guess.length; ++i) {
        const std::size_t at = 80 * s + static_cast<std::size_t>(20 * a + i);
        count += computed[at];
        CHECK(some[at] ==
              (computed[at] != 0 ? all[at] : static_cast<double>(static_cast<float>(guess(a, i)))));
      }
    }
    CHECK(count == 7);
  }
  const std::vector<double> recall = work.numbers("screen_recall");
  const std::vector<std::string> first = {records[0].sequence};
  const auto effects = dnalm::find_substitution_effects(first, work.targets.function()).front().effects;
  dnalm::nucleotide_map which(20);
  std::copy(computed.begin(), computed.begin() + 80, which.values.begin());
  CHECK(recall[0] == dnalm::screen_recall(first[0], effects, which, 7));
  CHECK(recall[0] > 0);
  CHECK(std::isnan(recall[1]));
  CHECK(work.says("the 7 edits of largest first-order effect"));
  CHECK(work.says("\"screen_recall\""));
  CHECK(work.says("before any centring; false at observed letters\""));
  CHECK(work.holds("p.html", "largest edits that the screen found"));
  REQUIRE(work.attribute("ism", "--centring raw --screen 1000 --both-strands").err == "");
  const std::vector<double> both = work.numbers("computed");
  CHECK(std::accumulate(both.begin(), both.end(), 0.0) == 3 * (20 + 16));
  CHECK(work.says("each strand has such edits of its own"));
  CHECK(work.says("true where both strands' are"));
  REQUIRE(work.attribute("ism", "--screen 7").err == "");
  CHECK(work.says("a mean of computed and first-order effects of its position"));
  // What is checked are the first that are mapped, on both strands, in whichever order the file has them.
  const std::vector<std::string> x = {">a\n" + records[0].sequence + "\n",
                                      ">b\n" + records[1].sequence + "\n"};
  for (const std::string& text : {x[0] + x[1], x[1] + x[0]}) {
    write(work.dir / "s.fa", text);
    for (const char* rest : {"", " --top 2", " --top 1", " --both-strands"}) {
      INFO(text << rest);
      const auto told = work.attribute("ism", std::string("--screen 7 --screen-check 1") + rest);
      CHECK(told.err.find("mean of 1 sequences") != std::string::npos);
      const std::vector<double> found = work.numbers("screen_recall");
      CHECK_FALSE(std::isnan(found[0]));
      CHECK((found.size() == 1 || std::isnan(found[1])));
    }
  }
  CHECK(work.attribute("ism", "--screen 0").id() == "dnalm.usage.702");
  CHECK(work.attribute("ism", "--screen-check 2").id() == "dnalm.usage.702");
}

TEST_CASE("--baseline-file takes sequences by name or one for all, and weights", "[programs]") {
  const bench work;
  const std::vector<std::string> x = {"ACGTTGCAACGTGATAAGCC", "GGCATTGACCATGGCA"};
  const std::vector<std::string> r = {"TTGTAGCATCGAGCTATGCA", "ACGATTGATTCTGGAA"};
  write(work.dir / "b.fa", ">chr1:200-216\n" + r[1] + "\n>chr1:100-120\n" + r[0] + "\n");
  const std::string given = "--baseline-file " + (work.dir / "b.fa");
  REQUIRE(work.attribute("deep_lift_shap", given).err == "");
  const std::vector<double> found = work.numbers("attributions");
  CHECK(work.says("given, file "));
  std::vector<double> weights(2 * 20 * 4, 0.0);
  for (std::size_t s = 0; s < 2; ++s) {
    const dnalm::nucleotide_map map = dnalm::one_hot_map(r[s]);
    const std::vector<dnalm::deep_lift_reference> reference = {{.letters = map}};
    const auto expected = dnalm::deep_lift(work.targets, 0, x[s], reference).contributions;
    for (std::size_t a = 0; a < 4; ++a) {
      for (std::size_t i = 0; i < x[s].size(); ++i) {
        const auto letter = static_cast<dnalm::index_t>(a);
        const auto at = static_cast<dnalm::index_t>(i);
        weights[80 * s + 4 * i + a] = map(letter, at);
        CHECK(found[80 * s + 20 * a + i] == static_cast<double>(static_cast<float>(expected(letter, at))));
      }
    }
  }
  const auto store = [&](const std::vector<double>& values, const std::vector<dnalm::index_t>& shape) {
    dnalm::io::npz_writer file(work.dir / "w.npz");
    file.add("weights", values, shape);
    file.finish();
    return "--baseline-file " + (work.dir / "w.npz");
  };
  const std::string array = store(weights, {2, 20, 4});
  REQUIRE(work.attribute("deep_lift_shap", array).err == "");
  CHECK(work.numbers("attributions") == found);
  // Both strands: the other one's baseline is turned as the sequence is.
  REQUIRE(work.attribute("integrated_gradients",
                         array + " --nodes 64 --most-nodes 64 --tolerance 10 --both-strands")
              .err == "");
  CHECK(work.says("; of the strand where it is larger in size"));
  const std::vector<double> delta = work.numbers("convergence_delta");
  const std::vector<double> both = work.numbers("attributions");
  for (std::size_t s = 0; s < 2; ++s) {
    CHECK(std::abs(delta[s]) < 2e-5);  // of the strand where it is larger
    double expected = 0;
    for (const std::string& end : {x[s], dnalm::reverse_complement(x[s])})
      expected += work.targets.function()(std::vector<std::string>{end}).front() / 2;
    for (const std::string& end : {r[s], dnalm::reverse_complement(r[s])})
      expected -= work.targets.function()(std::vector<std::string>{end}).front() / 2;
    const auto first = both.begin() + static_cast<std::ptrdiff_t>(80 * s);
    CHECK(std::accumulate(first, first + 80, 0.0) == Approx(expected).margin(1e-4));  // floats of the file
  }
  // A pipe, and letters that are read as N.
  const std::string command = "dnalm-attribute --model " + gpn +
                              " --logit 3 --method deep_lift_shap --input " + (work.dir / "s.fa") +
                              " --output " + (work.dir / "x.npz") + " --baseline-file ";
  REQUIRE(run(command + "/dev/stdin", "cat " + (work.dir / "b.fa") + " |").err == "");
  CHECK(work.numbers("attributions") == found);
  std::vector<std::vector<double>> unknown;
  for (const char* letter : {"R", "N"}) {
    write(work.dir / "n.fa", ">chr1:200-216\n" + r[1] + "\n>chr1:100-120\n" + letter + r[0].substr(1) + "\n");
    REQUIRE(work.attribute("deep_lift_shap", "--unknown n --baseline-file " + (work.dir / "n.fa")).err == "");
    unknown.push_back(work.numbers("attributions"));
  }
  CHECK(unknown[0] == unknown[1]);
  CHECK(work.attribute("deep_lift_shap", "--baseline-file " + (work.dir / "n.fa")).err == "");
  const auto refuse = [&](const std::string& option, const std::string& words) {
    INFO(option << words);
    const auto told = work.attribute("deep_lift_shap", option);
    CHECK(told.id() == "dnalm.input.745");
    CHECK(told.code == 3);
    CHECK(told.err.find(words) != std::string::npos);
  };
  refuse(store(weights, {2, 80}), "2 x 80");
  refuse(store(weights, {4, 10, 4}), "2 x L x 4");
  refuse(store(std::vector<double>(80, 0.25), {20, 4}), "sequence 'chr1:200-216'");
  for (const double bad : {-0.5, std::nan(""), static_cast<double>(INFINITY)}) {
    std::vector<double> values = weights;
    values[5] = bad;
    refuse(store(values, {2, 20, 4}), "row 1");
  }
  weights.back() = 1;
  refuse(store(weights, {2, 20, 4}), "0 behind the end");
  write(work.dir / "b.fa", ">chr1:200-216\n" + r[1] + "\n>other\n" + r[0] + "\n");
  refuse(given, "sequence 'chr1:100-120'");
  write(work.dir / "b.fa", ">one\n" + r[1] + "\n");
  refuse(given, "20 letters");
  write(work.dir / "b.fa", ">a\nAC\n>a\nAC\n");
  CHECK(work.attribute("deep_lift_shap", given).id() == "dnalm.input.192");
  write(work.dir / "b.fa", ">one\nAXC\n");
  CHECK(work.attribute("deep_lift_shap", given).id() == "dnalm.input.150");
  CHECK(work.attribute("deep_lift_shap", given + " --baseline zero").id() == "dnalm.usage.702");
  CHECK(work.attribute("deep_lift_shap", "--baseline-file " + (work.dir / "none")).code == 3);
}
