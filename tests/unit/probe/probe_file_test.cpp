// SPDX-License-Identifier: Apache-2.0
#include <dnalm/probe/probe_file.hpp>

#include <support/catch.hpp>
#include <support/temporary_folder.hpp>

#include <cmath>
#include <filesystem>
#include <functional>
#include <span>

#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/io/safetensors.hpp>

using dnalm::fitted_probe;
using dnalm::index_t;
using dnalm::probe_kind;
using dnalm::task_kind;
using dnalm_test::error_id_of;

namespace {

fitted_probe example_probe() {
  fitted_probe probe;
  probe.kind = probe_kind::logistic;
  probe.model = "random:nt_small";
  probe.layer = 3;
  probe.pooling = "mean";
  probe.seed = 0xfedcba9876543210ULL;
  probe.width = 3;
  probe.targets.push_back({"label.a", task_kind::binary, {0, 1}, 0, 1, 12.5, 100});
  probe.targets.push_back({"b\"\n\xc3\xa4", task_kind::multiclass, {-1, 0, 7}, 1, 3, 1e-3, 90});
  for (int i = 0; i < 12; ++i) {
    probe.weights.push_back(std::sqrt(2.0) * (i - 4));
    probe.mean.push_back(i / 3.0);
    probe.scale.push_back(i % 3 == 0 ? 0.0 : 1.0 / (i + 1));
  }
  probe.intercept = {0.1, -0.2, 0.3, 1e-300};
  return probe;
}

/// Saves the example with changed metadata text and says how loading fails.
std::string load_changed(const std::filesystem::path& folder,
                         const std::function<void(dnalm::io::json&)>& change) {
  dnalm::save_probe(folder / "good.safetensors", example_probe());
  const dnalm::io::safetensors_file good(folder / "good.safetensors");
  auto header = dnalm::io::parse_json(good.metadata().at("dnalm_probe"), "test");
  change(header);
  std::vector<dnalm::io::tensor_to_write> tensors;
  for (const auto& stored : good.stored()) {
    tensors.push_back({stored.info.name, stored.info.type, stored.info.shape, stored.bytes});
  }
  dnalm::io::write_safetensors(folder / "bad.safetensors", tensors, {{"dnalm_probe", header.dump()}});
  return error_id_of([&] { (void)dnalm::load_probe(folder / "bad.safetensors"); });
}

}  // namespace

TEST_CASE("a probe comes back from its file bit for bit", "[probe]") {
  const dnalm_test::temporary_folder folder;
  const auto probe = example_probe();
  REQUIRE(dnalm::probe_file_name(probe) == "random.nt_small.3.mean.logistic.safetensors");
  const auto path = folder / dnalm::probe_file_name(probe);
  dnalm::save_probe(path, probe);
  const auto back = dnalm::load_probe(path);
  REQUIRE(back.kind == probe.kind);
  REQUIRE(back.model == probe.model);
  REQUIRE(back.layer == 3);
  REQUIRE(back.pooling == "mean");
  REQUIRE(back.seed == probe.seed);
  REQUIRE(back.width == 3);
  REQUIRE(back.weights == probe.weights);
  REQUIRE(back.intercept == probe.intercept);
  REQUIRE(back.mean == probe.mean);
  REQUIRE(back.scale == probe.scale);
  REQUIRE(back.targets.size() == 2);
  REQUIRE(back.targets[1].name == probe.targets[1].name);
  REQUIRE(back.targets[1].task == task_kind::multiclass);
  REQUIRE(back.targets[1].classes == probe.targets[1].classes);
  REQUIRE(back.targets[1].first_output == 1);
  REQUIRE(back.targets[1].lambda == 1e-3);
  REQUIRE(back.targets[0].train_rows == 100);
}

