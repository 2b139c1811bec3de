// SPDX-License-Identifier: Apache-2.0
// dnalm-attribute: errors name the record of the input, and what cannot be written is told before the work.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/core/sequence_error.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/probe/probe_file.hpp>

#include "workbench.hpp"

#include <support/catch.hpp>

using namespace workbench;

namespace {

using Catch::Contains;

const std::string gpn = DNALM_GOLDEN_DIR "/convnets/gpn_7";

/// A probe with one output.
dnalm::fitted_probe probe_of(const dnalm::model& network, std::vector<double> weights,
                             const std::string& pooling = "mean") {
  dnalm::fitted_probe probe;
  probe.model = "a model";
  probe.layer = network.describe().layers();
  probe.pooling = pooling;
  probe.width = static_cast<dnalm::index_t>(weights.size());
  probe.targets = {{}};
  probe.intercept = {0};
  probe.mean.assign(weights.size(), 0);
  probe.scale.assign(weights.size(), 1);
  probe.weights = std::move(weights);
  return probe;
}

std::string letters(std::uint64_t number, int length) {
  dnalm::philox random(19, number);
  std::string text;
  for (int i = 0; i < length; ++i) text += "ACGT"[random.below(4)];
  return text;
}

/// A model, and the program on a file `s.fa` with a probe.
struct probed {
  explicit probed(std::string folder) : model(std::move(folder)) {}
  [[nodiscard]] outcome attribute(const std::string& method, const std::string& rest = "") const {
    return run("dnalm-attribute --model " + model + " --probe " + (dir / "p.safetensors") + " --method " +
               method + " --input " + (dir / "s.fa") + " --output " + (dir / "x.npz") + " " + rest);
  }
  scratch dir;
  std::string model;
};

/// A probe whose numbers are finite for `large` and not for `small`.
template <class Work>
dnalm::fitted_probe breaking_probe(const dnalm::model& network, const std::string& small,
                                   const std::string& large, const Work& work) {
  for (double size = 1e36; size < 3.4e38; size *= 1.5) {
    std::vector<double> weights(static_cast<std::size_t>(network.state_width(network.describe().layers())));
    for (std::size_t c = 0; c < weights.size(); ++c) weights[c] = c % 3 == 0 ? -size : size;
    const dnalm::fitted_probe probe = probe_of(network, weights);
    const dnalm::attribution_targets targets(network, probe);
    const auto numbers = work(targets, large).values;
    REQUIRE(std::all_of(numbers.begin(), numbers.end(), [](double value) { return std::isfinite(value); }));
    try {
      static_cast<void>(work(targets, small));
    } catch (const dnalm::sequence_error&) {
      return probe;
    }
  }
  FAIL("no size at which numbers of one sequence alone break");
  return {};
}

/// An edit whose value in one channel is larger than all others', the one of the sequence too.
struct largest_edit {
  std::size_t position = 0;
  char letter = 'A';
  std::vector<double> weights;  // with which only its value overflows
};
largest_edit find_largest(const dnalm::model& network, const std::string& sequence) {
  const auto width = static_cast<std::size_t>(network.state_width(network.describe().layers()));
  std::vector<std::string> all = {sequence};
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    for (const char letter : {'A', 'C', 'G', 'T'}) {
      all.push_back(sequence);
      all.back()[i] = letter;
    }
  }
  for (std::size_t channel = 0; channel < width; ++channel) {
    std::vector<double> weights(width, 0.0);
    weights[channel] = 1;
    auto values = dnalm::attribution_targets(network, probe_of(network, weights, "max")).function()(all);
    for (double& value : values) value = std::abs(value);
    const auto most =
        static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
    double next = values[0];
    for (std::size_t e = 1; e < all.size(); ++e) {
      if (all[e] != all[most]) next = std::max(next, values[e]);
    }
    if (most == 0 || all[most] == sequence || values[most] < next * 1.001 || next < 1) continue;
    weights[channel] = std::numeric_limits<double>::max() / std::sqrt(values[most]) / std::sqrt(next);
    return {(most - 1) / 4, "ACGT"[(most - 1) % 4], weights};
  }
  FAIL("no channel in which an edit is largest");
  return {};
}

}  // namespace

