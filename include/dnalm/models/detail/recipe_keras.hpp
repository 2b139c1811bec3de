// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief `keras`: a network as Keras itself describes it, the model_config of a saved model.
///
/// Functional models and sequences of layers are read; every layer class and every option that would change
/// the numbers is obeyed or an error that names it. Tensors are called as in the .h5 file:
/// `<layer>/<weight name>`.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/backend/activation.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/models/detail/config_reader.hpp>
#include <dnalm/models/detail/keras_nested.hpp>
#include <dnalm/models/detail/spline_basis.hpp>
#include <dnalm/models/layer_recipe.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// One layer of a model_config: typed access to its options, of which those that were not asked for must be
/// harmless.
class keras_layer {
 public:
  keras_layer(const io::json& entry, const std::string& where) : where_(where) {
    type_ = entry.value("class_name", std::string());
    options_ = entry.value("config", io::json::object());
    name_ = entry.value("name", options_.is_object() ? options_.value("name", std::string()) : std::string());
    if (entry.contains("inbound_nodes")) nodes_ = entry.at("inbound_nodes");
    if (!options_.is_object()) refuse("config", "an object", options_);
  }

  [[nodiscard]] const std::string& type() const { return type_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const io::json& nodes() const { return nodes_; }
  [[nodiscard]] const io::json* find(const std::string& key) const {
    const auto at = options_.find(key);
    return at == options_.end() || at->is_null() ? nullptr : &*at;
  }
  [[nodiscard]] bool flag(const std::string& key, bool otherwise) const {
    const io::json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean()) refuse(key, "true or false", *value);
    return value->get<bool>();
  }
  [[nodiscard]] double number(const std::string& key, double otherwise) const {
    const io::json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_number()) refuse(key, "a number", *value);
    return value->get<double>();
  }
  [[nodiscard]] std::string text(const std::string& key, const std::string& otherwise) const {
    const io::json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_string()) refuse(key, "a text", *value);
    return value->get<std::string>();
  }
  /// A whole number, or a list of one.
  [[nodiscard]] index_t size(const std::string& key, index_t otherwise) const {
    const io::json* value = find(key);
    if (value == nullptr) return otherwise;
    const io::json& one = value->is_array() && value->size() == 1 ? value->front() : *value;
    constexpr index_t most = index_t{1} << 24;
    const bool fits = one.is_number_integer() && one.get<double>() >= 0 && one.get<double>() <= double{most};
    if (!fits) refuse(key, "a whole number", *value);
    return one.get<index_t>();
  }
  /// Two whole numbers, or one for both.
  [[nodiscard]] std::pair<index_t, index_t> pair(const std::string& key) const {
    const io::json* value = find(key);
    if (value != nullptr && value->is_array() && value->size() == 2 && (*value)[0].is_number_unsigned() &&
        (*value)[1].is_number_unsigned() && (*value)[0].get<double>() < 1e6 &&
        (*value)[1].get<double>() < 1e6) {
      return {(*value)[0].get<index_t>(), (*value)[1].get<index_t>()};
    }
    const index_t both = size(key, 0);
    return {both, both};
  }
  void require_text(const std::string& key, const std::string& only) const {
    if (text(key, only) != only) refuse(key, "\"" + only + "\"", *find(key));
  }
  void require_size(const std::string& key, index_t only) const {
    if (size(key, only) != only) refuse(key, std::to_string(only), *find(key));
  }
  [[noreturn]] void refuse(const std::string& key, const std::string& expected, const io::json& found) const {
    throw error(error_kind::unsupported, 436, "a layer of the Keras model that is not built in",
                {.where = where_ + ", layer '" + name_ + "' (" + type_ + "), " + key,
                 .expected = expected,
                 .found = found.dump(-1, ' ', false, io::json::error_handler_t::replace).substr(0, 100)});
  }
  [[noreturn]] void refuse_class() const {
    throw error(error_kind::unsupported, 436, "a layer of the Keras model that is not built in",
                {.where = where_ + ", layer '" + name_ + "'",
                 .expected = "a layer class of docs/layer_graphs.md",
                 .found = type_});
  }

 private:
  std::string where_;
  std::string type_;
  std::string name_;
  io::json options_;
  io::json nodes_ = io::json::array();
};

