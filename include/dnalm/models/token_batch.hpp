// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The input of a model: packed token numbers of a ragged batch.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/network_summary.hpp>
#include <dnalm/tensor/ragged.hpp>

DNALM_BEGIN_NAMESPACE

/// Sequence s is ids[offsets.begin(s), offsets.begin(s + 1)).
struct token_batch {
  std::span<const std::int32_t> ids;
  const ragged_offsets& offsets;
  std::span<const std::int32_t> token_types = {};  ///< one per token, or empty: all 0

  /// Tokens of the longest sequence.
  [[nodiscard]] index_t longest() const {
    index_t most = 0;
    for (index_t s = 0; s < offsets.sequences(); ++s)
      most = offsets.length(s) > most ? offsets.length(s) : most;
    return most;
  }
};

/// Token `token` of a sequence replaced by `id`.
struct token_edit {
  index_t token = 0;
  std::int32_t id = 0;
};

/// What is asked of sequences with one token edited. Only what the rows asked for depend on is computed,
/// where a network knows it.
struct edit_request {
  index_t state = 0;                   ///< a hidden state, from 1 on
  bool logits = false;                 ///< the logits instead, whatever `state` says
  std::span<const index_t> rows = {};  ///< of the state or the logits, increasing; none: all
  index_t bytes = index_t{1} << 26;    ///< of memory for edited sequences, about; one always runs
};

namespace detail {

inline void check_batch_sizes(const token_batch& batch) {
  bool increasing = batch.offsets.offsets.front() == 0;
  for (index_t s = 0; s < batch.offsets.sequences() && increasing; ++s)
    increasing = batch.offsets.length(s) >= 0;
  if (!increasing || batch.offsets.rows() != static_cast<index_t>(batch.ids.size())) {
    throw error(error_kind::shape, 409, "tokens and offsets of a batch disagree",
                {.expected = std::to_string(batch.offsets.rows()) + " tokens in increasing offsets from 0",
                 .found = std::to_string(batch.ids.size()) + " tokens"});
  }
  if (!batch.token_types.empty() && batch.token_types.size() != batch.ids.size()) {
    throw error(
        error_kind::shape, 409, "tokens and token types of a batch disagree",
        {.expected = std::to_string(batch.ids.size()), .found = std::to_string(batch.token_types.size())});
  }
}

}  // namespace detail

/// One sequence of token numbers against a model: not empty, each with a row in the embedding, not too long.
/// `limit` 0: none. `where` names the sequence.
/// \throws error [dnalm.input.406] too long, [dnalm.input.407] a number without a row, [dnalm.input.408]
/// empty.
inline void check_tokens(std::span<const std::int32_t> ids, index_t vocabulary, index_t limit,
                         const std::string& where) {
  const auto count = static_cast<index_t>(ids.size());
  if (count == 0) throw error(error_kind::input, 408, "a sequence without tokens", {.where = where});
  if (limit > 0 && count > limit) {
    throw error(error_kind::input, 406, "sequence longer than the model allows",
                {.where = where,
                 .expected = "at most " + std::to_string(limit) +
                             " tokens; what takes --window cuts longer sequences",
                 .found = std::to_string(count) + " tokens"});
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= vocabulary) {
      throw error(error_kind::input, 407, "a token that has no row in the model's embedding",
                  {.where = where + ", token " + std::to_string(i),
                   .expected = "0 to " + std::to_string(vocabulary - 1),
                   .found = std::to_string(ids[i])});
    }
  }
}

/// A whole batch against a network. \throws error [dnalm.shape.409] sizes that disagree; as
/// check_tokens.
inline void check_batch(const network_summary& about, const token_batch& batch) {
  detail::check_batch_sizes(batch);
  for (index_t s = 0; s < batch.offsets.sequences(); ++s) {
    const auto first = static_cast<std::size_t>(batch.offsets.begin(s));
    const auto length = static_cast<std::size_t>(batch.offsets.length(s));
    const std::string where = "sequence " + std::to_string(s) + " of the batch";
    check_tokens(batch.ids.subspan(first, length), about.vocabulary, about.table_limit, where);
    if (batch.token_types.empty()) continue;
    for (const std::int32_t type : batch.token_types.subspan(first, length)) {
      if (type >= 0 && type < about.token_types) continue;
      throw error(error_kind::input, 407, "a token type that the model has not",
                  {.where = where,
                   .expected = "0 to " + std::to_string(about.token_types - 1),
                   .found = std::to_string(type)});
    }
  }
}

template <summarized Config>
void check_batch(const Config& config, const token_batch& batch) {
  check_batch(config.summary(), batch);
}

DNALM_END_NAMESPACE