TEST_CASE("baselines without a layer have a name for their file", "[probe]") {
  auto probe = example_probe();
  probe.model = "kmer";
  probe.layer = -1;
  probe.pooling = "-";
  probe.kind = probe_kind::ridge;
  REQUIRE(dnalm::probe_file_name(probe) == "kmer.-.-.ridge.safetensors");
}

TEST_CASE("a probe predicts from its linear outputs", "[probe]") {
  const auto probe = example_probe();
  const std::vector<float> x{1, 2, 3, -1, 0, 0.5F};
  const auto outputs = dnalm::linear_outputs(probe, dnalm::as_matrix(x.data(), 2, 3));
  REQUIRE(outputs.size() == 8);
  REQUIRE(outputs[0] == Approx(probe.weights[0] + 2 * probe.weights[1] + 3 * probe.weights[2] + 0.1));
  REQUIRE(outputs[7] == Approx(-probe.weights[9] + 0.5 * probe.weights[11]));
  const auto view = dnalm::as_matrix(outputs.data(), 2, 4);
  const auto binary = dnalm::target_predictions(probe, probe.targets[0], view);
  REQUIRE(binary.size() == 2);
  REQUIRE(binary[0] == Approx(1 / (1 + std::exp(-outputs[0]))));
  const auto several = dnalm::target_predictions(probe, probe.targets[1], view);
  REQUIRE(several.size() == 6);
  REQUIRE(several[0] + several[1] + several[2] == Approx(1));
  REQUIRE(several[5] / several[4] == Approx(std::exp(outputs[7] - outputs[6])));
  REQUIRE(error_id_of([&] { (void)dnalm::linear_outputs(probe, dnalm::as_matrix(x.data(), 3, 2)); }) ==
          "dnalm.shape.520");
}

TEST_CASE("files that are not probes, or lie, are refused", "[probe]") {
  const dnalm_test::temporary_folder folder;
  using dnalm::io::json;
  REQUIRE(load_changed(folder.path(), [](json&) {}).empty());
  const std::vector<std::function<void(json&)>> changes{
      [](json& h) { h["format"] = 2; },
      [](json& h) { h.erase("kind"); },
      [](json& h) { h["kind"] = "forest"; },
      [](json& h) { h["kind"] = 3; },
      [](json& h) { h["width"] = 4; },
      [](json& h) { h["width"] = -1; },
      [](json& h) { h["width"] = 0xffffffffffffffffULL; },
      [](json& h) { h["layer"] = "three"; },
      [](json& h) { h["seed"] = -4; },
      [](json& h) { h["targets"] = json::array(); },
      [](json& h) { h["targets"] = 3; },
      [](json& h) { h["targets"][0]["outputs"] = 2; },
      [](json& h) { h["targets"][1]["first_output"] = 0; },
      [](json& h) {
        h["targets"][1]["classes"] = {0, 1};
      },
      [](json& h) { h["targets"][1]["classes"][0] = "x"; },
      [](json& h) { h["targets"][0]["task"] = "auto"; },
      [](json& h) { h["targets"][0]["task"] = "nonsense"; },
      [](json& h) { h["targets"][0] = 5; },
      [](json& h) { h["targets"][0]["lambda"] = "big"; },
      [](json& h) { h["targets"].erase(1); },
      [](json& h) { h = json::array(); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    INFO(i);
    REQUIRE(load_changed(folder.path(), changes[i]) == "dnalm.format.538");
  }
  const float value = 1;
  dnalm::io::write_safetensors(folder / "other.safetensors",
                               {dnalm::io::make_tensor("weight", std::span(&value, 1), {1, 1})});
  REQUIRE(error_id_of([&] { (void)dnalm::load_probe(folder / "other.safetensors"); }) == "dnalm.format.538");
  auto broken = example_probe();
  broken.weights[2] = std::nan("");
  dnalm::save_probe(folder / "nan.safetensors", broken);
  REQUIRE(error_id_of([&] { (void)dnalm::load_probe(folder / "nan.safetensors"); }) == "dnalm.format.538");
}