/// Makes the graph of a model_config.
class keras_reader {
 public:
  keras_reader(const recipe_source& source, io::json model, std::string where)
      : tensors_(source.tensors),
        config_(source.config),
        model_(std::move(model)),
        where_(std::move(where)),
        graph_("Keras", {}, source.tensors) {}

  [[nodiscard]] layer_graph read() {
    const io::json& layers = list_of_layers();
    read_input(layers);
    const bool sequential = is_sequential();
    index_t last = graph_builder::input();
    for (const io::json& entry : layers) {
      const keras_layer layer(entry, where_);
      if (layer.type() == "InputLayer") continue;
      if (sequential) {
        last = add(layer, {last});
        values_[{layer.name(), 0}] = last;
      } else {
        add_nodes(layer);
      }
    }
    name_results(sequential, last);
    return graph_.take();
  }

 private:
  using tensor_key = std::pair<std::string, index_t>;

  [[noreturn]] void malformed(const std::string& expected) const {
    throw error(error_kind::format, 437, "the model_config of a Keras file is malformed",
                {.where = where_, .expected = expected});
  }
  [[nodiscard]] bool is_sequential() const { return model_.value("class_name", "") == "Sequential"; }
  [[nodiscard]] const io::json& list_of_layers() const {
    if (!model_.is_object() || !model_.contains("config")) malformed("class_name and config");
    const io::json& config = model_.at("config");
    const std::string type = model_.value("class_name", "");
    if (type != "Model" && type != "Functional" && type != "Sequential") {
      throw error(error_kind::unsupported, 436, "a layer of the Keras model that is not built in",
                  {.where = where_, .expected = "a Functional model or a Sequential one", .found = type});
    }
    const io::json& layers = config.is_object() && config.contains("layers") ? config.at("layers") : config;
    if (!layers.is_array() || layers.empty()) malformed("a list of layers");
    for (const io::json& entry : layers) {
      const bool whole = entry.is_object() && entry.contains("class_name") &&
                         entry.at("class_name").is_string() && entry.contains("config");
      if (!whole) malformed("layers with class_name and config");
    }
    return layers;
  }

