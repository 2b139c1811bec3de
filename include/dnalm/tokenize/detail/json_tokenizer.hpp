// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The tokenizer that a definition describes.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tokenize/detail/added_tokens.hpp>
#include <dnalm/tokenize/detail/subword_models.hpp>
#include <dnalm/tokenize/detail/tokenizer_definition.hpp>
#include <dnalm/tokenize/tokenizer_base.hpp>
#include <dnalm/tokenize/tokenizer_config.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The merges as a table. \throws error [dnalm.config.321] when one stands twice.
[[nodiscard]] inline bpe_merge_table table_of(const std::vector<bpe_definition::merge>& merges,
                                              const std::string& where) {
  bpe_merge_table table(static_cast<index_t>(merges.size()));
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const bpe_definition::merge& merge = merges[rank];
    if (!table.add(merge.left, merge.right, {static_cast<std::int32_t>(rank), merge.result})) {
      throw error(error_kind::config, 321, "a merge of a tokenizer stands twice",
                  {.where = where, .found = "merge " + std::to_string(rank)});
    }
  }
  return table;
}

/// Number of a special token: the configured name must be there, one of the usual ones may.
[[nodiscard]] inline int find_special(const std::vector<std::string>& tokens, const tokenizer_config& config,
                                      const std::string& key, std::initializer_list<const char*> usual,
                                      const std::string& where) {
  const auto number_of = [&](const std::string& name) {
    const auto found = std::find(tokens.begin(), tokens.end(), name);
    return found == tokens.end() ? -1 : static_cast<int>(found - tokens.begin());
  };
  if (config.special.contains(key)) {
    const std::string name = config.name_of(key);
    const int id = number_of(name);
    if (id >= 0) return id;
    throw error(error_kind::config, 323, "a special token is missing from the vocabulary",
                {.where = where, .expected = key + " \"" + name + "\""});
  }
  for (const char* name : usual) {
    const int id = number_of(name);
    if (id >= 0) return id;
  }
  return -1;
}

/// Added tokens, normalizer, added tokens of normalized text, words, model, frame.
class json_tokenizer final : public tokenizer_base {
 public:
  json_tokenizer(tokenizer_definition definition, const tokenizer_config& config, const std::string& where)
      : definition_(std::move(definition)), model_max_length_(config.model_max_length) {
    find_specials(config, where);
    add_listed(config, where);
    for (const added_token& token : definition_.added) add_added(token, where);
    make_model(where);
  }
  json_tokenizer(const json_tokenizer&) = delete;  // the model points into the definition
  json_tokenizer& operator=(const json_tokenizer&) = delete;

  [[nodiscard]] token_sequence encode(std::string_view text) const override {
    check_text(text);
    token_sequence out;
    subword_scratch memory;
    for (const std::int32_t id : definition_.prefix) out.append(id, 0, 0);
    literal_.cut(
        text, [&](std::size_t begin, std::size_t end) { encode_part(text, begin, end, memory, out); },
        [&](std::int32_t id, std::size_t begin, std::size_t end) {
          out.append(id, static_cast<index_t>(begin), static_cast<index_t>(end));
        });
    const auto size = static_cast<index_t>(text.size());
    for (const std::int32_t id : definition_.suffix) out.append(id, size, size);
    return out;
  }
  [[nodiscard]] const special_tokens& special() const override { return special_; }
  [[nodiscard]] index_t vocabulary_size() const override {
    return static_cast<index_t>(definition_.tokens.size());
  }
  [[nodiscard]] const std::string& token(int id) const override { return token_text(definition_.tokens, id); }
  [[nodiscard]] index_t model_max_length() const override { return model_max_length_; }
  [[nodiscard]] std::string description() const override {
    return model_->description(std::to_string(definition_.tokens.size()) + " tokens");
  }

