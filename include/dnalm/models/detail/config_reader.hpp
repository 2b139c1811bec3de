// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Typed, checked access to the keys of a config.json.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/json.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Typed access to the keys of a config.json. A null value counts as absent.
class config_reader {
 public:
  config_reader(io::json document, std::string where)
      : document_(std::move(document)), where_(std::move(where)) {
    if (!document_.is_object()) {
      throw error(error_kind::config, 402, "a model configuration must be a JSON object", {.where = where_});
    }
  }

  [[nodiscard]] bool contains(const std::string& key) const { return find(key) != nullptr; }
  [[nodiscard]] const std::string& where() const { return where_; }

  /// A whole number in [least, most]. \throws 401 when it is absent, 402 otherwise.
  [[nodiscard]] index_t size(const std::string& key, index_t least, index_t most) const {
    const io::json* value = find(key);
    if (value == nullptr) missing("\"" + key + "\"");
    const std::string range = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    if (!value->is_number_integer()) refuse(key, range, *value);
    if (value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(most)) {
      refuse(key, range, *value);
    }
    const auto number = value->get<index_t>();
    if (number < least || number > most) refuse(key, range, *value);
    return number;
  }
  [[nodiscard]] index_t size(const std::string& key, index_t least, index_t most, index_t otherwise) const {
    return contains(key) ? size(key, least, most) : otherwise;
  }
  /// A list of whole numbers in [least, most]; empty when the key is absent. \throws 402.
  [[nodiscard]] std::vector<index_t> sizes(const std::string& key, index_t least, index_t most) const {
    std::vector<index_t> numbers;
    const io::json* value = find(key);
    if (value == nullptr) return numbers;
    const std::string range =
        "a list of whole numbers from " + std::to_string(least) + " to " + std::to_string(most);
    if (!value->is_array() || value->size() > 4096) refuse(key, range, *value);
    for (const io::json& entry : *value) {
      const bool fits = entry.is_number_integer() && entry.get<double>() >= static_cast<double>(least) &&
                        entry.get<double>() <= static_cast<double>(most);
      if (!fits) refuse(key, range, *value);
      numbers.push_back(entry.get<index_t>());
    }
    return numbers;
  }
  [[nodiscard]] bool flag(const std::string& key, bool otherwise) const {
    const io::json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean()) refuse(key, "true or false", *value);
    return value->get<bool>();
  }
  [[nodiscard]] double number(const std::string& key, double least, double most, double otherwise) const {
    const io::json* value = find(key);
    if (value == nullptr) return otherwise;
    const bool fits = value->is_number() && value->get<double>() >= least && value->get<double>() <= most;
    if (!fits) refuse(key, "a number from " + std::to_string(least) + " to " + std::to_string(most), *value);
    return value->get<double>();
  }
  [[nodiscard]] std::string text(const std::string& key, const std::string& otherwise) const {
    const io::json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_string()) refuse(key, "a text", *value);
    return value->get<std::string>();
  }
  /// Whether a text anywhere in the value of `key` contains `part`.
  [[nodiscard]] bool mentions(const std::string& key, const std::string& part) const {
    const io::json* value = find(key);
    return value != nullptr && mentions_in(*value, part);
  }
  /// Whether the key is there with a value that is not empty.
  [[nodiscard]] bool holds_something(const std::string& key) const {
    const io::json* value = find(key);
    if (value == nullptr) return false;
    if (value->is_structured() || value->is_string()) return !value->empty() && *value != "";
    return true;
  }
  /// Whether the key is there with the value null.
  [[nodiscard]] bool holds_null(const std::string& key) const {
    const auto at = document_.find(key);
    return at != document_.end() && at->is_null();
  }
  /// All keys whose value is not null.
  [[nodiscard]] std::vector<std::string> keys() const {
    std::vector<std::string> found;
    for (const auto& [key, value] : document_.items()) {
      if (!value.is_null()) found.push_back(key);
    }
    return found;
  }
  /// Whether the value of a key is that text.
  [[nodiscard]] bool is_text(const std::string& key, const std::string& text) const {
    const io::json* value = find(key);
    return value != nullptr && value->is_string() && value->get_ref<const std::string&>() == text;
  }
  /// The object behind a key as a reader of its own; an empty one when the key is absent.
  [[nodiscard]] config_reader within(const std::string& key) const {
    const io::json* value = find(key);
    if (value == nullptr) return {io::json::object(), where_};
    if (!value->is_object()) refuse(key, "an object", *value);
    return {*value, where_ + ", key \"" + key + "\""};
  }
  /// The texts of a list, or a text by itself.
  [[nodiscard]] std::vector<std::string> texts(const std::string& key) const {
    std::vector<std::string> found;
    const io::json* value = find(key);
    if (value != nullptr) collect(*value, found);
    return found;
  }
  /// \throws 404 when the key is there with a value that is not null, empty or false.
  void require_absent(const std::string& key) const {
    const io::json* value = find(key);
    if (value == nullptr || (value->is_boolean() && !value->get<bool>()) || !holds_something(key)) return;
    unsupported(key, "no such key", text_of(*value));
  }
  /// \throws 401 that names a key.
  [[noreturn]] void missing(const std::string& what) const {
    throw error(error_kind::config, 401, "the model configuration lacks a key",
                {.where = where_, .expected = what});
  }
  /// \throws 404 unless the key is absent or has that value.
  void require_text(const std::string& key, const std::string& only) const {
    const std::string value = text(key, only);
    if (value != only) unsupported(key, "\"" + only + "\"", "\"" + value + "\"");
  }
  void require_false(const std::string& key) const {
    if (flag(key, false)) unsupported(key, "false", "true");
  }
  [[noreturn]] void unsupported(const std::string& key, const std::string& expected,
                                const std::string& found) const {
    throw error(error_kind::unsupported, 404, "a setting of the model configuration that is not built in",
                {.where = where_ + ", key \"" + key + "\"", .expected = expected, .found = found});
  }
  [[noreturn]] void contradiction(const std::string& expected, const std::string& found) const {
    throw error(error_kind::config, 403, "sizes of the model configuration contradict each other",
                {.where = where_, .expected = expected, .found = found});
  }

 private:
  [[nodiscard]] const io::json* find(const std::string& key) const {
    const auto at = document_.find(key);
    return at == document_.end() || at->is_null() ? nullptr : &*at;
  }
  [[nodiscard]] static bool mentions_in(const io::json& value, const std::string& part) {
    if (value.is_string()) return value.get_ref<const std::string&>().find(part) != std::string::npos;
    if (!value.is_structured()) return false;
    for (const io::json& inner : value) {
      if (mentions_in(inner, part)) return true;
    }
    return false;
  }
  static void collect(const io::json& value, std::vector<std::string>& found) {
    if (value.is_string()) found.push_back(value.get<std::string>());
    if (!value.is_structured()) return;
    for (const io::json& inner : value) collect(inner, found);
  }
  [[nodiscard]] static std::string text_of(const io::json& value) {
    return value.dump(-1, ' ', false, io::json::error_handler_t::replace).substr(0, 100);
  }
  [[noreturn]] void refuse(const std::string& key, const std::string& expected, const io::json& value) const {
    throw error(error_kind::config, 402, "the model configuration has a value that cannot be used",
                {.where = where_ + ", key \"" + key + "\"", .expected = expected, .found = text_of(value)});
  }

  io::json document_;
  std::string where_;
};

}  // namespace detail
DNALM_END_NAMESPACE
