// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/convnet_config.hpp.
#pragma once

#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/models/convnet_config.hpp>
#include <dnalm/models/detail/config_convnet.hpp>
#include <dnalm/models/detail/config_file.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE convnet_config read_convnet_config(const std::filesystem::path& folder) {
  const detail::config_reader reader = detail::open_config(folder);
  if (detail::is_convnet(reader)) return detail::read_convnet(reader);
  throw error(error_kind::unsupported, 400, "the configuration is not one of GPN's ConvNet",
              {.where = reader.where(),
               .expected = "model_type \"ConvNet\"",
               .found = "\"" + reader.text("model_type", "") + "\""});
}

DNALM_END_NAMESPACE
