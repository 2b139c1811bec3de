// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any bytes as a config.json: sizes that are accepted fit together, and a plan of tensors can be
/// made.
#include <variant>

#include <dnalm/models/network_config.hpp>
#include <dnalm/models/tensor_plan.hpp>

#include "fuzz_support.hpp"

namespace {

using namespace dnalm_fuzz;

void check_sizes(const dnalm::encoder_config& config) {
  promise(config.layers > 0 && config.width > 0 && config.heads > 0, "there are layers, channels and heads");
  promise(config.feed_forward > 0 && config.vocabulary > 0, "there are inner channels and tokens");
  promise(config.width % config.heads == 0, "heads divide the width");
  promise(config.position != dnalm::position_kind::rotary || config.rotated_channels() % 2 == 0,
          "rotated channels come in pairs");
  promise(config.rotated_channels() <= config.head_width(), "a head has the channels that are rotated");
  promise(config.pad_id < config.vocabulary, "the pad token has a row");
  // ESM only compares tokens with the mask token; RNA-FM sets its row to 0.
  promise(!config.mask_row_zero || (config.mask_id >= 0 && config.mask_id < config.vocabulary),
          "the mask token has a row");
  promise(config.table_limit() >= 0, "the longest input is not negative");
  promise(config.global_every > 0, "local and global blocks can be told");
  promise(config.norm_eps >= 0 && config.head_norm_eps >= 0, "what LayerNorm adds is not negative");
}

void check_sizes(const dnalm::convnet_config& config) {
  promise(config.layers > 0 && config.width > 0 && config.taps > 0, "there are layers, channels and taps");
  promise(config.vocabulary > 0 && config.vocabulary <= config.width, "every token has a channel");
  for (dnalm::index_t layer = 0; layer < config.layers; ++layer) {
    const auto dilation = config.dilation(layer);
    promise(dilation > 0 && dilation <= config.dilation_max, "dilations are positive and within their limit");
  }
  promise(config.receptive_field() > 0, "a token is seen");
}

void check_sizes(const dnalm::hyena_config& config) {
  promise(config.layers > 0 && config.width > 0 && config.feed_forward > 0, "sizes are positive");
  promise(config.letters > 0 && config.letters <= config.vocabulary, "letters have rows");
  promise(config.positions >= 2 && config.filter_order > 0, "filters have taps and a network");
  promise(config.embedding > 0 && config.embedding % 2 == 1, "positions are a number and whole waves");
}

void check_sizes(const dnalm::caduceus_config& config) {
  promise(config.layers > 0 && config.channels > 0 && config.inner > 0, "sizes are positive");
  promise(config.states > 0 && config.taps > 0 && config.rank > 0, "a mixer has states, taps and steps");
  promise(config.width == config.strands() * config.channels, "hidden states hold the strands");
  promise(config.letters > 0 && config.letters <= config.vocabulary, "letters have rows");
  promise(config.pad_id < config.vocabulary && config.mask_id < config.vocabulary, "pad and mask have rows");
  promise(config.complement.size() == (config.two_strands ? static_cast<std::size_t>(config.vocabulary) : 0),
          "every token of two strands has a complement");
  for (const auto other : config.complement) {
    promise(other >= 0 && other < config.vocabulary, "complements are tokens");
  }
}

void check_sizes(const dnalm::layer_graph& graph) {
  const dnalm::graph_shapes shapes(graph);  // throws what it refuses
  promise(!graph.outputs.empty() && graph.predictions > 0, "there are predictions");
  for (std::size_t value = 0; value <= graph.nodes.size(); ++value) {
    promise(shapes.channels(static_cast<dnalm::index_t>(value)) > 0, "every value has channels");
  }
}

void check_plan(const dnalm::network_config& config) {
  const auto plan = dnalm::plan_tensors(config);
  promise(!plan.empty(), "a model has tensors");
  for (const auto& tensor : plan) {
    promise(!tensor.name.empty(), "tensors have names");
    for (const auto extent : tensor.shape) promise(extent > 0, "tensors have elements");
  }
  guarded([&] { promise(dnalm::count_parameters(plan) > 0, "a model has parameters"); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const memory_folder folder("config");
  folder.write("config.json", {reinterpret_cast<const char*>(data), size});
  const std::string path = folder.path().string();
  guarded(
      [&] {
        const auto config = dnalm::read_network_config(folder.path());
        std::visit([](const auto& kind) { check_sizes(kind); }, config);
        if (dnalm::summary_of(config).layers <= 64) check_plan(config);
      },
      path);
  guarded([&] { (void)dnalm::read_config_entries(folder.path()); }, path);
  return 0;
}
