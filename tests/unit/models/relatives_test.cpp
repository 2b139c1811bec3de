// SPDX-License-Identifier: Apache-2.0
// BERT, GENA-LM, BigBird, ESM-2, RNA-FM, RiNALMo, ModernBERT: folders as they are published, their limits,
// twins.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/io/checkpoint.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/inspect.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/models/random_source.hpp>
#include <dnalm/nn/embedding_layer.hpp>
#include <support/catch.hpp>
#include <support/small_models.hpp>

namespace {

using dnalm::architecture;
using dnalm::index_t;
using dnalm_test::error_id_of;

const std::filesystem::path golden = std::filesystem::path(DNALM_GOLDEN_DIR) / "models";

struct relative {
  std::string folder;
  architecture family;
  std::string shown;
};
const std::vector<relative> relatives{
    {"bert_dnabert", architecture::bert, "BERT"},
    {"bert_splice", architecture::bert, "BERT"},
    {"bert_data_parallel", architecture::bert, "BERT"},
    {"gena_preln", architecture::gena, "GENA-LM"},
    {"gena_lastln", architecture::gena, "GENA-LM"},
    {"gena_rope", architecture::gena, "GENA-LM"},
    {"big_bird", architecture::big_bird, "BigBird"},
    {"esm2_tied", architecture::esm2, "ESM-2"},
    {"rnafm", architecture::rnafm, "RNA-FM"},
    {"rinalmo", architecture::rinalmo, "RiNALMo"},
    {"modernbert", architecture::modernbert, "ModernBERT"},
    {"modernbert_flags", architecture::modernbert, "ModernBERT"},
    {"multimolecule_rnafm", architecture::rnafm, "RNA-FM"},
    {"multimolecule_rinalmo", architecture::rinalmo, "RiNALMo"},
    {"multimolecule_splicebert", architecture::bert, "BERT"},
};

/// The last hidden state and the logits of one sequence of tokens 5, 6, 7, 8, 9, 5, ...
std::vector<float> numbers_of(const dnalm::model& network, index_t length) {
  std::vector<std::int32_t> ids;
  for (index_t i = 0; i < length; ++i) ids.push_back(static_cast<std::int32_t>(5 + i % 5));
  dnalm::ragged_offsets offsets;
  offsets.append(length);
  std::vector<float> all;
  const auto take = [&](dnalm::matrix_view<const float> x) {
    for (index_t r = 0; r < x.rows; ++r) all.insert(all.end(), x.row(r).begin(), x.row(r).end());
  };
  dnalm::forward_workspace workspace;
  network.forward(
      {ids, offsets},
      [&](index_t layer, dnalm::matrix_view<const float> x) {
        if (layer == network.describe().layers()) take(x);
      },
      [&](dnalm::matrix_view<const float> x) { take(x); }, workspace);
  return all;
}

/// A copy of a golden folder with other names in a model.safetensors.
void write_renamed(const std::string& name, const std::filesystem::path& folder,
                   const std::function<std::vector<std::string>(const std::string&)>& names) {
  std::filesystem::copy_file(golden / name / "config.json", folder / "config.json",
                             std::filesystem::copy_options::overwrite_existing);
  const auto weights = dnalm::io::checkpoint::open(golden / name);
  std::vector<std::vector<float>> numbers;
  numbers.reserve(weights.tensors().size());
  std::vector<dnalm::io::tensor_to_write> tensors;
  for (const auto& info : weights.tensors()) {
    if (info.name.find("position_ids") != std::string::npos) continue;
    numbers.push_back(weights.read(info.name));
    for (const std::string& written : names(info.name)) {
      tensors.push_back(dnalm::io::make_tensor(written, numbers.back(), info.shape));
    }
  }
  dnalm::io::write_safetensors(folder / "model.safetensors", tensors);
}

std::string with_gamma(std::string name) {
  for (const auto& [current, old] :
       {std::pair<std::string, std::string>{"LayerNorm.weight", "LayerNorm.gamma"},
        std::pair<std::string, std::string>{"LayerNorm.bias", "LayerNorm.beta"}}) {
    if (name.ends_with(current)) name = name.substr(0, name.size() - current.size()) + old;
  }
  return name;
}

/// Weights of 0.5 but for gate slopes of 0.
struct flat_gates final : dnalm::weight_source {
  bool contains(const dnalm::planned_tensor& tensor) const override { return tensor.required; }
  void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override { fill(tensor, out); }
  void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override { fill(tensor, out); }
  template <class T>
  void fill(const dnalm::planned_tensor& tensor, std::span<T> out) const {
    std::fill(out.begin(), out.end(), tensor.role == dnalm::tensor_role::gate_beta ? T(0) : T(0.5));
  }
};

}  // namespace

