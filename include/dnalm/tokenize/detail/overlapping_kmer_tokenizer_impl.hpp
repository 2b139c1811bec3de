// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/overlapping_kmer_tokenizer.hpp.
#pragma once

#include <algorithm>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/tokenize/detail/large_pages.hpp>
#include <dnalm/tokenize/detail/vocabulary_index.hpp>
#include <dnalm/tokenize/detail/word_separator.hpp>
#include <dnalm/tokenize/overlapping_kmer_tokenizer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// How many tokens are formed at a time: few after a letter that is no base (there may be more of them, and
/// room that was made is cleared memory), then twice as many each time, up to what stays in the cache.
inline constexpr std::size_t smallest_kmer_block = 32;
inline constexpr std::size_t kmer_block = 4096;

/// Numbers of the k-mers that begin at `letters`, up to the first that holds another letter than A, C, G, T
/// in upper case; returns how many. `ids` has room for letters.size() - k + 1.
///
/// K-mer j is the bits [2j, 2j + 2k) of the packed letters. Eight letters are packed at a time, so that no
/// k-mer waits for the one before it.
[[nodiscard]] inline std::size_t overlapping_ids(std::string_view letters, const kmer_table& table,
                                                 std::int32_t* ids) {
  const auto first = static_cast<unsigned>(table.k - 1);
  const std::uint64_t mask = (std::uint64_t{1} << (2 * table.k)) - 1;
  if (letters.size() < table.k || !is_kmer(letters.substr(0, first))) return 0;
  const std::size_t count = letters.size() - first;
  const std::int32_t* numbers = table.ids.data();
  std::uint64_t window = packed_kmer(letters.substr(0, first));
  const char* next = letters.data() + first;
  std::size_t at = 0;
  for (; count - at >= 8; at += 8, next += 8) {
    const std::uint64_t word = load_letters(next);
    if (foreign_letters(word) != 0) break;
    window |= static_cast<std::uint64_t>(pack_bases(word)) << (2 * first);
    for (unsigned j = 0; j < 8; ++j) ids[at + j] = numbers[(window >> (2 * j)) & mask];
    window >>= 16;
  }
  for (; at < count && upper_base_code(*next) < 4; ++at, ++next) {
    window |= static_cast<std::uint64_t>(upper_base_code(*next)) << (2 * first);
    ids[at] = numbers[window];
    window >>= 2;
  }
  return at;
}

}  // namespace detail

DNALM_INLINE overlapping_kmer_tokenizer::overlapping_kmer_tokenizer(std::vector<std::string> vocabulary,
                                                                    const tokenizer_config& config,
                                                                    const std::string& where)
    : tokens_(std::move(vocabulary)), model_max_length_(config.model_max_length) {
  refuse_token_flags(config, where);
  const detail::vocabulary_index index(tokens_, where);
  table_ = detail::make_kmer_table(tokens_, where);
  special_ = detail::bert_special_tokens(index, config);
  index.check_listed(config);
}

/// Appends the k-mers of [begin, end), which holds no white space and no special token. With `strict` it
/// returns false, and anything appended, when a letter is none of A, C, G, T, N.
///
/// From each first letter `at`: the run of bases up to `stop` gives stop - at - k + 1 k-mers; those that
/// begin behind them and reach the letter at `stop` are UNK.
DNALM_INLINE bool overlapping_kmer_tokenizer::encode_piece(std::string_view text, std::size_t begin,
                                                           std::size_t end, bool strict,
                                                           token_sequence& out) const {
  const std::size_t k = table_.k;
  if (end - begin < k) return true;
  const std::size_t last = end - k + 1;  // no k-mer begins here or later
  std::size_t block = detail::kmer_block;
  for (std::size_t at = begin; at < last;) {
    const std::size_t some = std::min(last - at, block);
    const std::size_t before = out.ids.size();
    out.ids.resize(before + some);
    const std::size_t known =
        detail::overlapping_ids(text.substr(at, some + k - 1), table_, out.ids.data() + before);
    at += known;
    block = known == some ? std::min(2 * block, detail::kmer_block) : detail::smallest_kmer_block;
    if (known == some) continue;
    const std::size_t stop = detail::end_of_bases(text, at, at + k);
    const std::size_t behind = std::min(stop + 1, last);
    if (strict && !detail::is_upper_dna(text.substr(stop, behind < last ? 1 : end - stop))) return false;
    out.ids.resize(before + known);
    out.ids.resize(before + known + (behind - at), special_.unk);
    at = behind;
  }
  const auto first = static_cast<index_t>(begin);
  out.begin.append_run(first, 1, last - begin);
  out.end.append_run(first + static_cast<index_t>(k), 1, last - begin);
  return true;
}

/// End of the piece that begins at `at`: the next white space or special token.
DNALM_INLINE std::size_t overlapping_kmer_tokenizer::end_of_piece(std::string_view text,
                                                                  std::size_t at) const {
  for (;; ++at) {
    at = detail::end_of_bases(text, at, text.size());
    if (at == text.size()) return at;
    const auto code = static_cast<unsigned char>(text[at]);
    if (code >= 0x80) {
      throw error(error_kind::input, 341, "text beyond ASCII cannot be cut into k-mers",
                  {.where = "literal text", .found = "byte " + std::to_string(at + 1)});
    }
    if (detail::is_word_separator(code) || table_.others.find(text, at).length > 0) return at;
  }
}

DNALM_INLINE token_sequence overlapping_kmer_tokenizer::encode(std::string_view text) const {
  token_sequence out;
  detail::reserve_tokens(out, text.size() + 2);
  out.append(special_.cls, 0, 0);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = end_of_piece(text, at);
    static_cast<void>(encode_piece(text, at, end, false, out));
    at = end;
    if (at == text.size()) break;
    const literal_tokens::match other = table_.others.find(text, at);
    const std::size_t length = std::max<std::size_t>(other.length, 1);  // a token, or one white space
    if (other.length > 0) {
      out.append(other.id, static_cast<index_t>(at), static_cast<index_t>(at + length));
    }
    at += length;
  }
  const auto size = static_cast<index_t>(text.size());
  out.append(special_.sep, size, size);
  return out;
}

DNALM_INLINE token_sequence overlapping_kmer_tokenizer::encode_sequence(std::string_view sequence,
                                                                        unknown_policy policy,
                                                                        const std::string& where) const {
  if (policy == unknown_policy::literal) return encode(sequence);
  token_sequence out;
  detail::reserve_tokens(out, sequence.size() + 2);
  out.append(special_.cls, 0, 0);
  if (!encode_piece(sequence, 0, sequence.size(), true, out)) {
    return encode_sequence(normalize_sequence(sequence, policy, where), policy, where);
  }
  if (sequence.size() < table_.k) {
    static_cast<void>(normalize_sequence(sequence, policy, where));  // an unknown letter is the first fault
    throw error(error_kind::input, 340, "a sequence is shorter than a k-mer",
                {.where = where,
                 .expected = std::to_string(k()) + " letters or more",
                 .found = std::to_string(sequence.size())});
  }
  const auto size = static_cast<index_t>(sequence.size());
  out.append(special_.sep, size, size);
  return out;
}

DNALM_INLINE std::string overlapping_kmer_tokenizer::description() const {
  return "overlapping " + std::to_string(k()) + "-mers, " + std::to_string(tokens_.size()) + " tokens";
}

DNALM_END_NAMESPACE
