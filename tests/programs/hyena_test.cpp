// SPDX-License-Identifier: Apache-2.0
// A HyenaDNA folder through dnalm-inspect, dnalm-embed and dnalm-evaluate.
#include <string>

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
