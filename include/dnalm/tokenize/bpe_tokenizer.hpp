// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Byte pair encoding from a tokenizer.json: DNABERT-2.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tokenize/bpe_definition.hpp>
#include <dnalm/tokenize/tokenizer_base.hpp>
#include <dnalm/tokenize/tokenizer_config.hpp>

DNALM_BEGIN_NAMESPACE

/// Splits text as the reference tokenizers do with such a file: a definition that was read, changed or made
/// in code. For a file as it is make_json_tokenizer knows more components.
///
/// Special tokens are found literally (leftmost, then longest); the rest is cut into words; every character
/// of a word that is no token becomes one UNK; neighbours are merged by rank; prefix and suffix frame the
/// result. Text beyond ASCII is read as UTF-8, one UNK a character; a byte that is not UTF-8 is one
/// character.
class bpe_tokenizer final : public tokenizer_base {
 public:
  /// \throws error [dnalm.config.321] for a merge that stands twice, [dnalm.config.323] for a special token
  /// of `config` that is not there.
  bpe_tokenizer(bpe_definition definition, const tokenizer_config& config, const std::string& where);

  /// \throws error [dnalm.unsupported.322] for text of more than 2^31 - 2 bytes.
  [[nodiscard]] token_sequence encode(std::string_view text) const override { return inner_->encode(text); }
  [[nodiscard]] const special_tokens& special() const override { return inner_->special(); }
  [[nodiscard]] index_t vocabulary_size() const override { return inner_->vocabulary_size(); }
  [[nodiscard]] const std::string& token(int id) const override { return inner_->token(id); }
  [[nodiscard]] index_t model_max_length() const override { return inner_->model_max_length(); }
  [[nodiscard]] std::string description() const override { return inner_->description(); }

 private:
  std::shared_ptr<const tokenizer_base> inner_;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/tokenize/detail/bpe_tokenizer_impl.hpp>
#endif
