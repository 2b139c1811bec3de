// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/network_config.hpp: which kind of network a configuration is of.
#pragma once

#include <dnalm/models/detail/config_caduceus.hpp>
#include <dnalm/models/detail/config_convnet.hpp>
#include <dnalm/models/detail/config_encoder.hpp>
#include <dnalm/models/detail/config_file.hpp>
#include <dnalm/models/detail/config_hyena.hpp>
#include <dnalm/models/layer_recipe.hpp>
#include <dnalm/models/network_config.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

[[nodiscard]] inline bool is_layer_graph(const config_reader& reader) {
  return find_recipe(reader.text("model_type", "")) != nullptr;
}

/// The graph of a folder's architecture, of all members of an ensemble.
[[nodiscard]] inline layer_graph read_layer_graph(const config_reader& reader,
                                                  const std::filesystem::path& folder) {
  const layer_recipe& recipe = *find_recipe(reader.text("model_type", ""));
  std::vector<layer_graph> members;
  const auto files = member_files(folder, reader.texts("files"));
  const auto add = [&](const io::checkpoint& weights) {
    const tensor_table tensors(weights.tensors(), weights.files().front().string());
    members.push_back(recipe.make({reader, tensors, weights.metadata("model_config")}));
  };
  for (const auto& file : files) add(io::checkpoint::open(file));
  if (files.empty()) add(io::checkpoint::open(folder));
  return ensemble_of(std::move(members));
}

}  // namespace detail

DNALM_INLINE network_config read_network_config(const std::filesystem::path& folder) {
  const detail::config_reader reader = detail::open_config(folder);
  if (detail::is_layer_graph(reader)) return detail::read_layer_graph(reader, folder);
  if (detail::is_convnet(reader)) return detail::read_convnet(reader);
  if (detail::is_caduceus(reader)) return detail::read_caduceus(reader);
  if (detail::is_hyena(reader)) return detail::read_hyena(reader);
  return detail::read_encoder(reader);
}

DNALM_END_NAMESPACE