TEST_CASE("every relative's folder loads and is told for what it is", "[models]") {
  for (const relative& one : relatives) {
    INFO(one.folder);
    const auto found = dnalm::inspect_model(golden / one.folder);
    CHECK(std::get<dnalm::encoder_config>(found.config).family == one.family);
    CHECK(found.loadable());
    CHECK(found.missing.empty());
    const auto network = dnalm::load_model(golden / one.folder);
    CHECK(network.describe().architecture_name() == one.shown);
    CHECK(network.describe().parameters == found.parameters);
    CHECK(numbers_of(network, 9).size() ==
          static_cast<std::size_t>(9 * (network.describe().width() + network.describe().vocabulary())));
  }
}

TEST_CASE("every relative has random twins: equal by seed, finite, unlike the original", "[models]") {
  for (const relative& one : relatives) {
    INFO(one.folder);
    const auto original = dnalm::load_model(golden / one.folder);
    const auto first = numbers_of(dnalm::random_twin(golden / one.folder, 1), 9);
    CHECK(first == numbers_of(dnalm::random_twin(original, 1), 9));
    CHECK(first != numbers_of(dnalm::random_twin(original, 2), 9));
    CHECK(first != numbers_of(original, 9));
    CHECK(std::all_of(first.begin(), first.end(), [](float value) { return std::isfinite(value); }));
  }
}

TEST_CASE("names that only wrap those of the plan are found", "[models]") {
  const auto expected = numbers_of(dnalm::load_model(golden / "gena_lastln"), 9);
  const dnalm_test::temporary_folder folder("wrapped");
  write_renamed("gena_lastln", folder.path(),
                [](const std::string& name) { return std::vector<std::string>{"module." + name}; });
  CHECK(numbers_of(dnalm::load_model(folder.path()), 9) == expected);
  CHECK(dnalm::inspect_model(folder.path()).loadable());
  write_renamed("gena_lastln", folder.path(), [](const std::string& name) {
    return std::vector<std::string>{with_gamma("module." + name)};
  });
  CHECK(numbers_of(dnalm::load_model(folder.path()), 9) == expected);
  write_renamed("gena_lastln", folder.path(), [](const std::string& name) {
    return std::vector<std::string>{name, "module." + name};
  });
  CHECK(error_id_of([&] { static_cast<void>(dnalm::load_model(folder.path())); }) == "dnalm.config.411");
  CHECK_FALSE(dnalm::inspect_model(folder.path()).loadable());
  write_renamed("gena_lastln", folder.path(),
                [](const std::string& name) { return std::vector<std::string>{"wrapper." + name}; });
  CHECK(error_id_of([&] { static_cast<void>(dnalm::load_model(folder.path())); }) == "dnalm.config.410");
}

TEST_CASE("bare weights load with a configuration written beside them", "[models]") {
  const std::pair<std::string, std::string> files[] = {{"rnafm", "RNA-FM_pretrained.pth"},
                                                       {"rinalmo", "rinalmo_giga_pretrained.pt"}};
  for (const auto& [name, file] : files) {
    const dnalm_test::temporary_folder folder("bare");
    std::filesystem::copy_file(golden / name / "pytorch_model.bin", folder.path() / file);
    CHECK(error_id_of([&] { static_cast<void>(dnalm::load_model(folder.path())); }) == "dnalm.config.430");
    CHECK(error_id_of([&] { static_cast<void>(dnalm::inspect_model(folder.path())); }) == "dnalm.config.430");
    std::filesystem::copy_file(golden / name / "config.json", folder.path() / "config.json");
    CHECK(numbers_of(dnalm::load_model(folder.path()), 9) == numbers_of(dnalm::load_model(golden / name), 9));
  }
}

TEST_CASE("inputs longer than a relative's table or dense attention are refused", "[models]") {
  const std::pair<std::string, index_t> longest[] = {{"bert_dnabert", 20},
                                                     {"gena_lastln", 17},
                                                     {"big_bird", 28},
                                                     {"rnafm", 20},
                                                     {"multimolecule_rnafm", 21}};
  for (const auto& [name, tokens] : longest) {
    INFO(name);
    const auto network = dnalm::load_model(golden / name);
    CHECK(network.describe().max_tokens == tokens);
    CHECK(numbers_of(network, tokens).size() > 0);
    CHECK(error_id_of([&, n = tokens] { numbers_of(network, n + 1); }) == "dnalm.input.406");
  }
}

