// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/keras_graph.hpp.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <dnalm/models/detail/keras_description.hpp>
#include <dnalm/models/keras_graph.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A value of the graph, and whether it is a vector (Keras' rank 2) or positions x channels.
struct keras_value {
  index_t value = 0;
  bool vector = false;
};

/// Puts the layers of a Keras model, and of models inside it, into a graph.
class keras_graph_maker {
 public:
  keras_graph_maker(const tensor_table& tensors, const std::string& architecture, const sequence_input& input)
      : tensors_(tensors), net_(architecture, input, tensors) {}

  /// The outputs of a model; `inputs` are its inputs' values, `group` is what its tensors' names begin with
  /// (empty: each layer's own name).
  std::vector<keras_value> run_model(const keras_layer& model, const std::vector<keras_value>& inputs,
                                     const std::string& group);
  [[nodiscard]] graph_builder& net() { return net_; }

 private:
  /// One layer's output `index` of its call `node`.
  using key = std::tuple<std::string, index_t, index_t>;
  using values = std::map<key, keras_value>;

  std::vector<keras_value> run_sequence(const io::json& layers, std::vector<keras_value> x,
                                        const std::string& group);
  /// Makes the calls of a layer whose inputs are there; says whether all are made.
  bool run_calls(const keras_layer& layer, const std::string& group, values& made);
  [[nodiscard]] bool inputs_of(const io::json& call, const values& made, std::vector<keras_value>& x) const;
  [[nodiscard]] static key key_of(const io::json& reference);
  std::vector<keras_value> run_layer(const keras_layer& layer, const std::vector<keras_value>& x,
                                     const std::string& group);
  keras_value run_one(const keras_layer& layer, keras_value x, const std::string& group);
  keras_value run_many(const keras_layer& layer, const std::vector<keras_value>& x);

  keras_value convolution(const keras_layer& layer, keras_value x, const std::string& group);
  keras_value dense(const keras_layer& layer, keras_value x, const std::string& group);
  keras_value batch_norm(const keras_layer& layer, keras_value x, const std::string& group);
  keras_value apply(const keras_layer& layer, keras_value x, const std::string& name);
  keras_value pool(const keras_layer& layer, keras_value x, bool largest);
  keras_value global(const keras_layer& layer, keras_value x, bool largest);
  keras_value log_sum(const keras_layer& layer, keras_value x);
  [[nodiscard]] layer_node node(const keras_layer& layer, layer_kind kind, index_t x) const {
    layer_node made;
    made.kind = kind;
    made.name = layer.name();
    made.inputs = {x};
    made.layout = weight_layout::taps_in_out;
    return made;
  }
  /// Adds a tensor of a layer, of `axes` axes.
  void read(layer_node& node, layer_tensor part, const keras_layer& layer, const std::string& group,
            const char* name, std::size_t axes) const;
  /// Notes an operation as what its value was made by.
  keras_value append(layer_node made, bool vector) {
    const index_t value = net_.append(made);
    made_by_[value] = std::move(made);
    return {value, vector};
  }
  void show(const keras_layer& layer, keras_value x) { net_.layer(layer.name(), x.value); }

  const tensor_table& tensors_;
  graph_builder net_;
  std::map<index_t, layer_node> made_by_;
  int depth_ = 0;
};

inline void keras_graph_maker::read(layer_node& node, layer_tensor part, const keras_layer& layer,
                                    const std::string& group, const char* name, std::size_t axes) const {
  const std::string path = (group.empty() ? layer.name() : group) + "/" + layer.name() + "/" + name;
  std::string found = path + ":0";
  if (!tensors_.contains(found) && tensors_.contains(path)) found = path;
  const std::vector<index_t>& shape = tensors_.shape(found);
  if (shape.size() != axes) {
    throw error(error_kind::shape, 412, "a tensor has another shape than the network says",
                {.where = found, .expected = std::to_string(axes) + " axes", .found = io::shape_text(shape)});
  }
  node.tensors.push_back({part, found, shape});
}

inline keras_value keras_graph_maker::convolution(const keras_layer& layer, keras_value x,
                                                  const std::string& group) {
  layer.require("data_format", "channels_last");
  layer_node made = node(layer, layer_kind::convolution, x.value);
  read(made, layer_tensor::weight, layer, group, "kernel", 3);
  if (layer.flag("use_bias", true)) read(made, layer_tensor::bias, layer, group, "bias", 1);
  made.taps = made.tensors[0].shape[0];
  made.outputs = made.tensors[0].shape[2];
  made.dilation = layer.size("dilation_rate", 1);
  made.stride = layer.size("strides", 1);
  if (layer.size("groups", 1) != 1) layer.unsupported("groups");
  const std::string padding = layer.text("padding", "valid");
  const index_t spread = checked_mul(made.taps - 1, made.dilation);
  if (padding == "same" && made.stride == 1) {
    made.before = spread / 2;
    made.after = spread - spread / 2;
  } else if (padding == "causal") {
    made.before = spread;
  } else if (padding != "valid") {
    layer.unsupported("padding \"" + padding + "\" with these strides");
  }
  return apply(layer, append(std::move(made), false), layer.text("activation", "linear"));
}

