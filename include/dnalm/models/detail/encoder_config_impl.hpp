// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/encoder_config.hpp.
#pragma once

#include <cmath>
#include <optional>
#include <string>

#include <dnalm/io/json.hpp>
#include <dnalm/models/encoder_config.hpp>

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
    if (value == nullptr) {
      throw error(error_kind::config, 401, "the model configuration lacks a key",
                  {.where = where_, .expected = "\"" + key + "\""});
    }
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
  /// \throws 404 unless the key is absent or has one of two values.
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
  [[noreturn]] void refuse(const std::string& key, const std::string& expected, const io::json& value) const {
    throw error(error_kind::config, 402, "the model configuration has a value that cannot be used",
                {.where = where_ + ", key \"" + key + "\"",
                 .expected = expected,
                 .found = value.dump(-1, ' ', false, io::json::error_handler_t::replace).substr(0, 100)});
  }

  io::json document_;
  std::string where_;
};

[[nodiscard]] inline architecture tell_architecture(const config_reader& reader) {
  const std::string type = reader.text("model_type", "");
  const bool gated_esm = reader.contains("add_bias_fnn") || reader.mentions("auto_map", "modeling_esm");
  const bool mosaic = reader.contains("alibi_starting_size") || reader.mentions("auto_map", "bert_layers");
  if ((type.empty() || type == "esm") && gated_esm && !mosaic) return architecture::nt_v2;
  if (type == "esm" && !mosaic) return architecture::nt_v1;
  if ((type.empty() || type == "bert") && mosaic && !gated_esm) return architecture::dnabert2;
  throw error(error_kind::unsupported, 400, "the architecture of this model is not built in",
              {.where = reader.where(),
               .expected = "NT-v1 (model_type \"esm\"), NT-v2 (auto_map to modeling_esm, or add_bias_fnn) or "
                           "DNABERT-2 (auto_map to bert_layers, or alibi_starting_size)",
               .found = type.empty() ? "no model_type and no key of these" : "model_type \"" + type + "\""});
}

inline void read_sizes(const config_reader& reader, encoder_config& config) {
  constexpr index_t most = index_t{1} << 24;
  config.layers = reader.size("num_hidden_layers", 1, 4096);
  config.width = reader.size("hidden_size", 1, most);
  config.heads = reader.size("num_attention_heads", 1, most);
  config.feed_forward = reader.size("intermediate_size", 1, most);
  config.vocabulary = reader.size("vocab_size", 1, most);
  config.norm_eps = reader.number("layer_norm_eps", 0.0, 1.0, 1e-12);
  config.initializer_range = reader.number("initializer_range", 0.0, 1e3, 0.02);
  if (config.width % config.heads != 0) {
    reader.contradiction("hidden_size a multiple of num_attention_heads",
                         std::to_string(config.width) + " and " + std::to_string(config.heads));
  }
}

inline void read_esm(const config_reader& reader, encoder_config& config) {
  constexpr index_t most = index_t{1} << 24;
  config.positions = reader.size("max_position_embeddings", 1, most, 0);
  config.pad_id = static_cast<int>(reader.size("pad_token_id", 0, config.vocabulary - 1, -1));
  config.mask_id = static_cast<int>(reader.size("mask_token_id", 0, most, -1));
  const std::string position = reader.text("position_embedding_type", "absolute");
  if (position == "absolute") {
    config.position = position_kind::learned_pad_offset;
  } else if (position == "rotary") {
    config.position = position_kind::rotary;
  } else {
    reader.unsupported("position_embedding_type", "\"absolute\" or \"rotary\"", "\"" + position + "\"");
  }
  config.embedding_norm = reader.flag("emb_layer_norm_before", false);
  config.token_dropout = reader.flag("token_dropout", false);
  config.tied_head = reader.flag("tie_word_embeddings", true);
  config.gated = config.family == architecture::nt_v2;
  config.function = config.gated ? activation::silu : activation::gelu_erf;
  if (config.gated) config.feed_forward_bias1 = config.feed_forward_bias2 = reader.flag("add_bias_fnn", true);
  config.head_norm_eps = config.norm_eps;
  reader.require_text("hidden_act", "gelu");
  reader.require_false("is_folding_model");
}

inline void check_esm(const config_reader& reader, const encoder_config& config) {
  if (config.position == position_kind::rotary && config.head_width() % 2 != 0) {
    reader.contradiction("an even width of the heads for rotary positions",
                         std::to_string(config.head_width()));
  }
  if (config.position != position_kind::learned_pad_offset) return;
  if (config.pad_id < 0 || config.positions == 0) {
    throw error(
        error_kind::config, 401, "the model configuration lacks a key",
        {.where = reader.where(),
         .expected = "\"pad_token_id\" and \"max_position_embeddings\", which absolute positions need"});
  }
  if (config.table_limit() < 1) {
    reader.contradiction("max_position_embeddings above pad_token_id + 1",
                         std::to_string(config.positions) + " and " + std::to_string(config.pad_id));
  }
}

inline void read_dnabert2(const config_reader& reader, encoder_config& config) {
  config.token_types = reader.size("type_vocab_size", 1, 1 << 16, 2);
  config.norm = norm_placement::post;
  config.position = position_kind::alibi;
  config.function = activation::gelu_erf;
  config.gated = true;
  config.feed_forward_bias1 = false;
  config.embedding_norm = true;
  config.final_norm = false;
  config.scale_query_first = false;
  config.fused_qkv = true;
  config.tied_head = true;
  config.head_norm_eps = 1e-12;  // a constant of the published code
  reader.require_text("hidden_act", "gelu");
}

[[nodiscard]] inline config_reader open_config(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "config.json";
  io::json_limits limits;
  limits.duplicates = io::duplicate_keys::last_wins;
  limits.bytes = index_t{16} << 20;
  return {io::read_json_file(file, limits), file.string()};
}

}  // namespace detail

DNALM_INLINE encoder_config read_encoder_config(const std::filesystem::path& folder) {
  const detail::config_reader reader = detail::open_config(folder);
  encoder_config config;
  config.family = detail::tell_architecture(reader);
  detail::read_sizes(reader, config);
  if (config.family == architecture::dnabert2) {
    detail::read_dnabert2(reader, config);
  } else {
    detail::read_esm(reader, config);
    detail::check_esm(reader, config);
  }
  reader.require_false("is_decoder");
  reader.require_false("add_cross_attention");
  return config;
}

DNALM_INLINE std::vector<config_entry> read_config_entries(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "config.json";
  io::json_limits limits;
  limits.duplicates = io::duplicate_keys::last_wins;
  limits.bytes = index_t{16} << 20;
  const io::json document = io::read_json_file(file, limits);
  std::vector<config_entry> entries;
  for (const auto& [key, value] : document.items()) {
    entries.push_back({key, value.dump(-1, ' ', false, io::json::error_handler_t::replace)});
  }
  return entries;
}

DNALM_END_NAMESPACE
