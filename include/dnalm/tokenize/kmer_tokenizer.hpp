// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Non-overlapping k-mers with single letters as the rest: the Nucleotide Transformer, v1 and v2.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tokenize/literal_tokens.hpp>
#include <dnalm/tokenize/tokenizer_base.hpp>
#include <dnalm/tokenize/tokenizer_config.hpp>

DNALM_BEGIN_NAMESPACE

/// Splits text as EsmTokenizer does with a vocabulary of all k-mers.
///
/// From left to right: k letters of ACGT are one token; where fewer than k follow, each letter is one; N and
/// other tokens of the vocabulary (`<mask>`) are found literally, the longest first; a run of other
/// characters up to white space or the next token is one UNK; white space vanishes (and breaks the frame).
/// CLS comes first; EOS last, only where the configuration names an `eos_token`. Case is not folded here.
/// Text beyond ASCII is read as UTF-8; a byte that is not is an unknown character. Cost: one table look-up a
/// letter, none of them hashed.
class kmer_tokenizer final : public tokenizer_base {
 public:
  /// `vocabulary`: the lines of vocab.txt, in order; `where` names the file.
  /// \throws error [dnalm.config.310] for a duplicated or unusable token, [dnalm.config.311] when the k-mers
  /// of one length k in [1, 10] are not complete or single letters are missing, [dnalm.config.312] when a
  /// special token is missing or has another number than the configuration says, [dnalm.unsupported.313] for
  /// other tokens that begin with a letter of ACGT.
  kmer_tokenizer(std::vector<std::string> vocabulary, const tokenizer_config& config,
                 const std::string& where);

  [[nodiscard]] token_sequence encode(std::string_view text) const override;
  [[nodiscard]] const special_tokens& special() const override { return special_; }
  [[nodiscard]] index_t vocabulary_size() const override { return static_cast<index_t>(tokens_.size()); }
  [[nodiscard]] const std::string& token(int id) const override { return detail::token_text(tokens_, id); }
  [[nodiscard]] index_t model_max_length() const override { return model_max_length_; }
  [[nodiscard]] std::string description() const override;
  /// Letters of a k-mer.
  [[nodiscard]] int k() const { return k_; }

 private:
  void find_specials(const tokenizer_config& config, const std::string& where);
  void fill_tables(const std::string& where);
  std::size_t encode_bases(std::string_view text, std::size_t at, token_sequence& out) const;
  std::size_t encode_unknown(std::string_view text, std::size_t at, token_sequence& out) const;

  std::vector<std::string> tokens_;
  special_tokens special_;
  literal_tokens others_;
  std::vector<std::int32_t> kmer_ids_;        // by 2-bit codes, most significant letter first
  std::array<std::int32_t, 4> letter_ids_{};  // A, C, G, T
  index_t model_max_length_ = 0;
  int k_ = 0;
  int appended_eos_ = -1;
};

/// Lines of a vocab.txt, blanks around them removed; one line end may stand at the end of the file.
/// \throws error [dnalm.config.310] for an empty line or file, [dnalm.io.314] when it cannot be read or is
/// larger than 64 MiB.
[[nodiscard]] std::vector<std::string> read_vocabulary(const std::filesystem::path& file);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/tokenize/detail/kmer_tokenizer_impl.hpp>
#endif
