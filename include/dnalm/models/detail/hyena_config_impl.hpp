// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/hyena_config.hpp.
#pragma once

#include <filesystem>
#include <system_error>

#include <dnalm/models/detail/config_file.hpp>
#include <dnalm/models/detail/config_hyena.hpp>
#include <dnalm/models/hyena_config.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE bool has_hyena_config(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder / "config.json", ignored)) return false;
  return detail::is_hyena(detail::open_config(folder));
}

DNALM_INLINE hyena_config read_hyena_config(const std::filesystem::path& folder) {
  return detail::read_hyena(detail::open_config(folder));
}

DNALM_END_NAMESPACE
