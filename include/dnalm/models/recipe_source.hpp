// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a recipe makes a layer_graph of: a configuration, tensors, the files of a folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/graph_builder.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {
class config_reader;
}

/// What a recipe makes its graph of.
struct recipe_source {
  const detail::config_reader& config;  ///< config.json
  const tensor_table& tensors;          ///< of the file, or of one member of an ensemble
  std::string model_config = {};        ///< what the file says of itself (Keras), JSON; empty: nothing
};

/// The files of a folder that hold the weights: the texts of `files` in config.json, each a member of an
/// ensemble, or none: what checkpoint::open finds. \throws error [dnalm.config.435] a name that is not that
/// of a file in the folder.
[[nodiscard]] std::vector<std::filesystem::path> member_files(const std::filesystem::path& folder,
                                                              const std::vector<std::string>& files);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/recipe_source_impl.hpp>
#endif
