// SPDX-License-Identifier: Apache-2.0
// Caduceus folders behind `model`: what any program gets from load_model.
#include <variant>
#include <vector>

#include <dnalm/io/json.hpp>
#include <support/temporary_folder.hpp>
#include <unit/models/caduceus_runs.hpp>
#include <unit/models/sequence_load_checks.hpp>

TEST_CASE("load_model reads every Caduceus folder and computes the stored numbers", "[models][caduceus]") {
  for (const std::string& name : dnalm_test::caduceus_cases) {
    INFO(name);
    const dnalm::model network = dnalm_test::checked_model(dnalm_test::golden_caduceus, name);
    const dnalm::model_description& about = network.describe();
    const auto& config = std::get<dnalm::caduceus_config>(about.config);
    CHECK(about.architecture_name() == (config.two_strands ? "Caduceus-PS" : "Caduceus-Ph"));
    CHECK(about.width() == config.width);
    CHECK(about.max_tokens == 0);
    CHECK(about.mask_id() == 3);
    CHECK(about.tokens->vocabulary_size() == 12);
    const dnalm::model_inspection inspected = dnalm::inspect_model(dnalm_test::golden_caduceus / name);
    dnalm_test::check_all_tensors_used(inspected);
    CHECK(inspected.parameters == about.parameters);
    CHECK(inspected.settings.front().key == "mixer");
  }
}

TEST_CASE("texts become the numbers that the authors' tokenizer of Caduceus writes", "[models][caduceus]") {
  const dnalm::io::json expected =
      dnalm::io::read_json_file(dnalm_test::golden_caduceus / "expected" / "tokens.json");
  const dnalm::tokenizer tokens = dnalm::load_tokenizer(dnalm_test::golden_caduceus / "ps");
  for (const auto& [text, ids] : expected.items()) {
    INFO(text);
    if (text.empty()) continue;  // the reader of sequences has no empty ones
    CHECK(tokens.with_policy(dnalm::unknown_policy::literal).encode(text).ids ==
          ids.get<std::vector<std::int32_t>>());
  }
  CHECK(tokens.encode("acgtn").ids == expected.at("ACGTN").get<std::vector<std::int32_t>>());
}

TEST_CASE("Caduceus folders embed and twin", "[models][caduceus]") {
  for (const std::string name : {"ph", "ps", "ps_even"}) {
    INFO(name);
    dnalm_test::check_embedding_and_twin(dnalm_test::golden_caduceus / name);
  }
}

TEST_CASE("packed weights of Caduceus come back from their cache with the same bits", "[models][caduceus]") {
  const dnalm_test::temporary_folder folder("caduceus_packs");
  const std::vector<dnalm::io::sequence_record> sequences{{"a", "ACGTNACGTTGCA"}};
  for (const std::string name : {"ph", "ps"}) {
    const auto run = [&](const std::filesystem::path& cache) {
      const dnalm::model network =
          dnalm::load_model(dnalm_test::golden_caduceus / name, {.pack_cache = cache});
      const auto found = dnalm::embed(network, sequences, {});
      const auto& mean = found.at(dnalm::pooling::mean, network.describe().layers());
      return std::vector<float>(mean.data(), mean.data() + network.describe().width());
    };
    const auto plain = run({});
    CHECK(plain == run(folder.path()));
    CHECK(plain == run(folder.path()));
  }
}