TEST_CASE("numbers that are not finite are told with the one record that they are of", "[programs]") {
  probed work("");
  work.model = make_model(work.dir, "tiny");
  const std::string small = letters(18, 6);
  const std::string large = letters(1, 600);  // its mean has a hundredth of each gradient
  std::string text;
  for (int s = 0; s < 20; ++s) {
    text += s == 18 ? ">small\n" + small + "\n" : ">large" + std::to_string(s) + "\n" + large + "\n";
  }
  write(work.dir / "s.fa", text);
  const dnalm::model network = dnalm::load_model(work.model);
  const auto gradients = [](const dnalm::attribution_targets& targets, const std::string& sequence) {
    return dnalm::saliency(dnalm::nucleotide_function(targets), std::vector{sequence}).front().map;
  };
  const auto multipliers = [](const dnalm::attribution_targets& targets, const std::string& sequence) {
    const std::vector<dnalm::deep_lift_reference> uniform = {dnalm::uniform_reference(sequence)};
    return dnalm::deep_lift(targets, 0, sequence, uniform).contributions;
  };
  struct row {
    std::string method;
    std::string id;
    bool by_gradient;
  };
  for (const row& each :
       {row{"saliency", "dnalm.numeric.803", true}, row{"saliency --top 20", "dnalm.numeric.803", true},
        row{"embedding_saliency", "dnalm.numeric.803", true},
        row{"deep_lift_shap --baseline uniform", "dnalm.numeric.836", false}}) {
    INFO(each.method);
    const auto probe = each.by_gradient ? breaking_probe(network, small, large, gradients)
                                        : breaking_probe(network, small, large, multipliers);
    dnalm::save_probe(work.dir / "p.safetensors", probe);
    const auto told = work.attribute(each.method);
    CHECK(told.code == 3);
    CHECK(told.id() == each.id);
    CHECK_THAT(told.err, Contains("in sequence 'small': ") && Contains("hidden state") && !Contains("large"));
  }
  CHECK_FALSE(fs::exists(work.dir.path / "x.npz"));
}

TEST_CASE("a substitution whose value is not finite is told with its letter and position", "[programs]") {
  for (const bool edits : {true, false}) {  // by what an edit reaches, and by a pass of each
    INFO(edits);
    probed work(gpn);
    if (!edits) work.model = make_model(work.dir, "tiny");
    const dnalm::model network = dnalm::load_model(work.model);
    const std::string sequence = "ACGTTGCAACGTGATAAGCC";
    const largest_edit edit = find_largest(network, sequence);
    dnalm::save_probe(work.dir / "p.safetensors", probe_of(network, edit.weights, "max"));
    write(work.dir / "s.fa", ">site\n" + sequence + "\n");
    const auto told = work.attribute("ism");
    CHECK(told.id() == "dnalm.numeric.801");
    const std::string words =
        std::string(1, edit.letter) + " at position " + std::to_string(edit.position + 1);
    CHECK_THAT(told.err, Contains("sequence 'site': " + words + ": output 0"));

    std::string edited = sequence;
    edited[edit.position] = edit.letter;
    write(work.dir / "s.fa", ">site\n" + sequence + "\n>broken\n" + edited + "\n");
    for (const char* rest : {"", "--top 1"}) {
      CHECK_THAT(work.attribute("saliency", rest).err,
                 Contains("801") && Contains("sequence 'broken': output 0"));
    }
    const auto planted =
        work.attribute("global_importance", "--background given --insert " + std::string(1, edit.letter) +
                                                " --positions " + std::to_string(edit.position));
    CHECK_THAT(planted.err, Contains("801") && Contains("sequence 'broken': "));
  }
}

