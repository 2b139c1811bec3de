// SPDX-License-Identifier: Apache-2.0
// Rows that need published weights: run when DNALM_WEIGHTS_DIR names a folder with model folders as they are
// on their hub, else skipped and said so.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/catch.hpp>

namespace {

using dnalm::index_t;

/// The folder of a published model, or nothing.
std::optional<std::filesystem::path> published(const std::string& name) {
  const char* root = std::getenv("DNALM_WEIGHTS_DIR");
  if (root == nullptr || *root == '\0') {
    WARN("skipped: set DNALM_WEIGHTS_DIR to a folder that holds " << name);
    return std::nullopt;
  }
  const std::filesystem::path folder = std::filesystem::path(root) / name;
  if (!std::filesystem::is_directory(folder)) {
    WARN("skipped: no folder " << folder);
    return std::nullopt;
  }
  return folder;
}

struct outputs {
  std::vector<float> last;
  std::vector<float> logits;
};

outputs run_ids(const std::filesystem::path& folder, const std::vector<std::int32_t>& ids) {
  const auto config = dnalm::read_encoder_config(folder);
  const dnalm::checkpoint_source source(dnalm::io::checkpoint::open(folder), dnalm::plan_tensors(config),
                                        folder.string());
  const dnalm::cpu_encoder network(dnalm::cpu_backend(), config, source);
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(ids.size()));
  outputs result;
  const auto on_layer = [&](index_t, dnalm::matrix_view<const float> x) {
    result.last.assign(x.data, x.data + x.rows * x.columns);
  };
  const auto on_logits = [&](dnalm::matrix_view<const float> x) {
    result.logits.assign(x.data, x.data + x.rows * x.columns);
  };
  const dnalm::cpu_encoder::logits_receiver receiver = on_logits;
  dnalm::cpu_encoder::workspace workspace;
  network.forward({ids, offsets}, on_layer, &receiver, workspace);
  return result;
}

void check_corner(const std::vector<float>& found, std::size_t columns, const double (&expected)[3][3]) {
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c) {
      CHECK(std::abs(static_cast<double>(found[r * columns + c]) - expected[r][c]) < 2e-4);
    }
  }
}

}  // namespace

TEST_CASE("ESM-2 8M gives the numbers of its published test", "[.][published]") {
  const auto folder = published("esm2_t6_8M_UR50D");
  if (!folder) return;
  check_corner(run_ids(*folder, {0, 1, 2, 3, 4, 5}).logits, 33,
               {{8.9215, -10.5898, -6.4671}, {-6.3967, -13.9114, -1.1212}, {-7.7812, -13.9516, -3.7406}});
  check_corner(run_ids(*folder, {0, 6, 4, 13, 5, 4, 16, 12, 11, 7, 2}).last, 320,
               {{0.1444, 0.5413, 0.3248}, {0.3034, 0.0053, 0.3108}, {0.3228, -0.2499, 0.3415}});
}

TEST_CASE("NT-v2 50M predicts the 6-mers of its published notebook", "[.][published]") {
  const auto folder = published("nucleotide-transformer-v2-50m-multi-species");
  if (!folder) return;
  const auto network = dnalm::load_model(*folder);
  CHECK(network.describe().parameters == 55904972);
  const auto tokens = network.tokenize("ATTCCGAAATCGCTGACCGATCGTACGAAA");
  dnalm::ragged_offsets offsets;
  offsets.append(tokens.size());
  dnalm::forward_workspace workspace;
  std::vector<float> row;
  network.logits(
      {tokens.ids, offsets},
      [&](dnalm::matrix_view<const float> x) { row.assign(x.row(2).begin(), x.row(2).end()); }, workspace);
  const double largest = *std::max_element(row.begin(), row.end());
  double sum = 0.0;
  for (const float value : row) sum += std::exp(static_cast<double>(value) - largest);
  const std::vector<std::pair<std::string, double>> published_shares{
      {"AAATCG", 95.13}, {"AAATCC", 1.93}, {"AAATCA", 0.70}, {"AAGTCA", 0.19}, {"AAACCA", 0.14}};
  for (const auto& [kmer, percent] : published_shares) {
    const auto id = static_cast<std::size_t>(network.tokenize(kmer).ids[1]);
    const double share = 100.0 * std::exp(static_cast<double>(row[id]) - largest) / sum;
    CHECK(std::abs(share - percent) < 0.2);  // the notebook's LayerNorm has eps 1e-5
  }
}

TEST_CASE("the NT-v1 2.5B checkpoint loads with its published count", "[.][published]") {
  const auto folder = published("nucleotide-transformer-2.5b-multi-species");
  if (!folder) return;
  CHECK(dnalm::load_model(*folder).describe().parameters == 2547801226);
}

TEST_CASE("published relatives load with their published counts and run", "[.][published]") {
  const std::pair<std::string, index_t> folders[] = {{"DNA_bert_3", 86095941},
                                                     {"DNA_bert_4", 86243589},
                                                     {"DNA_bert_5", 86834181},
                                                     {"DNA_bert_6", 89196549},
                                                     {"SpliceBERT.1024nt", 19710474},
                                                     {"SpliceBERT.510nt", 19447306},
                                                     {"gena-lm-bert-base", 110650880},
                                                     {"gena-lm-bert-base-lastln-t2t", 110652416},
                                                     {"gena-lm-bert-large-t2t", 336691456},
                                                     {"moderngena-base", 135530240},
                                                     {"moderngena-large", 377054464},
                                                     {"esm2_t6_8M_UR50D", 7840794},
                                                     {"rnafm_published", 99521305},
                                                     {"rinalmo_giga_published", 650901793}};
  for (const auto& [name, parameters] : folders) {
    const auto folder = published(name);
    if (!folder) continue;
    INFO(name);
    CHECK(dnalm::load_model(*folder).describe().parameters == parameters);
    const auto found = run_ids(*folder, {1, 5, 6, 7, 8, 2});
    CHECK(std::all_of(found.logits.begin(), found.logits.end(), [](float x) { return std::isfinite(x); }));
  }
}
