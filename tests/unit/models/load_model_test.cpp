// SPDX-License-Identifier: Apache-2.0
// Model folders that are damaged, contradictory, or fine; the type-erased model; random twins.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/inspect.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/models/random_source.hpp>
#include <support/catch.hpp>
#include <support/model_folder.hpp>
#include <support/small_models.hpp>

namespace {

using dnalm::index_t;
using dnalm_test::error_id_of;
using dnalm_test::model_folder;
using dnalm_test::numbers_of;

std::string load_error(const model_folder& folder) {
  folder.write();
  return error_id_of([&] { static_cast<void>(dnalm::load_model(folder.path())); });
}
std::string load_message(const model_folder& folder) {
  folder.write();
  try {
    static_cast<void>(dnalm::load_model(folder.path()));
  } catch (const dnalm::error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a folder loads, and the model is what the folder says", "[models]") {
  const model_folder folder;
  folder.write();
  const auto network = dnalm::load_model(folder.path());
  CHECK(network.describe().architecture_name() == "NT-v2");
  CHECK(network.describe().layers() == 2);
  CHECK(network.describe().width() == 48);
  CHECK(network.describe().max_tokens == 512);
  CHECK(network.describe().has_cls());
  CHECK(network.describe().name == folder.path().filename().string());
  CHECK(network.tokenize("ACGTTN").size() == 5);  // CLS ACG T T N
}

TEST_CASE("the weights of a folder written from its random twin give the twin's numbers", "[models]") {
  for (const bool nt : {true, false}) {
    const model_folder folder(nt, 7);
    folder.set_config("initializer_range", 0.3);
    folder.write();
    const auto loaded = dnalm::load_model(folder.path());
    const auto twin = dnalm::random_twin(folder.path(), 7);
    const std::string sequence = "ACGTACGTTTGACCNACG";
    CHECK(numbers_of(loaded, sequence) == numbers_of(twin, sequence));
    CHECK(numbers_of(dnalm::random_twin(loaded, 7), sequence) == numbers_of(twin, sequence));
    CHECK(numbers_of(dnalm::random_twin(loaded, 8), sequence) != numbers_of(twin, sequence));
    CHECK(twin.describe().name == "random:" + loaded.describe().name);
    // The reference backend computes the same within float accuracy.
    const auto precise =
        numbers_of(dnalm::load_model(folder.path(), {.backend = dnalm::backend_kind::reference}), sequence);
    const auto quick = numbers_of(loaded, sequence);
    REQUIRE(precise.size() == quick.size());
    for (std::size_t i = 0; i < quick.size(); ++i) CHECK(std::abs(precise[i] - quick[i]) < 2e-4F);
  }
}

TEST_CASE("threads, access and alignment of the file change no number", "[models]") {
  for (const bool nt : {true, false}) {
    const model_folder folder(nt);
    folder.write();
    const auto numbers = [&](const dnalm::load_options& options) {
      const auto model = dnalm::load_model(folder.path(), options);
      std::vector<float> bits;
      const auto take = [&](dnalm::matrix_view<const float> x) {
        for (index_t r = 0; r < x.rows; ++r) bits.insert(bits.end(), x.row(r).begin(), x.row(r).end());
      };
      const auto tokens = model.tokenize("ACGTTGCAACGTAGCTAGG");
      dnalm::ragged_offsets offsets;
      offsets.append(tokens.size());
      dnalm::forward_workspace workspace;
      model.forward(
          {tokens.ids, offsets}, [&](index_t, auto hidden) { take(hidden); }, take, workspace);
      return bits;
    };
    const auto expected = numbers({.threads = 1});
    const auto check = [&] {
      for (const int threads : {1, 2, 7}) {
        for (const auto access : {dnalm::io::file_access::mapped, dnalm::io::file_access::buffered}) {
          REQUIRE(numbers({.access = access, .threads = threads}) == expected);
        }
      }
    };
    check();
    // A header that is one space longer: no tensor lies at a multiple of four bytes.
    const auto file = folder.path() / "model.safetensors";
    std::ifstream in(file, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    std::uint64_t header = 0;
    std::memcpy(&header, bytes.data(), sizeof(header));
    bytes.insert(sizeof(header) + static_cast<std::size_t>(header), 1, ' ');
    ++header;
    std::memcpy(bytes.data(), &header, sizeof(header));
    dnalm_test::write_text(file, bytes);
    check();
  }
}

TEST_CASE("a random twin has normal matrices, zero biases, LayerNorm 1 and 0, by seed and name", "[models]") {
  const dnalm::random_source source(5, 0.02);
  dnalm::planned_tensor tensor;
  tensor.name = "esm.encoder.layer.0.attention.self.query.weight";
  std::vector<float> values(20000);
  source.read(tensor, std::span<float>(values));
  dnalm::philox random(5, dnalm::hash_name(tensor.name));
  double squares = 0.0;
  for (const float value : values) {
    CHECK(value == static_cast<float>(0.02 * random.normal()));
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  CHECK(std::sqrt(squares / 20000.0) == Approx(0.02).epsilon(0.03));
  tensor.kind = dnalm::tensor_kind::bias;
  source.read(tensor, std::span<float>(values));
  CHECK(values == std::vector<float>(20000, 0.0F));
  tensor.kind = dnalm::tensor_kind::norm_weight;
  source.read(tensor, std::span<float>(values));
  CHECK(values == std::vector<float>(20000, 1.0F));
}

TEST_CASE("a workspace that outlives its model leaves nothing to the next one", "[models]") {
  const std::filesystem::path golden = std::filesystem::path(DNALM_GOLDEN_DIR) / "models";
  const std::vector<std::int32_t> ids{3, 4, 5, 6, 7, 8, 9};
  dnalm::ragged_offsets offsets;
  offsets.append(7);
  const auto logits = [&](const std::string& name, dnalm::forward_workspace& workspace) {
    const auto model = dnalm::load_model(golden / name);  // gone at the end: the next may take its address
    std::vector<float> found;
    const auto copy = [&](dnalm::matrix_view<const float> x) {
      for (index_t r = 0; r < x.rows; ++r) found.insert(found.end(), x.row(r).begin(), x.row(r).end());
    };
    model.logits({ids, offsets}, copy, workspace);
    return found;
  };
  dnalm::forward_workspace shared;
  for (const std::string name : {"nt_v2_d8", "esm2_tied", "nt_v2_d24_bin", "nt_v2_d40", "modernbert_flags",
                                 "nt_v2_d64", "esm2_tied"}) {
    INFO(name);
    dnalm::forward_workspace fresh;
    CHECK(logits(name, shared) == logits(name, fresh));
  }
}

TEST_CASE("missing tensors are refused by name", "[models]") {
  const std::set<std::string> names = [] {
    std::set<std::string> all;
    for (const auto& [name, values] : model_folder().numbers) all.insert(name);
    return all;
  }();
  REQUIRE(names.size() == 37);
  for (const std::string& name : names) {
    model_folder folder;
    folder.numbers.erase(name);
    const std::string message = load_message(folder);
    CHECK(message.find("dnalm.config.410") != std::string::npos);
    CHECK(message.find(name) != std::string::npos);
  }
}

TEST_CASE("surplus tensors are refused by name, the documented dead ones are not", "[models]") {
  model_folder folder;
  folder.add("esm.encoder.layer.2.LayerNorm.weight", {48});
  CHECK(load_message(folder).find("esm.encoder.layer.2.LayerNorm.weight") != std::string::npos);
  CHECK(load_error(folder) == "dnalm.config.411");
  model_folder dead;
  dead.add("esm.embeddings.position_ids", {1, 514});
  dead.add("esm.embeddings.position_embeddings.weight", {514, 48});
  dead.add("esm.contact_head.regression.weight", {1, 8});
  dead.add("esm.contact_head.regression.bias", {1});
  CHECK(load_error(dead).empty());
  model_folder pooler(false);
  pooler.add("bert.pooler.dense.weight", {24, 24});
  pooler.add("bert.pooler.dense.bias", {24});
  CHECK(load_error(pooler).empty());
}

TEST_CASE("a configuration that disagrees with the tensors is refused", "[models]") {
  const model_folder folder;
  folder.write();
  const auto error_with = [&](const std::string& key, index_t value, index_t back) {
    folder.set_config(key, value);
    const std::string id = error_id_of([&] { static_cast<void>(dnalm::load_model(folder.path())); });
    folder.set_config(key, back);
    return id;
  };
  CHECK(error_with("num_hidden_layers", 1, 2) == "dnalm.config.411");
  CHECK(error_with("num_hidden_layers", 3, 2) == "dnalm.config.410");
  CHECK(error_with("hidden_size", 40, 48) == "dnalm.shape.412");
  CHECK(error_with("intermediate_size", 112, 56) == "dnalm.shape.412");
  CHECK(error_with("vocab_size", 76, 75) == "dnalm.config.414");
  CHECK(error_with("num_attention_heads", 5, 4) == "dnalm.config.403");
  std::filesystem::remove(folder.path() / "vocab.txt");
  CHECK(error_with("vocab_size", 76, 75) == "dnalm.shape.412");
}

TEST_CASE("weights that are not finite are refused with tensor and index", "[models]") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const std::string name :
         {"esm.encoder.layer.1.output.dense.weight", "esm.embeddings.word_embeddings.weight", "lm_head.bias",
          "esm.encoder.emb_layer_norm_after.weight"}) {
      model_folder folder;
      folder.numbers.at(name)[3] = bad;
      const std::string message = load_message(folder);
      CHECK(message.find("dnalm.numeric.415") != std::string::npos);
      CHECK(message.find(name) != std::string::npos);
      CHECK(message.find("element 3") != std::string::npos);
    }
  }
}

TEST_CASE("a tied decoder may be absent or equal, not different", "[models]") {
  model_folder folder(false);
  const auto table = folder.numbers.at("bert.embeddings.word_embeddings.weight");
  folder.add("cls.predictions.decoder.weight", folder.shapes.at("bert.embeddings.word_embeddings.weight"));
  folder.numbers.at("cls.predictions.decoder.weight") = table;
  CHECK(load_error(folder).empty());
  folder.numbers.at("cls.predictions.decoder.weight")[100] += 1.0F;
  CHECK(load_error(folder) == "dnalm.config.413");
}

TEST_CASE("folders that are not there, and models without tokenizer, are told", "[models]") {
  CHECK(error_id_of([] { static_cast<void>(dnalm::load_model("/no/such/folder")); }) == "dnalm.io.419");
  const model_folder folder;
  folder.write();
  for (const char* name : {"vocab.txt", "tokenizer_config.json", "special_tokens_map.json"}) {
    std::filesystem::remove(folder.path() / name);
  }
  const auto network = dnalm::load_model(folder.path());
  CHECK_FALSE(network.describe().has_cls());
  CHECK(error_id_of([&] { static_cast<void>(network.tokenize("ACGT")); }) == "dnalm.config.405");
}

TEST_CASE("token batches are checked at the boundary", "[models]") {
  const model_folder folder;
  folder.write();
  const auto network = dnalm::load_model(folder.path());
  dnalm::forward_workspace workspace;
  const auto run = [&](std::vector<std::int32_t> ids, std::vector<index_t> offsets,
                       std::vector<std::int32_t> types = {}) {
    dnalm::ragged_offsets where;
    where.offsets = std::move(offsets);
    return error_id_of([&] {
      network.forward(
          {ids, where, types}, [](index_t, dnalm::matrix_view<const float>) {}, workspace);
    });
  };
  CHECK(run({3, 6, 7}, {0, 3}).empty());
  CHECK(run({}, {0}).empty());
  CHECK(run({3, 75}, {0, 2}) == "dnalm.input.407");
  CHECK(run({3, -1}, {0, 2}) == "dnalm.input.407");
  CHECK(run({3, 6}, {0, 2, 2}) == "dnalm.input.408");
  CHECK(run({3, 6}, {0, 3}) == "dnalm.shape.409");
  CHECK(run({3, 6}, {1, 2}) == "dnalm.shape.409");
  CHECK(run({3, 6, 7}, {0, 2, 1, 3}) == "dnalm.shape.409");
  CHECK(run({3, 6}, {0, 2}, {0}) == "dnalm.shape.409");
  CHECK(run({3, 6}, {0, 2}, {0, 0}) == "dnalm.input.407");  // NT has no token types
}

TEST_CASE("sequences that are empty or too long are told with their name", "[models]") {
  const model_folder folder;
  folder.write();
  const auto network = dnalm::load_model(folder.path());
  CHECK(network.tokenize(std::string(3 * 511, 'A')).size() == 512);
  const auto too_long = [&] {
    static_cast<void>(network.tokenize(std::string(3 * 511 + 1, 'A'), "record 9"));
  };
  CHECK(error_id_of(too_long) == "dnalm.input.406");
  CHECK_THROWS_WITH(too_long(),
                    Catch::Contains("record 9") && Catch::Contains("513") && Catch::Contains("512"));
  CHECK(error_id_of([&] { static_cast<void>(network.tokenize("")); }) == "dnalm.input.408");
}

TEST_CASE("a workspace may move from one model to another", "[models]") {
  const model_folder small(true, 1);
  const model_folder other(false, 2);
  const auto a = dnalm::random_twin(small.path(), 1);
  const auto b = dnalm::random_twin(other.path(), 1);
  dnalm::forward_workspace workspace;
  std::vector<std::vector<float>> seen;
  for (const dnalm::model* network : {&a, &b, &a, &b}) {
    const auto tokens = network->tokenize("ACGTACGGTCCA");
    dnalm::ragged_offsets offsets;
    offsets.append(tokens.size());
    seen.emplace_back();
    network->forward(
        tokens.ids, offsets,
        [&](index_t, dnalm::matrix_view<const float> x) {
          seen.back().assign(x.data, x.data + x.rows * x.columns);
        },
        workspace);
  }
  CHECK(seen[0] == seen[2]);
  CHECK(seen[1] == seen[3]);
}

TEST_CASE("inspect tells used, unused, surplus, missing and misshaped tensors without loading", "[models]") {
  model_folder folder;
  folder.add("esm.contact_head.regression.bias", {1});
  folder.add("surprise", {2, 3});
  folder.numbers.erase("lm_head.bias");
  folder.add("lm_head.dense.bias", {47});
  folder.write();
  const auto found = dnalm::inspect_model(folder.path());
  CHECK_FALSE(found.loadable());
  CHECK(found.surplus() == std::vector<std::string>{"surprise"});
  REQUIRE(found.missing.size() == 1);
  CHECK(found.missing[0].name == "lm_head.bias");
  std::map<std::string, dnalm::tensor_status> status;
  for (const auto& tensor : found.tensors) status[tensor.info.name] = tensor.status;
  CHECK(status.at("lm_head.dense.bias") == dnalm::tensor_status::bad_shape);
  CHECK(status.at("esm.contact_head.regression.bias") == dnalm::tensor_status::unused);
  CHECK(status.at("lm_head.dense.weight") == dnalm::tensor_status::used);
  CHECK(found.tokenizer_vocabulary == 75);
  CHECK(found.max_tokens == 512);
  CHECK_FALSE(found.configuration.empty());
}
