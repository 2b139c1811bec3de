// SPDX-License-Identifier: Apache-2.0
// The bundled GPN model: it loads, it is small, and masked bases score as PyTorch scored them
// (examples/train/verify_gpn.py wrote masked.json).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/io/json.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/catch.hpp>

namespace {

using dnalm::index_t;

const std::filesystem::path bundled =
    std::filesystem::path(DNALM_SOURCE_DIR) / "examples/data/models/dnalm-yeast-human-gpn";
const std::string bases = "acgt";

/// Logits of a, c, g, t at `place`, which alone is masked.
std::vector<double> masked_logits(const dnalm::model& network, const std::string& sequence, index_t place) {
  dnalm::token_sequence tokens = network.tokenize(sequence);
  tokens.ids[static_cast<std::size_t>(place)] = network.describe().tokens->special().mask;
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(tokens.ids.size()));
  const std::vector<std::int32_t> letters = network.tokenize(bases).ids;
  std::vector<double> found;
  dnalm::forward_workspace workspace;
  network.logits(
      {tokens.ids, offsets},
      [&](dnalm::matrix_view<const float> logits) {
        for (const std::int32_t id : letters) found.push_back(static_cast<double>(logits(place, id)));
      },
      workspace);
  return found;
}

}  // namespace

TEST_CASE("masked bases score in the bundled GPN model as in PyTorch", "[models]") {
  const auto record = dnalm::io::read_json_file(bundled / "masked.json");
  const auto sequence = record["sequence"].get<std::string>();
  REQUIRE(record["masked"].size() >= 5);
  for (const auto backend : {dnalm::backend_kind::cpu, dnalm::backend_kind::reference}) {
    const dnalm::model network = dnalm::load_model(bundled, {.backend = backend});
    double spread = 0;
    for (const auto& item : record["masked"]) {
      const auto found = masked_logits(network, sequence, item["position"].get<index_t>());
      REQUIRE(found.size() == bases.size());
      for (std::size_t b = 0; b < bases.size(); ++b) {
        const double expected = item["logits"][bases.substr(b, 1)].get<double>();
        CHECK(std::abs(found[b] - expected) < 1e-4);
        spread = std::max(spread, std::abs(found[b] - found[0]));
      }
    }
    CHECK(spread > 0.1);
  }
}

TEST_CASE("the bundled GPN model has the published layout in at most 5 MB", "[models]") {
  const dnalm::model network = dnalm::load_model(bundled);
  const dnalm::model_description& about = network.describe();
  CHECK(about.summary().architecture == "GPN");
  CHECK(about.summary().vocabulary == 7);
  CHECK(about.parameters == 1169927);
  CHECK(network.tokenize("ACGTt").ids == std::vector<std::int32_t>{3, 4, 5, 6, 6});
  CHECK(about.tokens->special().mask == 1);
  CHECK(about.tokens->special().pad == 0);
  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(bundled)) bytes += entry.file_size();
  CHECK(bytes <= 5'000'000);
}
