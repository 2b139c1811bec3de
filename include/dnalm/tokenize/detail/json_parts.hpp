// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Access to the parts of a tokenizer.json, and the errors that name them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/io/json.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Access to the parts of a document, and the errors that name them.
class json_parts {
 public:
  explicit json_parts(std::string where) : where_(std::move(where)) {}

  [[noreturn]] void fail(const std::string& what, const std::string& expected,
                         const std::string& found = {}) const {
    throw error(error_kind::config, 321, what + " of a tokenizer is missing or wrong",
                {.where = where_, .expected = expected, .found = found});
  }
  [[noreturn]] void unsupported(const std::string& component, const std::string& expected,
                                const std::string& found) const {
    throw error(error_kind::unsupported, 320, "a tokenizer component is not built in: " + component,
                {.where = where_, .expected = expected, .found = found});
  }
  [[nodiscard]] const io::json& part(const io::json& object, const char* key) const {
    if (!object.is_object() || !object.contains(key)) fail(std::string("\"") + key + "\"", "to be there");
    return object.at(key);
  }
  [[nodiscard]] static bool is_set(const io::json& object, const char* key) {
    return object.is_object() && object.contains(key) && !object.at(key).is_null();
  }
  /// A value for messages, shortened.
  [[nodiscard]] static std::string shown(const io::json& value) {
    if (value.is_structured() && value.size() > 8) return value.is_object() ? "an object" : "an array";
    return value.dump(-1, ' ', true, io::json::error_handler_t::replace).substr(0, 60);
  }
  /// Name of a component: its `type`, or its text.
  [[nodiscard]] static std::string type_of(const io::json& component) {
    if (is_set(component, "type") && component.at("type").is_string()) {
      return component.at("type").get<std::string>().substr(0, 60);
    }
    return shown(component);
  }
  [[nodiscard]] bool flag(const io::json& object, const char* key, bool otherwise) const {
    if (!is_set(object, key)) return otherwise;
    if (!object.at(key).is_boolean())
      fail(std::string("\"") + key + "\"", "true or false", shown(object.at(key)));
    return object.at(key).get<bool>();
  }
  [[nodiscard]] std::string text(const io::json& object, const char* key) const {
    const io::json& value = part(object, key);
    if (!value.is_string()) fail(std::string("\"") + key + "\"", "a text", shown(value));
    return value.get<std::string>();
  }
  [[nodiscard]] std::int32_t number(const io::json& value, const std::string& what) const {
    const bool fits = value.is_number_integer() && value.get<double>() >= 0 && value.get<double>() < 0x1p26;
    if (!fits) fail(what, "a whole number below 2^26", shown(value));
    return value.get<std::int32_t>();
  }
  /// The steps of a Sequence. \throws error [dnalm.unsupported.326] when they are too many.
  [[nodiscard]] const io::json& steps(const io::json& component, const char* key) const {
    const io::json& found = part(component, key);
    if (!found.is_array()) fail(std::string("\"") + key + "\"", "an array");
    if (found.size() > most_steps) too_many_steps(key, std::to_string(found.size()));
    return found;
  }
  /// \throws error [dnalm.unsupported.326] when a list of `count` steps is full.
  void check_room(std::size_t count, const char* component) const {
    if (count >= most_steps) too_many_steps(component, "more");
  }
  [[nodiscard]] static bool is_ascii(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  }

 private:
  static constexpr std::size_t most_steps = 64;

  [[noreturn]] void too_many_steps(const std::string& component, const std::string& found) const {
    throw error(error_kind::unsupported, 326, "too many steps of a tokenizer: " + component,
                {.where = where_, .expected = "at most 64", .found = found});
  }

  std::string where_;
};

}  // namespace detail
DNALM_END_NAMESPACE
