// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/caduceus_config.hpp.
#pragma once

#include <filesystem>

#include <dnalm/models/caduceus_config.hpp>
#include <dnalm/models/detail/config_caduceus.hpp>
#include <dnalm/models/detail/config_file.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE caduceus_config read_caduceus_config(const std::filesystem::path& folder) {
  return detail::read_caduceus(detail::open_config(folder));
}

DNALM_END_NAMESPACE
