// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What tokenizer_config.json and special_tokens_map.json say.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// A token that tokenizer_config.json lists with its number.
struct listed_token {
  index_t id = 0;
  std::string text = {};
};

/// How a token is found in text.
struct token_flags {
  bool lstrip = false;       ///< takes the white space before it along
  bool rstrip = false;       ///< takes the white space behind it along
  bool single_word = false;  ///< only where it is a word of its own
};

/// The part of a tokenizer's configuration that changes its output.
struct tokenizer_config {
  std::string tokenizer_class = {};                 ///< `EsmTokenizer`, `PreTrainedTokenizerFast`, ... or ""
  std::map<std::string, std::string> special = {};  ///< `cls_token` to `<cls>`, ...; null ones are left out
  std::set<std::string> null_special = {};          ///< keys of `special` that are said to be null
  std::vector<listed_token> added_tokens = {};      ///< `added_tokens_decoder`
  std::map<std::string, token_flags> flags = {};    ///< by text; tokens without a flag are left out
  index_t model_max_length = 0;                     ///< in tokens; 0: none (absent, or above 10^9)
  std::vector<std::string> characters = {};         ///< `char_ords` of HyenaDNA's CharacterTokenizer, as text
  std::map<std::string, bool> switches = {};        ///< booleans by name: `do_upper_case`, ... where given
  index_t nmers = 1;                                ///< letters of a token (MultiMolecule)

  /// Text of a special token by its key (`eos_token`), or `otherwise`.
  [[nodiscard]] std::string name_of(const std::string& key, const std::string& otherwise = {}) const {
    const auto found = special.find(key);
    return found == special.end() ? otherwise : found->second;
  }
  /// A boolean of tokenizer_config.json by its name, or `otherwise`.
  [[nodiscard]] bool switch_of(const std::string& key, bool otherwise) const {
    const auto found = switches.find(key);
    return found == switches.end() ? otherwise : found->second;
  }
};

/// Reads the two files of a folder; a missing file says nothing.
///
/// As in the reference implementation special_tokens_map.json counts only where tokenizer_config.json has no
/// `added_tokens_decoder`, and then overrides it.
/// \throws error [dnalm.config.303] for a value of a wrong type, and as read_json_file.
[[nodiscard]] tokenizer_config read_tokenizer_config(const std::filesystem::path& folder);

/// \throws error [dnalm.unsupported.304] for a token that strips blanks or wants to be a word of its own;
/// `where` names the tokenizer's file.
void refuse_token_flags(const tokenizer_config& config, const std::string& where);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/tokenize/detail/tokenizer_config_impl.hpp>
#endif
