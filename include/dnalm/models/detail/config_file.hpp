// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The config.json of a model folder.
#pragma once

#include <filesystem>
#include <system_error>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/models/detail/config_reader.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// \throws 430 when there is no such file: bare weights need a configuration written beside them.
inline void require_config_file(const std::filesystem::path& file) {
  std::error_code code;
  if (std::filesystem::exists(file, code) || code) return;
  throw error(error_kind::config, 430, "the model folder has no config.json",
              {.where = file.parent_path().string(),
               .expected = "the published config.json; for bare weights, a file such as {\"model_type\": "
                           "\"rinalmo\", \"tensor_names\": \"published\", \"hidden_size\": 1280, "
                           "\"num_hidden_layers\": 33, \"num_attention_heads\": 20, \"intermediate_size\": "
                           "5120, \"vocab_size\": 22} (docs/models.md has one for each model)",
               .found = "no such file"});
}

[[nodiscard]] inline io::json read_config_file(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "config.json";
  require_config_file(file);
  io::json_limits limits;
  limits.duplicates = io::duplicate_keys::last_wins;
  limits.bytes = index_t{16} << 20;
  return io::read_json_file(file, limits);
}

[[nodiscard]] inline config_reader open_config(const std::filesystem::path& folder) {
  return {read_config_file(folder), (folder / "config.json").string()};
}

}  // namespace detail
DNALM_END_NAMESPACE
