// SPDX-License-Identifier: Apache-2.0
// Caduceus folders through dnalm-inspect, dnalm-embed and dnalm-evaluate.
#include <string>

#include "model_runs.hpp"

using namespace workbench;

namespace {

const std::string ph = std::string(DNALM_GOLDEN_DIR) + "/caduceus/ph";
const std::string ps = std::string(DNALM_GOLDEN_DIR) + "/caduceus/ps";

}  // namespace

TEST_CASE("dnalm-inspect tells what Caduceus folders hold", "[programs]") {
  for (const std::string& model : {ph, ps}) {
    const inspection found = inspect_folder(model, "Mamba in both directions");
    CHECK((found.words.find("two, exchanged in every block") != std::string::npos) == (model == ps));
    CHECK(found.json["architecture"] == (model == ps ? "Caduceus-PS" : "Caduceus-Ph"));
    CHECK(found.json["heads"].is_null());
    CHECK(found.json["vocabulary"] == 16);
  }
}

TEST_CASE("dnalm-embed writes what the library computes from a Caduceus folder", "[programs]") {
  const scratch dir;
  const std::string table = make_table(dir, "few.tsv", {.rows = 12});
  for (const std::string& model : {ph, ps}) check_embedding(dir, model, table, {.layer = 3});
}

TEST_CASE("dnalm-evaluate probes a Caduceus folder and its random twin", "[programs]") {
  const scratch dir;
  check_evaluation(dir, ps, "Caduceus-PS, 3 layers, width 36");
}
