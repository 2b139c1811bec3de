// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/nucleotide_tokenizer.hpp.
#pragma once

#include <algorithm>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/sequence/utf8.hpp>
#include <dnalm/tokenize/detail/large_pages.hpp>
#include <dnalm/tokenize/detail/word_separator.hpp>
#include <dnalm/tokenize/nucleotide_tokenizer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// How many letters are looked up before they are appended.
inline constexpr std::size_t letter_block = 4096;

[[nodiscard]] constexpr char upper_letter(char letter) {
  return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
}

[[nodiscard]] constexpr char lower_letter(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

[[nodiscard]] constexpr char fold_letter(char letter, case_folding folding) {
  if (folding == case_folding::upper) return upper_letter(letter);
  return folding == case_folding::lower ? lower_letter(letter) : letter;
}

inline void append_letter_offsets(token_sequence& out, std::size_t at, std::size_t count) {
  out.begin.append_run(static_cast<index_t>(at), 1, count);
  out.end.append_run(static_cast<index_t>(at) + 1, 1, count);
}

}  // namespace detail

DNALM_INLINE nucleotide_tokenizer::nucleotide_tokenizer(nucleotide_rules rules, const std::string& where)
    : rules_(std::move(rules)) {
  check_rules(where);
  single_.fill(-1);
  for (std::size_t i = 0; i < rules_.tokens.size(); ++i) {
    const std::string& token = rules_.tokens[i];
    const auto id = static_cast<std::int32_t>(i);
    if (token.size() == 1) single_[static_cast<unsigned char>(token[0])] = id;
    if (std::find(rules_.found.begin(), rules_.found.end(), token) != rules_.found.end()) {
      found_.add(token, id);
    }
  }
  fill_sequence_tables();
  fill_literal_table();
  const bool reads_u = rules_.replaced.from == 'U' || rules_.replaced.to == 'U';
  strict_lanes_ = detail::letter_lanes(strict_, reads_u ? 'U' : 'N', true);
  literal_lanes_ = detail::letter_lanes(literal_, 'N', false);
  for (char letter = 'A'; letter <= 'Z'; ++letter) {
    if (strict_[static_cast<unsigned char>(letter)] >= 0) letters_.push_back(letter);
  }
}

DNALM_INLINE void nucleotide_tokenizer::check_rules(const std::string& where) const {
  const auto throw_rules = [&](const std::string& expected, const std::string& found) {
    throw error(error_kind::config, 342, "this is no tokenizer of single letters",
                {.where = where, .expected = expected, .found = found});
  };
  const auto size = static_cast<std::int64_t>(rules_.tokens.size());
  const auto is_letter = [](const std::string& token) { return token.size() == 1; };
  if (std::none_of(rules_.tokens.begin(), rules_.tokens.end(), is_letter)) {
    throw_rules("tokens of one character", "none");
  }
  const bool has_unknown = rules_.special.unk >= 0 && rules_.special.unk < size;
  if (rules_.drops_unknown ? rules_.special.unk != -1 : !has_unknown) {
    throw_rules("a token for unknown characters", std::to_string(rules_.special.unk));
  }
  for (const auto* frame : {&rules_.prefix, &rules_.suffix}) {
    for (const std::int32_t id : *frame) {
      if (id < 0 || id >= size) throw_rules("numbers below " + std::to_string(size), std::to_string(id));
    }
  }
}

/// The token of a letter in upper case, in the case and form the vocabulary has it; -1 where there is none.
DNALM_INLINE std::int32_t nucleotide_tokenizer::letter_id(char letter) const {
  if (letter == rules_.replaced.from) letter = rules_.replaced.to;
  const std::int32_t id = single_[static_cast<unsigned char>(letter)];
  return id >= 0 ? id : single_[static_cast<unsigned char>(detail::lower_letter(letter))];
}