  /// Inputs of a functional model in the order that the model takes them; several are one sequence cut into
  /// their lengths.
  void read_input(const io::json& layers) {
    std::vector<std::string> names;
    std::map<std::string, std::pair<index_t, index_t>> shapes;
    for (const io::json& entry : layers) {
      const keras_layer layer(entry, where_);
      const bool first = is_sequential() && shapes.empty();
      if (layer.type() != "InputLayer" && !first) continue;
      if (first && layer.find("batch_input_shape") == nullptr && layer.find("batch_shape") == nullptr) {
        layer.refuse("batch_input_shape", "the shape of the input", "none");
      }
      names.push_back(layer.name());
      shapes[layer.name()] = input_shape(layer);
    }
    if (!is_sequential()) names = names_of("input_layers");
    if (names.empty()) malformed("an input");
    lay_out_input(names, shapes);
  }
  [[nodiscard]] std::pair<index_t, index_t> input_shape(const keras_layer& layer) const {
    const io::json* shape = layer.find("batch_input_shape");
    if (shape == nullptr) shape = layer.find("batch_shape");
    const bool fits = shape != nullptr && shape->is_array() && shape->size() == 3 &&
                      ((*shape)[1].is_null() || (*shape)[1].is_number_unsigned()) &&
                      (*shape)[2].is_number_unsigned();
    if (!fits) layer.refuse("batch_input_shape", "[null, length, channels]", shape ? *shape : io::json());
    const index_t length = (*shape)[1].is_null() ? 0 : bounded(layer, (*shape)[1]);
    return {length, bounded(layer, (*shape)[2])};
  }
  [[nodiscard]] static index_t bounded(const keras_layer& layer, const io::json& number) {
    if (number.get<double>() > 1e9) layer.refuse("batch_input_shape", "at most 10^9", number);
    return number.get<index_t>();
  }
  void lay_out_input(const std::vector<std::string>& names,
                     const std::map<std::string, std::pair<index_t, index_t>>& shapes) {
    sequence_input input = read_policy(config_);
    index_t total = 0;
    for (const std::string& name : names) {
      const auto shape = shapes.find(name);
      if (shape == shapes.end()) malformed("inputs that are input layers");
      if (shape->second.second != 4) {
        throw error(error_kind::unsupported, 436, "a layer of the Keras model that is not built in",
                    {.where = where_ + ", input '" + name + "'",
                     .expected = "4 channels, one for each base",
                     .found = std::to_string(shape->second.second)});
      }
      if (names.size() > 1 && shape->second.first == 0) malformed("several inputs of fixed lengths");
      total = checked_add(total, shape->second.first);
    }
    input.length = total;
    if (total > 0 && input.before + input.after > 0) {
      config_.unsupported("before", "0: the network reads one length", "another");
    }
    graph_ = graph_builder("Keras", input, tensors_);
    index_t begin = 0;
    for (const std::string& name : names) {
      const index_t length = shapes.at(name).first;
      values_[{name, 0}] = names.size() == 1
                               ? graph_builder::input()
                               : graph_.place(graph_builder::input(), -begin, -(total - begin - length));
      begin += length;
    }
  }

 public:
  /// `letters`, `unknown`, `unknown_letter` (the letter that N is read as), `missing`, `shorter`, `before`,
  /// `after` of config.json.
  [[nodiscard]] static sequence_input read_policy(const config_reader& config) {
    sequence_input input;
    input.letters = config.text("letters", input.letters);
    std::string sorted = input.letters;
    std::sort(sorted.begin(), sorted.end());
    if (sorted != "ACGT") config.unsupported("letters", "A, C, G, T in the order of channels", input.letters);
    input.unknown = config.number("unknown", 0.0, 1.0, 0.0);
    const std::string letter = config.text("unknown_letter", "");
    if (!letter.empty()) {
      const bool fits = letter.size() == 1 && sorted.find(letter) != std::string::npos;
      if (!fits) config.unsupported("unknown_letter", "A, C, G or T", "\"" + letter + "\"");
      input.unknown_letter = letter[0];
    }
    input.missing = config.number("missing", 0.0, 1.0, 0.0);
    constexpr index_t most = index_t{1} << 24;
    input.before = config.size("before", 0, most, 0);
    input.after = config.size("after", 0, most, 0);
    const std::string shorter = config.text("shorter", "refused");
    for (const auto rule :
         {short_sequence::refused, short_sequence::centred, short_sequence::first, short_sequence::last}) {
      if (shorter == to_string(rule)) {
        input.shorter = rule;
        return input;
      }
    }
    config.unsupported("shorter", "refused, centred, first or last", shorter);
  }

 private:
  /// `[[layer, node, tensor], ...]`, or one of them alone.
  [[nodiscard]] std::vector<std::pair<std::string, index_t>> references(const io::json& list) const {
    std::vector<std::pair<std::string, index_t>> found;
    if (!list.is_array() || list.empty()) malformed("references [layer, node, tensor]");
    if (list.front().is_string()) return references(io::json::array({list}));
    for (const io::json& one : list) {
      const bool fits = one.is_array() && one.size() >= 3 && one[0].is_string() &&
                        one[1].is_number_unsigned() && one[1].get<double>() < 1e6 && one[2] == 0;
      if (!fits) malformed("references [layer, node, 0]");
      found.emplace_back(one[0].get<std::string>(), one[1].get<index_t>());
    }
    return found;
  }
  [[nodiscard]] std::vector<std::string> names_of(const std::string& key) const {
    const io::json& config = model_.at("config");
    if (!config.is_object() || !config.contains(key)) malformed(key);
    std::vector<std::string> names;
    for (const auto& [name, node] : references(config.at(key))) names.push_back(name);
    return names;
  }
  [[nodiscard]] index_t value_of(const keras_layer& layer, const tensor_key& key) const {
    const auto found = values_.find(key);
    if (found == values_.end()) layer.refuse("inbound_nodes", "layers that stand before", key.first);
    return found->second;
  }

