// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/encoder_config.hpp.
#pragma once

#include <vector>

#include <dnalm/models/detail/config_encoder.hpp>
#include <dnalm/models/detail/config_file.hpp>
#include <dnalm/models/encoder_config.hpp>

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

DNALM_END_NAMESPACE
