// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The models of tokenizer.json: what the words of a text become.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/sequence/utf8.hpp>
#include <dnalm/tokenize/bpe_automaton.hpp>
#include <dnalm/tokenize/bpe_definition.hpp>
#include <dnalm/tokenize/bpe_merges.hpp>
#include <dnalm/tokenize/detail/text_alignment.hpp>
#include <dnalm/tokenize/literal_tokens.hpp>
#include <dnalm/tokenize/tokens.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Memory that the models work in.
struct subword_scratch {
  std::vector<bpe_symbol> symbols;
  std::vector<std::uint64_t> heap;
  std::vector<bpe_automaton::step> chain;
};

/// Takes tokens with their bytes in a normalized text and puts them behind `out` with their bytes in the
/// original.
class token_sink {
 public:
  token_sink(token_sequence& out, const text_alignment& alignment) : out_(out), alignment_(alignment) {}
  /// Requires begin < end.
  void append(std::int32_t id, std::size_t begin, std::size_t end) {
    if (is_shift_) {
      out_.append(id, static_cast<index_t>(begin + shift_), static_cast<index_t>(end + shift_));
    } else {
      const text_range range = alignment_.original(begin, end);
      out_.append(id, static_cast<index_t>(range.begin), static_cast<index_t>(range.end));
    }
  }

 private:
  token_sequence& out_;
  const text_alignment& alignment_;
  bool is_shift_ = alignment_.is_shift();
  std::size_t shift_ = alignment_.shift();
};

/// Splits one word into tokens.
class subword_model {
 public:
  virtual ~subword_model() = default;
  /// Appends the tokens of a word that is not empty and begins at byte `base` of the normalized text.
  virtual void encode_word(std::string_view word, std::size_t base, subword_scratch& memory,
                           token_sink& out) const = 0;
  /// For people: what it is, then how large, `tokens` being the size of the vocabulary.
  [[nodiscard]] virtual std::string description(const std::string& tokens) const = 0;
};

/// Words to numbers, without copies of the words. The texts outlive it.
using word_numbers = std::unordered_map<std::string_view, std::int32_t>;

/// Byte pair encoding: letters are merged by rank.
class bpe_model final : public subword_model {
 public:
  /// `known[i]`: token i is of the model, not only an added one. `tokens` outlives the model.
  bpe_model(const std::vector<std::string>& tokens, const std::vector<bool>& known,
            const std::vector<bpe_definition::merge>& merges, bpe_merge_table table, std::int32_t unk,
            bool fuse_unk, bool ignore_merges)
      : table_(std::move(table)),
        automaton_(tokens, merges),
        merge_count_(merges.size()),
        unk_(unk),
        fuse_unk_(fuse_unk) {
    letters_.fill(-1);
    for (std::size_t id = 0; id < tokens.size(); ++id) {
      if (!known[id]) continue;
      if (tokens[id].size() == 1)
        letters_[static_cast<unsigned char>(tokens[id][0])] = static_cast<std::int32_t>(id);
      if (ignore_merges) words_.emplace(tokens[id], static_cast<std::int32_t>(id));
    }
    for (const bpe_definition::merge& merge : merges) {
      for (const std::int32_t id : {merge.left, merge.right}) {
        const std::string& text = tokens[static_cast<std::size_t>(id)];
        if (text.size() == 1) merges_with_[static_cast<unsigned char>(text[0])] = true;
      }
    }
  }

  void encode_word(std::string_view word, std::size_t base, subword_scratch& memory,
                   token_sink& out) const override {
    if (!words_.empty()) {
      const auto whole = words_.find(word);
      if (whole != words_.end()) {
        out.append(whole->second, base, base + word.size());
        return;
      }
    }
    for (std::size_t at = 0; at < word.size();) {
      std::size_t end = at;
      while (end < word.size() && merges_with_[static_cast<unsigned char>(word[end])]) ++end;
      if (end > at) {
        encode_run(word.substr(at, end - at), base + at, memory, out);
      } else {
        end = single(word, at, base, out);
      }
      at = end;
    }
  }

  [[nodiscard]] std::string description(const std::string& tokens) const override {
    return "byte pair encoding, " + tokens + ", " + std::to_string(merge_count_) + " merges";
  }

 private:
  /// A letter that merges with nothing, or what no token stands for; its end.
  std::size_t single(std::string_view word, std::size_t at, std::size_t base, token_sink& out) const {
    std::size_t end = at + read_utf8(word, at).length;
    const std::int32_t id = letters_[static_cast<unsigned char>(word[at])];
    while (id < 0 && fuse_unk_ && end < word.size() && letters_[static_cast<unsigned char>(word[end])] < 0) {
      end += read_utf8(word, end).length;
    }
    out.append(id < 0 ? unk_ : id, base + at, base + end);
    return end;
  }