  /// Every use of a layer is a node of its own with the same tensors.
  void add_nodes(const keras_layer& layer) {
    if (!layer.nodes().is_array() || layer.nodes().empty()) {
      layer.refuse("inbound_nodes", "at least one use", layer.nodes());
    }
    index_t use = 0;
    for (const io::json& node : layer.nodes()) {
      std::vector<index_t> inputs;
      if (node.is_object()) {
        collect_history(layer, node.value("args", io::json::array()), inputs);
        if (inputs.empty()) layer.refuse("inbound_nodes", "args with tensors", node);
      } else {
        for (const tensor_key& key : references(node)) inputs.push_back(value_of(layer, key));
      }
      values_[{layer.name(), use++}] = add(layer, inputs);
    }
  }
  /// Keras 3: tensors are objects with a `keras_history`.
  void collect_history(const keras_layer& layer, const io::json& arguments,
                       std::vector<index_t>& inputs) const {
    if (arguments.is_array()) {
      for (const io::json& one : arguments) collect_history(layer, one, inputs);
      return;
    }
    if (!arguments.is_object() || !arguments.contains("config")) return;
    const io::json history = arguments.at("config").value("keras_history", io::json());
    for (const tensor_key& key : references(history)) inputs.push_back(value_of(layer, key));
  }

  [[nodiscard]] index_t add(const keras_layer& layer, const std::vector<index_t>& inputs) {
    const std::string& type = layer.type();
    if (type == "Dropout" || type == "SpatialDropout1D" || type == "GaussianNoise") return inputs[0];
    if (type == "ActivityRegularization") return inputs[0];
    index_t value = make(layer, inputs);
    const std::string function = type == "Activation" ? "linear" : layer.text("activation", "linear");
    value = apply(layer, value, function);
    made_.push_back({layer.name(), value});
    return value;
  }
  [[nodiscard]] index_t make(const keras_layer& layer, const std::vector<index_t>& inputs) {
    const std::string& type = layer.type();
    const index_t x = inputs[0];
    if (type == "Conv1D" || type == "Convolution1D" || type == "ConvDNA") return convolution(layer, x);
    if (type == "Dense") return dense(layer, x);
    if (type == "BatchNormalization") return batch_norm(layer, x);
    if (type == "Activation") return apply(layer, x, layer.text("activation", "linear"));
    if (type == "ReLU") return rectified(layer, x);
    if (type == "Softmax") {
      layer.require_size("axis", -1);
      return graph_.softmax(x);
    }
    if (type == "Flatten") return graph_.flatten(x, false);
    if (type == "MaxPooling1D") return graph_.max_pool(x, window(layer));
    if (type == "AveragePooling1D") return graph_.average_pool(x, window(layer));
    if (type == "GlobalAveragePooling1D") return whole(layer, graph_.global_mean(x));
    if (type == "GlobalMaxPooling1D") return whole(layer, graph_.global_max(x));
    if (type == "GlobalAveragePooling1D_Mask0") return two(layer, layer_kind::masked_mean, inputs);
    if (type == "Add") return folded(layer, inputs, layer_kind::add);
    if (type == "Multiply") return folded(layer, inputs, layer_kind::multiply);
    if (type == "Concatenate") return joined(layer, inputs);
    if (type == "Cropping1D") {
      const auto [before, after] = layer.pair("cropping");
      return graph_.place(x, -before, -after);
    }
    if (type == "ZeroPadding1D") {
      const auto [before, after] = layer.pair("padding");
      return graph_.place(x, before, after);
    }
    if (type == "UpSampling1D") return graph_.upsample(x, layer.size("size", 2));
    if (type == "LogSumExp") return log_sum(layer, inputs);
    if (type == "SplineWeight1D") return spline_weight(layer, x);
    layer.refuse_class();
  }

