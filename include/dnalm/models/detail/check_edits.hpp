// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Edits of a sequence against the sequence and its network.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/token_batch.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// \throws error [dnalm.input.422] a state that is not there, [dnalm.input.428] a token that the sequence has
/// not, [dnalm.input.407] an id without a row.
inline void check_edits(std::span<const std::int32_t> ids, std::span<const token_edit> edits, index_t state,
                        index_t states, index_t vocabulary) {
  if (state < 1 || state > states) {
    throw error(error_kind::input, 422, "hidden states that the model has not, or unordered",
                {.expected = "1 to " + std::to_string(states), .found = std::to_string(state)});
  }
  for (const token_edit& edit : edits) {
    if (edit.token < 0 || edit.token >= static_cast<index_t>(ids.size())) {
      throw error(error_kind::input, 428, "an edit of a token that the sequence has not",
                  {.expected = "0 to " + std::to_string(static_cast<index_t>(ids.size()) - 1),
                   .found = std::to_string(edit.token)});
    }
    check_tokens({&edit.id, 1}, vocabulary, 0, "edit of token " + std::to_string(edit.token));
  }
}

/// \throws error [dnalm.input.443].
inline void check_edit_rows(std::span<const index_t> rows, index_t all) {
  index_t next = 0;
  for (const index_t row : rows) {
    if (row < next || row >= all) {
      throw error(
          error_kind::input, 443, "rows of edited sequences that they have not, or unordered",
          {.expected = "increasing rows from 0 to " + std::to_string(all - 1), .found = std::to_string(row)});
    }
    next = row + 1;
  }
}

}  // namespace detail
DNALM_END_NAMESPACE
