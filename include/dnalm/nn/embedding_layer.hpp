// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Token numbers to the first hidden state: word, position and type tables, ESM's token dropout,
/// LayerNorm.
#pragma once

#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/nn/norm_layer.hpp>

DNALM_BEGIN_NAMESPACE

/// Position rows of BERT: 0, 1, ... in every sequence.
inline void counted_positions(const ragged_offsets& offsets, std::vector<std::int32_t>& positions) {
  positions.resize(static_cast<std::size_t>(offsets.rows()));
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t i = 0; i < offsets.length(s); ++i) {
      positions[static_cast<std::size_t>(offsets.begin(s) + i)] = static_cast<std::int32_t>(i);
    }
  }
}

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

/// What an embedding reads: token numbers, and where sequences begin.
template <class B>
struct embedding_input {
  std::span<const std::int32_t> ids;
  const ragged_offsets& offsets;
  std::span<const std::int32_t> token_types = {};  ///< empty: all 0
  /// (R, D): these in place of the words' rows, one per token; data null: look the ids up. The ids still say
  /// which tokens are masks and padding.
  input_matrix<B> word_rows = {};
};

/// x = LN(factor word[id] + position[...] + type[...]); each part but the first is optional.
template <encoder_backend B>
struct embedding_layer {
  typename B::tensor words;                          ///< (V, D)
  std::optional<typename B::tensor> positions = {};  ///< learned
  std::optional<typename B::tensor> types = {};
  std::optional<norm_layer<B>> norm = {};
  std::optional<std::int32_t> pad = {};           ///< ESM: positions count from it; empty: from 0
  std::optional<std::int32_t> dropout_mask = {};  ///< id of the mask token when token dropout is on

  /// `token_types` may be empty: all 0. y (R, D).
  void forward(const B& backend, std::span<const std::int32_t> ids, const ragged_offsets& offsets,
               std::span<const std::int32_t> token_types, embedding_workspace<scalar_of<B>>& w,
               output_matrix<B> y) const {
    forward(backend, {ids, offsets, token_types}, w, y);
  }
  void forward(const B& backend, const embedding_input<B>& input, embedding_workspace<scalar_of<B>>& w,
               output_matrix<B> y) const {
    sum(backend, input, w, y);
    if (norm) norm->forward(backend, y, y);
  }

  /// d[r] = factor[r] LN^T(x, d)[r] in place: the gradient with respect to y becomes that with respect to the
  /// words' rows, before token dropout scales them (0 at its mask tokens). `narrow` (R, D) is scratch.
  void vjp(const B& backend, const embedding_input<B>& input, embedding_workspace<scalar_of<B>>& w,
           output_matrix<B> narrow, output_matrix<B> d) const {
    if (norm) {
      sum(backend, input, w, narrow);
      norm->vjp(backend, narrow, d, d);
    }
    find_factors(input, w);
    backend.embed_rows_vjp(w.factors, d, d);
  }

 private:
  void find_factors(const embedding_input<B>& input, embedding_workspace<scalar_of<B>>& w) const {
    w.factors.clear();
    if (dropout_mask) token_dropout_factors(input.ids, input.offsets, *dropout_mask, w.factors);
  }
  /// factor word[id] + position[...] + type[...].
  void sum(const B& backend, const embedding_input<B>& input, embedding_workspace<scalar_of<B>>& w,
           output_matrix<B> y) const {
    find_factors(input, w);
    if (input.word_rows.data == nullptr) {
      backend.embed_rows(input.ids, words.view(), w.factors, y);
    } else {
      w.rows.resize(input.ids.size());
      std::iota(w.rows.begin(), w.rows.end(), 0);
      backend.embed_rows(w.rows, input.word_rows, w.factors, y);
    }
    if (positions) {
      if (pad) {
        learned_positions(input.ids, input.offsets, *pad, w.rows);
      } else {
        counted_positions(input.offsets, w.rows);
      }
      backend.add_rows(w.rows, positions->view(), y);
    }
    if (types) {
      w.rows.assign(input.ids.size(), 0);
      backend.add_rows(input.token_types.empty() ? std::span<const std::int32_t>(w.rows) : input.token_types,
                       types->view(), y);
    }
  }
};

DNALM_END_NAMESPACE