inline keras_value keras_graph_maker::dense(const keras_layer& layer, keras_value x,
                                            const std::string& group) {
  layer_node made = node(layer, layer_kind::dense, x.value);
  read(made, layer_tensor::weight, layer, group, "kernel", 2);
  if (layer.flag("use_bias", true)) read(made, layer_tensor::bias, layer, group, "bias", 1);
  made.outputs = made.tensors[0].shape[1];
  return apply(layer, append(std::move(made), x.vector), layer.text("activation", "linear"));
}

inline keras_value keras_graph_maker::batch_norm(const keras_layer& layer, keras_value x,
                                                 const std::string& group) {
  const index_t axis = layer.size("axis", -1);
  if (axis != -1 && axis != (x.vector ? 1 : 2)) layer.unsupported("an axis other than the last");
  layer_node made = node(layer, layer_kind::batch_norm, x.value);
  made.eps = layer.number("epsilon", 1e-3);
  read(made, layer_tensor::mean, layer, group, "moving_mean", 1);
  read(made, layer_tensor::variance, layer, group, "moving_variance", 1);
  if (layer.flag("scale", true)) read(made, layer_tensor::gamma, layer, group, "gamma", 1);
  if (layer.flag("center", true)) read(made, layer_tensor::beta, layer, group, "beta", 1);
  return append(std::move(made), x.vector);
}

inline keras_value keras_graph_maker::apply(const keras_layer& layer, keras_value x,
                                            const std::string& name) {
  if (name == "softmax") return append(node(layer, layer_kind::softmax, x.value), x.vector);
  const activation function = keras_activation(layer, name);
  if (function == activation::none) return x;
  layer_node made = node(layer, layer_kind::function, x.value);
  made.apply = function;
  return append(std::move(made), x.vector);
}

inline keras_value keras_graph_maker::pool(const keras_layer& layer, keras_value x, bool largest) {
  layer.require("data_format", "channels_last");
  layer_node made = node(layer, largest ? layer_kind::max_pool : layer_kind::average_pool, x.value);
  made.window.size = layer.size("pool_size", 2);
  made.window.stride = layer.size("strides", made.window.size);
  const std::string padding = layer.text("padding", "valid");
  if (padding != "valid" && padding != "same") layer.unsupported("padding \"" + padding + "\"");
  made.window.same = padding == "same";
  const keras_value y = append(std::move(made), false);
  show(layer, y);
  return y;
}

inline keras_value keras_graph_maker::global(const keras_layer& layer, keras_value x, bool largest) {
  if (layer.flag("keepdims", false)) layer.unsupported("keepdims");
  const layer_kind kind = largest ? layer_kind::global_max : layer_kind::global_mean;
  return append(node(layer, kind, x.value), true);
}

/// log(exp(a) + exp(b)) = b + softplus(a - b) of two joined numbers.
inline keras_value keras_graph_maker::log_sum(const keras_layer& layer, keras_value x) {
  const auto joined = made_by_.find(x.value);
  const bool two = joined != made_by_.end() && joined->second.kind == layer_kind::join_channels &&
                   joined->second.inputs.size() == 2 && x.vector;
  if (layer.name() != "logcount_predictions" || !two) layer.unsupported("a function of one's own");
  const index_t a = joined->second.inputs[0];
  const index_t b = joined->second.inputs[1];
  const index_t difference = net_.add(a, net_.scale(b, -1.0));
  return {net_.add(b, net_.function(difference, activation::softplus)), true};
}

