// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Keras models inside Keras models, as one model of plain layers (ChromBPNet's bias model).
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/io/json.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Rewrites a functional model: the layers of a model inside it stand in its place, called `<model>/<layer>`
/// as their tensors are in the file. A Lambda called `logcount_predictions` behind a Concatenate of two
/// values (ChromBPNet: log(exp(a) + exp(b))) becomes a layer of the class `LogSumExp` of these two.
class keras_flattener {
 public:
  explicit keras_flattener(std::string where) : where_(std::move(where)) {}

  /// The layers and outputs of `config`, a functional model's; others are left as they are.
  void flatten(io::json& config, int depth = 0) {
    if (depth > 8) refuse("at most 8 models inside each other");
    if (!is_functional(config)) return;
    std::map<std::string, std::vector<io::json>> outputs;  // of the models that are gone
    io::json flat = io::json::array();
    for (io::json& layer : config["layers"]) {
      redirect(layer, outputs);
      if (!layer.is_object() || !is_model(layer)) {
        flat.push_back(std::move(layer));
        continue;
      }
      flatten(layer["config"], depth + 1);
      outputs[name_of(layer)] = take_out(layer, flat);
    }
    config["layers"] = std::move(flat);
    for (io::json& reference : config["output_layers"]) redirect_reference(reference, outputs);
    name_log_sums(config["layers"]);
  }

 private:
  [[noreturn]] void refuse(const std::string& expected) const {
    throw error(error_kind::format, 437, "the model_config of a Keras file is malformed",
                {.where = where_, .expected = expected});
  }
  [[nodiscard]] static bool is_functional(const io::json& config) {
    return config.is_object() && config.contains("layers") && config["layers"].is_array() &&
           config.contains("output_layers") && config["output_layers"].is_array();
  }
  [[nodiscard]] static bool is_model(const io::json& layer) {
    const io::json type = layer.value("class_name", io::json());
    return (type == "Functional" || type == "Model") && layer.contains("config") &&
           is_functional(layer["config"]);
  }
  [[nodiscard]] std::string name_of(const io::json& layer) const {
    const bool named = layer.contains("name") && layer["name"].is_string();
    if (!named) refuse("layers with names");
    return layer["name"].get<std::string>();
  }
  [[nodiscard]] static bool is_reference(const io::json& reference) {
    return reference.is_array() && reference.size() >= 3 && reference[0].is_string() &&
           reference[2].is_number_unsigned();
  }

  /// A reference to an output of a model that is gone, to the layer that makes it.
  void redirect_reference(io::json& reference,
                          const std::map<std::string, std::vector<io::json>>& outputs) const {
    if (!is_reference(reference)) return;
    const auto model = outputs.find(reference[0].get<std::string>());
    if (model == outputs.end()) return;
    const auto at = reference[2].get<std::size_t>();
    if (at >= model->second.size()) refuse("outputs that a model has");
    for (std::size_t i = 0; i < 3; ++i) reference[i] = model->second[at][i];
  }
  void redirect(io::json& layer, const std::map<std::string, std::vector<io::json>>& outputs) const {
    if (!layer.is_object() || !layer.contains("inbound_nodes") || !layer["inbound_nodes"].is_array()) return;
    for (io::json& call : layer["inbound_nodes"]) {
      if (!call.is_array()) continue;
      for (io::json& reference : call) redirect_reference(reference, outputs);
    }
  }

  /// Puts the layers of a model to those outside; gives where its outputs are made.
  [[nodiscard]] std::vector<io::json> take_out(io::json& model, io::json& flat) const {
    const std::string name = name_of(model);
    const io::json calls = model.value("inbound_nodes", io::json());
    if (!calls.is_array() || calls.size() != 1 || !calls[0].is_array()) refuse("models that are used once");
    io::json& config = model["config"];
    std::vector<io::json> inputs = list_of(config.value("input_layers", io::json()));
    if (inputs.size() != calls[0].size()) refuse("as many inputs as a model takes");
    const auto outer = [&](io::json& reference) {
      if (!is_reference(reference)) refuse("references [layer, node, tensor]");
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!is_reference(inputs[i]) || inputs[i][0] != reference[0]) continue;
        reference = calls[0][i];
        return;
      }
      reference[0] = name + "/" + reference[0].get<std::string>();
    };
    for (io::json& layer : config["layers"]) {
      if (!layer.is_object() || layer.value("class_name", io::json()) == "InputLayer") continue;
      layer["name"] = name + "/" + name_of(layer);
      if (!layer.contains("inbound_nodes") || !layer["inbound_nodes"].is_array()) refuse("inbound_nodes");
      for (io::json& call : layer["inbound_nodes"]) {
        if (!call.is_array()) refuse("calls as lists");
        for (io::json& reference : call) outer(reference);
      }
      flat.push_back(std::move(layer));
    }
    std::vector<io::json> outputs = list_of(config["output_layers"]);
    for (io::json& reference : outputs) outer(reference);
    return outputs;
  }
  /// A list of references, or one alone.
  [[nodiscard]] static std::vector<io::json> list_of(const io::json& references) {
    if (is_reference(references)) return {references};
    if (!references.is_array()) return {};
    return {references.begin(), references.end()};
  }

  void name_log_sums(io::json& layers) const {
    for (io::json& layer : layers) {
      const bool is_it = layer.is_object() && layer.value("class_name", io::json()) == "Lambda" &&
                         layer.value("name", io::json()) == "logcount_predictions";
      if (!is_it) continue;
      const std::vector<io::json> calls = list_of(layer.value("inbound_nodes", io::json()));
      if (calls.size() != 1 || !calls[0].is_array() || calls[0].size() != 1) continue;
      for (const io::json& other : layers) {
        const bool before = other.is_object() && other.value("class_name", io::json()) == "Concatenate" &&
                            is_reference(calls[0][0]) && other.value("name", io::json()) == calls[0][0][0];
        if (!before) continue;
        layer["inbound_nodes"] = other.value("inbound_nodes", io::json::array());
        layer["class_name"] = "LogSumExp";
        layer["config"] = {{"name", "logcount_predictions"}};
        break;
      }
    }
  }

  std::string where_;
};

}  // namespace detail
DNALM_END_NAMESPACE
