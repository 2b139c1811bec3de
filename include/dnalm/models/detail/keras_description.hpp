// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Typed access to what Keras writes of a model; everything in it is hostile until checked.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/backend/activation.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/json.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A description is damaged.
[[noreturn]] inline void refuse_keras(const std::string& where, const std::string& expected) {
  throw error(error_kind::config, 448, "a description of a Keras model that cannot be read",
              {.where = where, .expected = expected});
}

/// One layer: its class, its name, its settings. A layer that is a model has layers of its own.
class keras_layer {
 public:
  explicit keras_layer(const io::json& layer) : layer_(layer) {
    if (!layer.is_object() || !layer.contains("config")) {
      refuse_keras("a Keras model", "layers with a config");
    }
    kind_ = text_of(layer, "class_name");
    // The first versions of Keras 2 wrote the layers of a sequence in place of its settings.
    const bool bare = kind_ == "Sequential" && layer["config"].is_array();
    if (!bare && !layer["config"].is_object()) refuse_keras("a Keras model", "layers with a config");
    name_ =
        bare && !layer.contains("name") ? kind_ : text_of(layer.contains("name") ? layer : config(), "name");
  }
  [[nodiscard]] const std::string& kind() const { return kind_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const io::json& config() const { return layer_["config"]; }
  [[nodiscard]] bool is_model() const {
    return kind_ == "Functional" || kind_ == "Model" || kind_ == "Sequential";
  }
  /// Those of a model. \throws 448
  [[nodiscard]] const io::json& layers() const {
    const io::json& list = config().is_array() ? config() : member("layers");
    constexpr std::size_t most = 4096;
    if (!list.is_array() || list.empty() || list.size() > most) {
      refuse_keras(where(), "layers, at most " + std::to_string(most));
    }
    return list;
  }
  /// \throws 448
  [[nodiscard]] const io::json& member(const char* key) const {
    if (!config().is_object() || !config().contains(key)) refuse_keras(where(), key);
    return config()[key];
  }
  [[nodiscard]] const io::json& json() const { return layer_; }
  [[nodiscard]] std::string where() const { return kind_ + " '" + name_ + "'"; }

  [[noreturn]] void unsupported(const std::string& what) const {
    throw error(error_kind::unsupported, 447,
                "a layer of a Keras model, or a setting of one, that is not built in",
                {.where = where(), .found = what});
  }
  [[nodiscard]] bool has(const char* key) const {
    return config().is_object() && config().contains(key) && !config()[key].is_null();
  }
  /// A whole number, or the only one of a list. \throws 448
  [[nodiscard]] index_t size(const char* key, index_t otherwise, index_t least = 0) const {
    if (!has(key)) return otherwise;
    const io::json& value = config()[key];
    const io::json& one = value.is_array() && value.size() == 1 ? value[0] : value;
    constexpr index_t most = index_t{1} << 31;
    if (!one.is_number_integer() || one.get<double>() < static_cast<double>(least) ||
        one.get<double>() > static_cast<double>(most)) {
      refuse_keras(where() + ", key \"" + key + "\"", "a whole number from " + std::to_string(least) + " on");
    }
    return one.get<index_t>();
  }
  /// A pair, or a number twice.
  [[nodiscard]] std::pair<index_t, index_t> sizes(const char* key, index_t otherwise) const {
    if (!has(key) || !config()[key].is_array() || config()[key].size() != 2) {
      const index_t both = size(key, otherwise);
      return {both, both};
    }
    const io::json& value = config()[key];
    constexpr double most = 1e9;
    const bool fit = value[0].is_number_unsigned() && value[1].is_number_unsigned() &&
                     value[0].get<double>() <= most && value[1].get<double>() <= most;
    if (!fit) refuse_keras(where() + ", key \"" + key + "\"", "two whole numbers");
    return {value[0].get<index_t>(), value[1].get<index_t>()};
  }
  [[nodiscard]] std::string text(const char* key, const std::string& otherwise) const {
    if (!has(key)) return otherwise;
    if (!config()[key].is_string()) unsupported(std::string(key) + " that is no name");
    return config()[key].get<std::string>();
  }
  [[nodiscard]] bool flag(const char* key, bool otherwise) const {
    if (!has(key)) return otherwise;
    if (!config()[key].is_boolean()) refuse_keras(where() + ", key \"" + key + "\"", "true or false");
    return config()[key].get<bool>();
  }
  [[nodiscard]] double number(const char* key, double otherwise) const {
    if (!has(key)) return otherwise;
    if (!config()[key].is_number()) refuse_keras(where() + ", key \"" + key + "\"", "a number");
    return config()[key].get<double>();
  }
  /// `axis`; negative: counted from the end.
  [[nodiscard]] index_t axis() const { return size("axis", -1, -2); }
  /// A size that a tensor has, too. \throws 412
  void require_size(const char* key, index_t only) const {
    if (size(key, only) == only) return;
    throw error(error_kind::shape, 412, "a tensor has another shape than the network says",
                {.where = where() + ", key \"" + key + "\"",
                 .expected = std::to_string(size(key, only)),
                 .found = std::to_string(only)});
  }
  void require(const char* key, const std::string& only) const {
    const std::string found = text(key, only);
    if (found != only) unsupported(std::string(key) + " \"" + found + "\"");
  }

 private:
  [[nodiscard]] static std::string text_of(const io::json& object, const char* key) {
    if (!object.contains(key) || !object[key].is_string()) refuse_keras("a Keras model", "layers with names");
    return object[key].get<std::string>();
  }

  const io::json& layer_;
  std::string kind_;
  std::string name_;
};

/// Keras' elementwise functions; `softmax` is none of them.
[[nodiscard]] inline activation keras_activation(const keras_layer& layer, const std::string& name) {
  const std::pair<const char*, activation> known[] = {
      {"linear", activation::none},       {"relu", activation::relu},
      {"sigmoid", activation::sigmoid},   {"tanh", activation::tanh},
      {"silu", activation::silu},         {"swish", activation::silu},
      {"softplus", activation::softplus}, {"exponential", activation::exponential},
      {"gelu", activation::gelu_erf},     {"exp", activation::exponential},
  };
  for (const auto& [text, function] : known) {
    if (name == text) return function;
  }
  layer.unsupported("activation \"" + name + "\"");
}

}  // namespace detail
DNALM_END_NAMESPACE
