// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Embeddings as arrays in memory: the short way for data that fit.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/embed/embed.hpp>
#include <dnalm/tensor/array.hpp>

DNALM_BEGIN_NAMESPACE

/// Results of embed() as arrays.
struct embeddings {
  std::vector<index_t> layers = {};
  std::vector<pooling> poolings = {};
  std::vector<nd_array<float, 2>> values = {};  ///< by pooling, then layer; use at()
  nd_array<float, 2> logits = {};               ///< (sum of rows, V or predictions) when asked for
  ragged_offsets offsets = {};                  ///< tokens of each sequence
  std::vector<ragged_offsets> rows =
      {};  ///< rows of each sequence, by layer: `offsets` but for networks that resize
  ragged_offsets logit_rows = {};  ///< the same of the logits
  std::vector<std::int32_t> token_ids = {};

  /// (sequences, D) of a pooling and a layer; (sum of tokens, D) for `tokens`.
  /// \throws error [dnalm.usage.457] when it was not asked for.
  [[nodiscard]] const nd_array<float, 2>& at(pooling kind, index_t layer) const;
};

/// Embeds sequences into arrays: `embed(network, sequences, {.layers = all_layers, .poolings =
/// {pooling::mean}})`. \throws as embed.
[[nodiscard]] embeddings embed(const model& network, std::span<const io::sequence_record> sequences,
                               const embed_options& options = {});
/// The same for plain sequences, which errors call by their number.
[[nodiscard]] embeddings embed(const model& network, std::span<const std::string> sequences,
                               const embed_options& options = {});

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/embed/detail/embeddings_impl.hpp>
#endif