TEST_CASE("DNABERT's folder reads text", "[models]") {
  const dnalm_test::temporary_folder folder("dnabert");
  dnalm_test::write_dnabert_folder(folder.path());
  dnalm::load_options options;
  options.unknown = dnalm::unknown_policy::literal;
  const auto network = dnalm::random_twin(folder.path(), 1, options);
  CHECK(network.describe().max_tokens == 32);
  CHECK(network.describe().has_cls());
  const auto tokens = network.tokenize("ACGTN");
  CHECK(tokens.ids == std::vector<std::int32_t>{2, 16, 50, 1, 3});  // [CLS] ACG CGT [UNK] [SEP]
}

TEST_CASE("a tied decoder that differs is refused under every name", "[models]") {
  const std::pair<std::string, std::string> tied[] = {{"bert_dnabert", "cls.predictions.decoder.weight"},
                                                      {"bert_dnabert", "cls.predictions.decoder.bias"},
                                                      {"esm2_bin", "lm_head.decoder.weight"},
                                                      {"rnafm", "encoder.lm_head.weight"}};
  for (const auto& [name, changed] : tied) {
    INFO(changed);
    const dnalm_test::temporary_folder folder("tied");
    const auto weights = dnalm::io::checkpoint::open(golden / name);
    REQUIRE(weights.contains(changed));
    std::filesystem::copy_file(golden / name / "config.json", folder.path() / "config.json");
    std::vector<std::vector<float>> numbers;
    numbers.reserve(weights.tensors().size());
    std::vector<dnalm::io::tensor_to_write> tensors;
    for (const auto& info : weights.tensors()) {
      if (info.name.find("position_ids") != std::string::npos) continue;
      numbers.push_back(weights.read(info.name));
      if (info.name == changed) numbers.back()[3] += 0.5F;
      tensors.push_back(dnalm::io::make_tensor(info.name, numbers.back(), info.shape));
    }
    dnalm::io::write_safetensors(folder.path() / "model.safetensors", tensors);
    CHECK(error_id_of([&] { static_cast<void>(dnalm::load_model(folder.path())); }) == "dnalm.config.413");
  }
}

TEST_CASE("a learnt gate slope of 0 is refused", "[models]") {
  const auto config = dnalm::read_encoder_config(golden / "rinalmo");
  CHECK(error_id_of([&] { dnalm::reference_encoder(dnalm::reference_backend(), config, flat_gates()); }) ==
        "dnalm.numeric.420");
}

TEST_CASE("RNA-FM's mask token has no embedding of its own, as its authors' loader says", "[models]") {
  const auto config = dnalm::read_encoder_config(golden / "rnafm");
  const dnalm::random_source source(1, 0.3);
  const dnalm::planned_weights weights(config, source);
  const auto words = weights.read<float>(dnalm::tensor_role::words);
  const auto row = [&](index_t id) {
    const auto first = words.begin() + id * config.width;
    return std::vector<float>(first, first + config.width);
  };
  CHECK(row(24) == std::vector<float>(static_cast<std::size_t>(config.width), 0.0F));
  CHECK(row(23) != row(24));
}

TEST_CASE("BERT's positions count from 0 in every sequence", "[nn]") {
  dnalm::ragged_offsets offsets;
  offsets.append(3);
  offsets.append(1);
  offsets.append(2);
  std::vector<std::int32_t> rows;
  dnalm::counted_positions(offsets, rows);
  CHECK(rows == std::vector<std::int32_t>{0, 1, 2, 0, 0, 1});
}

// PyTorch's float32 powers are the correctly rounded ones at these widths (checked once, torch 2.8.0), so
// files without stored frequencies give the published models' angles to the bit.
TEST_CASE("rotary frequencies of the published head widths are correctly rounded", "[nn]") {
  for (const float base : {10000.0F, 160000.0F}) {
    for (const index_t width : {index_t{16}, index_t{24}, index_t{32}, index_t{48}, index_t{64}}) {
      for (index_t j = 0; j < width / 2; ++j) {
        const float exponent = static_cast<float>(2 * j) / static_cast<float>(width);
        const auto power =
            static_cast<float>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
        CHECK(dnalm::rotary_frequency(j, width, base) == 1.0F / power);
      }
    }
  }
}
