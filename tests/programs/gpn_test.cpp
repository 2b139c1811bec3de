// SPDX-License-Identifier: Apache-2.0
// A folder of a network that is no transformer, through dnalm-inspect, dnalm-embed and dnalm-evaluate.
#include <dnalm/embed/embeddings.hpp>
#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/models/load_model.hpp>

#include <algorithm>

#include "workbench.hpp"

#include <support/catch.hpp>

using namespace workbench;

namespace {

const std::string model = std::string(DNALM_GOLDEN_DIR) + "/convnets/gpn_7";
const std::string bundled = std::string(DNALM_SOURCE_DIR) + "/examples/data/models/dnalm-yeast-human-gpn";

}  // namespace

TEST_CASE("dnalm-inspect tells what a GPN folder holds", "[programs]") {
  const auto text = run("dnalm-inspect " + model);
  REQUIRE(text.code == 0);
  CHECK(text.out.find("width          24\n") != std::string::npos);
  CHECK(text.out.find("9 taps, dilations 1, 2, 4, 8, 16, 32, and again") != std::string::npos);
  CHECK(text.out.find("feed-forward") == std::string::npos);
  CHECK(text.out.find("The folder can be loaded.") != std::string::npos);
  const auto result = run("dnalm-inspect " + model + " --json");
  REQUIRE(result.code == 0);
  const auto json = dnalm::io::parse_json(result.out, "stdout");
  CHECK(json["architecture"] == "GPN");
  CHECK(json["heads"].is_null());
  CHECK(json["feed_forward"].is_null());
  CHECK(json["max_tokens"].is_null());
  CHECK(json["vocabulary"] == 7);
  CHECK(json["parameters"] == 42151);
  CHECK(json["tensors"].size() == 7 * 8 + 6);
  for (const auto& tensor : json["tensors"]) CHECK(tensor["status"] == "used");
}

TEST_CASE("dnalm-embed writes what the library computes from a GPN folder", "[programs]") {
  const scratch dir;
  const std::string table = make_table(dir, "t.tsv", {.rows = 12});
  const std::string command =
      "dnalm-embed --model " + model + " --input " + table + " --pool mean --layers 7,0 --logits --output ";
  REQUIRE(run(command + (dir / "a.npz")).code == 0);
  REQUIRE(run(command + (dir / "b.npz") + " --threads 1 --memory 1").code == 0);
  CHECK(content(dir / "a.npz") == content(dir / "b.npz"));
  const dnalm::io::npz_reader file(dir / "a.npz");
  const auto expected = dnalm::embed(dnalm::load_model(model), dnalm::io::read_sequences(table).records,
                                     {.layers = {7, 0}, .logits = true});
  const auto values = file.read("mean/layer_7").values<float>();
  const auto& mean = expected.at(dnalm::pooling::mean, 7);
  REQUIRE(values.size() == mean.size());
  CHECK(std::equal(values.begin(), values.end(), mean.data()));
  CHECK(file.read("logits").values<float>().size() == expected.logits.size());
}

TEST_CASE("dnalm-evaluate probes a GPN folder and its random twin", "[programs]") {
  const scratch dir;
  const std::string out = dir / "out";
  const auto result = run("dnalm-evaluate --model " + model + " --data " + make_table(dir, "t.tsv", {}) +
                          " --out " + out + " --bootstrap 20");
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(content(out + "/results.tsv").find("gpn_7") != std::string::npos);
  CHECK(content(out + "/results.tsv").find("random:gpn_7") != std::string::npos);
  CHECK(content(out + "/report.html").find("GPN, 7 layers, width 24") != std::string::npos);
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
