// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/tokenizer_config.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
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

/// Text of a special token: a string, or an object with `content` and flags.
[[nodiscard]] inline std::string special_token_text(const io::json& value, const std::string& where,
                                                    const std::string& key, tokenizer_config& config) {
  if (!value.is_object() || !value.contains("content")) {
    if (!value.is_string()) throw_config_type(where, key, "a string, an object with \"content\", or null");
    return value.get<std::string>();
  }
  if (!value.at("content").is_string()) throw_config_type(where, key, "a text as \"content\"");
  const auto is_set = [&](const char* flag) { return value.contains(flag) && value.at(flag) == true; };
  const token_flags flags{is_set("lstrip"), is_set("rstrip"), is_set("single_word")};
  std::string text = value.at("content").get<std::string>();
  if (flags.lstrip || flags.rstrip || flags.single_word) config.flags[text] = flags;
  return text;
}

inline void read_special_names(const io::json& document, const std::string& where, tokenizer_config& config) {
  for (const char* key :
       {"cls_token", "sep_token", "pad_token", "mask_token", "unk_token", "eos_token", "bos_token"}) {
    if (!document.contains(key)) continue;
    const io::json& value = document.at(key);
    config.special.erase(key);
    config.null_special.erase(key);
    if (value.is_null()) {
      config.null_special.insert(key);
    } else {
      config.special[key] = special_token_text(value, where, key, config);
    }
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
    config.added_tokens.push_back(
        {std::stol(key), special_token_text(value, where, "added_tokens_decoder", config)});
  }
}

/// `char_ords`: code points of the letters, ASCII here.
inline void read_characters(const io::json& document, const std::string& where, tokenizer_config& config) {
  if (!document.contains("char_ords") || document.at("char_ords").is_null()) return;
  const io::json& list = document.at("char_ords");
  const auto is_ascii = [](const io::json& value) {
    return value.is_number_unsigned() && value.get<std::uint64_t>() > 0x20 &&
           value.get<std::uint64_t>() < 0x7F;
  };
  if (!list.is_array() || list.empty() || !std::all_of(list.begin(), list.end(), is_ascii)) {
    throw_config_type(where, "char_ords", "a list of printable ASCII codes");
  }
  for (const io::json& value : list)
    config.characters.emplace_back(1, static_cast<char>(value.get<unsigned>()));
}

/// The switches of the tokenizer classes that are built in.
inline void read_switches(const io::json& document, const std::string& where, tokenizer_config& config) {
  for (const char* key :
       {"do_upper_case", "do_lower_case", "replace_T_with_U", "replace_U_with_T", "codon"}) {
    if (!document.contains(key) || document.at(key).is_null()) continue;
    if (!document.at(key).is_boolean()) throw_config_type(where, key, "true or false");
    config.switches[key] = document.at(key).get<bool>();
  }
  if (!document.contains("nmers") || document.at("nmers").is_null()) return;
  const io::json& nmers = document.at("nmers");
  if (!nmers.is_number_unsigned() || nmers.get<std::uint64_t>() < 1 || nmers.get<std::uint64_t>() > 100) {
    throw_config_type(where, "nmers", "a whole number from 1 to 100");
  }
  config.nmers = nmers.get<index_t>();
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
    detail::read_characters(document, file.string(), config);
    detail::read_switches(document, file.string(), config);
  }
  const std::filesystem::path map = folder / "special_tokens_map.json";
  if (config.added_tokens.empty() && std::filesystem::exists(map)) {
    detail::read_special_names(detail::read_object(map), map.string(), config);
  }
  return config;
}

DNALM_INLINE void refuse_token_flags(const tokenizer_config& config, const std::string& where) {
  if (config.flags.empty()) return;
  const auto& [text, flags] = *config.flags.begin();
  throw error(error_kind::unsupported, 304, "an added token with this setting is not built in",
              {.where = where + ", token \"" + text + "\"",
               .expected = "lstrip, rstrip and single_word false",
               .found = flags.lstrip   ? "lstrip true"
                        : flags.rstrip ? "rstrip true"
                                       : "single_word true"});
}

DNALM_END_NAMESPACE
