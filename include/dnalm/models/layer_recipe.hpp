// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Architectures as recipes: functions that make a layer_graph of a configuration and the shapes of a
/// file's tensors.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/checkpoint.hpp>
#include <dnalm/models/graph_builder.hpp>
#include <dnalm/models/layer_graph.hpp>
#include <dnalm/models/recipe_source.hpp>

DNALM_BEGIN_NAMESPACE
/// One architecture: what `model_type` says in config.json, and its graph.
struct layer_recipe {
  std::string_view model_type = {};
  layer_graph (*make)(const recipe_source& source) = nullptr;
};

/// All that are built in.
[[nodiscard]] std::span<const layer_recipe> layer_recipes();
/// That of a `model_type`, or null.
[[nodiscard]] const layer_recipe* find_recipe(std::string_view model_type);

/// The mean of the first outputs of several graphs of one input: an ensemble. The tensors of graph i are
/// called `<i>/<name>`; layers are `<i>/<name>` too. One graph: itself. \throws error [dnalm.config.432] the
/// graphs have different inputs or outputs.
[[nodiscard]] layer_graph ensemble_of(std::vector<layer_graph> members);

/// The weights of a model folder: of members as config.json lists them, else as checkpoint::open.
[[nodiscard]] io::checkpoint open_model_weights(const std::filesystem::path& folder,
                                                io::file_access access = io::file_access::mapped);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/layer_recipe_impl.hpp>
#endif