  [[nodiscard]] index_t apply(const keras_layer& layer, index_t x, const std::string& name) {
    if (name == "linear") return x;
    if (name == "softmax") return graph_.softmax(x);
    const std::pair<const char*, activation> known[] = {
        {"relu", activation::relu},      {"sigmoid", activation::sigmoid},
        {"tanh", activation::tanh},      {"exponential", activation::exponential},
        {"silu", activation::silu},      {"swish", activation::silu},
        {"gelu", activation::gelu_erf},  {"softplus", activation::softplus},
        {"exp", activation::exponential}};
    for (const auto& [word, function] : known) {
      if (name == word) return graph_.function(x, function);
    }
    layer.refuse("activation", "linear, relu, sigmoid, tanh, exponential, silu, gelu, softplus or softmax",
                 name);
  }
  [[nodiscard]] index_t rectified(const keras_layer& layer, index_t x) {
    if (layer.find("max_value") != nullptr) layer.refuse("max_value", "none", *layer.find("max_value"));
    for (const char* key : {"negative_slope", "threshold"}) {
      if (layer.number(key, 0.0) != 0.0) layer.refuse(key, "0", layer.number(key, 0.0));
    }
    return graph_.relu(x);
  }

  /// The tensor `<layer>/.../<weight>:0`.
  [[nodiscard]] std::string tensor_name(const keras_layer& layer, const std::string& weight) {
    if (names_.empty()) names_ = tensors_.names();
    std::string found;
    for (const std::string& name : names_) {
      if (!name.starts_with(layer.name() + "/")) continue;
      const std::string_view rest = std::string_view(name).substr(name.rfind('/') + 1);
      if (rest != weight && rest != weight + ":0") continue;
      if (!found.empty()) layer.refuse(weight, "one tensor of that name", found + " and " + name);
      found = name;
    }
    if (!found.empty()) return found;
    throw error(error_kind::config, 410, "tensors that the configuration needs are missing",
                {.where = where_, .expected = layer.name() + "/" + weight});
  }
  void give(const keras_layer& layer, layer_node& node, layer_tensor part, const std::string& weight) {
    const std::string name = tensor_name(layer, weight);
    node.tensors.push_back({part, name, tensors_.shape(name)});
  }
  [[nodiscard]] static layer_node node_of(const keras_layer& layer, layer_kind kind,
                                          std::vector<index_t> inputs) {
    layer_node node;
    node.kind = kind;
    node.name = layer.name();
    node.inputs = std::move(inputs);
    return node;
  }

