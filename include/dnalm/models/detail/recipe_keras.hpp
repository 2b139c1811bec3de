// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any Keras model of built-in layers, by Keras' own description of it: the study's rep_cnn, ResNet,
/// MPRAnn, rep_mlp, chip_cnn and mtsplice networks, DeepSTARR, BPNet, ChromBPNet, MMSplice, MTSplice.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>

#include <dnalm/io/json.hpp>
#include <dnalm/models/detail/config_reader.hpp>
#include <dnalm/models/keras_graph.hpp>
#include <dnalm/models/recipe_source.hpp>
#include <dnalm/models/sequence_input.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// What Keras says of the model: the file that `keras_model` of config.json names, else what the file of
/// weights carries (`model_config`, which dnalm-convert keeps).
[[nodiscard]] inline io::json keras_description_of(const recipe_source& source) {
  const std::filesystem::path weights(source.tensors.where());
  const std::string name = source.config.text("keras_model", "");
  if (!name.empty()) return io::read_json_file(member_files(weights.parent_path(), {name}).front());
  if (!source.model_config.empty()) {
    return io::parse_json(source.model_config, weights.string() + ", model_config");
  }
  source.config.missing(
      "\"keras_model\": the name of a file with model.to_json(), for weights without a description");
}

/// `letters`: the order of the channels.
[[nodiscard]] inline std::string keras_letters(const config_reader& config) {
  const std::string letters = config.text("letters", "ACGT");
  std::string sorted = letters;
  std::sort(sorted.begin(), sorted.end());
  if (sorted != "ACGT") config.unsupported("letters", "A, C, G, T in some order", "\"" + letters + "\"");
  return letters;
}

/// `shorter`: what becomes of sequences that are shorter than a fixed length.
[[nodiscard]] inline short_sequence keras_short(const config_reader& config) {
  const std::string shorter = config.text("shorter", "refused");
  for (const auto rule :
       {short_sequence::refused, short_sequence::centred, short_sequence::first, short_sequence::last}) {
    if (shorter == to_string(rule)) return rule;
  }
  config.unsupported("shorter", "refused, centred, first or last", "\"" + shorter + "\"");
}

/// The input as config.json says: `letters`, what N has in each channel (`unknown`: 0, 0.25) or the letter
/// that it is read as (`unknown_letter`), what rows beyond the ends have (`missing`), `shorter`, and with
/// inputs of any length rows `before` and `after`.
[[nodiscard]] inline sequence_input keras_input_policy(const config_reader& config) {
  sequence_input input;
  input.letters = keras_letters(config);
  const std::string letter = config.text("unknown_letter", "");
  if (letter.empty()) {
    input.unknown = config.number("unknown", 0.0, 1.0, 0.0);
  } else if (letter.size() == 1 && input.letters.find(letter) != std::string::npos) {
    input.unknown_letter = letter[0];
  } else {
    config.unsupported("unknown_letter", "A, C, G or T", "\"" + letter + "\"");
  }
  input.missing = config.number("missing", 0.0, 1.0, 0.0);
  constexpr index_t most = index_t{1} << 24;
  input.before = config.size("before", 0, most, 0);
  input.after = config.size("after", 0, most, 0);
  input.shorter = keras_short(config);
  return input;
}

/// A Keras model, converted by dnalm-convert: tensors `<layer>/<layer>/<variable>:0`. \throws as keras_graph;
/// error [dnalm.config.401] no description, [dnalm.unsupported.404] an input policy that there is not.
[[nodiscard]] inline layer_graph make_keras(const recipe_source& source) {
  layer_graph graph =
      keras_graph(keras_description_of(source), source.tensors, source.config.text("architecture", "Keras"),
                  keras_input_policy(source.config));
  const bool around = graph.input.before + graph.input.after > 0;
  if (around && graph.input.length > 0) {
    source.config.unsupported("before", "0: the network reads one length", "rows before or after");
  }
  return graph;
}

/// DeepSTARR: 249 bases; its authors' code reads N as T.
[[nodiscard]] inline layer_graph make_deepstarr(const recipe_source& source) {
  sequence_input input;
  input.unknown_letter = 'T';
  return keras_graph(keras_description_of(source), source.tensors, "DeepSTARR", input);
}

}  // namespace detail
DNALM_END_NAMESPACE
