// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One token a letter: SpliceBERT, HyenaDNA, GPN, RNA-FM, RiNALMo, ESM and the like.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tokenize/detail/letter_lanes.hpp>
#include <dnalm/tokenize/literal_tokens.hpp>
#include <dnalm/tokenize/nucleotide_rules.hpp>
#include <dnalm/tokenize/tokenizer_base.hpp>

DNALM_BEGIN_NAMESPACE

/// Reads single letters by a table, framed as the model wants it.
///
/// Under the policies `error` and `n` case does not matter, the model's own form of T and U is chosen
/// (nucleotide_rules::replaced), N is UNK where the vocabulary has no N (an error where it has no UNK), and
/// the letters of the vocabulary are those that may stand in a sequence: a model of RNA reads U, and R and Y
/// if it knows them. `n` reads any other printable character as N (as X in a vocabulary without nucleotides'
/// N, that of proteins). `literal` is what the reference implementation makes of the text. Cost: a few
/// instructions for sixteen letters of ACGT and one more (U or N), one table look-up for each of the others.
class nucleotide_tokenizer final : public tokenizer_base {
 public:
  /// `where` names what the rules were made from. \throws error [dnalm.config.342] when the rules contradict
  /// themselves: no letters, numbers beyond the vocabulary, no UNK.
  nucleotide_tokenizer(nucleotide_rules rules, const std::string& where);

  [[nodiscard]] token_sequence encode(std::string_view text) const override;
  [[nodiscard]] bool reads_dna() const override { return false; }
  /// \throws error [dnalm.input.150] for a letter that the vocabulary has not, [dnalm.input.151] for U where
  /// the model reads DNA.
  [[nodiscard]] token_sequence encode_sequence(std::string_view sequence, unknown_policy policy,
                                               const std::string& where) const override;
  [[nodiscard]] const special_tokens& special() const override { return rules_.special; }
  [[nodiscard]] index_t vocabulary_size() const override {
    return static_cast<index_t>(rules_.tokens.size());
  }
  [[nodiscard]] const std::string& token(int id) const override {
    return detail::token_text(rules_.tokens, id);
  }
  [[nodiscard]] index_t model_max_length() const override { return rules_.model_max_length; }
  [[nodiscard]] std::string description() const override;
  /// The letters that may stand in a sequence, in upper case and alphabetical order.
  [[nodiscard]] const std::string& letters() const { return letters_; }

 private:
  using letter_table = std::array<std::int32_t, 256>;

  void check_rules(const std::string& where) const;
  void fill_sequence_tables();
  void fill_literal_table();
  [[nodiscard]] std::int32_t letter_id(char letter) const;
  [[noreturn]] void throw_letter(std::string_view sequence, const letter_table& table,
                                 const std::string& where) const;
  std::size_t encode_odd(std::string_view text, std::size_t at, token_sequence& out) const;
  void encode_blanks(std::string_view text, std::size_t at, std::size_t end, token_sequence& out) const;
  [[nodiscard]] std::size_t end_of_blanks(std::string_view text, std::size_t at) const;
  [[nodiscard]] std::int32_t single_at(std::string_view text, std::size_t at) const;

  nucleotide_rules rules_;
  literal_tokens found_;
  letter_table single_{};   // tokens of one character, -1 where there is none
  letter_table strict_{};   // of the policy `error`: -1 is an error
  letter_table lenient_{};  // of the policy `n`
  letter_table literal_{};  // -1 wants a closer look
  detail::letter_lanes strict_lanes_{};
  detail::letter_lanes literal_lanes_{};
  std::string letters_;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/tokenize/detail/nucleotide_tokenizer_impl.hpp>
#endif
