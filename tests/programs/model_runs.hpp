// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the programs promise of every model folder.
#pragma once

#include <algorithm>
#include <string>

#include <nlohmann/json.hpp>

#include <dnalm/embed/embeddings.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/catch.hpp>

#include "workbench.hpp"

namespace workbench {

/// What dnalm-inspect tells: for people, and as JSON.
struct inspection {
  std::string words = {};
  dnalm::io::json json = {};
};
/// Of a folder that can be loaded, `known` among the words.
inline inspection inspect_folder(const std::string& model, const std::string& known) {
  const auto text = run("dnalm-inspect " + model);
  INFO(text.err);
  REQUIRE(text.code == 0);
  CHECK(text.out.find(known) != std::string::npos);
  CHECK(text.out.find("The folder can be loaded.") != std::string::npos);
  const auto result = run("dnalm-inspect " + model + " --json");
  REQUIRE(result.code == 0);
  return {text.out, dnalm::io::parse_json(result.out, "stdout")};
}

struct embedding_wish {
  dnalm::index_t layer = 0;
  bool logits = false;
};

/// dnalm-embed twice, with other threads and memory: the same bytes, and the means of the embedding and of a
/// layer that the library computes; as many logits as it gives, if they are wished for.
inline void check_embedding(const scratch& dir, const std::string& model, const std::string& table,
                            const embedding_wish& wish) {
  INFO(model);
  const std::string command = "dnalm-embed --model " + model + " --input " + table +
                              " --pool mean --layers " + std::to_string(wish.layer) + ",0" +
                              (wish.logits ? " --logits" : "") + " --output ";
  const auto first = run(command + (dir / "a.npz"));
  INFO(first.err);
  REQUIRE(first.code == 0);
  REQUIRE(run(command + (dir / "b.npz") + " --threads 1 --memory 1").code == 0);
  CHECK(content(dir / "a.npz") == content(dir / "b.npz"));
  const dnalm::model loaded = dnalm::load_model(model);
  const auto records = dnalm::io::read_sequences(table).records;
  const auto expected = dnalm::embed(loaded, records, {.layers = {wish.layer, 0}, .logits = wish.logits});
  const dnalm::io::npz_reader file(dir / "a.npz");
  for (const dnalm::index_t k : {wish.layer, dnalm::index_t{0}}) {
    const auto values = file.read("mean/layer_" + std::to_string(k)).values<float>();
    const auto& mean = expected.at(dnalm::pooling::mean, k);
    REQUIRE(values.size() == mean.size());
    CHECK(static_cast<dnalm::index_t>(values.size()) ==
          static_cast<dnalm::index_t>(records.size()) * loaded.state_width(k));
    CHECK(std::equal(values.begin(), values.end(), mean.data()));
  }
  if (wish.logits) CHECK(file.read("logits").values<float>().size() == expected.logits.size());
}

/// dnalm-evaluate with a random twin; `words` name the model in the report.
inline void check_evaluation(const scratch& dir, const std::string& model, const std::string& words) {
  const std::string out = dir / "out";
  const auto result = run("dnalm-evaluate --model " + model + " --data " + make_table(dir, "t.tsv", {}) +
                          " --out " + out + " --bootstrap 20");
  INFO(result.err);
  REQUIRE(result.code == 0);
  const std::string name = fs::path(model).filename().string();
  CHECK(content(out + "/results.tsv").find("\n" + name + "\t") != std::string::npos);
  CHECK(content(out + "/results.tsv").find("\nrandom:" + name + "\t") != std::string::npos);
  CHECK(content(out + "/report.html").find(words) != std::string::npos);
}

}  // namespace workbench
