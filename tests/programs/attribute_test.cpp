// SPDX-License-Identifier: Apache-2.0
// dnalm-attribute: from a table to a probe to maps.
#include <algorithm>
#include <cmath>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/probe/probe_file.hpp>

#include "workbench.hpp"

#include <support/catch.hpp>

using namespace workbench;

namespace {

const std::string gpn = std::string(DNALM_GOLDEN_DIR) + "/convnets/gpn_7";

/// A table and the probe that dnalm-evaluate fits to it.
struct probed {
  explicit probed(const std::string& model_folder) : model(model_folder) {
    table = make_table(dir, "t.tsv", {.rows = 60});
    const auto made = run("dnalm-evaluate --model " + model + " --data " + table + " --out " + (dir / "out") +
                          " --layers last --baseline none --bootstrap 0 --quiet");
    REQUIRE(made.err == "");
    for (const auto& file : fs::directory_iterator(dir.path / "out" / "probes")) probe = file.path().string();
    write(dir / "few.fa", ">chr1:100-112\nACGTTGCAACGT\n>chr1:106-116(-)\nGATTACAGAT\n");
  }
  [[nodiscard]] std::string command(const std::string& method, const std::string& rest = "") const {
    return "dnalm-attribute --model " + model + " --probe " + probe + " --method " + method + " --input " +
           (dir / "few.fa") + " --output " + (dir / (method + ".npz")) + " " + rest;
  }

  scratch dir;
  std::string model;
  std::string table;
  std::string probe;
};

}  // namespace

TEST_CASE("dnalm-attribute writes the gradients that the library computes", "[programs]") {
  const probed work(gpn);
  const auto made = run(work.command("saliency", "--modisco " + (work.dir / "m") + " --modisco-width 11"));
  REQUIRE(made.code == 0);
  CHECK_THAT(made.err, Catch::Contains("m.attr.npz holds gradients, no hypothetical contributions") &&
                           Catch::Contains("dnalm-attribute: 1 of 2 sequences are not in " +
                                           (work.dir / "m") + ".*.npz: shorter than 11 letters, or N\n"));
  const dnalm::io::npz_reader file(work.dir / "saliency.npz");
  CHECK(file.read("names").texts() == std::vector<std::string>{"chr1:100-112", "chr1:106-116(-)"});
  CHECK(file.read("lengths").values<std::int64_t>() == std::vector<std::int64_t>{12, 10});
  const auto values = file.read("attributions").values<float>();
  REQUIRE(values.size() == 2 * 4 * 12);

  const dnalm::model network = dnalm::load_model(gpn);
  const dnalm::attribution_targets targets(network, dnalm::load_probe(work.probe));
  const std::vector<std::string> sequences = {"ACGTTGCAACGT", "GATTACAGAT"};
  const auto expected = dnalm::saliency(dnalm::nucleotide_function(targets), sequences);
  for (std::size_t s = 0; s < 2; ++s) {
    for (std::size_t a = 0; a < 4; ++a) {
      for (std::size_t i = 0; i < 12; ++i) {
        const float found = values[(s * 4 + a) * 12 + i];
        const bool inside = i < sequences[s].size();
        CHECK(found == (inside ? static_cast<float>(expected[s].map(static_cast<dnalm::index_t>(a),
                                                                    static_cast<dnalm::index_t>(i)))
                               : 0.0F));
      }
    }
  }
  CHECK(dnalm::io::npz_reader(work.dir / "m.attr.npz").read("arr_0").values<float>().size() == 44);
}