 private:
  void check_text(std::string_view text) const {
    if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max() - 1)) {
      throw error(error_kind::unsupported, 322, "text too long for this tokenizer",
                  {.expected = "at most 2^31 - 2 bytes", .found = std::to_string(text.size())});
    }
    if (definition_.ascii_only.empty()) return;
    const auto beyond = std::find_if(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
    if (beyond == text.end()) return;
    throw error(error_kind::input, 324,
                "a tokenizer component knows no letters beyond ASCII: " + definition_.ascii_only,
                {.where = "byte " + std::to_string(beyond - text.begin()), .expected = "ASCII text"});
  }

  /// Text without added tokens.
  void encode_part(std::string_view input, std::size_t begin, std::size_t end, subword_scratch& memory,
                   token_sequence& out) const {
    normalized_text text(input, begin, end);
    definition_.normalizer.apply(text);
    token_sink sink(out, text.alignment);
    normalized_.cut(
        text.text,
        [&](std::size_t first, std::size_t last) {
          const std::string_view part = text.text.substr(first, last - first);
          definition_.splitter.split(part, [&](std::size_t word, std::size_t stop) {
            model_->encode_word(part.substr(word, stop - word), first + word, memory, sink);
          });
        },
        [&](std::int32_t id, std::size_t first, std::size_t last) { sink.append(id, first, last); });
  }

  void find_specials(const tokenizer_config& config, const std::string& where) {
    const auto find = [&](const char* key, std::initializer_list<const char*> usual) {
      return find_special(definition_.tokens, config, key, usual, where);
    };
    special_ = {.cls = find("cls_token", {"[CLS]", "<cls>", "<s>"}),
                .sep = find("sep_token", {"[SEP]", "<sep>", "</s>"}),
                .pad = find("pad_token", {"[PAD]", "<pad>"}),
                .mask = find("mask_token", {"[MASK]", "<mask>"}),
                .unk = definition_.unk,
                .eos = find("eos_token", {"[EOS]", "<eos>"}),
                .bos = find("bos_token", {"[BOS]", "<bos>"})};
  }

  /// Tokens that tokenizer_config.json lists, or calls special, are found in text like those of
  /// tokenizer.json.
  void add_listed(const tokenizer_config& config, const std::string& where) {
    for (const listed_token& listed : config.added_tokens) {
      const bool known = static_cast<std::size_t>(listed.id) < definition_.tokens.size();
      if (!known || definition_.tokens[static_cast<std::size_t>(listed.id)] != listed.text) {
        throw error(
            error_kind::config, 323, "tokenizer_config.json lists a token that tokenizer.json has not",
            {.where = where, .expected = "\"" + listed.text + "\" with number " + std::to_string(listed.id)});
      }
      add_special(static_cast<std::int32_t>(listed.id));
    }
    for (const auto& [key, name] : config.special) {
      const auto found = std::find(definition_.tokens.begin(), definition_.tokens.end(), name);
      if (found == definition_.tokens.end()) continue;  // unk_token: its number is that of the model
      add_special(static_cast<std::int32_t>(found - definition_.tokens.begin()));
    }
  }
  void add_special(std::int32_t id) {
    const auto same = [&](const added_token& token) { return token.id == id; };
    if (std::any_of(definition_.added.begin(), definition_.added.end(), same)) return;
    definition_.added.push_back({.id = id, .text = definition_.tokens[static_cast<std::size_t>(id)]});
  }

  void add_added(const added_token& token, const std::string& where) {
    if (!token.normalized) {
      literal_.add(token, token.text);
      return;
    }
    normalized_text text(token.text, 0, token.text.size());
    definition_.normalizer.apply(text);
    if (text.text.empty()) {
      throw error(error_kind::unsupported, 320,
                  "a tokenizer component is not built in: added_tokens.normalized",
                  {.where = where,
                   .expected = "tokens of which the normalizer leaves something",
                   .found = token.text});
    }
    normalized_.add(token, text.text);
  }

  void make_model(const std::string& where) {
    const tokenizer_definition& d = definition_;
    switch (d.model) {
      case subword_kind::bpe:
        model_ = std::make_unique<bpe_model>(d.tokens, d.known, d.merges, table_of(d.merges, where), d.unk,
                                             d.fuse_unk, d.ignore_merges);
        break;
      case subword_kind::word_level:
        model_ = std::make_unique<word_level_model>(d.tokens, d.known, d.unk);
        break;
      case subword_kind::word_piece:
        model_ = std::make_unique<word_piece_model>(d.tokens, d.known, d.unk, d.inner_prefix, d.longest_word);
        break;
    }
  }

  tokenizer_definition definition_;
  added_token_finder literal_;     // in the text as it was given
  added_token_finder normalized_;  // in normalized text
  std::unique_ptr<const subword_model> model_;
  special_tokens special_;
  index_t model_max_length_ = 0;
};

}  // namespace detail
DNALM_END_NAMESPACE
