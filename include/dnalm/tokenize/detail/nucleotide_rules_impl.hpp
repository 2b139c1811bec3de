// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/nucleotide_rules.hpp.
#pragma once

#include <algorithm>
#include <iterator>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/detail/letter_json.hpp>
#include <dnalm/tokenize/detail/vocabulary_index.hpp>
#include <dnalm/tokenize/nucleotide_rules.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

[[nodiscard]] inline bool is_bracketed(const std::string& token) {
  return token.size() > 2 &&
         ((token.front() == '[' && token.back() == ']') || (token.front() == '<' && token.back() == '>'));
}

[[nodiscard]] inline std::vector<std::string> longer_tokens(const std::vector<std::string>& tokens) {
  std::vector<std::string> longer;
  std::copy_if(tokens.begin(), tokens.end(), std::back_inserter(longer),
               [](const std::string& token) { return token.size() > 1; });
  return longer;
}

/// U as T where the vocabulary has only T, T as U where it has only U.
[[nodiscard]] inline letter_replacement own_form_of_t(const std::vector<std::string>& tokens) {
  const bool t = std::find(tokens.begin(), tokens.end(), "T") != tokens.end();
  const bool u = std::find(tokens.begin(), tokens.end(), "U") != tokens.end();
  if (t == u) return {};
  return t ? letter_replacement{'U', 'T'} : letter_replacement{'T', 'U'};
}

/// `<cls>`, `<pad>`, ... and `letters`, each a token.
[[nodiscard]] inline std::vector<std::string> alphabet_tokens(std::vector<std::string> specials,
                                                              std::string_view letters) {
  for (const char letter : letters) specials.emplace_back(1, letter);
  return specials;
}

}  // namespace detail

DNALM_INLINE bool is_letter_vocabulary(const std::vector<std::string>& tokens) {
  bool any = false;
  for (const std::string& token : tokens) {
    if (token.size() == 1) {
      any = true;
    } else if (!detail::is_bracketed(token)) {
      return false;
    }
  }
  return any;
}

DNALM_INLINE nucleotide_rules bert_letter_rules(std::vector<std::string> vocabulary,
                                                const tokenizer_config& config, const std::string& where) {
  refuse_token_flags(config, where);
  nucleotide_rules rules;
  rules.tokens = std::move(vocabulary);
  const detail::vocabulary_index index(rules.tokens, where);
  rules.special = detail::bert_special_tokens(index, config);
  index.check_listed(config);
  rules.prefix = {rules.special.cls};
  rules.suffix = {rules.special.sep};
  rules.found = detail::longer_tokens(rules.tokens);
  rules.replaced = detail::own_form_of_t(rules.tokens);
  rules.skips_blanks = true;
  rules.model_max_length = config.model_max_length;
  return rules;
}

DNALM_INLINE nucleotide_rules esm_letter_rules(std::vector<std::string> vocabulary,
                                               const tokenizer_config& config, const std::string& where) {
  refuse_token_flags(config, where);
  nucleotide_rules rules;
  rules.tokens = std::move(vocabulary);
  const detail::vocabulary_index index(rules.tokens, where);
  rules.special = detail::esm_special_tokens(index, config);
  index.check_listed(config);
  rules.prefix = {rules.special.cls};
  if (!config.null_special.contains("eos_token")) {
    rules.suffix = {index.required_special(config, "eos_token", "<eos>")};
  }
  rules.found = detail::longer_tokens(rules.tokens);
  rules.replaced = detail::own_form_of_t(rules.tokens);
  rules.skips_blanks = true;
  rules.joins_unknown = true;
  rules.model_max_length = config.model_max_length;
  return rules;
}

DNALM_INLINE nucleotide_rules multimolecule_rules(std::vector<std::string> vocabulary,
                                                  const tokenizer_config& config, const std::string& where) {
  if (config.nmers > 1 || config.switch_of("codon", false)) {
    throw error(error_kind::unsupported, 305, "tokens of several letters are not built in for this class",
                {.where = where,
                 .expected = "nmers 1 and codon false",
                 .found = "nmers " + std::to_string(config.nmers) +
                          (config.switch_of("codon", false) ? ", codon true" : "")});
  }
  nucleotide_rules rules = esm_letter_rules(std::move(vocabulary), config, where);
  rules.joins_unknown = false;
  rules.skips_blanks = false;
  rules.folding = config.switch_of("do_upper_case", true) ? case_folding::upper : case_folding::none;
  rules.replaced = {};
  if (config.tokenizer_class == "RnaTokenizer" && config.switch_of("replace_T_with_U", true)) {
    rules.replaced = {'T', 'U'};
  } else if (config.tokenizer_class == "DnaTokenizer" && config.switch_of("replace_U_with_T", true)) {
    rules.replaced = {'U', 'T'};
  }
  rules.replaces_literally = true;
  return rules;
}

