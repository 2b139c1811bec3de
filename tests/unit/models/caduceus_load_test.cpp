// SPDX-License-Identifier: Apache-2.0
// Caduceus folders behind `model`: what any program gets from load_model.
#include <dnalm/models/load_model.hpp>

#include <cmath>
#include <span>
#include <variant>
#include <vector>

#include <dnalm/embed/embeddings.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/models/inspect.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>
#include <support/temporary_folder.hpp>
#include <unit/models/caduceus_runs.hpp>

using dnalm::index_t;

TEST_CASE("load_model reads every Caduceus folder and computes the stored numbers", "[models][caduceus]") {
  for (const std::string& name : dnalm_test::caduceus_cases) {
    INFO(name);
    const dnalm::model network = dnalm::load_model(dnalm_test::golden_caduceus / name);
    const dnalm::model_description& about = network.describe();
    const auto& config = std::get<dnalm::caduceus_config>(about.config);
    CHECK(about.architecture_name() == (config.two_strands ? "Caduceus-PS" : "Caduceus-Ph"));
    CHECK(about.width() == config.width);
    CHECK(about.max_tokens == 0);
    CHECK(about.heads() == 0);
    CHECK(about.mask_id() == 3);
    REQUIRE(about.tokens.has_value());
    CHECK(about.tokens->vocabulary_size() == 12);
    const dnalm_test::expected_sequences expected(dnalm_test::golden_caduceus, name);
    CHECK(dnalm_test::worst_of_loaded(expected, network, true) < 1e-4);
    const dnalm::model_inspection inspected = dnalm::inspect_model(dnalm_test::golden_caduceus / name);
    CHECK(inspected.loadable());
    CHECK(inspected.parameters == about.parameters);
    CHECK(inspected.settings.front().key == "mixer");
    for (const dnalm::inspected_tensor& tensor : inspected.tensors) {
      INFO(tensor.info.name);
      CHECK(tensor.status == dnalm::tensor_status::used);
    }
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
    const dnalm::model network = dnalm::load_model(dnalm_test::golden_caduceus / name);
    const index_t width = network.describe().width();
    const index_t last = network.describe().layers();
    const std::vector<dnalm::io::sequence_record> sequences{{"a", "ACGTNACGTTGCA"}, {"b", "GATTACA"}};
    const auto both = dnalm::embed(network, sequences, {.logits = true});
    const auto alone = dnalm::embed(network, std::span(sequences).subspan(1), {.logits = true});
    const auto& mean = both.at(dnalm::pooling::mean, last);
    const auto& one = alone.at(dnalm::pooling::mean, last);
    REQUIRE(static_cast<index_t>(mean.shape(1)) == width);
    const auto numbers = static_cast<std::size_t>(width);
    CHECK(dnalm_test::same_bits(std::span(mean.data() + width, numbers), std::span(one.data(), numbers)));
    const dnalm::model twin = dnalm::random_twin(network, 7);
    CHECK(twin.describe().name == "random:" + name);
    const auto random = dnalm::embed(twin, sequences, {});
    bool differs = false;
    for (index_t c = 0; c < width; ++c) {
      REQUIRE(std::isfinite(random.at(dnalm::pooling::mean, last)(0, c)));
      differs = differs || random.at(dnalm::pooling::mean, last)(0, c) != mean(0, c);
    }
    CHECK(differs);
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
