// SPDX-License-Identifier: Apache-2.0
// A folder of a network that is no transformer, through dnalm-inspect, dnalm-embed and dnalm-evaluate.
#include <string>

#include "model_runs.hpp"

using namespace workbench;

namespace {

const std::string model = std::string(DNALM_GOLDEN_DIR) + "/convnets/gpn_7";
const std::string bundled = std::string(DNALM_SOURCE_DIR) + "/examples/data/models/dnalm-yeast-human-gpn";

}  // namespace

TEST_CASE("dnalm-inspect tells what a GPN folder holds", "[programs]") {
  const inspection found = inspect_folder(model, "9 taps, dilations 1, 2, 4, 8, 16, 32, and again");
  CHECK(found.words.find("width          24\n") != std::string::npos);
  CHECK(found.words.find("feed-forward") == std::string::npos);
  CHECK(found.json["architecture"] == "GPN");
  CHECK(found.json["heads"].is_null());
  CHECK(found.json["feed_forward"].is_null());
  CHECK(found.json["max_tokens"].is_null());
  CHECK(found.json["vocabulary"] == 7);
  CHECK(found.json["parameters"] == 42151);
  CHECK(found.json["tensors"].size() == 7 * 8 + 6);
  for (const auto& tensor : found.json["tensors"]) CHECK(tensor["status"] == "used");
}

TEST_CASE("dnalm-embed writes what the library computes from a GPN folder", "[programs]") {
  const scratch dir;
  const std::string table = make_table(dir, "few.tsv", {.rows = 12});
  check_embedding(dir, model, table, {.layer = 7, .logits = true});
}

TEST_CASE("dnalm-evaluate probes a GPN folder and its random twin", "[programs]") {
  const scratch dir;
  check_evaluation(dir, model, "GPN, 7 layers, width 24");
}

TEST_CASE("the bundled GPN model goes through every program", "[programs]") {
  const scratch dir;
  const auto inspected = run("dnalm-inspect " + bundled + " --json");
  REQUIRE(inspected.code == 0);
  const auto json = dnalm::io::parse_json(inspected.out, "stdout");
  CHECK(json["architecture"] == "GPN");
  CHECK(json["parameters"] == 1169927);
  for (const auto& tensor : json["tensors"]) CHECK(tensor["status"] == "used");
  const std::string table = make_table(dir, "t.tsv", {});
  const std::string few = make_table(dir, "few.tsv", {.rows = 12});
  REQUIRE(run("dnalm-embed --model " + bundled + " --input " + few + " --pool mean --layers 7 --output " +
              (dir / "a.npz"))
              .code == 0);
  CHECK(dnalm::io::npz_reader(dir / "a.npz").read("mean/layer_7").values<float>().size() == 12 * 128);
  const auto evaluated = run("dnalm-evaluate --model " + bundled + " --data " + table + " --out " +
                             (dir / "out") + " --bootstrap 20");
  INFO(evaluated.err);
  REQUIRE(evaluated.code == 0);
  CHECK(content((dir / "out") + "/report.html").find("GPN, 7 layers, width 128") != std::string::npos);
}
