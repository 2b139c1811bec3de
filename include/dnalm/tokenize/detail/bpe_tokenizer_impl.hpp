// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/bpe_tokenizer.hpp.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/sequence/utf8.hpp>
#include <dnalm/tokenize/bpe_tokenizer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// `\w` for ASCII; characters beyond ASCII become UNK one by one, so their class changes nothing.
[[nodiscard]] inline bool is_word_character(char letter) {
  return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= 'a' && letter <= 'z') || letter == '_';
}

/// Number of a special token: the configured name must be there, the usual one may.
[[nodiscard]] inline int find_special(const std::vector<std::string>& tokens, const tokenizer_config& config,
                                      const std::string& key, const std::string& usual,
                                      const std::string& where) {
  const std::string name = config.name_of(key, usual);
  const auto found = std::find(tokens.begin(), tokens.end(), name);
  if (found != tokens.end()) return static_cast<int>(found - tokens.begin());
  if (config.special.contains(key)) {
    throw error(error_kind::config, 323, "a special token is missing from the vocabulary",
                {.where = where, .expected = key + " \"" + name + "\""});
  }
  return -1;
}

}  // namespace detail

DNALM_INLINE bpe_tokenizer::bpe_tokenizer(bpe_definition definition, const tokenizer_config& config,
                                          const std::string& where)
    : definition_(std::move(definition)),
      merges_(static_cast<index_t>(definition_.merges.size())),
      model_max_length_(config.model_max_length) {
  for (std::size_t rank = 0; rank < definition_.merges.size(); ++rank) {
    const bpe_definition::merge& merge = definition_.merges[rank];
    if (!merges_.add(merge.left, merge.right, {static_cast<std::int32_t>(rank), merge.result})) {
      throw error(error_kind::config, 321, "a merge of a tokenizer stands twice",
                  {.where = where, .found = "merge " + std::to_string(rank)});
    }
  }
  for (const std::int32_t id : definition_.added) added_.add(token(id), id);
  letters_.fill(definition_.unk);
  for (std::size_t id = 0; id < definition_.tokens.size(); ++id) {
    const std::string& text = definition_.tokens[id];
    const bool letter = text.size() == 1 && static_cast<unsigned char>(text[0]) < letters_.size();
    if (letter) letters_[static_cast<unsigned char>(text[0])] = static_cast<std::int32_t>(id);
  }
  const auto find = [&](const char* key, const char* usual) {
    return detail::find_special(definition_.tokens, config, key, usual, where);
  };
  special_ = {.cls = find("cls_token", "[CLS]"),
              .sep = find("sep_token", "[SEP]"),
              .pad = find("pad_token", "[PAD]"),
              .mask = find("mask_token", "[MASK]"),
              .unk = definition_.unk,
              .eos = find("eos_token", "[EOS]"),
              .bos = find("bos_token", "[BOS]")};
  for (const listed_token& listed : config.added_tokens) {
    const bool known = static_cast<std::size_t>(listed.id) < definition_.tokens.size();
    if (!known || token(static_cast<int>(listed.id)) != listed.text) {
      throw error(
          error_kind::config, 323, "tokenizer_config.json lists a token that tokenizer.json has not",
          {.where = where, .expected = "\"" + listed.text + "\" with number " + std::to_string(listed.id)});
    }
  }
}

DNALM_INLINE token_sequence bpe_tokenizer::encode(std::string_view text) const {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max() - 1)) {
    throw error(error_kind::unsupported, 322, "text too long for byte pair encoding",
                {.expected = "at most 2^31 - 2 bytes", .found = std::to_string(text.size())});
  }
  token_sequence out;
  scratch memory;
  for (const std::int32_t id : definition_.prefix) out.append(id, 0, 0);
  std::size_t piece = 0;  // text[piece, at) holds no added token
  std::size_t at = 0;
  while (at < text.size()) {
    const literal_tokens::match added = added_.find(text, at);
    if (added.length == 0) {
      ++at;
      continue;
    }
    encode_piece(text, piece, at, memory, out);
    piece = at + added.length;
    out.append(added.id, static_cast<index_t>(at), static_cast<index_t>(piece));
    at = piece;
  }
  encode_piece(text, piece, at, memory, out);
  const auto size = static_cast<index_t>(text.size());
  for (const std::int32_t id : definition_.suffix) out.append(id, size, size);
  return out;
}

/// End of the word that begins at `begin`; `begin` itself stands on no white space unless words are not
/// split.
DNALM_INLINE std::size_t bpe_tokenizer::word_end(std::string_view text, std::size_t begin,
                                                 std::size_t end) const {
  if (definition_.words == word_splitting::none) return end;
  const bool letters = detail::is_word_character(text[begin]);
  std::size_t at = begin;
  while (at < end) {
    const utf8_character character = read_utf8(text.substr(0, end), at);
    if (is_unicode_space(character.code)) break;
    if (definition_.words == word_splitting::whitespace && detail::is_word_character(text[at]) != letters)
      break;
    at += character.length;
  }
  return at;
}

DNALM_INLINE void bpe_tokenizer::encode_piece(std::string_view text, std::size_t begin, std::size_t end,
                                              scratch& memory, token_sequence& out) const {
  while (begin < end) {
    const utf8_character character = read_utf8(text.substr(0, end), begin);
    if (definition_.words != word_splitting::none && is_unicode_space(character.code)) {
      begin += character.length;
      continue;
    }
    const std::size_t stop = word_end(text, begin, end);
    encode_word(text, begin, stop, memory, out);
    begin = stop;
  }
}

DNALM_INLINE void bpe_tokenizer::encode_word(std::string_view text, std::size_t begin, std::size_t end,
                                             scratch& memory, token_sequence& out) const {
  std::vector<bpe_symbol>& symbols = memory.symbols;
  symbols.clear();
  const std::string_view word = text.substr(begin, end - begin);
  for (std::size_t at = 0; at < word.size();) {
    const utf8_character character = read_utf8(word, at);
    const auto index = static_cast<std::int32_t>(symbols.size());
    const std::int32_t id = character.code < letters_.size() ? letters_[character.code] : definition_.unk;
    symbols.push_back(
        {.id = id, .previous = index - 1, .next = index + 1, .begin = static_cast<std::uint32_t>(at)});
    at += character.length;
  }
  if (symbols.empty()) return;
  symbols.back().next = -1;
  merge_word(symbols, merges_, memory.heap);
  for (std::int32_t i = 0; i >= 0;) {
    const bpe_symbol& symbol = symbols[static_cast<std::size_t>(i)];
    const std::size_t stop =
        symbol.next < 0 ? end : begin + symbols[static_cast<std::size_t>(symbol.next)].begin;
    out.append(symbol.id, static_cast<index_t>(begin + symbol.begin), static_cast<index_t>(stop));
    i = symbol.next;
  }
}

DNALM_INLINE std::string bpe_tokenizer::description() const {
  return "byte pair encoding, " + std::to_string(definition_.tokens.size()) + " tokens, " +
         std::to_string(definition_.merges.size()) + " merges";
}

DNALM_END_NAMESPACE