  [[nodiscard]] index_t convolution(const keras_layer& layer, index_t x) {
    layer.require_text("data_format", "channels_last");
    layer_node node = node_of(layer, layer_kind::convolution, {x});
    node.layout = weight_layout::taps_in_out;
    give(layer, node, layer_tensor::weight, "kernel");
    const std::string& kernel = node.tensors[0].name;
    node.taps = tensors_.extent(kernel, 0);
    node.outputs = tensors_.extent(kernel, 2);
    node.groups = layer.size("groups", 1);
    node.dilation = layer.size("dilation_rate", 1);
    node.stride = layer.size("strides", 1);
    layer.require_size("kernel_size", node.taps);
    layer.require_size("filters", node.outputs);
    pad(layer, node);
    if (layer.flag("use_bias", true)) give(layer, node, layer_tensor::bias, "bias");
    return graph_.append(std::move(node));
  }
  static void pad(const keras_layer& layer, layer_node& node) {
    const std::string padding = layer.text("padding", "valid");
    const index_t spread = (node.taps - 1) * node.dilation;
    if (padding == "valid") return;
    if (padding == "causal") {
      node.before = spread;
      return;
    }
    if (padding != "same") layer.refuse("padding", "valid, same or causal", padding);
    if (node.stride != 1) layer.refuse("strides", "1 with padding same", node.stride);
    node.before = spread / 2;
    node.after = spread - spread / 2;
  }
  [[nodiscard]] index_t dense(const keras_layer& layer, index_t x) {
    layer_node node = node_of(layer, layer_kind::dense, {x});
    node.layout = weight_layout::taps_in_out;
    give(layer, node, layer_tensor::weight, "kernel");
    node.outputs = tensors_.extent(node.tensors[0].name, 1);
    layer.require_size("units", node.outputs);
    if (layer.flag("use_bias", true)) give(layer, node, layer_tensor::bias, "bias");
    return graph_.append(std::move(node));
  }
  [[nodiscard]] index_t batch_norm(const keras_layer& layer, index_t x) {
    const io::json* axis = layer.find("axis");
    const bool second = axis != nullptr && (*axis == 1 || *axis == io::json::array({1}));
    const bool last = axis == nullptr || *axis == -1 || *axis == 2 || *axis == io::json::array({2}) ||
                      *axis == io::json::array({-1}) || (second && graph_.is_single(x));
    if (!last) layer.refuse("axis", "-1", *axis);
    layer_node node = node_of(layer, layer_kind::batch_norm, {x});
    node.eps = layer.number("epsilon", 1e-3);
    if (layer.flag("scale", true)) give(layer, node, layer_tensor::gamma, "gamma");
    if (layer.flag("center", true)) give(layer, node, layer_tensor::beta, "beta");
    give(layer, node, layer_tensor::mean, "moving_mean");
    give(layer, node, layer_tensor::variance, "moving_variance");
    return graph_.append(std::move(node));
  }
  [[nodiscard]] static row_window window(const keras_layer& layer) {
    layer.require_text("data_format", "channels_last");
    row_window window;
    window.size = layer.size("pool_size", 2);
    window.stride = layer.size("strides", window.size);
    const std::string padding = layer.text("padding", "valid");
    if (padding != "valid" && padding != "same") layer.refuse("padding", "valid or same", padding);
    window.same = padding == "same";
    return window;
  }
  [[nodiscard]] static index_t whole(const keras_layer& layer, index_t value) {
    layer.require_text("data_format", "channels_last");
    return value;
  }
  [[nodiscard]] index_t two(const keras_layer& layer, layer_kind kind, const std::vector<index_t>& inputs) {
    if (inputs.size() != 2) layer.refuse("inbound_nodes", "two values", inputs.size());
    return graph_.append(node_of(layer, kind, inputs));
  }
  /// log(exp(a) + exp(b)) = b + softplus(a - b).
  [[nodiscard]] index_t log_sum(const keras_layer& layer, const std::vector<index_t>& inputs) {
    if (inputs.size() != 2) layer.refuse("inbound_nodes", "two values", inputs.size());
    const index_t difference = graph_.add(inputs[0], graph_.scale(inputs[1], -1.0));
    return graph_.add(inputs[1], graph_.function(difference, activation::softplus));
  }
  [[nodiscard]] index_t folded(const keras_layer& layer, const std::vector<index_t>& inputs,
                               layer_kind kind) {
    if (inputs.size() < 2) layer.refuse("inbound_nodes", "two values or more", inputs.size());
    index_t value = inputs[0];
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      value = graph_.append(node_of(layer, kind, {value, inputs[i]}));
    }
    return value;
  }
  [[nodiscard]] index_t joined(const keras_layer& layer, const std::vector<index_t>& inputs) {
    const io::json* axis = layer.find("axis");
    if (axis == nullptr || *axis == -1 || *axis == 2) return graph_.join_channels(inputs);
    if (*axis == 1 && graph_.is_single(inputs[0])) return graph_.join_channels(inputs);
    if (*axis == -2 || *axis == 1) return graph_.join_positions(inputs);
    layer.refuse("axis", "-1 (channels) or -2 (positions)", *axis);
  }
  /// x (1 + basis weight): MTSplice's weights of positions.
  [[nodiscard]] index_t spline_weight(const keras_layer& layer, index_t x) {
    if (layer.flag("share_splines", false)) layer.refuse("share_splines", "false", true);
    layer_node node = node_of(layer, layer_kind::weigh_positions, {x});
    give(layer, node, layer_tensor::weight, "kernel");
    if (layer.flag("use_bias", false)) give(layer, node, layer_tensor::bias, "bias");
    node.constant_columns = layer.size("n_bases", 10);
    if (node.constant_columns < 4) layer.refuse("n_bases", "at least 4", node.constant_columns);
    layer.require_size("spline_degree", 3);
    const index_t rows = graph_.fixed_rows(x);
    if (rows < 2) layer.refuse("input", "a fixed length of at least 2", rows);
    node.constant = smooth_basis(rows, node.constant_columns);
    return graph_.append(std::move(node));
  }

  /// Layers are all values but the outputs and those that a batch norm, a function or a sum behind takes up,
  /// which would else have to be made for themselves.
  void name_results(bool sequential, index_t last) {
    std::vector<graph_result> outputs;
    if (sequential) {
      outputs.push_back({made_.back().name, last});
    } else {
      for (const auto& key : references(model_.at("config").value("output_layers", io::json()))) {
        const auto found = values_.find(key);
        if (found == values_.end()) malformed("output_layers that are layers");
        outputs.push_back({key.first, found->second});
      }
    }
    for (const graph_result& layer : made_) {
      const auto is = [&](const graph_result& output) { return output.value == layer.value; };
      const bool output = std::any_of(outputs.begin(), outputs.end(), is);
      if (!output && !graph_.is_taken_up(layer.value)) graph_.layer(layer.name, layer.value);
    }
    for (const graph_result& output : outputs) graph_.output(output.name, output.value);
  }

  const tensor_table& tensors_;
  const config_reader& config_;
  io::json model_;
  std::string where_;
  graph_builder graph_;
  std::map<tensor_key, index_t> values_;  // by layer and use
  std::vector<graph_result> made_;        // by all layers in their order
  std::vector<std::string> names_;
};

