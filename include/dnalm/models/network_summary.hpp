// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What every kind of network says of itself alike: names, sizes, limits.
#pragma once

#include <concepts>
#include <string_view>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// The part of a configuration that programs, checks and descriptions need, whatever the network is.
struct network_summary {
  std::string_view architecture = {};  ///< for people: `NT-v2`, `GPN`
  index_t layers = 0;                  ///< hidden states are numbered 0 (the embedding's output) to layers
  index_t width = 0;                   ///< D, channels of hidden states; where each has its own, of the first
  index_t vocabulary = 0;              ///< V, token numbers and width of the logits
  index_t predictions = 0;             ///< width of the logits where it is not V; 0: V
  index_t linear_outputs = 0;          ///< hidden states behind those: what predictions are maps of
  bool resizes = false;                ///< hidden states have numbers of rows and channels of their own
  index_t letters = 0;                 ///< tokens a tokenizer knows, where V has rows for none; 0: V
  index_t token_multiple = 1;          ///< V may be the tokens of a tokenizer, up to a multiple of this
  index_t heads = 0;                   ///< 0: no attention
  index_t feed_forward = 0;            ///< 0: no feed-forward width of its own
  bool gated = false;                  ///< whether the feed-forward block is gated
  index_t table_limit = 0;             ///< longest input that the weights allow, in tokens; 0: no limit
  index_t token_types = 0;             ///< rows of the token-type table; 0: none
  int pad_id = -1;                     ///< -1: the configuration names none
  int mask_id = -1;                    ///< -1: the configuration names none
  double initializer_range = 0.02;     ///< standard deviation of a random twin's matrices
  bool predicts_bases = false;         ///< layer_graph::predicts_bases

  /// Width of the logits, or of the predictions in their place.
  [[nodiscard]] index_t logits_width() const { return predictions > 0 ? predictions : vocabulary; }
  /// The last hidden state that gradients and edits may be of.
  [[nodiscard]] index_t last_state() const { return layers + linear_outputs; }
  /// Tokens that the model's tokenizer knows.
  [[nodiscard]] index_t known_tokens() const { return letters > 0 ? letters : vocabulary; }
  /// Whether a tokenizer of so many tokens fits: all that the model knows, or where it knows V, of which some
  /// may fill up a multiple, as many as give V.
  [[nodiscard]] bool fits(index_t tokens) const {
    if (tokens == known_tokens()) return true;
    return known_tokens() == vocabulary && tokens <= vocabulary && vocabulary - tokens < token_multiple;
  }
};

/// A configuration of one kind of network.
template <class C>
concept summarized = requires(const C& config) {
  { config.summary() } -> std::same_as<network_summary>;
};

DNALM_END_NAMESPACE