inline keras_value keras_graph_maker::run_one(const keras_layer& layer, keras_value x,
                                              const std::string& group) {
  const std::string& kind = layer.kind();
  for (const char* nothing : {"Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout",
                              "ActivityRegularization", "InputLayer"}) {
    if (kind == nothing) return x;
  }
  if (kind == "Conv1D") return convolution(layer, x, group);
  if (kind == "Dense") return dense(layer, x, group);
  if (kind == "BatchNormalization") return batch_norm(layer, x, group);
  if (kind == "Activation") return apply(layer, x, layer.text("activation", "linear"));
  if (kind == "Softmax") return apply(layer, x, "softmax");
  if (kind == "ReLU" && !layer.has("max_value") && layer.number("negative_slope", 0.0) == 0.0 &&
      layer.number("threshold", 0.0) == 0.0) {
    return apply(layer, x, "relu");
  }
  if (kind == "MaxPooling1D") return pool(layer, x, true);
  if (kind == "AveragePooling1D") return pool(layer, x, false);
  if (kind == "GlobalMaxPooling1D") return global(layer, x, true);
  if (kind == "GlobalAveragePooling1D") return global(layer, x, false);
  if (kind == "Flatten") return {x.vector ? x.value : net_.flatten(x.value, false), true};
  if (kind == "Cropping1D") {
    const auto [before, after] = layer.sizes("cropping");
    return {net_.place(x.value, -before, -after), false};
  }
  if (kind == "ZeroPadding1D") {
    const auto [before, after] = layer.sizes("padding");
    return {net_.place(x.value, before, after), false};
  }
  if (kind == "UpSampling1D") return {net_.upsample(x.value, layer.size("size", 2)), false};
  if (kind == "Lambda") return log_sum(layer, x);
  layer.unsupported("the class");
}

inline keras_value keras_graph_maker::run_many(const keras_layer& layer, const std::vector<keras_value>& x) {
  const bool vector = x[0].vector;
  layer_node made = node(layer, layer_kind::join_channels, 0);
  made.inputs.clear();
  for (const keras_value& value : x) {
    if (value.vector != vector) layer.unsupported("inputs of different ranks");
    made.inputs.push_back(value.value);
  }
  if (layer.kind() == "Concatenate") {
    const index_t axis = layer.size("axis", -1);
    const bool channels = axis == -1 || axis == (vector ? 1 : 2);
    if (!channels && (axis != 1 || vector)) layer.unsupported("this axis");
    made.kind = channels ? layer_kind::join_channels : layer_kind::join_positions;
    return append(std::move(made), vector);
  }
  if (layer.kind() != "Add" && layer.kind() != "Multiply") layer.unsupported("the class");
  index_t sum = x[0].value;
  for (std::size_t i = 1; i < x.size(); ++i) {
    sum = layer.kind() == "Add" ? net_.add(sum, x[i].value) : net_.multiply(sum, x[i].value);
  }
  return {sum, vector};
}

inline std::vector<keras_value> keras_graph_maker::run_layer(const keras_layer& layer,
                                                             const std::vector<keras_value>& x,
                                                             const std::string& group) {
  if (x.empty()) refuse_keras(layer.where(), "inputs");
  const std::string& kind = layer.kind();
  if (kind == "Functional" || kind == "Model" || kind == "Sequential") {
    return run_model(layer, x, group.empty() ? layer.name() : group);
  }
  if (x.size() > 1 || kind == "Concatenate" || kind == "Add" || kind == "Multiply")
    return {run_many(layer, x)};
  return {run_one(layer, x[0], group)};
}

inline keras_graph_maker::key keras_graph_maker::key_of(const io::json& reference) {
  const bool fits = reference.is_array() && reference.size() >= 3 && reference[0].is_string() &&
                    reference[1].is_number_unsigned() && reference[2].is_number_unsigned();
  if (!fits) refuse_keras("a Keras model", "references to layers: name, call, output");
  return {reference[0].get<std::string>(), reference[1].get<index_t>(), reference[2].get<index_t>()};
}

inline bool keras_graph_maker::inputs_of(const io::json& call, const values& made,
                                         std::vector<keras_value>& x) const {
  if (!call.is_array()) refuse_keras("a Keras model", "calls of layers as lists (Keras 2)");
  x.clear();
  for (const io::json& reference : call) {
    const auto found = made.find(key_of(reference));
    if (found == made.end()) return false;
    x.push_back(found->second);
  }
  return true;
}

inline bool keras_graph_maker::run_calls(const keras_layer& layer, const std::string& group, values& made) {
  const io::json& json = layer.json();
  if (!json.contains("inbound_nodes") || !json["inbound_nodes"].is_array()) {
    refuse_keras(layer.where(), "inbound_nodes");
  }
  // A model inside a model counts its own making as its first call.
  const bool model = layer.kind() == "Functional" || layer.kind() == "Model" || layer.kind() == "Sequential";
  index_t call = model ? 1 : 0;
  for (const io::json& inputs : json["inbound_nodes"]) {
    if (made.count({layer.name(), call, 0}) == 0) {
      std::vector<keras_value> x;
      if (!inputs_of(inputs, made, x)) return false;
      const std::vector<keras_value> y = run_layer(layer, x, group);
      for (std::size_t i = 0; i < y.size(); ++i) made[{layer.name(), call, static_cast<index_t>(i)}] = y[i];
    }
    ++call;
  }
  return true;
}

