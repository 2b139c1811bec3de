// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/kmer_tokenizer.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/sequence/utf8.hpp>
#include <dnalm/tokenize/detail/large_pages.hpp>
#include <dnalm/tokenize/detail/vocabulary_index.hpp>
#include <dnalm/tokenize/detail/word_separator.hpp>
#include <dnalm/tokenize/kmer_tokenizer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

inline constexpr std::uint32_t no_kmer = ~std::uint32_t{0};

/// packed_kmer of the k letters at `text[at]`, no_kmer where a letter is foreign or fewer than k follow.
[[nodiscard]] inline std::uint32_t kmer_at(std::string_view text, std::size_t at, std::size_t k) {
  const std::size_t rest = text.size() - at;
  if (k <= 8 && rest >= 8) {
    const std::uint64_t word = load_letters(text.data() + at);
    const std::uint64_t kept = ~std::uint64_t{0} >> (64 - 8 * k);
    if ((foreign_letters(word) & kept) != 0) return no_kmer;
    return pack_bases(word) & ((1U << (2 * k)) - 1U);
  }
  if (rest < k || !is_kmer(text.substr(at, k))) return no_kmer;
  return packed_kmer(text.substr(at, k));
}

}  // namespace detail

DNALM_INLINE kmer_tokenizer::kmer_tokenizer(std::vector<std::string> vocabulary,
                                            const tokenizer_config& config, const std::string& where)
    : tokens_(std::move(vocabulary)), model_max_length_(config.model_max_length) {
  refuse_token_flags(config, where);
  const detail::vocabulary_index index(tokens_, where);
  table_ = detail::make_kmer_table(tokens_, where);
  if (std::count(table_.letters.begin(), table_.letters.end(), -1) > 0) {
    detail::throw_incomplete_kmers(where, "the letters A, C, G, T", "fewer");
  }
  special_ = detail::esm_special_tokens(index, config);
  index.check_listed(config);
  if (config.special.contains("eos_token")) appended_eos_ = special_.eos;
}

/// Takes all whole k-mers from `at` on; where there is none, `at` comes back.
DNALM_INLINE std::size_t kmer_tokenizer::encode_kmers(std::string_view text, std::size_t at,
                                                      token_sequence& out) const {
  std::array<std::int32_t, 1024> block;
  const std::size_t k = table_.k;
  for (;;) {
    std::size_t count = 0;
    while (count < block.size() && at + count * k < text.size()) {
      const std::uint32_t kmer = detail::kmer_at(text, at + count * k, k);
      if (kmer == detail::no_kmer) break;
      block[count++] = table_.ids[kmer];
    }
    out.ids.insert(out.ids.end(), block.data(), block.data() + count);
    const auto step = static_cast<index_t>(k);
    out.begin.append_run(static_cast<index_t>(at), step, count);
    out.end.append_run(static_cast<index_t>(at) + step, step, count);
    at += count * k;
    if (count < block.size()) return at;
  }
}

/// Takes the letters from `at` on, fewer than k, each as a token.
DNALM_INLINE std::size_t kmer_tokenizer::encode_letters(std::string_view text, std::size_t at,
                                                        token_sequence& out) const {
  for (; at < text.size() && detail::upper_base_code(text[at]) < 4; ++at) {
    const auto position = static_cast<index_t>(at);
    out.append(table_.letters[detail::upper_base_code(text[at])], position, position + 1);
  }
  return at;
}

/// Takes a run of characters that begin no token, as one UNK; or one white space, as nothing.
DNALM_INLINE std::size_t kmer_tokenizer::encode_unknown(std::string_view text, std::size_t at,
                                                        token_sequence& out) const {
  const std::size_t begin = at;
  while (at < text.size() && detail::upper_base_code(text[at]) > 3 &&
         table_.others.find(text, at).length == 0) {
    const utf8_character character = read_utf8(text, at);
    if (detail::is_word_separator(character.code)) {
      if (at == begin) return at + character.length;
      break;
    }
    at += character.length;
  }
  out.append(special_.unk, static_cast<index_t>(begin), static_cast<index_t>(at));
  return at;
}

DNALM_INLINE token_sequence kmer_tokenizer::encode(std::string_view text) const {
  token_sequence out;
  detail::reserve_tokens(out, text.size() / table_.k + 2 * table_.k);
  out.append(special_.cls, 0, 0);
  for (std::size_t at = 0; at < text.size();) {
    if (detail::upper_base_code(text[at]) < 4) {
      at = encode_letters(text, encode_kmers(text, at, out), out);
      continue;
    }
    const literal_tokens::match other = table_.others.find(text, at);
    if (other.length == 0) {
      at = encode_unknown(text, at, out);
      continue;
    }
    out.append(other.id, static_cast<index_t>(at), static_cast<index_t>(at + other.length));
    at += other.length;
  }
  const auto size = static_cast<index_t>(text.size());
  if (appended_eos_ >= 0) out.append(appended_eos_, size, size);
  return out;
}

DNALM_INLINE token_sequence kmer_tokenizer::encode_sequence(std::string_view sequence, unknown_policy policy,
                                                            const std::string& where) const {
  if (detail::is_upper_dna(sequence)) return encode(sequence);  // no policy would change it: no copy
  return tokenizer_base::encode_sequence(sequence, policy, where);
}

DNALM_INLINE std::string kmer_tokenizer::description() const {
  return "non-overlapping " + std::to_string(k()) + "-mers, " + std::to_string(tokens_.size()) + " tokens";
}

DNALM_END_NAMESPACE
