// SPDX-License-Identifier: Apache-2.0
// SpliceAI's five real models on hg19: the delta scores that its authors' test prints. Needs DNALM_DATA_DIR,
// which is not part of the repository (the weights are CC BY-NC); skipped without it and said so.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/sequence/alphabet.hpp>
#include <support/catch.hpp>
#include <support/data_folder.hpp>
#include <support/temporary_folder.hpp>

namespace {

using dnalm::index_t;
using dnalm::io::json;

/// The letters of a FASTA file of one record.
std::string read_letters(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::string letters;
  while (std::getline(in, line)) {
    if (!line.starts_with('>')) letters += line;
  }
  return letters;
}

/// (rows, 3) of the ensemble.
std::vector<float> predict(const dnalm::model& model, const std::string& sequence) {
  std::vector<float> found;
  dnalm::ragged_offsets offsets;
  const dnalm::token_sequence tokens = model.tokenize(sequence);
  offsets.append(tokens.size());
  dnalm::forward_workspace workspace;
  model.logits(
      {tokens.ids, offsets},
      [&](dnalm::matrix_view<const float> x) {
        REQUIRE(x.columns == 3);
        found.assign(x.data, x.data + x.rows * x.columns);
      },
      workspace);
  return found;
}

/// How the published tool cuts a window of 10001 + 2 distance bases around a variant and reads both alleles.
class scorer {
 public:
  scorer(const dnalm::model& model, std::string genome, const json& about)
      : model_(model),
        genome_(std::move(genome)),
        distance_(about.at("dist").get<index_t>()),
        first_(about.at("transcript").at("tx_start_0based").get<index_t>() + 1),
        last_(about.at("transcript").at("tx_end").get<index_t>()),
        gene_(about.at("transcript").at("gene").get<std::string>()) {}

  /// The scores of a substitution in the words of the published tool.
  [[nodiscard]] std::string score(index_t position, const std::string& ref, const std::string& alt) const {
    const index_t covered = 2 * distance_ + 1;
    const index_t width = 10000 + covered;
    std::string window =
        genome_.substr(static_cast<std::size_t>(position - width / 2 - 1), static_cast<std::size_t>(width));
    const auto middle = static_cast<std::size_t>(width / 2);
    REQUIRE(window.substr(middle, ref.size()) == ref);
    const index_t before = std::max<index_t>(width / 2 + first_ - position, 0);
    const index_t behind = std::max<index_t>(width / 2 - (last_ - position), 0);
    std::fill_n(window.begin(), before, 'N');
    std::fill_n(window.end() - behind, behind, 'N');
    std::string other = window;
    other.replace(middle, ref.size(), alt);
    return line(alt, rows(window), rows(other), covered);
  }

 private:
  /// On the minus strand, which is turned back.
  [[nodiscard]] std::vector<float> rows(const std::string& window) const {
    const std::vector<float> found = predict(model_, dnalm::reverse_complement(window));
    std::vector<float> turned(found.size());
    for (std::size_t r = 0; 3 * r < found.size(); ++r) {
      std::copy_n(found.begin() + static_cast<std::ptrdiff_t>(found.size() - 3 * r - 3), 3,
                  turned.begin() + static_cast<std::ptrdiff_t>(3 * r));
    }
    return turned;
  }
  [[nodiscard]] std::string line(const std::string& alt, const std::vector<float>& ref,
                                 const std::vector<float>& changed, index_t covered) const {
    REQUIRE(ref.size() == static_cast<std::size_t>(3 * covered));
    std::string scores;
    std::string places;
    for (const std::size_t column : {std::size_t{1}, std::size_t{2}}) {
      for (const bool gain : {true, false}) {
        float best = -2.0F;
        index_t place = 0;
        for (index_t r = 0; r < covered; ++r) {
          const auto at = static_cast<std::size_t>(3 * r) + column;
          const float delta = gain ? changed[at] - ref[at] : ref[at] - changed[at];
          if (delta <= best) continue;
          best = delta;
          place = r - covered / 2;
        }
        char text[32];
        std::snprintf(text, sizeof text, "|%.2f", static_cast<double>(best));
        scores += text;
        places += "|" + std::to_string(place);
      }
    }
    return alt + "|" + gene_ + scores + places;
  }

  const dnalm::model& model_;
  std::string genome_;
  index_t distance_;
  index_t first_;
  index_t last_;
  std::string gene_;
};

}  // namespace

TEST_CASE("SpliceAI's five real models give the published delta scores", "[.][data]") {
  const auto weights = dnalm_test::data_path("ykcchong__spliceai-mlx/spliceai_mlx/models");
  const auto genome = dnalm_test::data_path("Illumina__SpliceAI/tests/data/test.fa");
  const auto expected = dnalm_test::data_path("derived/spliceai_expected_delta_scores.json");
  if (!weights || !genome || !expected) return;
  const dnalm_test::temporary_folder folder("spliceai");
  std::string files;
  for (int i = 1; i <= 5; ++i) {
    const std::string name = "spliceai" + std::to_string(i) + ".npz";
    std::filesystem::create_symlink(*weights / name, folder / name);
    files += (i == 1 ? "\"" : ", \"") + name + "\"";
  }
  folder.write("config.json",
               R"({"model_type": "spliceai", "flanks": "sequence", "files": [)" + files + "]}");
  const json about = dnalm::io::read_json_file(*expected);
  const dnalm::model model = dnalm::load_model(folder.path());
  CHECK(model.describe().parameters == 5 * 696739);
  const scorer scores(model, read_letters(*genome), about);
  for (const json& one : about.at("cases")) {
    CHECK(scores.score(one.at("pos").get<index_t>(), one.at("ref").get<std::string>(),
                       one.at("alt").get<std::string>()) == one.at("expected").get<std::string>());
  }
}
