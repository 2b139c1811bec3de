// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/network_config.hpp: which kind of network a configuration is of.
#pragma once

#include <dnalm/models/detail/config_file.hpp>
#include <dnalm/models/detail/config_reader.hpp>
#include <dnalm/models/network_config.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE network_config read_network_config(const std::filesystem::path& folder) {
  return read_encoder_config(folder);
}

DNALM_END_NAMESPACE