TEST_CASE("logits that are not finite and letters that are no DNA are told with the record", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  std::string weights = content(model + "/model.safetensors");
  const float huge = 3e38F;
  for (std::size_t i = 1; i <= 16; ++i)
    std::memcpy(weights.data() + weights.size() - 4 * i, &huge, sizeof huge);
  write(dir / "s.fa", ">one\nGATTACAGATTA\n>two\nGATTACX\n");
  const std::string command = " --input " + (dir / "s.fa") + " --output " + (dir / "x.npz") + " --method ";
  const auto letter = run("dnalm-attribute --model " + model + command + "entropy");
  CHECK(letter.code == 3);
  CHECK(letter.id() == "dnalm.input.150");
  CHECK_THAT(letter.err, Contains("two"));
  write(dir / "s.fa", ">one\nGATTACAGATTA\n>two\nGATTACA\n");
  write(model + "/model.safetensors", weights);
  for (const char* method : {"entropy", "dependency"}) {
    INFO(method);
    const auto told = run("dnalm-attribute --model " + model + command + method);
    CHECK(told.code == 3);
    CHECK(told.id() == "dnalm.numeric.855");
    CHECK_THAT(told.err, Contains("sequence 'one': token"));
  }
  CHECK_FALSE(fs::exists(dir.path / "x.npz"));
}

TEST_CASE("outputs that cannot be written are told before the work, and nothing is left", "[programs]") {
  const scratch dir;
  write(dir / "s.fa", ">chr1:100-120\nACGTTGCAACGTGATAAGCC\n>chr1:110-126\nGGCATTGACCATGGCA\n");
  const std::string command = "dnalm-attribute --model " + gpn + " --logit 3 --input " + (dir / "s.fa") +
                              " --output " + (dir / "x.npz") + " ";
  const std::string maps = command + "--method saliency --svg " + (dir / "new/drawings") + " ";
  for (const std::string option : {"--html", "--bedgraph", "--modisco", "--output"}) {
    INFO(option);
    const auto told = option == "--output"
                          ? run("dnalm-attribute --model " + gpn + " --logit 3 --input " + (dir / "s.fa") +
                                " --method saliency --output " + (dir / "nodir/x"))
                          : run(maps + option + " " + (dir / "nodir/x"));
    CHECK(told.code == 3);
    CHECK(told.id() == "dnalm.io.222");
    CHECK_THAT(told.err, Contains("nodir/x"));
    CHECK(dir.entries() == std::set<std::string>{"s.fa"});
  }
  for (const std::string& method :
       {std::string("saliency"),
        "global_importance --insert GATA --background given --effects " + (dir / "e.tsv")}) {
    INFO(method);
    const auto told = run(command + "--svg /proc/dnalm/x --method " + method);
    CHECK(told.code == 3);
    CHECK(told.id() == "dnalm.io.591");
    write(dir / "file", "");
    CHECK(run(command + "--svg " + (dir / "file/x") + " --method " + method).id() == "dnalm.io.591");
    CHECK(run(command + "--svg " + (dir / "file") + " --method " + method).id() == "dnalm.io.591");
    fs::remove(dir.path / "file");
    CHECK(dir.entries() == std::set<std::string>{"s.fa"});
    CHECK(run(command + "--svg " + (dir / "a/b") + " --method " + method).code == 0);
    CHECK(fs::is_directory(dir.path / "a/b"));
    fs::remove_all(dir.path / "a");
    for (const char* made : {"x.npz", "e.tsv"}) fs::remove(dir.path / made);
  }
}

