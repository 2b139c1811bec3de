// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Checks of a vocabulary, and tokens by their text.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tokenize/special_tokens.hpp>
#include <dnalm/tokenize/tokenizer_config.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// \throws error [dnalm.config.310] for an empty token or one that is not printable ASCII without blanks.
inline void check_vocabulary_token(const std::string& token, std::size_t line, const std::string& where) {
  const auto unusable = [](char letter) {
    return static_cast<unsigned char>(letter) <= 0x20 || static_cast<unsigned char>(letter) >= 0x7F;
  };
  if (token.empty() || std::any_of(token.begin(), token.end(), unusable)) {
    throw error(error_kind::config, 310, "a token of the vocabulary cannot be used",
                {.where = where + ", line " + std::to_string(line),
                 .expected = "printable ASCII characters without blanks",
                 .found = token.empty() ? "an empty line" : "\"" + token.substr(0, 40) + "\""});
  }
}

/// Numbers of tokens by their text. Refers to the vocabulary, which must outlive it.
class vocabulary_index {
 public:
  /// \throws error [dnalm.config.310] for an unusable token or one that stands twice.
  vocabulary_index(const std::vector<std::string>& tokens, std::string where) : where_(std::move(where)) {
    ids_.reserve(tokens.size());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      check_vocabulary_token(tokens[i], i + 1, where_);
      if (!ids_.emplace(tokens[i], static_cast<int>(i)).second) {
        throw error(error_kind::config, 310, "a token stands twice in the vocabulary",
                    {.where = where_ + ", line " + std::to_string(i + 1), .found = "\"" + tokens[i] + "\""});
      }
    }
  }
  /// Number of a token, -1 where there is none.
  [[nodiscard]] int find(std::string_view token) const {
    const auto found = ids_.find(token);
    return found == ids_.end() ? -1 : found->second;
  }
  /// \throws error [dnalm.config.312] where there is none.
  [[nodiscard]] int require(const std::string& token) const {
    const int id = find(token);
    if (id < 0) {
      throw error(error_kind::config, 312, "a special token is missing from the vocabulary",
                  {.where = where_, .expected = "\"" + token + "\""});
    }
    return id;
  }
  /// The special token of a key: what the configuration names, which must be there, else the usual text,
  /// where it is there. \throws error [dnalm.config.312].
  [[nodiscard]] int special(const tokenizer_config& config, const std::string& key,
                            const std::string& usual) const {
    return config.special.contains(key) ? require(config.special.at(key)) : find(usual);
  }
  /// As special, but one of the two must be there. \throws error [dnalm.config.312].
  [[nodiscard]] int required_special(const tokenizer_config& config, const std::string& key,
                                     const std::string& usual) const {
    return require(config.name_of(key, usual));
  }
  /// \throws error [dnalm.config.312] when `added_tokens_decoder` gives a token another number.
  void check_listed(const tokenizer_config& config) const {
    for (const listed_token& listed : config.added_tokens) {
      const int id = require(listed.text);
      if (id == listed.id) continue;
      throw error(error_kind::config, 312, "a special token has two numbers",
                  {.where = where_,
                   .expected = "\"" + listed.text + "\" with number " + std::to_string(listed.id) +
                               " as tokenizer_config.json says",
                   .found = std::to_string(id)});
    }
  }
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  std::unordered_map<std::string_view, int> ids_;
  std::string where_;
};

/// The special tokens of BERT's vocabularies, `[CLS]` and the like. \throws error [dnalm.config.312].
[[nodiscard]] inline special_tokens bert_special_tokens(const vocabulary_index& index,
                                                        const tokenizer_config& config) {
  special_tokens special;
  special.cls = index.required_special(config, "cls_token", "[CLS]");
  special.sep = index.required_special(config, "sep_token", "[SEP]");
  special.pad = index.required_special(config, "pad_token", "[PAD]");
  special.unk = index.required_special(config, "unk_token", "[UNK]");
  special.mask = index.required_special(config, "mask_token", "[MASK]");
  special.eos = index.special(config, "eos_token", "[EOS]");
  special.bos = index.special(config, "bos_token", "[BOS]");
  return special;
}

/// The special tokens of ESM's vocabularies, `<cls>` and the like. \throws error [dnalm.config.312].
[[nodiscard]] inline special_tokens esm_special_tokens(const vocabulary_index& index,
                                                       const tokenizer_config& config) {
  special_tokens special;
  special.cls = index.required_special(config, "cls_token", "<cls>");
  special.unk = index.required_special(config, "unk_token", "<unk>");
  special.pad = index.required_special(config, "pad_token", "<pad>");
  special.mask = index.required_special(config, "mask_token", "<mask>");
  special.sep = index.special(config, "sep_token", "<sep>");
  special.bos = index.special(config, "bos_token", "<bos>");
  special.eos = index.special(config, "eos_token", "<eos>");
  return special;
}

}  // namespace detail
DNALM_END_NAMESPACE
