// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Byte pair encoding from a tokenizer.json: DNABERT-2.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tokenize/bpe_definition.hpp>
#include <dnalm/tokenize/bpe_merges.hpp>
#include <dnalm/tokenize/literal_tokens.hpp>
#include <dnalm/tokenize/tokenizer_base.hpp>
#include <dnalm/tokenize/tokenizer_config.hpp>

DNALM_BEGIN_NAMESPACE

/// Splits text as the reference tokenizers do with such a file.
///
/// Special tokens are found literally (leftmost, then longest); the rest is cut into words; every character
/// of a word that is no token becomes one UNK; neighbours are merged by rank; prefix and suffix frame the
/// result. Text beyond ASCII is read as UTF-8, one UNK a character; a byte that is not UTF-8 is one
/// character.
class bpe_tokenizer final : public tokenizer_base {
 public:
  bpe_tokenizer(bpe_definition definition, const tokenizer_config& config, const std::string& where);

  /// \throws error [dnalm.unsupported.322] for text of more than 2^31 - 2 bytes.
  [[nodiscard]] token_sequence encode(std::string_view text) const override;
  [[nodiscard]] const special_tokens& special() const override { return special_; }
  [[nodiscard]] index_t vocabulary_size() const override {
    return static_cast<index_t>(definition_.tokens.size());
  }
  [[nodiscard]] const std::string& token(int id) const override {
    return detail::token_text(definition_.tokens, id);
  }
  [[nodiscard]] index_t model_max_length() const override { return model_max_length_; }
  [[nodiscard]] std::string description() const override;

 private:
  struct scratch {
    std::vector<bpe_symbol> symbols;
    std::vector<std::uint64_t> heap;
  };
  void encode_piece(std::string_view text, std::size_t begin, std::size_t end, scratch& memory,
                    token_sequence& out) const;
  void encode_word(std::string_view text, std::size_t begin, std::size_t end, scratch& memory,
                   token_sequence& out) const;
  [[nodiscard]] std::size_t word_end(std::string_view text, std::size_t begin, std::size_t end) const;

  bpe_definition definition_;
  bpe_merge_table merges_;
  literal_tokens added_;
  std::array<std::int32_t, 128> letters_{};  // token of a single ASCII character, or UNK
  special_tokens special_;
  index_t model_max_length_ = 0;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/tokenize/detail/bpe_tokenizer_impl.hpp>
#endif
