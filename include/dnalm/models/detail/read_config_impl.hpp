// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/read_config.hpp.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/models/detail/config_caduceus.hpp>
#include <dnalm/models/detail/config_convnet.hpp>
#include <dnalm/models/detail/config_encoder.hpp>
#include <dnalm/models/detail/config_file.hpp>
#include <dnalm/models/detail/config_hyena.hpp>
#include <dnalm/models/read_config.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE encoder_config read_encoder_config(const std::filesystem::path& folder) {
  return detail::read_encoder(detail::open_config(folder));
}

DNALM_INLINE std::vector<config_entry> read_config_entries(const std::filesystem::path& folder) {
  const io::json document = detail::read_config_file(folder);
  std::vector<config_entry> entries;
  for (const auto& [key, value] : document.items()) {
    entries.push_back({key, value.dump(-1, ' ', false, io::json::error_handler_t::replace)});
  }
  return entries;
}

DNALM_INLINE convnet_config read_convnet_config(const std::filesystem::path& folder) {
  const detail::config_reader reader = detail::open_config(folder);
  if (detail::is_convnet(reader)) return detail::read_convnet(reader);
  throw error(error_kind::unsupported, 400, "the configuration is not one of GPN's ConvNet",
              {.where = reader.where(),
               .expected = "model_type \"ConvNet\"",
               .found = "\"" + reader.text("model_type", "") + "\""});
}

DNALM_INLINE bool has_hyena_config(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder / "config.json", ignored)) return false;
  return detail::is_hyena(detail::open_config(folder));
}

DNALM_INLINE hyena_config read_hyena_config(const std::filesystem::path& folder) {
  return detail::read_hyena(detail::open_config(folder));
}

DNALM_INLINE caduceus_config read_caduceus_config(const std::filesystem::path& folder) {
  return detail::read_caduceus(detail::open_config(folder));
}

DNALM_END_NAMESPACE
