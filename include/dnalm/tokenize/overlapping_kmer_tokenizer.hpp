// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Overlapping k-mers, one token a base: DNABERT with k from 3 to 6.
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

DNALM_BEGIN_NAMESPACE

/// Tokens of the k-mers of plain DNA: n letters are n - k + 1 tokens between CLS and SEP.
///
/// Token i + 1 is the k-mer of the letters [i, i + k), UNK where one of them is not A, C, G or T in upper
/// case. The reference reads text that was cut into k-mers before; here the cutting is part of the tokenizer,
/// and all ids are those of the reference on the k-mers. Literal text is split at white space and at the
/// special tokens of the vocabulary (`[MASK]`), which are tokens; the k-mers of each piece are formed alone,
/// and a piece shorter than k gives none, as in the reference. Under the other policies a sequence shorter
/// than k is an error: it would have no token at all. Never truncated: the reference's own class cuts 510
/// k-mers or more into several blocks, which no model of one block can read. Cost: one table look-up a base.
class overlapping_kmer_tokenizer final : public tokenizer_base {
 public:
  /// `vocabulary`: the lines of vocab.txt, in order; `where` names the file.
  /// \throws error [dnalm.config.310] for a duplicated or unusable token, [dnalm.config.311] when the k-mers
  /// of one length k in [1, 10] are not complete, [dnalm.config.312] when a special token is missing or has
  /// another number than the configuration says, [dnalm.unsupported.304] for token flags,
  /// [dnalm.unsupported.313] for other tokens that begin with a letter of ACGT.
  overlapping_kmer_tokenizer(std::vector<std::string> vocabulary, const tokenizer_config& config,
                             const std::string& where);

  /// \throws error [dnalm.input.341] for text beyond ASCII.
  [[nodiscard]] token_sequence encode(std::string_view text) const override;
  /// \throws error [dnalm.input.340] for a sequence shorter than k, and as normalize_sequence.
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
  [[nodiscard]] std::size_t end_of_piece(std::string_view text, std::size_t at) const;
  bool encode_piece(std::string_view text, std::size_t begin, std::size_t end, bool strict,
                    token_sequence& out) const;

  std::vector<std::string> tokens_;
  detail::kmer_table table_;
  special_tokens special_;
  index_t model_max_length_ = 0;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/tokenize/detail/overlapping_kmer_tokenizer_impl.hpp>
#endif
