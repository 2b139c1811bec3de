// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/network_config.hpp: which kind of network a configuration is of.
#pragma once

#include <dnalm/models/detail/config_caduceus.hpp>
#include <dnalm/models/detail/config_convnet.hpp>
#include <dnalm/models/detail/config_encoder.hpp>
#include <dnalm/models/detail/config_file.hpp>
#include <dnalm/models/detail/config_hyena.hpp>
#include <dnalm/models/network_config.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE network_config read_network_config(const std::filesystem::path& folder) {
  const detail::config_reader reader = detail::open_config(folder);
  if (detail::is_convnet(reader)) return detail::read_convnet(reader);
  if (detail::is_caduceus(reader)) return detail::read_caduceus(reader);
  if (detail::is_hyena(reader)) return detail::read_hyena(reader);
  return detail::read_encoder(reader);
}

DNALM_END_NAMESPACE
