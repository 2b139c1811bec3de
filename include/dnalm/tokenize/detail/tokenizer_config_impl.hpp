// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/tokenizer_config.hpp.
#pragma once

#include <cmath>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/tokenizer_config.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

[[noreturn]] inline void throw_config_type(const std::string& where, const std::string& key,
                                           const std::string& expected) {
  throw error(error_kind::config, 303, "a value of the tokenizer's configuration has a wrong type",
              {.where = where + ", key \"" + key + "\"", .expected = expected});
}

/// Text of a special token: a string, or an object with `content`.
[[nodiscard]] inline std::string special_token_text(const io::json& value, const std::string& where,
                                                    const std::string& key) {
  const bool object = value.is_object() && value.contains("content");
  const io::json& text = object ? value.at("content") : value;
  if (!text.is_string()) throw_config_type(where, key, "a string, an object with \"content\", or null");
  if (object) {
    for (const char* flag : {"lstrip", "rstrip", "single_word"}) {
      if (value.contains(flag) && value.at(flag) == true) {
        throw error(error_kind::unsupported, 304, "an added token with this setting is not built in",
                    {.where = where + ", token \"" + text.get<std::string>() + "\"",
                     .expected = "lstrip, rstrip and single_word false",
                     .found = std::string(flag) + " true"});
      }
    }
  }
  return text.get<std::string>();
}

inline void read_special_names(const io::json& document, const std::string& where, tokenizer_config& config) {
  for (const char* key :
       {"cls_token", "sep_token", "pad_token", "mask_token", "unk_token", "eos_token", "bos_token"}) {
    if (!document.contains(key)) continue;
    const io::json& value = document.at(key);
    config.special.erase(key);
    if (!value.is_null()) config.special[key] = special_token_text(value, where, key);
  }
}

/// Lengths above 10^9 are how the reference implementation writes "none" (10^30).
inline void read_max_length(const io::json& document, const std::string& where, tokenizer_config& config) {
  if (!document.contains("model_max_length") || document.at("model_max_length").is_null()) return;
  const io::json& value = document.at("model_max_length");
  if (!value.is_number()) throw_config_type(where, "model_max_length", "a number");
  const double length = value.get<double>();
  if (!(length >= 1) || (length < 1e9 && length != std::floor(length))) {
    throw_config_type(where, "model_max_length", "a whole number above 0");
  }
  config.model_max_length = length > 1e9 ? 0 : static_cast<index_t>(length);
}

inline void read_added_tokens(const io::json& document, const std::string& where, tokenizer_config& config) {
  if (!document.contains("added_tokens_decoder")) return;
  const io::json& tokens = document.at("added_tokens_decoder");
  if (!tokens.is_object()) throw_config_type(where, "added_tokens_decoder", "an object");
  for (const auto& [key, value] : tokens.items()) {
    if (key.empty() || key.size() > 9 || key.find_first_not_of("0123456789") != std::string::npos) {
      throw_config_type(where, "added_tokens_decoder", "token numbers as keys");
    }
    config.added_tokens.push_back({std::stol(key), special_token_text(value, where, "added_tokens_decoder")});
  }
}

[[nodiscard]] inline io::json read_object(const std::filesystem::path& file) {
  io::json document = io::read_json_file(file);
  if (!document.is_object()) throw_config_type(file.string(), "", "a JSON object");
  return document;
}

}  // namespace detail

DNALM_INLINE tokenizer_config read_tokenizer_config(const std::filesystem::path& folder) {
  tokenizer_config config;
  const std::filesystem::path file = folder / "tokenizer_config.json";
  if (std::filesystem::exists(file)) {
    const io::json document = detail::read_object(file);
    if (document.contains("tokenizer_class") && !document.at("tokenizer_class").is_null()) {
      if (!document.at("tokenizer_class").is_string()) {
        detail::throw_config_type(file.string(), "tokenizer_class", "a string");
      }
      config.tokenizer_class = document.at("tokenizer_class").get<std::string>();
    }
    detail::read_special_names(document, file.string(), config);
    detail::read_max_length(document, file.string(), config);
    detail::read_added_tokens(document, file.string(), config);
  }
  const std::filesystem::path map = folder / "special_tokens_map.json";
  if (config.added_tokens.empty() && std::filesystem::exists(map)) {
    detail::read_special_names(detail::read_object(map), map.string(), config);
  }
  return config;
}

DNALM_END_NAMESPACE