TEST_CASE("outputs may lie in the folder that is made for drawings, and a run that fails leaves none",
          "[programs]") {
  const scratch dir;
  write(dir / "s.fa", ">chr1:100-120\nACGTTGCAACGTGATAAGCC\n>chr1:110-126\nGGCATTGACCATGGCA\n");
  const std::string command = "dnalm-attribute --model " + gpn + " --input " + (dir / "s.fa") + " --svg " +
                              (dir / "d") + " --html " + (dir / "d/p.html") + " --output " +
                              (dir / "d/x.npz");
  for (const std::string& rest :
       {" --method saliency --bedgraph " + (dir / "d/t"),
        " --method global_importance --insert GATA --background given --effects " + (dir / "d/t")}) {
    INFO(rest);
    const auto refused = run(command + " --logit 99" + rest);
    CHECK(refused.id() == "dnalm.usage.802");
    CHECK(dir.entries() == std::set<std::string>{"s.fa"});
    CHECK(run(command + " --logit 3" + rest).code == 0);
    for (const char* made : {"p.html", "x.npz", "t"}) CHECK(fs::is_regular_file(dir.path / "d" / made));
    fs::remove_all(dir.path / "d");
  }
}

TEST_CASE("a number below 0 is refused with a short range", "[programs]") {
  for (const std::string command :
       {"dnalm-attribute --logit", "dnalm-attribute --top", "dnalm-attribute --overlap",
        "dnalm-attribute --seed", "dnalm-embed --piece", "dnalm-embed --overlap", "dnalm-evaluate --seed"}) {
    INFO(command);
    const auto told = run(command + " -1");
    CHECK(told.id() == "dnalm.usage.702");
    CHECK_THAT(told.err, Contains("-1 not in range 0 to"));
    CHECK(told.err.size() < 200);
  }
}

TEST_CASE("TF-MoDISco gets scores by letter of sequences that are long enough, and is told which",
          "[programs]") {
  const scratch dir;
  write(dir / "s.fa", ">chr1:100-120\nACGTTGCAACGTGATAAGCC\n>chr1:110-126\nGGCATTGACCATGGCA\n");
  const auto attribute = [&](const std::string& rest) {
    return run("dnalm-attribute --model " + gpn + " --logit 3 --input " + (dir / "s.fa") + " --output " +
               (dir / "x.npz") + " --modisco " + (dir / "m") + " --method " + rest);
  };
  for (const char* method : {"dependency", "rollout", "entropy", "embedding_saliency"}) {
    CHECK(attribute(method).id() == "dnalm.usage.732");
  }
  for (const char* rest : {"saliency", "saliency --modisco-width 21", "saliency --top 1"}) {
    INFO(rest);
    const auto none = attribute(rest);
    CHECK(none.code == 3);
    CHECK(none.id() == "dnalm.input.896");
  }
  write(dir / "n.fa", ">a\nACGTTGCAACNTGATAAGCC\n");
  CHECK(run("dnalm-attribute --model " + gpn + " --logit 3 --method saliency --input " + (dir / "n.fa") +
            " --output " + (dir / "x.npz") + " --modisco " + (dir / "m") + " --modisco-width 8")
            .id() == "dnalm.input.896");
  CHECK(dir.entries() == std::set<std::string>{"n.fa", "s.fa"});

  const std::string page = " --modisco-width 16 --html " + (dir / "p.html");
  struct row {
    const char* method;
    const char* words;
  };
  for (const row& each :
       {row{"saliency", "holds gradients, no hypothetical contributions"},
        row{"saliency --corrected", "gradients less their mean over the letters"},
        row{"ism", "effects of substitutions, mean4, no"},
        row{"ism --screen 3", "mean4, all but 3 edits of a sequence first-order effects, no"},
        row{"deep_lift_shap --baseline zero", "contributions of the observed letters alone"}}) {
    INFO(each.method);
    const auto told = attribute(each.method + page);
    CHECK(told.code == 0);
    CHECK_THAT(told.err, Contains(each.words));
    CHECK_THAT(content(dir / "p.html"), Contains("<dt>modisco</dt>"));
  }
  CHECK(attribute("deep_lift_shap --baseline zero --hypothetical" + page).err == "");
  CHECK_THAT(content(dir / "p.html"), !Contains("<dt>modisco</dt>"));
}
