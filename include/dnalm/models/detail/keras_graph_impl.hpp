// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/keras_graph.hpp.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/models/detail/keras_description.hpp>
#include <dnalm/models/detail/keras_inputs.hpp>
#include <dnalm/models/detail/keras_references.hpp>
#include <dnalm/models/detail/spline_basis.hpp>
#include <dnalm/models/keras_graph.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A value of the graph, and whether it is a vector (Keras' rank 2) or positions x channels.
struct keras_value {
  index_t value = 0;
  bool vector = false;
};

/// An output, called as the layer that makes it.
struct keras_result {
  std::string name = {};
  keras_value value = {};
};

/// Puts the layers of a Keras model, and of models inside it, into a graph.
class keras_graph_maker {
 public:
  keras_graph_maker(const tensor_table& tensors, const std::string& architecture, const sequence_input& input)
      : tensors_(tensors), names_(tensors.names()), net_(architecture, input, tensors) {}

  /// The outputs of a model; `inputs` are its inputs' values, `group` is what its tensors' names begin with
  /// (empty: each layer's own name).
  std::vector<keras_result> run_model(const keras_layer& model, const std::vector<keras_value>& inputs,
                                      const std::string& group);
  /// Layers are all values but the outputs and those that an operation behind takes up, which would else have
  /// to be made for themselves.
  void name_results(const std::vector<keras_result>& outputs);
  [[nodiscard]] graph_builder& net() { return net_; }

 private:
  using values = std::map<keras_reference, keras_value>;

  std::vector<keras_result> run_functional(const keras_layer& model, const std::vector<keras_value>& inputs,
                                           const std::string& group);
  [[nodiscard]] static std::vector<keras_result> outputs_of(const keras_layer& model, const values& made);
  std::vector<keras_value> run_sequence(const io::json& layers, std::vector<keras_value> x,
                                        const std::string& group);
  /// Makes the calls of a layer whose inputs are there; says whether all are made.
  bool run_calls(const keras_layer& layer, const std::string& group, values& made);
  [[nodiscard]] static bool inputs_of(const keras_layer& layer, const io::json& call, const values& made,
                                      std::vector<keras_value>& x);
  std::vector<keras_value> run_layer(const keras_layer& layer, const std::vector<keras_value>& x,
                                     const std::string& group);
  keras_value run_one(const keras_layer& layer, keras_value x, const std::string& group);
  keras_value run_many(const keras_layer& layer, const std::vector<keras_value>& x);
  keras_value concatenate(const keras_layer& layer, layer_node made, bool vector);

  keras_value convolution(const keras_layer& layer, keras_value x, const std::string& group);
  keras_value dense(const keras_layer& layer, keras_value x, const std::string& group);
  keras_value batch_norm(const keras_layer& layer, keras_value x, const std::string& group);
  keras_value apply(const keras_layer& layer, keras_value x, const std::string& name);
  keras_value pool(const keras_layer& layer, keras_value x, bool largest);
  keras_value global(const keras_layer& layer, keras_value x, bool largest);
  keras_value rectified(const keras_layer& layer, keras_value x);
  keras_value spline_weight(const keras_layer& layer, keras_value x, const std::string& group);
  keras_value log_sum(const keras_layer& layer, keras_value x);
  [[nodiscard]] layer_node node(const keras_layer& layer, layer_kind kind, index_t x) const {
    layer_node made;
    made.kind = kind;
    made.name = layer.name();
    made.inputs = {x};
    made.layout = weight_layout::taps_in_out;
    return made;
  }
  /// The tensor `<group or layer>/<layer>/<name>:0`, else the only one `<layer>/.../<name>`.
  [[nodiscard]] std::string tensor_name(const keras_layer& layer, const std::string& group,
                                        const std::string& name) const;
  /// Adds a tensor of a layer, of `axes` axes.
  void read(layer_node& node, layer_tensor part, const keras_layer& layer, const std::string& group,
            const char* name, std::size_t axes) const;
  /// Appends an operation; what is joined is noted.
  keras_value append(layer_node made, bool vector) {
    std::vector<index_t> joined;
    if (made.kind == layer_kind::join_channels) joined = made.inputs;
    const index_t value = net_.append(std::move(made));
    if (!joined.empty()) joined_[value] = std::move(joined);
    return {value, vector};
  }
  /// Notes what a layer has made.
  void note(const keras_layer& layer, const std::string& group, const std::vector<keras_value>& x,
            const std::vector<keras_value>& y);

