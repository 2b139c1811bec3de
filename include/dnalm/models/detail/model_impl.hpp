// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/model.hpp.
#pragma once

#include <algorithm>
#include <string>

#include <dnalm/models/model.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE token_sequence model::tokenize(std::string_view sequence, const std::string& where) const {
  const model_description& about = describe();
  if (!about.tokens) {
    throw error(error_kind::config, 405, "the model folder has no tokenizer files",
                {.where = about.folder.string(), .expected = "vocab.txt or tokenizer.json"});
  }
  if (sequence.empty()) throw error(error_kind::input, 408, "an empty sequence", {.where = where});
  token_sequence tokens = about.tokens->encode(sequence, where);
  check_tokens(tokens.ids, about.vocabulary(), about.max_tokens, where);
  return tokens;
}

namespace detail {

/// \throws error [dnalm.input.428] a row that `all` rows have not.
inline void check_asked_rows(std::span<const index_t> rows, index_t all) {
  for (const index_t row : rows) {
    if (row >= 0 && row < all) continue;
    throw error(error_kind::input, 428, "logits were asked for of a token that the batch has not",
                {.expected = "0 to " + std::to_string(all - 1), .found = std::to_string(row)});
  }
}

}  // namespace detail

DNALM_INLINE void model_base::logits_of(const token_batch& batch, std::span<const index_t> rows,
                                        logits_observer observer, forward_workspace& workspace) const {
  const auto take = [&](matrix_view<const float> all) {
    detail::check_asked_rows(rows, all.rows);
    matrix<float> some(static_cast<index_t>(rows.size()), all.columns);
    for (index_t i = 0; i < some.rows(); ++i) {
      std::copy_n(all.row_data(rows[static_cast<std::size_t>(i)]), all.columns, some.view().row_data(i));
    }
    observer(some.view());
  };
  const logits_observer taker = take;
  forward(
      batch, {}, [](index_t, matrix_view<const float>) {}, &taker, workspace);
}

DNALM_INLINE void model::logits(const token_batch& batch, std::span<const index_t> rows,
                                logits_observer observer, forward_workspace& workspace) const {
  // Of a network that resizes the rows are known when they are made: logits_of checks them.
  if (!describe().summary().resizes || batch.ids.empty()) {
    detail::check_asked_rows(rows, static_cast<index_t>(batch.ids.size()));
  }
  if (!rows.empty()) base_->logits_of(batch, rows, observer, workspace);
}

DNALM_INLINE void model::word_rows(std::span<const std::int32_t> ids, matrix_view<float> rows) const {
  check_tokens(ids, describe().vocabulary(), 0, "words' rows");
  const auto tokens = static_cast<index_t>(ids.size());
  if (rows.data == nullptr || rows.rows != tokens || rows.columns != describe().width()) {
    throw error(error_kind::shape, 423, "words' rows that do not fit the batch",
                {.expected = std::to_string(tokens) + " x " + std::to_string(describe().width()),
                 .found = std::to_string(rows.rows) + " x " + std::to_string(rows.columns)});
  }
  base_->word_rows(ids, rows);
}

namespace detail {

/// \throws error as model::forward_pooled.
inline void check_pool_request(const token_batch& batch, const pool_request& request, index_t layers) {
  check_layer_order(request.layers, layers);
  if (request.special.size() != batch.ids.size()) {
    throw error(
        error_kind::shape, 409, "one flag per token is needed",
        {.expected = std::to_string(batch.ids.size()), .found = std::to_string(request.special.size())});
  }
  if (std::find(request.kinds.begin(), request.kinds.end(), pooling::tokens) != request.kinds.end()) {
    throw error(error_kind::usage, 427, "pooling `tokens` has no pooled form",
                {.expected = "cls, mean, mean_all or max"});
  }
}

}  // namespace detail

DNALM_INLINE bool model::forward_pooled(const token_batch& batch, const pool_request& request,
                                        pooled_observer observer, forward_workspace& workspace) const {
  detail::check_pool_request(batch, request, describe().layers());
  return base_->forward_pooled(batch, request, observer, workspace);
}

DNALM_INLINE std::shared_ptr<const device_poolings> model::pool_on_device(
    const token_batch& batch, const pool_request& request, std::span<const index_t> seen,
    pooled_observer observer, forward_workspace& workspace) const {
  detail::check_pool_request(batch, request, describe().layers());
  return base_->pool_on_device(batch, request, seen, observer, workspace);
}

DNALM_INLINE void model::check_piece(index_t piece) const {
  if (piece < 0) {
    throw error(error_kind::usage, 441, "a piece of fewer than 0 positions",
                {.expected = "0 (chosen from the memory) or more", .found = std::to_string(piece)});
  }
  if (piece > 0 && !runs_in_pieces()) {
    throw error(error_kind::unsupported, 442, "pieces of a sequence for a model that runs it in one",
                {.where = describe().name,
                 .expected = "HyenaDNA or Caduceus on the cpu or the reference backend",
                 .found = std::string(describe().architecture_name()) + " on " + describe().backend});
  }
}

DNALM_END_NAMESPACE