inline std::vector<keras_value> keras_graph_maker::run_sequence(const io::json& layers,
                                                                std::vector<keras_value> x,
                                                                const std::string& group) {
  for (const io::json& layer : layers) x = run_layer(keras_layer(layer), x, group);
  return x;
}

/// References as Keras writes them: a list of them, or one alone.
[[nodiscard]] inline std::vector<io::json> keras_references(const io::json& config, const char* key) {
  if (!config.contains(key) || !config[key].is_array()) refuse_keras("a Keras model", key);
  const io::json& list = config[key];
  if (!list.empty() && list[0].is_string()) return {list};
  return {list.begin(), list.end()};
}

inline std::vector<keras_value> keras_graph_maker::run_model(const keras_layer& model,
                                                             const std::vector<keras_value>& inputs,
                                                             const std::string& group) {
  if (++depth_ > 8) refuse_keras(model.where(), "at most 8 models inside each other");
  const io::json& config = model.config();
  if (!config.contains("layers") || !config["layers"].is_array()) refuse_keras(model.where(), "layers");
  if (model.kind() == "Sequential") {
    std::vector<keras_value> y = run_sequence(config["layers"], inputs, group);
    --depth_;
    return y;
  }
  values made;
  const std::vector<io::json> names = keras_references(config, "input_layers");
  if (names.size() != inputs.size()) refuse_keras(model.where(), std::to_string(inputs.size()) + " inputs");
  for (std::size_t i = 0; i < names.size(); ++i) made[key_of(names[i])] = inputs[i];
  std::vector<keras_layer> waiting;
  for (const io::json& layer : config["layers"]) waiting.emplace_back(layer);
  while (!waiting.empty()) {
    std::vector<keras_layer> later;
    for (const keras_layer& layer : waiting) {
      if (layer.kind() != "InputLayer" && !run_calls(layer, group, made)) later.push_back(layer);
    }
    if (later.size() == waiting.size())
      refuse_keras(later[0].where(), "layers whose inputs are made by others");
    waiting.clear();
    for (const keras_layer& layer : later) waiting.push_back(layer);
  }
  std::vector<keras_value> outputs;
  for (const io::json& reference : keras_references(config, "output_layers")) {
    const auto found = made.find(key_of(reference));
    if (found == made.end()) refuse_keras(model.where(), "outputs that a layer makes");
    outputs.push_back(found->second);
  }
  --depth_;
  return outputs;
}

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

[[nodiscard]] inline std::vector<keras_input> keras_inputs(const keras_layer& model) {
  const io::json& config = model.config();
  if (!config.contains("layers") || !config["layers"].is_array() || config["layers"].empty()) {
    refuse_keras(model.where(), "layers");
  }
  if (model.kind() == "Sequential") return {keras_input_of(keras_layer(config["layers"][0]))};
  std::vector<keras_input> inputs;
  for (const io::json& reference : keras_references(config, "input_layers")) {
    for (const io::json& json : config["layers"]) {
      const keras_layer layer(json);
      const bool is_it = reference.is_array() && !reference.empty() && reference[0] == layer.name();
      if (is_it) inputs.push_back(keras_input_of(layer));
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

DNALM_INLINE layer_graph keras_graph(const io::json& model, const tensor_table& tensors,
                                     const std::string& architecture, const sequence_input& input) {
  io::json named = model;
  if (named.is_object() && !named.contains("name")) named["name"] = architecture;
  const detail::keras_layer outer(named);
  if (outer.kind() != "Functional" && outer.kind() != "Model" && outer.kind() != "Sequential") {
    outer.unsupported("a model of a class of one's own");
  }
  const std::vector<detail::keras_input> inputs = detail::keras_inputs(outer);
  const sequence_input joined = detail::joined_input(inputs, input, outer);
  detail::keras_graph_maker maker(tensors, architecture, joined);
  std::vector<detail::keras_value> parts;
  index_t before = 0;
  for (const detail::keras_input& part : inputs) {
    const index_t behind = joined.length - before - part.rows;
    parts.push_back({inputs.size() == 1 ? graph_builder::input()
                                        : maker.net().place(graph_builder::input(), -before, -behind)});
    before += part.rows;
  }
  std::size_t number = 0;
  for (const detail::keras_value& output : maker.run_model(outer, parts, {})) {
    maker.net().output("output" + (number == 0 ? std::string() : std::to_string(number)), output.value);
    ++number;
  }
  return maker.net().take();
}

DNALM_END_NAMESPACE
