// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any Keras 2 model of built-in layers, by Keras' own description of it: the study's rep_cnn, ResNet,
/// MPRAnn, rep_mlp, chip_cnn and mtsplice networks, DeepSTARR, BPNet, ChromBPNet.
#pragma once

#include <filesystem>
#include <string>

#include <dnalm/io/json.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/detail/config_reader.hpp>
#include <dnalm/models/keras_graph.hpp>
#include <dnalm/models/layer_recipe.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// What Keras says of the model: the file `keras_model` of config.json names, else what dnalm-convert puts
/// into the metadata of its output.
[[nodiscard]] inline io::json keras_description_of(const recipe_source& source) {
  const std::filesystem::path weights(source.tensors.where());
  const std::string name = source.config.text("keras_model", "");
  if (!name.empty()) return io::read_json_file(member_files(weights.parent_path(), {name}).front());
  if (weights.extension() == ".safetensors") {
    const io::safetensors_file file(weights);
    const auto found = file.metadata().find("model_config");
    if (found != file.metadata().end()) return io::parse_json(found->second, weights.string());
  }
  source.config.missing(
      "\"keras_model\": the name of a file with model.to_json(), for weights without a description");
}

/// `letters` and `unknown` of config.json: the order of the channels, and what N has in each of them (0,
/// 0.25) or the letter that it is read as.
[[nodiscard]] inline sequence_input keras_letters(const config_reader& config) {
  sequence_input input;
  input.letters = config.text("letters", "ACGT");
  std::string sorted = input.letters;
  std::sort(sorted.begin(), sorted.end());
  if (sorted != "ACGT")
    config.unsupported("letters", "A, C, G, T in some order", "\"" + input.letters + "\"");
  const std::string letter = config.text("unknown_letter", "");
  if (letter.empty()) {
    input.unknown = config.number("unknown", 0.0, 1.0, 0.0);
  } else if (letter.size() == 1 && sorted.find(letter) != std::string::npos) {
    input.unknown_letter = letter[0];
  } else {
    config.unsupported("unknown_letter", "A, C, G or T", "\"" + letter + "\"");
  }
  return input;
}

/// A Keras model, converted by dnalm-convert: tensors `<layer>/<layer>/<variable>:0`. \throws as keras_graph;
/// error [dnalm.config.401] no description, [dnalm.unsupported.404] letters that are none.
[[nodiscard]] inline layer_graph make_keras(const recipe_source& source) {
  return keras_graph(keras_description_of(source), source.tensors,
                     source.config.text("architecture", "Keras"), keras_letters(source.config));
}

/// DeepSTARR: 249 bases; its authors' code reads N as T.
[[nodiscard]] inline layer_graph make_deepstarr(const recipe_source& source) {
  sequence_input input;
  input.unknown_letter = 'T';
  return keras_graph(keras_description_of(source), source.tensors, "DeepSTARR", input);
}

}  // namespace detail
DNALM_END_NAMESPACE