DNALM_INLINE nucleotide_rules character_rules(const tokenizer_config& config, const std::string& where) {
  const std::string& name = config.tokenizer_class;
  const bool is_original = name == "CharacterTokenizer" || (name.empty() && !config.characters.empty());
  if (!is_original && name != "HyenaDNATokenizer" && name != "CaduceusTokenizer") {
    throw error(error_kind::unsupported, 302, "this tokenizer class is not built in",
                {.where = where,
                 .expected = "CharacterTokenizer, HyenaDNATokenizer or CaduceusTokenizer",
                 .found = "\"" + name + "\""});
  }
  nucleotide_rules rules = builtin_rules("hyenadna");
  rules.model_max_length = config.model_max_length;
  if (!config.characters.empty()) {
    rules.tokens.resize(7);
    rules.tokens.insert(rules.tokens.end(), config.characters.begin(), config.characters.end());
  }
  const detail::vocabulary_index index(rules.tokens, where);
  index.check_listed(config);
  if (name == "CaduceusTokenizer") rules.folding = case_folding::upper;
  if (is_original) rules.strips_left = {"[MASK]"};
  for (const auto& [token, flags] : config.flags) {
    if (flags.rstrip || flags.single_word) refuse_token_flags(config, where);
    rules.strips_left.push_back(token);
  }
  return rules;
}

DNALM_INLINE nucleotide_rules gpn_rules(std::string_view json_text, const tokenizer_config& config,
                                        const std::string& where) {
  const io::json document = io::parse_json(json_text, where);
  nucleotide_rules rules;
  if (!detail::is_gpn_json(document)) return rules;
  std::vector<std::string> tokens = detail::json_vocabulary(document);
  if (!is_letter_vocabulary(tokens)) return rules;
  const detail::vocabulary_index index(tokens, where);
  index.check_listed(config);
  refuse_token_flags(config, where);
  const io::json& unknown = detail::json_member(detail::json_member(document, "model"), "unk_token");
  rules.drops_unknown = unknown.is_null();
  if (!rules.drops_unknown) rules.special.unk = index.require(unknown.get<std::string>());
  rules.special.pad = index.special(config, "pad_token", "[PAD]");
  rules.special.mask = index.special(config, "mask_token", "[MASK]");
  rules.special.cls = index.special(config, "cls_token", "[CLS]");
  rules.special.sep = index.special(config, "sep_token", "[SEP]");
  for (const io::json& added : document.at("added_tokens")) {
    const int id = index.require(added.at("content").get<std::string>());
    rules.found.push_back(tokens[static_cast<std::size_t>(id)]);
  }
  for (const auto& [key, text] : config.special) {
    rules.found.push_back(tokens[static_cast<std::size_t>(index.require(text))]);
  }
  rules.folding = case_folding::lower;
  rules.skips_blanks = true;
  rules.model_max_length = config.model_max_length;
  rules.tokens = std::move(tokens);
  return rules;
}

DNALM_INLINE std::vector<std::string> builtin_alphabets() {
  return {"rna-fm", "rinalmo", "hyenadna", "hyenadna-cls"};
}

DNALM_INLINE nucleotide_rules builtin_rules(std::string_view name) {
  nucleotide_rules rules;
  if (name == "rna-fm") {
    rules.tokens = detail::alphabet_tokens({"<cls>", "<pad>", "<eos>", "<unk>"}, "ACGURYKMSWBDHVN-");
    for (const char* token : {"<null_1>", "<null_2>", "<null_3>", "<null_4>", "<mask>"}) {
      rules.tokens.emplace_back(token);
    }
    rules.replaced = {'T', 'U'};
  } else if (name == "rinalmo") {
    rules.tokens =
        detail::alphabet_tokens({"<cls>", "<pad>", "<eos>", "<unk>", "<mask>"}, "ACGTIRYKMSWBDHVN-");
    rules.replaced = {'U', 'T'};
    rules.replaces_literally = true;
    rules.folding = case_folding::upper;
  } else if (name == "hyenadna" || name == "hyenadna-cls") {
    rules.tokens = detail::alphabet_tokens(
        {"[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[RESERVED]", "[UNK]"}, "ACGTN");
    rules.special = {.cls = 0, .sep = 1, .pad = 4, .mask = 3, .unk = 6, .eos = 1, .bos = 2};
    if (name == "hyenadna-cls") rules.prefix = {rules.special.cls};
    rules.suffix = {rules.special.sep};
    rules.found = {"[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[UNK]"};
    return rules;
  } else {
    throw error(
        error_kind::usage, 343, "no alphabet of this name is built in",
        {.expected = "rna-fm, rinalmo, hyenadna or hyenadna-cls", .found = "\"" + std::string(name) + "\""});
  }
  const int mask = name == "rna-fm" ? 24 : 4;
  rules.special = {.cls = 0, .pad = 1, .mask = mask, .unk = 3, .eos = 2};
  rules.prefix = {rules.special.cls};
  rules.suffix = {rules.special.eos};
  rules.found = {"<cls>", "<pad>", "<eos>", "<unk>", "<mask>"};
  return rules;
}

DNALM_END_NAMESPACE
