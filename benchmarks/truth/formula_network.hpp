// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A network whose weights are a formula: motif detectors, and four numbers that are read from them.
#pragma once

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/safetensors_writer.hpp>
#include <dnalm/io/tensor_info.hpp>

#include "planted_sequences.hpp"

namespace dnalm_bench {

/// The network's predictions, in their order. s(i) is a filter's score at place i minus its threshold, in
/// bits, m1 and m2 are the largest relu(s(i)) of the first two filters; the others are detected and not read.
///
/// | `sum` | m1 + m2 |
/// | `saturated` | min(1, m1 + m2) = 1 - relu(1 - m1 - m2) |
/// | `product` | m1 m2 |
/// | `occupancy` | sum over i and the two filters of softplus(s(i) ln 2): the logarithm of a place's weight |
inline const std::vector<std::string> formula_readings = {"sum", "saturated", "product", "occupancy"};

namespace detail {

struct formula_tensor {
  std::string layer = {};
  std::string variable = {};
  std::vector<index_t> shape = {};
  std::vector<float> values = {};
};

/// Taps (width, 4, filters) and biases of convolutions with scores times `scale`.
inline void add_detectors(std::vector<formula_tensor>& tensors, const std::string& layer,
                          std::span<const motif_filter> filters, double scale) {
  const index_t width = filters.front().width;
  const auto count = static_cast<index_t>(filters.size());
  formula_tensor kernel{layer, "kernel", {width, 4, count}};
  formula_tensor bias{layer, "bias", {count}};
  for (std::size_t i = 0; i < static_cast<std::size_t>(4 * width); ++i) {
    for (const motif_filter& filter : filters) {
      kernel.values.push_back(static_cast<float>(scale * filter.scores[i]));
    }
  }
  for (const motif_filter& filter : filters)
    bias.values.push_back(static_cast<float>(-scale * filter.threshold));
  tensors.push_back(std::move(kernel));
  tensors.push_back(std::move(bias));
}

/// One number of the channels of a vector.
inline void add_reading(std::vector<formula_tensor>& tensors, const std::string& layer,
                        std::vector<float> weights, float bias) {
  const auto channels = static_cast<index_t>(weights.size());
  tensors.push_back({layer, "kernel", {channels, 1}, std::move(weights)});
  tensors.push_back({layer, "bias", {1}, {bias}});
}

inline std::string keras_layer_text(const std::string& kind, const std::string& name,
                                    const std::string& settings, const std::vector<std::string>& inputs) {
  std::string text = R"({"class_name": ")" + kind + R"(", "name": ")" + name + R"(", "config": {"name": ")" +
                     name + "\"" + settings + R"(}, "inbound_nodes": [)";
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    text += (i == 0 ? "[" : ", ") + (R"([")" + inputs[i] + R"(", 0, 0, {}])");
  }
  return text + (inputs.empty() ? "]}" : "]]}");
}

inline std::string formula_description() {
  const auto layer = keras_layer_text;
  const std::string relu = R"(, "activation": "relu")";
  const std::string layers =
      layer("InputLayer", "sequence", R"(, "batch_input_shape": [null, null, 4])", {}) + ",\n" +
      layer("Conv1D", "detect", relu, {"sequence"}) + ",\n" +
      layer("GlobalMaxPooling1D", "strongest", "", {"detect"}) + ",\n" +
      layer("Dense", "first", "", {"strongest"}) + ",\n" + layer("Dense", "second", "", {"strongest"}) +
      ",\n" + layer("Dense", "sum", "", {"strongest"}) + ",\n" + layer("Dense", "room", relu, {"strongest"}) +
      ",\n" + layer("Dense", "saturated", "", {"room"}) + ",\n" +
      layer("Multiply", "product", "", {"first", "second"}) + ",\n" +
      layer("Conv1D", "occupy", R"(, "activation": "softplus")", {"sequence"}) + ",\n" +
      layer("GlobalAveragePooling1D", "mean", "", {"occupy"}) + ",\n" +
      layer("Dense", "occupancy", "", {"mean"}) + ",\n" +
      layer("Concatenate", "readings", R"(, "axis": -1)", {"sum", "saturated", "product", "occupancy"});
  return R"({"class_name": "Functional", "config": {"name": "formula", "layers": [)" + layers +
         R"(], "input_layers": [["sequence", 0, 0]], "output_layers": [["readings", 0, 0]]}})";
}

}  // namespace detail

/// Writes the model folder for sequences of `length` (the only place where it counts is the mean that
/// `occupancy` makes a sum again).
inline void write_formula_network(const std::filesystem::path& folder, std::span<const motif_filter> filters,
                                  index_t length) {
  using namespace detail;
  std::vector<formula_tensor> tensors;
  add_detectors(tensors, "detect", filters, 1);
  add_detectors(tensors, "occupy", filters, std::log(2.0));
  const std::vector<float> unread(filters.size() - 2, 0.0F);
  const auto of_two = [&](float first, float second) {
    std::vector<float> weights = {first, second};
    weights.insert(weights.end(), unread.begin(), unread.end());
    return weights;
  };
  const auto places = static_cast<float>(length - filters.front().width + 1);
  add_reading(tensors, "first", of_two(1, 0), 0);
  add_reading(tensors, "second", of_two(0, 1), 0);
  add_reading(tensors, "sum", of_two(1, 1), 0);
  add_reading(tensors, "room", of_two(-1, -1), 1);
  add_reading(tensors, "saturated", {-1}, 1);
  add_reading(tensors, "occupancy", of_two(places, places), 0);

  std::vector<dnalm::io::tensor_info> infos;
  for (const formula_tensor& tensor : tensors) {
    infos.push_back(
        {tensor.layer + "/" + tensor.layer + "/" + tensor.variable + ":0", dnalm::dtype::f32, tensor.shape});
  }
  dnalm::io::safetensors_writer file(folder / "model.safetensors", infos,
                                     {{"model_config", formula_description()}});
  for (const std::size_t i : file.order()) file.write(std::as_bytes(std::span(tensors[i].values)));
  file.finish();
  dnalm::io::write_file(folder / "config.json", R"({"model_type": "keras", "architecture": "formula"})");
}

}  // namespace dnalm_bench
