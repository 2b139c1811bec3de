// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/model.hpp.
#pragma once

#include <dnalm/models/model.hpp>

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

DNALM_END_NAMESPACE