TEST_CASE("dnalm-attribute's contributions add up to what their delta says", "[programs]") {
  const probed work(gpn);
  const auto table =
      run("dnalm-attribute --model " + work.model + " --probe " + work.probe + " --input " + work.table +
          " --top 3 --method integrated_gradients --baseline uniform --output " + (work.dir / "ig.npz"));
  REQUIRE(table.err == "");
  const dnalm::io::npz_reader ig(work.dir / "ig.npz");
  CHECK(ig.read("names").texts().size() == 3);
  for (const double delta : ig.read("convergence_delta").values<double>()) CHECK(std::abs(delta) < 1e-3);

  REQUIRE(run(work.command("deep_lift_shap", "--replicates 3 --seed 7")).code == 0);
  REQUIRE(run("dnalm-attribute --model " + work.model + " --probe " + work.probe + " --input " +
              (work.dir / "few.fa") +
              " --method deep_lift_shap --replicates 3 --seed 7 --threads 1 --output " +
              (work.dir / "again.npz"))
              .code == 0);
  CHECK(content(work.dir / "deep_lift_shap.npz") == content(work.dir / "again.npz"));
  const dnalm::io::npz_reader shap(work.dir / "deep_lift_shap.npz");
  for (const double delta : shap.read("convergence_delta").values<double>()) CHECK(std::abs(delta) < 1e-4);
}

TEST_CASE("every method of dnalm-attribute runs, and draws", "[programs]") {
  const probed work(gpn);
  for (const std::string method :
       {"input_x_gradient", "smooth_grad", "expected_gradients", "ism", "entropy"}) {
    const bool gradient = method == "input_x_gradient" || method == "smooth_grad";
    const std::string corrected = gradient ? "--corrected " : "";
    const bool drawn = method == "smooth_grad" || method == "expected_gradients";
    std::string samples = drawn ? "--samples 4 " : "";
    if (method == "expected_gradients") samples += "--replicates 1 ";  // the sequences have few shuffles
    const auto made = run(work.command(
        method, corrected + samples + "--both-strands --html " + (work.dir / "page.html") + " --svg " +
                    (work.dir / method) + " --bedgraph " + (work.dir / "t.bedgraph")));
    INFO(method);
    REQUIRE(made.err == "");
    const dnalm::io::npz_reader file(work.dir / (method + ".npz"));
    CHECK(file.read("one_hot").values<std::int8_t>().size() == 96);
    CHECK(fs::exists(work.dir.path / method / "0001.chr1_100-112.svg"));
    CHECK(content(work.dir / "page.html").find("chr1:106-116(-)") != std::string::npos);
    CHECK(content(work.dir / "t.bedgraph").find("chr1\t100\t101\t") != std::string::npos);
  }
  REQUIRE(run(work.command("dependency", "--svg " + (work.dir / "maps"))).err == "");
  const dnalm::io::npz_reader maps(work.dir / "dependency.npz");
  CHECK(maps.read("dependency").values<float>().size() == 2 * 12 * 12);
  const auto refused = run(work.command("rollout"));
  CHECK(refused.code == 4);
  CHECK(refused.id() == "dnalm.unsupported.866");
  const scratch dir;
  const probed kmers(make_model(dir, "tiny"));
  for (const char* method : {"rollout", "entropy", "integrated_gradients", "ism"}) {
    INFO(method);
    CHECK(run(kmers.command(method)).err == "");
  }
}

TEST_CASE("dnalm-attribute says what it needs", "[programs]") {
  const probed work(gpn);
  const std::string input = " --input " + (work.dir / "few.fa") + " --output " + (work.dir / "x.npz");
  CHECK(run("dnalm-attribute --model " + gpn + " --method saliency" + input).id() == "dnalm.usage.727");
  CHECK(run(work.command("saliency", "--target other")).id() == "dnalm.usage.728");
  CHECK(run("dnalm-attribute --model " + gpn + " --method nonsense" + input).id() == "dnalm.usage.702");
  CHECK(run("dnalm-attribute --model " + gpn + " --logit 99 --method saliency" + input).id() ==
        "dnalm.usage.802");
  const auto track = run("dnalm-attribute --model " + gpn + " --method entropy --input " + work.table +
                         " --output " + (work.dir / "x.npz") + " --bedgraph " + (work.dir / "x.bedgraph"));
  CHECK(track.id() == "dnalm.input.729");
  CHECK_FALSE(fs::exists(work.dir.path / "x.npz"));
  CHECK_FALSE(fs::exists(work.dir.path / "x.bedgraph"));
  const auto help = run("dnalm-attribute --help");
  CHECK(help.code == 0);
  CHECK(help.out.find("deep_lift_shap") != std::string::npos);
}
