// SPDX-License-Identifier: Apache-2.0
// Folders of supervised networks, which are networks of layers, through dnalm-inspect, dnalm-embed,
// dnalm-evaluate and dnalm-attribute.
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/nucleotide_probabilities.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/load_model.hpp>

#include "model_runs.hpp"

using namespace workbench;

namespace {

const std::string golden = std::string(DNALM_GOLDEN_DIR) + "/supervised";
const std::string legnet = golden + "/legnet";  // a Lightning checkpoint, any length

std::string keras_layer(const std::string& kind, const std::string& name, const std::string& settings) {
  return R"({"class_name": ")" + kind + R"(", "config": {"name": ")" + name + "\"" +
         (settings.empty() ? "" : ", " + settings) + "}}";
}

/// A sequence of Keras layers that reads 60 bases: a strided convolution, its largest row, a product.
std::string make_keras(const scratch& dir, const std::string& name) {
  const fs::path folder = dir.path / name;
  fs::create_directory(folder);
  const std::string layers =
      keras_layer("InputLayer", "in", R"("batch_input_shape": [null, 60, 4])") + ", " +
      keras_layer("Conv1D", "motifs", R"("padding": "same", "strides": [2], "activation": "relu")") + ", " +
      keras_layer("BatchNormalization", "normed", "") + ", " + keras_layer("MaxPooling1D", "pooled", "") +
      ", " + keras_layer("Flatten", "flat", "") + ", " + keras_layer("Dense", "activity", "");
  const std::string text =
      R"({"class_name": "Sequential", "config": {"name": "small", "layers": [)" + layers + "]}}";
  const std::vector<std::pair<std::string, std::vector<dnalm::index_t>>> shapes = {
      {"motifs/motifs/kernel:0", {5, 4, 8}},
      {"motifs/motifs/bias:0", {8}},
      {"normed/normed/gamma:0", {8}},
      {"normed/normed/beta:0", {8}},
      {"normed/normed/moving_mean:0", {8}},
      {"normed/normed/moving_variance:0", {8}},
      {"activity/activity/kernel:0", {15 * 8, 2}},
      {"activity/activity/bias:0", {2}}};
  std::vector<std::vector<float>> values;
  for (const auto& [tensor, shape] : shapes) {
    dnalm::philox random(3, dnalm::hash_name(tensor));
    auto& numbers = values.emplace_back(static_cast<std::size_t>(dnalm::checked_size(shape)));
    for (float& number : numbers) number = static_cast<float>(0.2 + 0.15 * std::tanh(random.normal()));
  }
  std::vector<dnalm::io::tensor_to_write> tensors;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    tensors.push_back(dnalm::io::make_tensor(shapes[i].first, values[i], shapes[i].second));
  }
  dnalm::io::write_safetensors(folder / "model.safetensors", tensors, {{"model_config", text}});
  write(folder / "config.json", R"({"model_type": "keras"})");
  return folder.string();
}

/// Embedding, last state and logits.
void check_states(const scratch& dir, const std::string& model, const std::string& table) {
  check_embedding(dir, model, table, {.layer = dnalm::load_model(model).logits_state(), .logits = true});
}

}  // namespace

TEST_CASE("dnalm-inspect tells what a LegNet folder holds", "[programs]") {
  const inspection found = inspect_folder(legnet, "LegNet");
  CHECK(found.json["architecture"] == "LegNet");
  CHECK(found.json["heads"].is_null());
  CHECK(found.json["max_tokens"].is_null());
  CHECK(found.json["vocabulary"] == 5);
  CHECK(found.json["parameters"] > 1000);
}

TEST_CASE("dnalm-inspect tells what a Keras folder holds, and what it lacks", "[programs]") {
  const scratch dir;
  const std::string model = make_keras(dir, "small");
  const auto result = run("dnalm-inspect " + model + " --json");
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto json = dnalm::io::parse_json(result.out, "stdout");
  CHECK(json["parameters"] == 5 * 4 * 8 + 8 + 2 * 8 + 240 + 2);  // means and variances are none
  CHECK(json["max_tokens"] == 60);
  CHECK(json["tensors"].size() == 8);
  for (const auto& tensor : json["tensors"]) CHECK(tensor["status"] == "used");
  write(fs::path(model) / "config.json", R"({"model_type": "keras", "keras_model": "network.json"})");
  const auto lacking = run("dnalm-inspect " + model);
  CHECK(lacking.id() == "dnalm.config.435");
  CHECK(lacking.code == 3);
}

TEST_CASE("dnalm-embed writes what the library computes from folders of supervised networks", "[programs]") {
  const scratch dir;
  const std::string table = make_table(dir, "few.tsv", {.rows = 12});
  check_states(dir, legnet, table);
  check_states(dir, make_keras(dir, "small"), table);
}

TEST_CASE("dnalm-evaluate probes supervised networks and their random twins", "[programs]") {
  const scratch dir;
  check_evaluation(dir, legnet, "LegNet, ");
  const scratch other;
  check_evaluation(other, make_keras(other, "small"), "small, ");
}