/// The description stands in the file of weights (`model_config` of .h5; safetensors as dnalm-convert writes
/// it) or, for weights alone, in the file that `keras_model` of config.json names (`model.to_json()`).
/// config.json says `"model_type": "keras"` and the input policy: `letters`, `unknown`, `unknown_letter`,
/// `missing`, `shorter`, `before`, `after`.
[[nodiscard]] inline layer_graph make_keras(const recipe_source& source) {
  std::string where = source.tensors.where() + ", model_config";
  io::json model;
  if (const std::string file = source.config.text("keras_model", ""); !file.empty()) {
    const std::filesystem::path weights(source.tensors.where());
    const std::filesystem::path path = member_files(weights.parent_path(), {file}).front();
    model = io::read_json_file(path);
    where = path.string();
  } else if (!source.model_config.empty()) {
    model = io::parse_json(source.model_config, where);
  } else {
    throw error(
        error_kind::config, 438, "the file of weights has no model_config of Keras",
        {.where = source.tensors.where(),
         .expected = "a model that was saved whole (model.save), converted by dnalm-convert, or keras_model "
                     "in config.json"});
  }
  if (model.is_object() && model.contains("config")) keras_flattener(where).flatten(model["config"]);
  return keras_reader(source, std::move(model), where).read();
}

}  // namespace detail
DNALM_END_NAMESPACE
