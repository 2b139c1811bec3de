// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The settings of a network in words, for people.
#pragma once

#include <algorithm>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include <dnalm/models/network_config.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

[[nodiscard]] inline std::string number_text(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

[[nodiscard]] inline std::string norm_words(const encoder_config& c) {
  std::string words =
      c.norm == norm_placement::post ? "after each half of a block" : "before each half of a block";
  if (c.norm == norm_placement::pre_normed) words += ", attention adds to the normed input";
  if (!c.first_attention_norm) words += ", not before the first attention";
  if (c.embedding_norm) words += ", after the embedding";
  if (c.final_norm) words += ", at the end";
  return words + "; eps " + number_text(c.norm_eps) + (c.norm_bias ? "" : ", no bias");
}

[[nodiscard]] inline std::string position_words(const encoder_config& c) {
  switch (c.position) {
    case position_kind::none: return "none";
    case position_kind::learned: return "learned, " + std::to_string(c.positions) + " rows";
    case position_kind::learned_pad_offset:
      return "learned, " + std::to_string(c.positions) + " rows, counted from the pad token";
    case position_kind::alibi: return "ALiBi";
    case position_kind::rotary: break;
  }
  std::string words = "rotary, " + std::to_string(c.rotated_channels()) + " of " +
                      std::to_string(c.head_width()) + " channels, base " + number_text(c.rotary_base);
  if (c.local_window > 0) words += ", in local blocks " + number_text(c.local_rotary_base);
  return words;
}

[[nodiscard]] inline std::string attention_words(const encoder_config& c) {
  std::string words = "to all tokens";
  if (c.local_window > 0) {
    words = "one block in " + std::to_string(c.global_every) + " to all tokens, the others to " +
            std::to_string(c.local_window) + " on either side";
  }
  if (c.dense_limit > 0) words += ", up to " + std::to_string(c.dense_limit) + " tokens";
  if (!c.qkv_bias) words += "; no biases in queries, keys, values";
  return words + (c.output_bias ? "" : "; no bias after");
}

[[nodiscard]] inline std::string feed_forward_words(const encoder_config& c) {
  std::string words = (c.gated ? "gated, " : "") + std::string(to_string(c.function));
  if (c.gate_beta) words += " with a learnt slope";
  if (!c.feed_forward_bias1 && !c.feed_forward_bias2) return words + "; no biases";
  if (!c.feed_forward_bias1) return words + "; no bias in the first product";
  return words;
}

[[nodiscard]] inline std::string head_words(const encoder_config& c) {
  std::string words = std::string(to_string(c.head_function));
  words += c.tied_head ? ", decoder is the embedding" : ", decoder of its own";
  if (!c.head_dense_bias) words += ", no bias in the first product";
  return words + (c.decoder_bias ? "" : ", no bias in the decoder");
}

[[nodiscard]] inline std::vector<config_entry> settings_in_words(const encoder_config& c) {
  std::vector<config_entry> settings{{"LayerNorm", norm_words(c)},
                                     {"positions", position_words(c)},
                                     {"attention", attention_words(c)},
                                     {"activation", feed_forward_words(c)},
                                     {"head", head_words(c)}};
  if (c.token_types > 0) settings.push_back({"token types", std::to_string(c.token_types)});
  if (c.token_dropout) settings.push_back({"token dropout", "scales words by 0.88 / (1 - share of masks)"});
  if (c.mask_row_zero) settings.push_back({"mask token", "its embedding is 0"});
  if (c.naming == tensor_naming::multimolecule) settings.push_back({"tensor names", "of MultiMolecule"});
  return settings;
}

[[nodiscard]] inline std::vector<config_entry> settings_in_words(const convnet_config& c) {
  std::string dilations;
  const index_t shown = std::min(c.layers, c.dilation_cycle);
  for (index_t layer = 0; layer < shown && layer < 16; ++layer) {
    dilations += (layer == 0 ? "" : ", ") + std::to_string(c.dilation(layer));
  }
  if (shown > 16) dilations += ", ...";
  if (shown < c.layers) dilations += ", and again";
  return {{"convolutions", std::to_string(c.taps) + " taps, dilations " + dilations},
          {"field of view", std::to_string(c.receptive_field()) + " tokens"},
          {"LayerNorm", "after each activation, before the sum; eps " + number_text(c.norm_eps)},
          {"activation", "gelu_erf"},
          {"embedding", "one-hot"}};
}

[[nodiscard]] inline std::vector<config_entry> settings_in_words(const hyena_config& c) {
  const bool hub = c.layout == hyena_layout::hub;
  std::string filter = std::to_string(c.embedding) + " numbers of a position, " +
                       std::to_string(c.inner_layers + 1) + " layers of " + std::to_string(c.filter_order) +
                       " sines";
  if (c.modulated) filter += ", damped";
  return {{"operator", "Hyena of order 2: short convolution of 3, gates, long convolution; causal"},
          {"filter", filter},
          {"LayerNorm", "before each half; eps " + number_text(c.norm_eps)},
          {"activation", "gelu_tanh"},
          {"head", c.tied_head ? "decoder is the embedding" : "decoder of its own"},
          {"tensor names", hub ? "of the hub" : "of the authors"}};
}

[[nodiscard]] inline std::string input_words(const sequence_input& input) {
  const char read = input.unknown_letter;
  std::string words = input.letters + ", N ";
  words += read == 'N' ? "a channel of its own"
           : read != 0 ? "read as " + std::string(1, read)
                       : number_text(input.unknown) + " in each";
  if (input.channels != 4) words += ", " + std::to_string(input.channels) + " channels";
  const std::string beyond = ", " + number_text(input.missing) + " beyond the ends";
  if (input.length == 0) {
    words += "; any length";
    if (input.before + input.after == 0) return words;
    return words + ", " + std::to_string(input.before) + " rows before and " + std::to_string(input.after) +
           " behind" + beyond;
  }
  words +=
      "; " + std::to_string(input.length) + " bases, shorter ones " + std::string(to_string(input.shorter));
  return words + (input.shorter == short_sequence::refused ? "" : beyond);
}

[[nodiscard]] inline std::vector<config_entry> settings_in_words(const layer_graph& graph) {
  const graph_shapes shapes(graph);
  std::vector<config_entry> settings{{"input", input_words(graph.input)},
                                     {"operations", std::to_string(graph.nodes.size())}};
  for (index_t k = 1; k <= graph.results(); ++k) {
    const graph_result& result = graph.result(k);
    const bool layer = k <= static_cast<index_t>(graph.layers.size());
    settings.push_back({(layer ? "layer " : "output ") + std::to_string(k),
                        result.name + ", " + std::to_string(shapes.channels(result.value)) + " channels" +
                            (shapes.single(result.value) ? ", one row" : "")});
  }
  return settings;
}

[[nodiscard]] inline std::vector<config_entry> settings_in_words(const caduceus_config& c) {
  std::string strands = "one";
  if (c.two_strands) strands = c.exchanges_strands ? "two, exchanged in every block" : "two";
  return {{"mixer", "Mamba in both directions, added; projections shared"},
          {"sizes of it", std::to_string(c.inner) + " channels of " + std::to_string(c.states) +
                              " states, convolution of " + std::to_string(c.taps) + ", steps of " +
                              std::to_string(c.rank) + " numbers"},
          {"strands", strands},
          {"RMS norm", "before each mixer and at the end; eps " + number_text(c.norm_eps)},
          {"head", c.tied_head ? "decoder is the embedding" : "decoder of its own"}};
}

[[nodiscard]] inline std::vector<config_entry> settings_in_words(const network_config& config) {
  return std::visit([](const auto& kind) { return settings_in_words(kind); }, config);
}

}  // namespace detail
DNALM_END_NAMESPACE