  /// Letters that may merge.
  void encode_run(std::string_view run, std::size_t base, subword_scratch& memory, token_sink& out) const {
    if (automaton_.usable() && automaton_.encode(run, memory.chain)) {
      const auto& chain = memory.chain;
      for (std::size_t i = 0; i < chain.size(); ++i) {
        out.append(chain[i].id, base + chain[i].begin,
                   base + (i + 1 < chain.size() ? chain[i + 1].begin : run.size()));
      }
      return;
    }
    std::vector<bpe_symbol>& symbols = memory.symbols;
    symbols.clear();
    for (std::size_t at = 0; at < run.size(); ++at) {
      const auto index = static_cast<std::int32_t>(at);
      symbols.push_back({.id = letters_[static_cast<unsigned char>(run[at])],
                         .previous = index - 1,
                         .next = index + 1,
                         .begin = static_cast<std::uint32_t>(at)});
    }
    symbols.back().next = -1;
    merge_word(symbols, table_, memory.heap);
    for (std::int32_t i = 0; i >= 0;) {
      const bpe_symbol& symbol = symbols[static_cast<std::size_t>(i)];
      const std::size_t end =
          symbol.next < 0 ? run.size() : symbols[static_cast<std::size_t>(symbol.next)].begin;
      out.append(symbol.id, base + symbol.begin, base + end);
      i = symbol.next;
    }
  }

  bpe_merge_table table_;
  bpe_automaton automaton_;
  std::size_t merge_count_ = 0;
  std::int32_t unk_ = -1;
  bool fuse_unk_ = false;
  std::array<std::int32_t, 256> letters_{};  // token of a letter, -1: none
  std::array<bool, 256> merges_with_{};      // letters that some merge names
  word_numbers words_;                       // where whole words are looked up before merging
};

/// WordLevel: a word is a token or UNK.
class word_level_model final : public subword_model {
 public:
  word_level_model(const std::vector<std::string>& tokens, const std::vector<bool>& known, std::int32_t unk)
      : unk_(unk) {
    for (std::size_t id = 0; id < tokens.size(); ++id) {
      if (known[id]) words_.emplace(tokens[id], static_cast<std::int32_t>(id));
    }
  }
  void encode_word(std::string_view word, std::size_t base, subword_scratch&,
                   token_sink& out) const override {
    const auto found = words_.find(word);
    out.append(found == words_.end() ? unk_ : found->second, base, base + word.size());
  }
  [[nodiscard]] std::string description(const std::string& tokens) const override {
    return "whole words, " + tokens;
  }

 private:
  std::int32_t unk_;
  word_numbers words_;
};

/// WordPiece: the longest token again and again, those inside a word with a mark before; a word that does not
/// come out even is one UNK.
class word_piece_model final : public subword_model {
 public:
  word_piece_model(const std::vector<std::string>& tokens, const std::vector<bool>& known, std::int32_t unk,
                   const std::string& prefix, std::size_t longest_word)
      : unk_(unk), longest_word_(longest_word) {
    for (std::size_t id = 0; id < tokens.size(); ++id) {
      if (!known[id]) continue;
      const std::string_view text = tokens[id];
      first_.add(text, static_cast<std::int32_t>(id));
      if (text.starts_with(prefix)) inner_.add(text.substr(prefix.size()), static_cast<std::int32_t>(id));
    }
  }
  void encode_word(std::string_view word, std::size_t base, subword_scratch&,
                   token_sink& out) const override {
    if (letters_of(word) <= longest_word_ && is_whole(word)) {
      for (std::size_t at = 0; at < word.size();) {
        const literal_tokens::match found = piece(word, at);
        out.append(found.id, base + at, base + at + found.length);
        at += found.length;
      }
    } else {
      out.append(unk_, base, base + word.size());
    }
  }
  [[nodiscard]] std::string description(const std::string& tokens) const override {
    return "word pieces, " + tokens;
  }

 private:
  [[nodiscard]] literal_tokens::match piece(std::string_view word, std::size_t at) const {
    return (at == 0 ? first_ : inner_).find(word, at);
  }
  [[nodiscard]] bool is_whole(std::string_view word) const {
    for (std::size_t at = 0; at < word.size();) {
      const std::size_t length = piece(word, at).length;
      if (length == 0) return false;
      at += length;
    }
    return true;
  }
  /// Characters of a word, at most longest_word_ + 1.
  [[nodiscard]] std::size_t letters_of(std::string_view word) const {
    std::size_t count = 0;
    for (std::size_t at = 0; at < word.size() && count <= longest_word_; ++count)
      at += read_utf8(word, at).length;
    return count;
  }

  std::int32_t unk_;
  std::size_t longest_word_;
  literal_tokens first_;
  literal_tokens inner_;
};

}  // namespace detail
DNALM_END_NAMESPACE
