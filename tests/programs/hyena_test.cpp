// SPDX-License-Identifier: Apache-2.0
// A HyenaDNA folder through dnalm-inspect, dnalm-embed, dnalm-evaluate and dnalm-attribute.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <dnalm/io/npz.hpp>

#include "model_runs.hpp"

using namespace workbench;

namespace {

const std::string hub = std::string(DNALM_GOLDEN_DIR) + "/hyena/hub";
const std::string original = std::string(DNALM_GOLDEN_DIR) + "/hyena/original";

}  // namespace

TEST_CASE("dnalm-inspect tells what HyenaDNA folders hold", "[programs]") {
  for (const std::string& model : {hub, original}) {
    const inspection found = inspect_folder(model, "Hyena of order 2");
    CHECK(found.json["architecture"] == "HyenaDNA");
    CHECK(found.json["heads"].is_null());
    CHECK(found.json["max_tokens"] == 70);
    CHECK(found.json["vocabulary"] == 16);
  }
}

TEST_CASE("dnalm-embed writes what the library computes from a HyenaDNA folder", "[programs]") {
  const scratch dir;
  check_embedding(dir, hub, make_table(dir, "few.tsv", {.rows = 12}), {.layer = 2});
  const std::string command = "dnalm-embed --model " + hub + " --input " +
                              make_table(dir, "t.tsv", {.rows = 12}) + " --pool mean --layers 2,0 --output ";
  REQUIRE(run(command + (dir / "whole.npz")).code == 0);
  REQUIRE(run(command + (dir / "pieces.npz") + " --piece 7").code == 0);
  CHECK(content(dir / "whole.npz") == content(dir / "pieces.npz"));
  // A model without pieces refuses them: the option reaches the model.
  const auto refused = run("dnalm-embed --model " + make_model(dir, "bert") + " --input " + (dir / "t.tsv") +
                           " --pool mean --piece 7 --output " + (dir / "none.npz"));
  CHECK(refused.id() == "dnalm.unsupported.442");
  CHECK(refused.code == 4);
}

TEST_CASE("dnalm-evaluate probes a HyenaDNA folder and its random twin", "[programs]") {
  const scratch dir;
  check_evaluation(dir, original, "HyenaDNA, 3 layers, width 20");
}

TEST_CASE("dnalm-attribute computes of HyenaDNA's substitutions what stands behind them, and says so",
          "[programs]") {
  const scratch dir;
  write(dir / "s.fa", ">a\nACGTTGCAACGTGATANGCCGATTACAGATTACA\n>b\nGATTACA\n");
  const std::string command =
      "dnalm-attribute --model " + hub + " --logit 8 --method ism --input " + (dir / "s.fa") + " --output ";
  REQUIRE(run(command + (dir / "x.npz") + " --threads 1").err == "");
  REQUIRE(run(command + (dir / "same.npz") + " --threads 3 --memory 4K").err == "");
  REQUIRE(run(command + (dir / "whole.npz") + " --whole-passes").err == "");
  CHECK(content(dir / "x.npz") == content(dir / "same.npz"));
  CHECK(content(dir / "x.npz").find("prefix reuse") != std::string::npos);
  CHECK(content(dir / "whole.npz").find("in a pass of its own") != std::string::npos);
  const auto found = dnalm::io::npz_reader(dir / "x.npz").read("attributions").values<double>();
  const auto passes = dnalm::io::npz_reader(dir / "whole.npz").read("attributions").values<double>();
  double gap = 0;
  double largest = 0;
  for (std::size_t i = 0; i < passes.size(); ++i) {
    gap = std::max(gap, std::abs(found[i] - passes[i]));
    largest = std::max(largest, std::abs(passes[i]));
  }
  CHECK(gap > 0);  // another way to the numbers
  CHECK(gap / largest < 6e-6);
}
