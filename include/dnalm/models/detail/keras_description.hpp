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

/// One layer: its class, its name, its settings.
class keras_layer {
 public:
  explicit keras_layer(const io::json& layer) : layer_(layer) {
    if (!layer.is_object() || !layer.contains("config") || !layer["config"].is_object()) {
      refuse_keras("a Keras model", "layers with a config");
    }
    kind_ = text_of(layer, "class_name");
    const io::json& own = layer.contains("name") ? layer : config();
    name_ = text_of(own, "name");
  }
  [[nodiscard]] const std::string& kind() const { return kind_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const io::json& config() const { return layer_["config"]; }
  [[nodiscard]] const io::json& json() const { return layer_; }
  [[nodiscard]] std::string where() const { return kind_ + " '" + name_ + "'"; }

  [[noreturn]] void unsupported(const std::string& what) const {
    throw error(error_kind::unsupported, 447,
                "a layer of a Keras model, or a setting of one, that is not built in",
                {.where = where(), .found = what});
  }
  [[nodiscard]] bool has(const char* key) const { return config().contains(key) && !config()[key].is_null(); }
  /// A whole number, or the only one of a list. \throws 446
  [[nodiscard]] index_t size(const char* key, index_t otherwise) const {
    if (!has(key)) return otherwise;
    const io::json& value = config()[key];
    const io::json& one = value.is_array() && value.size() == 1 ? value[0] : value;
    constexpr index_t most = index_t{1} << 31;
    if (!one.is_number_integer() || one.get<double>() < -1.0 ||
        one.get<double>() > static_cast<double>(most)) {
      refuse_keras(where() + ", key \"" + key + "\"", "a whole number");
    }
    return one.get<index_t>();
  }
  /// A pair, or a number twice.
  [[nodiscard]] std::pair<index_t, index_t> sizes(const char* key) const {
    const io::json& value = config().contains(key) ? config()[key] : config();
    if (!value.is_array() || value.size() != 2) return {size(key, 0), size(key, 0)};
    if (!value[0].is_number_unsigned() || !value[1].is_number_unsigned()) {
      refuse_keras(where() + ", key \"" + key + "\"", "two whole numbers");
    }
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
      {"gelu", activation::gelu_erf},
  };
  for (const auto& [text, function] : known) {
    if (name == text) return function;
  }
  layer.unsupported("activation \"" + name + "\"");
}

}  // namespace detail
DNALM_END_NAMESPACE