  const tensor_table& tensors_;
  std::vector<std::string> names_;  // of all tensors, sorted
  graph_builder net_;
  std::map<index_t, std::vector<index_t>> joined_;  // what was joined to a value
  std::map<index_t, std::string> made_;             // the first layer that made a value
  index_t calls_ = 0;
  index_t constants_ = 0;  // numbers of all constants
  int depth_ = 0;
};

inline void keras_graph_maker::note(const keras_layer& layer, const std::string& group,
                                    const std::vector<keras_value>& x, const std::vector<keras_value>& y) {
  if (layer.is_model() || layer.kind() == "InputLayer") return;
  for (const keras_value& value : y) {
    const bool passed =
        std::any_of(x.begin(), x.end(), [&](const keras_value& given) { return given.value == value.value; });
    if (passed || value.value == graph_builder::input()) continue;
    made_.try_emplace(value.value, group.empty() ? layer.name() : group + "/" + layer.name());
  }
}

inline void keras_graph_maker::name_results(const std::vector<keras_result>& outputs) {
  for (const auto& [value, name] : made_) {
    const bool output = std::any_of(outputs.begin(), outputs.end(),
                                    [&, of = value](const keras_result& o) { return o.value.value == of; });
    if (!output && !net_.is_taken_up(value)) net_.layer(name, value);
  }
  for (const keras_result& output : outputs) net_.output(output.name, output.value.value);
}

inline std::string keras_graph_maker::tensor_name(const keras_layer& layer, const std::string& group,
                                                  const std::string& name) const {
  const std::string first = group.empty() ? layer.name() : group;
  const std::string path = first + "/" + layer.name() + "/" + name;
  for (const std::string& known : {path + ":0", path}) {
    if (tensors_.contains(known)) return known;
  }
  std::string found;
  const std::string begin = first + "/";
  for (auto at = std::lower_bound(names_.begin(), names_.end(), begin); at != names_.end(); ++at) {
    if (!at->starts_with(begin)) break;
    const bool of_layer = group.empty() || at->find("/" + layer.name() + "/") != std::string::npos;
    const bool fits = at->ends_with("/" + name + ":0") || at->ends_with("/" + name);
    if (!fits || !of_layer) continue;
    if (!found.empty()) layer.unsupported("two tensors, " + found + " and " + *at);
    found = *at;
  }
  return found.empty() ? path + ":0" : found;
}