/// `error`: the letters of the vocabulary in either case, and N. `n`: any other printable character too.
DNALM_INLINE void nucleotide_tokenizer::fill_sequence_tables() {
  const bool is_nucleic = letter_id('N') < 0 || letter_id('E') < 0;  // E and N are amino acids
  const std::int32_t any = letter_id(is_nucleic ? 'N' : 'X');
  const std::int32_t unknown = any >= 0 ? any : rules_.special.unk;
  strict_.fill(-1);
  lenient_.fill(-1);
  for (std::size_t byte = 0x21; byte < 0x7F; ++byte) {
    const char letter = detail::upper_letter(static_cast<char>(byte));
    const bool is_letter = letter >= 'A' && letter <= 'Z';
    strict_[byte] = is_letter ? letter_id(letter) : -1;
    if (letter == 'N' && strict_[byte] < 0) strict_[byte] = unknown;
    lenient_[byte] = strict_[byte] >= 0 ? strict_[byte] : unknown;
  }
}

DNALM_INLINE void nucleotide_tokenizer::fill_literal_table() {
  literal_.fill(-1);
  for (std::size_t byte = 0; byte < 0x80; ++byte) {
    const char character = static_cast<char>(byte);
    const std::int32_t id = single_at(std::string_view(&character, 1), 0);
    const bool may_vanish = detail::is_word_separator(static_cast<std::uint32_t>(byte)) &&
                            (rules_.skips_blanks || !rules_.strips_left.empty());
    if (id >= 0) {
      literal_[byte] = id;
    } else if (!may_vanish && !rules_.joins_unknown) {
      literal_[byte] = rules_.special.unk;
    }
  }
  for (const std::string& token : rules_.found) literal_[static_cast<unsigned char>(token[0])] = -1;
}

DNALM_INLINE void nucleotide_tokenizer::throw_letter(std::string_view sequence, const letter_table& table,
                                                     const std::string& where) const {
  const auto is_bad = [&](char letter) { return table[static_cast<unsigned char>(letter)] < 0; };
  const auto bad = std::find_if(sequence.begin(), sequence.end(), is_bad);
  const std::string found =
      detail::describe_letter(*bad) + " at position " + std::to_string(bad - sequence.begin() + 1);
  if (detail::upper_letter(*bad) == 'U') {
    throw error(error_kind::input, 151, "the letter U says RNA, and this is a model of DNA",
                {.where = where, .expected = "the letters " + letters_ + " (write U as T)", .found = found});
  }
  throw error(error_kind::input, 150, "unknown letter in a sequence",
              {.where = where, .expected = "the letters " + letters_ + " in either case", .found = found});
}

DNALM_INLINE token_sequence nucleotide_tokenizer::encode_sequence(std::string_view sequence,
                                                                  unknown_policy policy,
                                                                  const std::string& where) const {
  if (policy == unknown_policy::literal) return encode(sequence);
  const letter_table& table = policy == unknown_policy::n ? lenient_ : strict_;
  token_sequence out;
  detail::reserve_tokens(out, sequence.size() + rules_.prefix.size() + rules_.suffix.size());
  for (const std::int32_t id : rules_.prefix) out.append(id, 0, 0);
  for (std::size_t at = 0; at < sequence.size(); at += detail::letter_block) {
    const std::string_view letters = sequence.substr(at, detail::letter_block);
    out.ids.resize(out.ids.size() + letters.size());
    std::int32_t* block = out.ids.data() + (out.ids.size() - letters.size());
    std::int32_t all = 0;
    for (std::size_t i = 0; i < letters.size();) {
      i += strict_lanes_.encode(letters.substr(i), block + i);
      for (const std::size_t end = std::min(i + detail::letter_lanes::width, letters.size()); i < end; ++i) {
        block[i] = table[static_cast<unsigned char>(letters[i])];
        all |= block[i];
      }
    }
    if (all < 0) throw_letter(sequence, table, where);
  }
  detail::append_letter_offsets(out, 0, sequence.size());
  const auto size = static_cast<index_t>(sequence.size());
  for (const std::int32_t id : rules_.suffix) out.append(id, size, size);
  return out;
}

