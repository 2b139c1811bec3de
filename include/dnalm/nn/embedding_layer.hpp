// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Token numbers to the first hidden state: word, position and type tables, ESM's token dropout,
/// LayerNorm.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/nn/norm_layer.hpp>

DNALM_BEGIN_NAMESPACE

/// Position rows of ESM: pad + (count of non-pad tokens up to and including this one); pad tokens take row
/// `pad`.
inline void learned_positions(std::span<const std::int32_t> ids, const ragged_offsets& offsets,
                              std::int32_t pad, std::vector<std::int32_t>& positions) {
  positions.resize(ids.size());
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    std::int32_t count = 0;
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
      const auto at = static_cast<std::size_t>(r);
      positions[at] = ids[at] == pad ? pad : pad + ++count;
    }
  }
}

/// Factors of ESM's token dropout, which acts at inference too: 0 for mask tokens, for the others
/// (1 - 0.15 x 0.8) / (1 - masks / tokens) of their sequence; the share of masks is a float32 number.
template <class T>
void token_dropout_factors(std::span<const std::int32_t> ids, const ragged_offsets& offsets,
                           std::int32_t mask, std::vector<T>& factors) {
  factors.resize(ids.size());
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const auto first = static_cast<std::size_t>(offsets.begin(s));
    const auto tokens = ids.subspan(first, static_cast<std::size_t>(offsets.length(s)));
    index_t masks = 0;
    for (const std::int32_t id : tokens) masks += id == mask ? 1 : 0;
    const float share = static_cast<float>(masks) / static_cast<float>(tokens.size());
    const T factor = static_cast<T>(1.0 - 0.15 * 0.8) / static_cast<T>(1.0F - share);
    for (std::size_t i = 0; i < tokens.size(); ++i) factors[first + i] = tokens[i] == mask ? T(0) : factor;
  }
}

/// Numbers per token that an embedding works out, kept between calls.
template <class T>
struct embedding_workspace {
  std::vector<std::int32_t> rows = {};
  std::vector<T> factors = {};
};

/// x = LN(factor word[id] + position[...] + type[...]); each part but the first is optional.
template <encoder_backend B>
struct embedding_layer {
  typename B::tensor words;                          ///< (V, D)
  std::optional<typename B::tensor> positions = {};  ///< learned, offset by pad
  std::optional<typename B::tensor> types = {};
  std::optional<norm_layer<B>> norm = {};
  std::int32_t pad = -1;
  std::optional<std::int32_t> dropout_mask = {};  ///< id of the mask token when token dropout is on

  /// `token_types` may be empty: all 0. y (R, D).
  void forward(const B& backend, std::span<const std::int32_t> ids, const ragged_offsets& offsets,
               std::span<const std::int32_t> token_types, embedding_workspace<scalar_of<B>>& w,
               output_matrix<B> y) const {
    w.factors.clear();
    if (dropout_mask) token_dropout_factors(ids, offsets, *dropout_mask, w.factors);
    backend.embed_rows(ids, words.view(), w.factors, y);
    if (positions) {
      learned_positions(ids, offsets, pad, w.rows);
      backend.add_rows(w.rows, positions->view(), y);
    }
    if (types) {
      w.rows.assign(ids.size(), 0);
      backend.add_rows(token_types.empty() ? std::span<const std::int32_t>(w.rows) : token_types,
                       types->view(), y);
    }
    if (norm) norm->forward(backend, y, y);
  }
  // adjoint: vjp to the one-hot tokens (B, L, V), the entry of attribution, next to forward
};

DNALM_END_NAMESPACE
