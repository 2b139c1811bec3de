// SPDX-License-Identifier: Apache-2.0
// A HyenaDNA folder through dnalm-inspect, dnalm-embed and dnalm-evaluate.
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

const std::string hub = std::string(DNALM_GOLDEN_DIR) + "/hyena/hub";
const std::string original = std::string(DNALM_GOLDEN_DIR) + "/hyena/original";

}  // namespace

TEST_CASE("dnalm-inspect tells what HyenaDNA folders hold", "[programs]") {
  for (const std::string& model : {hub, original}) {
    const auto text = run("dnalm-inspect " + model);
    REQUIRE(text.code == 0);
    CHECK(text.out.find("Hyena of order 2") != std::string::npos);
    CHECK(text.out.find("The folder can be loaded.") != std::string::npos);
    const auto result = run("dnalm-inspect " + model + " --json");
    REQUIRE(result.code == 0);
    const auto json = dnalm::io::parse_json(result.out, "stdout");
    CHECK(json["architecture"] == "HyenaDNA");
    CHECK(json["heads"].is_null());
    CHECK(json["max_tokens"] == 70);
    CHECK(json["vocabulary"] == 16);
  }
}

TEST_CASE("dnalm-embed writes what the library computes from a HyenaDNA folder", "[programs]") {
  const scratch dir;
  const std::string table = make_table(dir, "t.tsv", {.rows = 12});
  const std::string command =
      "dnalm-embed --model " + hub + " --input " + table + " --pool mean --layers 2,0 --output ";
  const auto result = run(command + (dir / "a.npz"));
  INFO(result.err);
  REQUIRE(result.code == 0);
  REQUIRE(run(command + (dir / "b.npz") + " --threads 1 --memory 1").code == 0);
  CHECK(content(dir / "a.npz") == content(dir / "b.npz"));
  REQUIRE(run(command + (dir / "c.npz") + " --piece 7").code == 0);
  CHECK(content(dir / "a.npz") == content(dir / "c.npz"));
  const dnalm::io::npz_reader file(dir / "a.npz");
  const auto expected =
      dnalm::embed(dnalm::load_model(hub), dnalm::io::read_sequences(table).records, {.layers = {2, 0}});
  const auto values = file.read("mean/layer_2").values<float>();
  const auto& mean = expected.at(dnalm::pooling::mean, 2);
  REQUIRE(values.size() == mean.size());
  CHECK(std::equal(values.begin(), values.end(), mean.data()));
}

TEST_CASE("dnalm-evaluate probes a HyenaDNA folder and its random twin", "[programs]") {
  const scratch dir;
  const std::string out = dir / "out";
  const auto result = run("dnalm-evaluate --model " + original + " --data " + make_table(dir, "t.tsv", {}) +
                          " --out " + out + " --bootstrap 20");
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(content(out + "/results.tsv").find("random:original") != std::string::npos);
  CHECK(content(out + "/report.html").find("HyenaDNA, 3 layers, width 20") != std::string::npos);
}