/// First place from `at` on that is no white space.
DNALM_INLINE std::size_t nucleotide_tokenizer::end_of_blanks(std::string_view text, std::size_t at) const {
  while (at < text.size()) {
    const utf8_character character = read_utf8(text, at);
    if (!detail::is_word_separator(character.code)) break;
    at += character.length;
  }
  return at;
}

/// Takes a run of white space: it vanishes, before a token that takes it along too, else each is UNK.
DNALM_INLINE void nucleotide_tokenizer::encode_blanks(std::string_view text, std::size_t at, std::size_t end,
                                                      token_sequence& out) const {
  if (rules_.skips_blanks || rules_.drops_unknown) return;
  const std::int32_t next = end < text.size() ? found_.find(text, end).id : -1;
  const auto& strips = rules_.strips_left;
  if (next >= 0 && std::find(strips.begin(), strips.end(), token(next)) != strips.end()) return;
  while (at < end) {
    const std::size_t behind = at + read_utf8(text, at).length;
    out.append(rules_.special.unk, static_cast<index_t>(at), static_cast<index_t>(behind));
    at = behind;
  }
}

/// Token of the single character at `at`, -1 where it has none.
DNALM_INLINE std::int32_t nucleotide_tokenizer::single_at(std::string_view text, std::size_t at) const {
  char letter = detail::fold_letter(text[at], rules_.folding);
  if (rules_.replaces_literally && letter == rules_.replaced.from) letter = rules_.replaced.to;
  return single_[static_cast<unsigned char>(letter)];
}

/// Takes what the table does not settle: a token of several characters, white space, or unknown characters.
DNALM_INLINE std::size_t nucleotide_tokenizer::encode_odd(std::string_view text, std::size_t at,
                                                          token_sequence& out) const {
  const auto append = [&](std::int32_t id, std::size_t end) {
    out.append(id, static_cast<index_t>(at), static_cast<index_t>(end));
    return end;
  };
  const literal_tokens::match found = found_.find(text, at);
  if (found.length > 0) return append(found.id, at + found.length);
  const std::size_t behind = end_of_blanks(text, at);
  if (behind > at) {
    encode_blanks(text, at, behind, out);
    return behind;
  }
  std::size_t end = at + read_utf8(text, at).length;
  if (single_at(text, at) >= 0) return append(single_at(text, at), end);
  const auto is_unknown = [&](std::size_t i) {
    const utf8_character character = read_utf8(text, i);
    return single_at(text, i) < 0 && found_.find(text, i).length == 0 &&
           !detail::is_word_separator(character.code);
  };
  while (rules_.joins_unknown && end < text.size() && is_unknown(end)) end += read_utf8(text, end).length;
  return rules_.drops_unknown ? end : append(rules_.special.unk, end);
}

DNALM_INLINE token_sequence nucleotide_tokenizer::encode(std::string_view text) const {
  token_sequence out;
  detail::reserve_tokens(out, text.size() + rules_.prefix.size() + rules_.suffix.size());
  for (const std::int32_t id : rules_.prefix) out.append(id, 0, 0);
  std::array<std::int32_t, detail::letter_block> block;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t count = 0;
    const std::string_view rest = text.substr(at, block.size());
    bool odd = false;
    while (count < rest.size() && !odd) {
      count += literal_lanes_.encode(rest.substr(count), block.data() + count);
      for (const std::size_t end = std::min(count + detail::letter_lanes::width, rest.size());
           count < end && !odd;) {
        const std::int32_t id = literal_[static_cast<unsigned char>(rest[count])];
        odd = id < 0;
        if (!odd) block[count++] = id;
      }
    }
    out.ids.insert(out.ids.end(), block.data(), block.data() + count);
    detail::append_letter_offsets(out, at, count);
    at += count;
    if (odd) at = encode_odd(text, at, out);
  }
  const auto size = static_cast<index_t>(text.size());
  for (const std::int32_t id : rules_.suffix) out.append(id, size, size);
  return out;
}

DNALM_INLINE std::string nucleotide_tokenizer::description() const {
  return rules_.kind + " (" + letters_ + "), " + std::to_string(rules_.tokens.size()) + " tokens";
}

DNALM_END_NAMESPACE
