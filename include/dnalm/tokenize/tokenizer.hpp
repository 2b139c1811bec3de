// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any tokenizer of a model: text to numbered tokens with the bases they cover.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/sequence/alphabet.hpp>
#include <dnalm/tokenize/special_tokens.hpp>
#include <dnalm/tokenize/tokenizer_base.hpp>
#include <dnalm/tokenize/tokens.hpp>

DNALM_BEGIN_NAMESPACE

/// A tokenizer with a policy for letters: a value that is cheap to copy and safe to share between threads.
class tokenizer {
 public:
  explicit tokenizer(std::shared_ptr<const tokenizer_base> base,
                     unknown_policy policy = unknown_policy::error)
      : base_(std::move(base)), policy_(policy) {}

  /// Tokens of a sequence, CLS and the like included; never truncated. `where` names the sequence in
  /// messages. Under `error` and `n` case does not matter; `literal` passes the text as it is.
  /// \throws error [dnalm.input.150] for a letter that the model does not read, [dnalm.input.151] for U where
  /// it reads DNA, and as the kind of tokenizer says.
  [[nodiscard]] token_sequence encode(std::string_view sequence,
                                      const std::string& where = "sequence") const {
    return base_->encode_sequence(sequence, policy_, where);
  }
  /// Whether sequences are read in the letters of DNA; no: the tokenizer has letters of its own (RNA,
  /// protein).
  [[nodiscard]] bool reads_dna() const { return base_->reads_dna(); }
  [[nodiscard]] const special_tokens& special() const { return base_->special(); }
  /// Number of tokens of the tokenizer's own files; a model may have fewer rows.
  [[nodiscard]] index_t vocabulary_size() const { return base_->vocabulary_size(); }
  /// Text of a token. \throws error [dnalm.input.300] when there is no such number.
  [[nodiscard]] const std::string& token(int id) const { return base_->token(id); }
  /// Longest input in tokens, CLS and the like included, as tokenizer_config.json says; 0: none.
  [[nodiscard]] index_t model_max_length() const { return base_->model_max_length(); }
  /// One line for people, as "6-mers, 4107 tokens".
  [[nodiscard]] std::string description() const { return base_->description(); }
  [[nodiscard]] unknown_policy policy() const { return policy_; }
  /// The same tokenizer with another policy.
  [[nodiscard]] tokenizer with_policy(unknown_policy policy) const { return tokenizer(base_, policy); }

 private:
  std::shared_ptr<const tokenizer_base> base_;
  unknown_policy policy_;
};

/// How a tokenizer is loaded.
struct tokenizer_options {
  unknown_policy policy = unknown_policy::error;
};

/// Loads the tokenizer of a model folder, or of one file (`vocab.txt` or `tokenizer.json`; the files beside
/// it that say more are read too).
///
/// The first of these that applies:
/// 1. the class in tokenizer_config.json needs no vocabulary: HyenaDNA and Caduceus (character_rules);
/// 2. `vocab.txt` where the class is EsmTokenizer or one of MultiMolecule, or no `tokenizer.json` is there.
/// Its
///    tokens decide: single letters (esm_letter_rules, bert_letter_rules, multimolecule_rules), k-mers with
///    single letters (kmer_tokenizer), k-mers without (overlapping_kmer_tokenizer);
/// 3. `tokenizer.json`: single letters or overlapping k-mers in BERT's format, GPN (gpn_rules), else
///    make_json_tokenizer;
/// 4. config.json names a model whose alphabet is built in (`model_type` rnafm, rinalmo, hyenadna; or it is
///    that of HyenaDNA's authors: hyenadna-cls), and its vocab_size fits.
///
/// \throws error [dnalm.io.301] when no tokenizer is there, [dnalm.unsupported.302] for a class or a
/// vocabulary that is not built in, and what the tokenizers named above throw.
[[nodiscard]] tokenizer load_tokenizer(const std::filesystem::path& folder_or_file,
                                       const tokenizer_options& options = {});

/// Whether a folder holds what load_tokenizer reads (which may still be refused).
[[nodiscard]] bool has_tokenizer(const std::filesystem::path& folder);

/// A tokenizer that needs no files; for the names see builtin_alphabets. \throws error [dnalm.usage.343] for
/// another name.
[[nodiscard]] tokenizer builtin_tokenizer(std::string_view name, const tokenizer_options& options = {});

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/tokenize/detail/tokenizer_impl.hpp>
#endif
