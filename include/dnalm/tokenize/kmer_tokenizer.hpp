// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Non-overlapping k-mers with single letters as the rest: the Nucleotide Transformer, v1 and v2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tokenize/detail/kmer_table.hpp>
#include <dnalm/tokenize/tokenizer_base.hpp>
#include <dnalm/tokenize/tokenizer_config.hpp>
#include <dnalm/tokenize/vocabulary_file.hpp>

DNALM_BEGIN_NAMESPACE

/// Splits text as EsmTokenizer does with a vocabulary of all k-mers.
///
/// From left to right: k letters of ACGT are one token; where fewer than k follow, each letter is one; N and
/// other tokens of the vocabulary (`<mask>`) are found literally, the longest first; a run of other
/// characters up to white space or the next token is one UNK; white space vanishes (and breaks the frame).
/// CLS comes first; EOS last, only where the configuration names an `eos_token`. Case is not folded here.
/// Text beyond ASCII is read as UTF-8; a byte that is not is an unknown character. Cost: one table look-up a
/// k-mer, none of them hashed; for k up to 8 a k-mer is packed from one 8-byte word.
class kmer_tokenizer final : public tokenizer_base {
 public:
  /// `vocabulary`: the lines of vocab.txt, in order; `where` names the file.
  /// \throws error [dnalm.config.310] for a duplicated or unusable token, [dnalm.config.311] when the k-mers
  /// of one length k in [1, 10] are not complete or single letters are missing, [dnalm.config.312] when a
  /// special token is missing or has another number than the configuration says, [dnalm.unsupported.304] for
  /// token flags, [dnalm.unsupported.313] for other tokens that begin with a letter of ACGT.
  kmer_tokenizer(std::vector<std::string> vocabulary, const tokenizer_config& config,
                 const std::string& where);

  [[nodiscard]] token_sequence encode(std::string_view text) const override;
  [[nodiscard]] token_sequence encode_sequence(std::string_view sequence, unknown_policy policy,
                                               const std::string& where) const override;
  [[nodiscard]] const special_tokens& special() const override { return special_; }
  [[nodiscard]] index_t vocabulary_size() const override { return static_cast<index_t>(tokens_.size()); }
  [[nodiscard]] const std::string& token(int id) const override { return detail::token_text(tokens_, id); }
  [[nodiscard]] index_t model_max_length() const override { return model_max_length_; }
  [[nodiscard]] std::string description() const override;
  /// Letters of a k-mer.
  [[nodiscard]] int k() const { return static_cast<int>(table_.k); }

 private:
  std::size_t encode_kmers(std::string_view text, std::size_t at, token_sequence& out) const;
  std::size_t encode_letters(std::string_view text, std::size_t at, token_sequence& out) const;
  std::size_t encode_unknown(std::string_view text, std::size_t at, token_sequence& out) const;

  std::vector<std::string> tokens_;
  detail::kmer_table table_;
  special_tokens special_;
  index_t model_max_length_ = 0;
  int appended_eos_ = -1;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/tokenize/detail/kmer_tokenizer_impl.hpp>
#endif