TEST_CASE("what a supervised network cannot do is told by every program", "[programs]") {
  const scratch dir;
  const std::string table = make_table(dir, "few.tsv", {.rows = 12});
  const std::string embed = "dnalm-embed --pool mean --input " + table + " --output " + (dir / "a.npz");
  const auto windows = run(embed + " --window 20 --model " + legnet);
  CHECK(windows.id() == "dnalm.unsupported.462");
  CHECK(windows.code == 4);
  const auto evaluated =
      run("dnalm-evaluate --window 20 --model " + legnet + " --data " + table + " --out " + (dir / "out"));
  CHECK(evaluated.id() == "dnalm.unsupported.462");
  // A member of an ensemble that is not in the folder, or not a name in it.
  const fs::path ensemble = dir.path / "ensemble";
  fs::create_directory(ensemble);
  for (const char* file : {"0.safetensors", "../few.tsv", ".", ""}) {
    INFO(file);
    write(ensemble / "config.json",
          R"({"model_type": "spliceai", "files": [")" + std::string(file) + R"("]})");
    const auto missing = run(embed + " --model " + ensemble.string());
    CHECK(missing.id() == "dnalm.config.435");
    CHECK(missing.code == 3);
    CHECK(run("dnalm-inspect " + ensemble.string()).id() == "dnalm.config.435");
  }
  // A batch norm whose variance is negative.
  const std::string keras = make_keras(dir, "small");
  auto file = dnalm::io::safetensors_file(fs::path(keras) / "model.safetensors");
  std::vector<std::vector<float>> values;
  std::vector<dnalm::io::tensor_to_write> tensors;
  for (const auto& info : file.tensors()) {
    auto& numbers = values.emplace_back(static_cast<std::size_t>(info.size()), 0.5F);
    if (info.name == "normed/normed/moving_variance:0") numbers[3] = -1.0F;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    tensors.push_back(dnalm::io::make_tensor(file.tensors()[i].name, values[i], file.tensors()[i].shape));
  }
  const auto metadata = file.metadata();
  dnalm::io::write_safetensors(fs::path(keras) / "model.safetensors", tensors, metadata);
  const auto negative = run(embed + " --model " + keras);
  CHECK(negative.id() == "dnalm.numeric.434");
  CHECK(negative.err.find("normed") != std::string::npos);
  CHECK(negative.code == 3);
}

TEST_CASE("dnalm-attribute maps what PhyloGPN predicts, from the unmasked sequence", "[programs]") {
  const scratch dir;
  const std::string sequence = "ACGTTGCAACGTGATNAGCCTAGGA";
  write(dir / "s.fa", ">s\n" + sequence + "\n");
  const std::string command = "dnalm-attribute --model " + golden + "/phylogpn --input " + (dir / "s.fa") +
                              " --output " + (dir / "x.npz") + " --html " + (dir / "x.html") + " --method ";
  const auto numbers = [&](const std::string& member) {
    return dnalm::io::npz_reader(dir / "x.npz").read(member).values<double>();
  };
  const auto found =
      dnalm::predict_nucleotides(dnalm::load_model(golden + "/phylogpn"),
                                 std::vector<dnalm::io::sequence_record>{{.sequence = sequence}});
  const std::vector<double> expected = dnalm::entropy_bits(found.front().log_probabilities);
  for (const char* method : {"entropy", "log_odds"}) {
    INFO(method);
    REQUIRE(run(command + method).err == "");
    const std::vector<double> entropy = numbers("entropy");
    REQUIRE(entropy.size() == expected.size());
    for (std::size_t i = 0; i < entropy.size(); ++i) {
      const bool predicted = i >= 8 && i < sequence.size() - 8 && sequence[i] != 'N';
      CHECK(std::isnan(entropy[i]) == !predicted);
      if (predicted) CHECK(entropy[i] == static_cast<double>(static_cast<float>(expected[i])));
    }
  }
  CHECK(content(dir / "x.html").find("wild_type") != std::string::npos);
  REQUIRE(run(command + "dependency").err == "");
  const auto masked = run(command + "entropy --context masked");
  CHECK(masked.id() == "dnalm.unsupported.854");
  CHECK(masked.err.find("no mask token") != std::string::npos);
}

TEST_CASE("a Keras .h5 goes through dnalm-convert into the other programs", "[programs]") {
  const scratch dir;
  const fs::path folder = dir.path / "mprann";
  fs::create_directory(folder);
  const auto converted =
      run("dnalm-convert " + golden + "/mprann/model.h5 " + (folder / "model.safetensors").string());
  if (converted.code == 4) {
    WARN("skipped: this build has no HDF5 library");
    return;
  }
  REQUIRE(converted.code == 0);
  write(folder / "config.json", R"({"model_type": "keras", "shorter": "centred"})");
  const auto inspected = run("dnalm-inspect " + folder.string() + " --json");
  INFO(inspected.err);
  REQUIRE(inspected.code == 0);
  const auto report = dnalm::io::parse_json(inspected.out, "stdout");
  CHECK_FALSE(report["tensors"].empty());
  for (const auto& tensor : report["tensors"]) {
    CHECK(tensor["status"] == "used");
  }
  check_states(dir, folder.string(), make_table(dir, "few.tsv", {.rows = 5}));
}
