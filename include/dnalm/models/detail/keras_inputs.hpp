// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The inputs of a Keras model as one sequence.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/models/detail/keras_description.hpp>
#include <dnalm/models/detail/keras_references.hpp>
#include <dnalm/models/sequence_input.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Rows and channels of the model's inputs: batch_input_shape of its input layers, of a sequential model that
/// of its first layer. Rows 0: any number.
struct keras_input {
  std::string name = {};
  index_t rows = 0;
  index_t channels = 0;
};

[[nodiscard]] inline keras_input keras_input_of(const keras_layer& layer) {
  const char* key = layer.has("batch_input_shape") ? "batch_input_shape" : "batch_shape";
  const bool fits = layer.has(key) && layer.config()[key].is_array() && layer.config()[key].size() == 3;
  if (!fits) layer.unsupported("an input that is not (positions, channels)");
  const io::json& shape = layer.config()[key];
  constexpr index_t most = index_t{1} << 31;
  const auto size = [&](const io::json& extent) {
    if (!extent.is_number_unsigned() || extent.get<double>() > static_cast<double>(most)) {
      refuse_keras(layer.where(), "sizes of inputs");
    }
    return extent.get<index_t>();
  };
  return {layer.name(), shape[1].is_null() ? 0 : size(shape[1]), size(shape[2])};
}

/// In the order in which the model takes them.
[[nodiscard]] inline std::vector<keras_input> keras_inputs(const keras_layer& model) {
  const io::json& layers = model.layers();
  if (model.kind() == "Sequential") return {keras_input_of(keras_layer(layers[0]))};
  std::vector<keras_input> inputs;
  for (const keras_reference& reference : keras_references(model, "input_layers")) {
    for (const io::json& json : layers) {
      const keras_layer layer(json);
      if (reference.layer == layer.name()) inputs.push_back(keras_input_of(layer));
    }
  }
  if (inputs.empty()) refuse_keras(model.where(), "inputs");
  return inputs;
}

/// The inputs as one sequence: those of fixed length behind each other, or one of any length.
[[nodiscard]] inline sequence_input joined_input(const std::vector<keras_input>& inputs, sequence_input input,
                                                 const keras_layer& model) {
  input.channels = inputs[0].channels;
  input.length = 0;
  for (const keras_input& part : inputs) {
    if (part.channels != input.channels || (part.rows == 0 && inputs.size() > 1)) {
      model.unsupported("inputs that are not parts of one sequence");
    }
    input.length = checked_add(input.length, part.rows);
  }
  if (input.channels < 4) model.unsupported("an input of fewer than 4 channels");
  return input;
}

}  // namespace detail
DNALM_END_NAMESPACE
