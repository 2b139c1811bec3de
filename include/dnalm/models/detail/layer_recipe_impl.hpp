// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/layer_recipe.hpp: the list of recipes, ensembles, files.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <dnalm/models/detail/config_file.hpp>
#include <dnalm/models/detail/recipe_basset.hpp>
#include <dnalm/models/detail/recipe_deepsea.hpp>
#include <dnalm/models/detail/recipe_enformer.hpp>
#include <dnalm/models/detail/recipe_keras.hpp>
#include <dnalm/models/detail/recipe_legnet.hpp>
#include <dnalm/models/detail/recipe_phylogpn.hpp>
#include <dnalm/models/detail/recipe_sei.hpp>
#include <dnalm/models/detail/recipe_spliceai.hpp>
#include <dnalm/models/layer_recipe.hpp>
#include <dnalm/nn/relative_positions.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE std::span<const layer_recipe> layer_recipes() {
  static constexpr layer_recipe all[] = {
      {"spliceai", detail::make_spliceai}, {"sei", detail::make_sei},
      {"deepsea", detail::make_deepsea},   {"beluga", detail::make_beluga},
      {"basset", detail::make_basset},     {"legnet", detail::make_legnet},
      {"keras", detail::make_keras},       {"deepstarr", detail::make_deepstarr},
      {"enformer", detail::make_enformer}, {"phylogpn", detail::make_phylogpn},
  };
  return all;
}

DNALM_INLINE const layer_recipe* find_recipe(std::string_view model_type) {
  const auto all = layer_recipes();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const layer_recipe& r) { return r.model_type == model_type; });
  return found == all.end() ? nullptr : &*found;
}

namespace detail {

/// A graph's operations behind those that are there: values other than the input are counted on.
class graph_joiner {
 public:
  explicit graph_joiner(const layer_graph& first) {
    joined_.architecture = first.architecture;
    joined_.input = first.input;
    joined_.initializer_range = first.initializer_range;
  }
  void add(layer_graph member, const std::string& prefix) {
    const auto before = static_cast<index_t>(joined_.nodes.size());
    const auto moved = [&](index_t value) { return value == 0 ? 0 : value + before; };
    for (layer_node& node : member.nodes) {
      for (index_t& value : node.inputs) value = moved(value);
      for (graph_tensor& tensor : node.tensors) tensor.name.insert(0, prefix);
      if (node.gammas != nullptr) node.gammas = shared(std::move(node.gammas));
      joined_.nodes.push_back(std::move(node));
    }
    for (const graph_result& layer : member.layers) {
      joined_.layers.push_back({prefix + layer.name, moved(layer.value)});
    }
    for (const std::string& name : member.unused) joined_.unused.push_back(prefix + name);
    outputs_.push_back(moved(member.outputs.front().value));
  }
  /// The mean of the outputs: their sum in order, divided by their number.
  [[nodiscard]] layer_graph finish(const std::string& name) {
    index_t sum = outputs_.front();
    for (std::size_t i = 1; i < outputs_.size(); ++i) sum = append(layer_kind::add, {sum, outputs_[i]}, 0.0);
    sum = append(layer_kind::scale, {sum}, 1.0 / static_cast<double>(outputs_.size()));
    joined_.outputs.push_back({name, sum});
    joined_.complete();
    return std::move(joined_);
  }

 private:
  index_t append(layer_kind kind, std::vector<index_t> inputs, double value) {
    layer_node node;
    node.kind = kind;
    node.name = "mean of the members";
    node.inputs = std::move(inputs);
    node.value = value;
    joined_.nodes.push_back(std::move(node));
    return static_cast<index_t>(joined_.nodes.size());
  }

  /// The first table of the same numbers: one for all members, so that features are made once.
  [[nodiscard]] std::shared_ptr<const gamma_table> shared(std::shared_ptr<const gamma_table> table) {
    const auto known = std::find_if(tables_.begin(), tables_.end(),
                                    [&](const auto& one) { return one == table || *one == *table; });
    if (known != tables_.end()) return *known;
    tables_.push_back(table);
    return table;
  }

  layer_graph joined_;
  std::vector<index_t> outputs_;
  std::vector<std::shared_ptr<const gamma_table>> tables_;
};

[[nodiscard]] inline bool same_input(const sequence_input& a, const sequence_input& b) {
  return a.letters == b.letters && a.channels == b.channels && a.unknown == b.unknown &&
         a.unknown_letter == b.unknown_letter && a.missing == b.missing && a.length == b.length &&
         a.shorter == b.shorter && a.before == b.before && a.after == b.after;
}

}  // namespace detail

DNALM_INLINE layer_graph ensemble_of(std::vector<layer_graph> members) {
  if (members.size() == 1) return std::move(members.front());
  const layer_graph first = members.front();
  detail::graph_joiner joiner(first);
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!detail::same_input(first.input, members[i].input) || members[i].predictions != first.predictions) {
      throw error(error_kind::config, 432, "members of an ensemble do not fit together",
                  {.where = first.architecture + ", member " + std::to_string(i),
                   .expected = "the input and the outputs of the first"});
    }
    joiner.add(std::move(members[i]), std::to_string(i) + "/");
  }
  return joiner.finish(first.outputs.front().name);
}

DNALM_INLINE io::checkpoint open_model_weights(const std::filesystem::path& folder, io::file_access access) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(folder / "config.json", failure)) {
    return io::checkpoint::open(folder, access);
  }
  const detail::config_reader reader = detail::open_config(folder);
  const bool layered = find_recipe(reader.text("model_type", "")) != nullptr;
  const auto files =
      layered ? member_files(folder, reader.texts("files")) : decltype(member_files(folder, {})){};
  return files.empty() ? io::checkpoint::open(folder, access) : io::checkpoint::open_members(files, access);
}

DNALM_END_NAMESPACE