inline void keras_graph_maker::read(layer_node& node, layer_tensor part, const keras_layer& layer,
                                    const std::string& group, const char* name, std::size_t axes) const {
  const std::string found = tensor_name(layer, group, name);
  const std::vector<index_t>& shape = tensors_.shape(found);
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  if (shape.size() != axes || empty) {
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
  made.groups = layer.size("groups", 1);
  layer.require_size("kernel_size", made.taps);
  layer.require_size("filters", made.outputs);
  const std::string padding = layer.text("padding", "valid");
  const index_t spread = checked_mul(made.taps - 1, made.dilation);
  if (padding == "same" && made.stride == 1) {
    made.before = spread / 2;
    made.after = spread - spread / 2;
  } else if (padding == "same") {
    layer_node filled = node(layer, layer_kind::place, x.value);
    filled.window = {.size = checked_add(spread, 1), .stride = made.stride, .same = true};
    made.inputs = {net_.append(std::move(filled))};
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
  layer.require_size("units", made.outputs);
  return apply(layer, append(std::move(made), x.vector), layer.text("activation", "linear"));
}

inline keras_value keras_graph_maker::batch_norm(const keras_layer& layer, keras_value x,
                                                 const std::string& group) {
  const index_t axis = layer.axis();
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
  return append(std::move(made), false);
}

inline keras_value keras_graph_maker::global(const keras_layer& layer, keras_value x, bool largest) {
  layer.require("data_format", "channels_last");
  if (layer.flag("keepdims", false)) layer.unsupported("keepdims");
  const layer_kind kind = largest ? layer_kind::global_max : layer_kind::global_mean;
  return append(node(layer, kind, x.value), true);
}

inline keras_value keras_graph_maker::rectified(const keras_layer& layer, keras_value x) {
  if (layer.has("max_value")) layer.unsupported("max_value");
  for (const char* key : {"negative_slope", "threshold"}) {
    if (layer.number(key, 0.0) != 0.0) layer.unsupported(key);
  }
  return apply(layer, x, "relu");
}

/// x (1 + basis weight): MTSplice's weights of positions.
inline keras_value keras_graph_maker::spline_weight(const keras_layer& layer, keras_value x,
                                                    const std::string& group) {
  if (layer.flag("share_splines", false)) layer.unsupported("share_splines");
  if (layer.size("spline_degree", 3) != 3) layer.unsupported("a spline_degree other than 3");
  layer_node made = node(layer, layer_kind::weigh_positions, x.value);
  read(made, layer_tensor::weight, layer, group, "kernel", 2);
  if (layer.flag("use_bias", false)) read(made, layer_tensor::bias, layer, group, "bias", 1);
  made.constant_columns = made.tensors[0].shape[0];
  if (layer.has("n_bases")) layer.require_size("n_bases", made.constant_columns);
  if (made.constant_columns < 4) layer.unsupported("fewer than 4 bases");
  const index_t rows = net_.fixed_rows(x.value);
  const index_t left = (index_t{1} << 22) - constants_;
  if (rows < 2 || rows > left / made.constant_columns) {
    layer.unsupported("an input of " + (rows == 0 ? "any length" : std::to_string(rows) + " positions"));
  }
  constants_ += rows * made.constant_columns;
  made.constant = smooth_basis(rows, made.constant_columns);
  return append(std::move(made), x.vector);
}

/// log(exp(a) + exp(b)) = b + softplus(a - b) of two joined numbers.
inline keras_value keras_graph_maker::log_sum(const keras_layer& layer, keras_value x) {
  const auto joined = joined_.find(x.value);
  const bool two = joined != joined_.end() && joined->second.size() == 2 && x.vector;
  if (layer.name() != "logcount_predictions" || !two) layer.unsupported("a function of one's own");
  const index_t a = joined->second[0];
  const index_t b = joined->second[1];
  if (net_.channels(a) != 1 || net_.channels(b) != 1) layer.unsupported("a sum of more than two numbers");
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
  if (kind == "Conv1D" || kind == "Convolution1D" || kind == "ConvDNA") return convolution(layer, x, group);
  if (kind == "Dense") return dense(layer, x, group);
  if (kind == "BatchNormalization") return batch_norm(layer, x, group);
  if (kind == "Activation") return apply(layer, x, layer.text("activation", "linear"));
  if (kind == "Softmax") {
    const index_t axis = layer.axis();
    if (axis != -1 && axis != (x.vector ? 1 : 2)) layer.unsupported("an axis other than the last");
    return apply(layer, x, "softmax");
  }
  if (kind == "ReLU") return rectified(layer, x);
  if (kind == "MaxPooling1D") return pool(layer, x, true);
  if (kind == "AveragePooling1D") return pool(layer, x, false);
  if (kind == "GlobalMaxPooling1D") return global(layer, x, true);
  if (kind == "GlobalAveragePooling1D") return global(layer, x, false);
  if (kind == "Flatten") {
    layer.require("data_format", "channels_last");
    return {x.vector ? x.value : net_.flatten(x.value, false), true};
  }
  if (kind == "Cropping1D") {
    const auto [before, after] = layer.sizes("cropping", 1);
    return {net_.place(x.value, -before, -after), false};
  }
  if (kind == "ZeroPadding1D") {
    const auto [before, after] = layer.sizes("padding", 1);
    return {net_.place(x.value, before, after), false};
  }
  if (kind == "UpSampling1D") return {net_.upsample(x.value, layer.size("size", 2)), false};
  if (kind == "SplineWeight1D") return spline_weight(layer, x, group);
  if (kind == "Lambda") return log_sum(layer, x);
  layer.unsupported("the class");
}

inline keras_value keras_graph_maker::concatenate(const keras_layer& layer, layer_node made, bool vector) {
  const index_t axis = layer.axis();
  const bool channels = axis == -1 || axis == (vector ? 1 : 2);
  if (!channels && ((axis != 1 && axis != -2) || vector)) layer.unsupported("this axis");
  made.kind = channels ? layer_kind::join_channels : layer_kind::join_positions;
  return append(std::move(made), vector);
}

inline keras_value keras_graph_maker::run_many(const keras_layer& layer, const std::vector<keras_value>& x) {
  const std::string& kind = layer.kind();
  const bool vector = x[0].vector;
  layer_node made = node(layer, layer_kind::masked_mean, 0);
  made.inputs.clear();
  for (const keras_value& value : x) {
    if (value.vector != vector) layer.unsupported("inputs of different ranks");
    made.inputs.push_back(value.value);
  }
  if (kind == "GlobalAveragePooling1D_Mask0" && x.size() == 2) return append(std::move(made), true);
  if (kind == "Concatenate") return concatenate(layer, std::move(made), vector);
  if (kind != "Add" && kind != "Multiply") layer.unsupported("the class, of several inputs");
  index_t sum = x[0].value;
  for (std::size_t i = 1; i < x.size(); ++i) {
    sum = kind == "Add" ? net_.add(sum, x[i].value) : net_.multiply(sum, x[i].value);
  }
  return {sum, vector};
}

inline std::vector<keras_value> keras_graph_maker::run_layer(const keras_layer& layer,
                                                             const std::vector<keras_value>& x,
                                                             const std::string& group) {
  if (x.empty()) refuse_keras(layer.where(), "inputs");
  constexpr index_t most = 8192;
  if (++calls_ > most) refuse_keras(layer.where(), "at most " + std::to_string(most) + " calls of layers");
  const std::string& kind = layer.kind();
  std::vector<keras_value> y;
  if (layer.is_model()) {
    for (const keras_result& output : run_model(layer, x, group.empty() ? layer.name() : group)) {
      y.push_back(output.value);
    }
  } else if (x.size() > 1 || kind == "Concatenate" || kind == "Add" || kind == "Multiply") {
    y = {run_many(layer, x)};
  } else {
    y = {run_one(layer, x[0], group)};
  }
  note(layer, group, x, y);
  return y;
}

inline bool keras_graph_maker::inputs_of(const keras_layer& layer, const io::json& call, const values& made,
                                         std::vector<keras_value>& x) {
  x.clear();
  for (const keras_reference& reference : keras_call(layer, call)) {
    const auto found = made.find(reference);
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
  index_t call = -1;
  for (const io::json& inputs : json["inbound_nodes"]) {
    // A model inside a model counts its own making as its first call; not so the sequences of Keras 3.
    const bool counted = layer.is_model() && !(layer.kind() == "Sequential" && inputs.is_object());
    if (call < 0) call = counted ? 1 : 0;
    if (made.count({layer.name(), call, 0}) == 0) {
      std::vector<keras_value> x;
      if (!inputs_of(layer, inputs, made, x)) return false;
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

inline std::vector<keras_result> keras_graph_maker::outputs_of(const keras_layer& model, const values& made) {
  std::vector<keras_result> outputs;
  for (const keras_reference& reference : keras_references(model, "output_layers")) {
    const auto found = made.find(reference);
    if (found == made.end()) refuse_keras(model.where(), "outputs that a layer makes");
    const std::string number = reference.tensor == 0 ? "" : ":" + std::to_string(reference.tensor);
    outputs.push_back({reference.layer + number, found->second});
  }
  return outputs;
}

/// Layers may stand in any order.
inline std::vector<keras_result> keras_graph_maker::run_functional(const keras_layer& model,
                                                                   const std::vector<keras_value>& inputs,
                                                                   const std::string& group) {
  values made;
  const std::vector<keras_reference> names = keras_references(model, "input_layers");
  if (names.size() != inputs.size()) refuse_keras(model.where(), std::to_string(inputs.size()) + " inputs");
  for (std::size_t i = 0; i < names.size(); ++i) made[names[i]] = inputs[i];
  std::vector<keras_layer> waiting;
  for (const io::json& layer : model.layers()) waiting.emplace_back(layer);
  while (!waiting.empty()) {
    std::vector<keras_layer> later;
    for (const keras_layer& layer : waiting) {
      if (layer.kind() != "InputLayer" && !run_calls(layer, group, made)) later.push_back(layer);
    }
    if (later.size() == waiting.size()) {
      refuse_keras(later[0].where(), "layers whose inputs are made by others");
    }
    waiting.clear();
    for (const keras_layer& layer : later) waiting.push_back(layer);
  }
  return outputs_of(model, made);
}

inline std::vector<keras_result> keras_graph_maker::run_model(const keras_layer& model,
                                                              const std::vector<keras_value>& inputs,
                                                              const std::string& group) {
  if (++depth_ > 8) refuse_keras(model.where(), "at most 8 models inside each other");
  std::vector<keras_result> outputs;
  if (model.kind() == "Sequential") {
    const std::string last = keras_layer(model.layers().back()).name();
    for (const keras_value& value : run_sequence(model.layers(), inputs, group)) {
      outputs.push_back({last, value});
    }
  } else {
    outputs = run_functional(model, inputs, group);
  }
  --depth_;
  return outputs;
}

}  // namespace detail

DNALM_INLINE layer_graph keras_graph(const io::json& model, const tensor_table& tensors,
                                     const std::string& architecture, const sequence_input& input) {
  io::json named = model;
  if (named.is_object() && !named.contains("name")) named["name"] = architecture;
  const detail::keras_layer outer(named);
  if (!outer.is_model()) outer.unsupported("a model of a class of one's own");
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
  maker.name_results(maker.run_model(outer, parts, {}));
  return maker.net().take();
}

DNALM_END_NAMESPACE
