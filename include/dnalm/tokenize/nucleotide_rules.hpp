// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the tokenizers of single letters differ in, and the rules of each published kind.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tokenize/special_tokens.hpp>
#include <dnalm/tokenize/tokenizer_config.hpp>

DNALM_BEGIN_NAMESPACE

/// A letter that is read as another one, both in upper case.
struct letter_replacement {
  char from = '\0';  ///< '\0': none
  char to = '\0';
};

/// Case that a reference tokenizer gives to text itself.
enum class case_folding { none, upper, lower };

/// How a tokenizer of single letters reads text.
struct nucleotide_rules {
  std::vector<std::string> tokens = {};  ///< the vocabulary by number
  special_tokens special = {};
  std::vector<std::int32_t> prefix = {};  ///< before the letters: CLS
  std::vector<std::int32_t> suffix = {};  ///< behind them: SEP, EOS
  std::vector<std::string> found = {};    ///< tokens that literal text may hold: `[MASK]`, ...
  std::vector<std::string> strips_left =
      {};                            ///< those of `found` that take the white space before them along
  letter_replacement replaced = {};  ///< U as T, or T as U
  bool replaces_literally = false;   ///< whether the reference itself does so
  case_folding folding = case_folding::none;  ///< of literal text
  bool skips_blanks = false;                  ///< literal white space vanishes; else it is UNK
  bool drops_unknown = false;                 ///< there is no UNK: unknown literal characters vanish
  bool joins_unknown = false;  ///< a run of unknown literal characters is one UNK; else each is
  index_t model_max_length = 0;
  std::string kind = "single letters";  ///< for people
};

/// Whether every token is one character, or is in brackets (`[CLS]`, `<cls>`).
[[nodiscard]] bool is_letter_vocabulary(const std::vector<std::string>& tokens);

/// BERT with a vocabulary of letters (SpliceBERT): CLS, letters, SEP. Literal text is read as if blanks stood
/// between its characters, white space vanishes. U is read as T, or T as U, as the vocabulary has it.
/// \throws error [dnalm.config.310] for a token that is unusable or stands twice, [dnalm.config.312] for a
/// missing special token or one with two numbers; so do all below that take a vocabulary.
[[nodiscard]] nucleotide_rules bert_letter_rules(std::vector<std::string> vocabulary,
                                                 const tokenizer_config& config, const std::string& where);

/// EsmTokenizer with a vocabulary of letters (ESM-2, RNA models in its format): CLS, letters, EOS (none where
/// the configuration says null). In literal text white space vanishes and a run of unknown characters is one
/// UNK. T is read as U, or U as T, as the vocabulary has it; both stay where it has both (proteins).
[[nodiscard]] nucleotide_rules esm_letter_rules(std::vector<std::string> vocabulary,
                                                const tokenizer_config& config, const std::string& where);

/// RnaTokenizer, DnaTokenizer and ProteinTokenizer of MultiMolecule (RNA-FM, RiNALMo, ... as copied there):
/// `<cls>`, letters, `<eos>`. They fold case and replace T by U (U by T) themselves. \throws error
/// [dnalm.unsupported.305] for tokens of several letters (`nmers`, `codon`).
[[nodiscard]] nucleotide_rules multimolecule_rules(std::vector<std::string> vocabulary,
                                                   const tokenizer_config& config, const std::string& where);

/// HyenaDNA's HyenaDNATokenizer on the hub, its original CharacterTokenizer (which takes white space before
/// `[MASK]` along) and Caduceus' CaduceusTokenizer (which folds case), by the class that `config` names:
/// letters, SEP. They need no vocabulary: seven special tokens, then `config.characters`, or A, C, G, T, N.
/// The authors' code put CLS before the letters until October 2023, and its standalone_hyenadna.py still
/// does. \throws error [dnalm.unsupported.302] for another class.
[[nodiscard]] nucleotide_rules character_rules(const tokenizer_config& config, const std::string& where);

/// GPN: a tokenizer.json of lower-case letters without merges, not framed by anything; the vocabularies of
/// six tokens have no UNK. Empty tokens when `json_text` is another tokenizer. \throws as parse_json.
[[nodiscard]] nucleotide_rules gpn_rules(std::string_view json_text, const tokenizer_config& config,
                                         const std::string& where);

/// Names of the alphabets that are built in because their models are published without files:
/// `rna-fm`, `rinalmo`, `hyenadna`, `hyenadna-cls`.
[[nodiscard]] std::vector<std::string> builtin_alphabets();

/// Rules of a built-in alphabet. `rna-fm`: the ESM-1b alphabet of RNA, 25 tokens with four null ones, CLS and
/// EOS, T as U. `rinalmo`: 22 tokens, CLS and EOS, U as T; folds case and replaces U itself. `hyenadna`: as
/// HyenaDNATokenizer; `hyenadna-cls`: with CLS in front, as the CharacterTokenizer that goes with
/// weights.ckpt. \throws error [dnalm.usage.343] for another name.
[[nodiscard]] nucleotide_rules builtin_rules(std::string_view name);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/tokenize/detail/nucleotide_rules_impl.hpp>
#endif
