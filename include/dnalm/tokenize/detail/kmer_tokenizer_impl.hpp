// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/kmer_tokenizer.hpp.
#pragma once

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/byte_source.hpp>
#include <dnalm/sequence/alphabet.hpp>
#include <dnalm/sequence/utf8.hpp>
#include <dnalm/tokenize/kmer_tokenizer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// 0..3 for A, C, G, T in upper case, 4 for everything else.
[[nodiscard]] constexpr std::array<std::uint8_t, 256> make_upper_base_codes() {
  std::array<std::uint8_t, 256> codes{};
  for (auto& code : codes) code = 4;
  codes['A'] = 0;
  codes['C'] = 1;
  codes['G'] = 2;
  codes['T'] = 3;
  return codes;
}

inline constexpr std::array<std::uint8_t, 256> upper_base_codes = make_upper_base_codes();

[[nodiscard]] inline std::uint32_t upper_base_code(char letter) {
  return upper_base_codes[static_cast<unsigned char>(letter)];
}

[[nodiscard]] inline bool is_kmer(std::string_view token) {
  return std::all_of(token.begin(), token.end(), [](char letter) { return upper_base_code(letter) < 4; });
}

/// White space as the reference implementation splits words: White_Space and the separators 0x1C to 0x1F.
[[nodiscard]] inline bool is_word_separator(std::uint32_t code) {
  return is_unicode_space(code) || (code >= 0x1C && code <= 0x1F);
}

/// Index of a k-mer: 2 bits a letter, the first letter highest.
[[nodiscard]] inline std::size_t kmer_index(std::string_view kmer) {
  std::size_t index = 0;
  for (const char letter : kmer) index = (index << 2) | upper_base_code(letter);
  return index;
}

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

}  // namespace detail

DNALM_INLINE kmer_tokenizer::kmer_tokenizer(std::vector<std::string> vocabulary,
                                            const tokenizer_config& config, const std::string& where)
    : tokens_(std::move(vocabulary)), model_max_length_(config.model_max_length) {
  std::unordered_set<std::string_view> seen;
  seen.reserve(tokens_.size());
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    detail::check_vocabulary_token(tokens_[i], i + 1, where);
    if (!seen.insert(tokens_[i]).second) {
      throw error(error_kind::config, 310, "a token stands twice in the vocabulary",
                  {.where = where + ", line " + std::to_string(i + 1), .found = "\"" + tokens_[i] + "\""});
    }
  }
  fill_tables(where);
  find_specials(config, where);
}

DNALM_INLINE void kmer_tokenizer::fill_tables(const std::string& where) {
  constexpr std::size_t longest = 10;
  std::size_t k = 0;
  for (const std::string& token : tokens_) {
    if (detail::is_kmer(token)) k = std::max(k, token.size());
  }
  const auto throw_incomplete = [&](const std::string& expected, const std::string& found) {
    throw error(error_kind::config, 311, "this is no vocabulary of k-mers",
                {.where = where, .expected = expected, .found = found});
  };
  if (k == 0 || k > longest) throw_incomplete("k-mers of 1 to 10 letters", std::to_string(k) + " letters");
  k_ = static_cast<int>(k);
  kmer_ids_.assign(std::size_t{1} << (2 * k), -1);
  letter_ids_.fill(-1);
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const std::string& token = tokens_[i];
    const auto id = static_cast<std::int32_t>(i);
    if (detail::is_kmer(token)) {
      if (token.size() == 1) letter_ids_[detail::upper_base_code(token[0])] = id;
      if (token.size() == k) kmer_ids_[detail::kmer_index(token)] = id;
      if (token.size() != 1 && token.size() != k) {
        throw_incomplete("k-mers of one length, " + std::to_string(k), "\"" + token + "\"");
      }
    } else if (detail::upper_base_code(token[0]) < 4) {
      throw error(error_kind::unsupported, 313, "a token of this form is not built in",
                  {.where = where,
                   .expected = "k-mers of ACGT, and other tokens that begin with another character",
                   .found = "\"" + token + "\""});
    } else {
      others_.add(token, id);
    }
  }
  const auto missing = std::count(kmer_ids_.begin(), kmer_ids_.end(), -1);
  if (missing > 0) {
    throw_incomplete(std::to_string(kmer_ids_.size()) + " k-mers", std::to_string(missing) + " missing");
  }
  if (std::count(letter_ids_.begin(), letter_ids_.end(), -1) > 0)
    throw_incomplete("the letters A, C, G, T", "fewer");
}

DNALM_INLINE void kmer_tokenizer::find_specials(const tokenizer_config& config, const std::string& where) {
  std::unordered_map<std::string_view, int> ids;
  ids.reserve(tokens_.size());
  for (std::size_t i = 0; i < tokens_.size(); ++i) ids.emplace(tokens_[i], static_cast<int>(i));
  const auto find = [&](const std::string& token, bool required) {
    const auto found = ids.find(token);
    if (found != ids.end()) return found->second;
    if (required) {
      throw error(error_kind::config, 312, "a special token is missing from the vocabulary",
                  {.where = where, .expected = "\"" + token + "\""});
    }
    return -1;
  };
  special_.cls = find(config.name_of("cls_token", "<cls>"), true);
  special_.unk = find(config.name_of("unk_token", "<unk>"), true);
  special_.pad = find(config.name_of("pad_token", "<pad>"), true);
  special_.mask = find(config.name_of("mask_token", "<mask>"), true);
  special_.sep = find(config.name_of("sep_token", "<sep>"), config.special.contains("sep_token"));
  special_.bos = find(config.name_of("bos_token", "<bos>"), config.special.contains("bos_token"));
  special_.eos = find(config.name_of("eos_token", "<eos>"), config.special.contains("eos_token"));
  if (config.special.contains("eos_token")) appended_eos_ = special_.eos;
  for (const listed_token& listed : config.added_tokens) {
    if (find(listed.text, true) != listed.id) {
      throw error(error_kind::config, 312, "a special token has two numbers",
                  {.where = where,
                   .expected = "\"" + listed.text + "\" with number " + std::to_string(listed.id) +
                               " as tokenizer_config.json says",
                   .found = std::to_string(find(listed.text, true))});
    }
  }
}

/// Takes the token at `at`, where a letter of ACGT stands: one k-mer, or the whole rest of a shorter run.
DNALM_INLINE std::size_t kmer_tokenizer::encode_bases(std::string_view text, std::size_t at,
                                                      token_sequence& out) const {
  const std::size_t limit = std::min(text.size(), at + static_cast<std::size_t>(k_));
  std::size_t index = 0;
  std::size_t end = at;
  for (; end < limit; ++end) {
    const std::uint32_t code = detail::upper_base_code(text[end]);
    if (code > 3) break;
    index = (index << 2) | code;
  }
  if (end - at == static_cast<std::size_t>(k_)) {
    out.append(kmer_ids_[index], static_cast<index_t>(at), static_cast<index_t>(end));
    return end;
  }
  for (; at < end; ++at) {
    const auto position = static_cast<index_t>(at);
    out.append(letter_ids_[detail::upper_base_code(text[at])], position, position + 1);
  }
  return end;
}

/// Takes a run of characters that begin no token, as one UNK; or one white space, as nothing.
DNALM_INLINE std::size_t kmer_tokenizer::encode_unknown(std::string_view text, std::size_t at,
                                                        token_sequence& out) const {
  const std::size_t begin = at;
  while (at < text.size() && detail::upper_base_code(text[at]) > 3 && others_.find(text, at).length == 0) {
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
  out.reserve(static_cast<index_t>(text.size()) / k_ + 2 * k_);
  out.append(special_.cls, 0, 0);
  for (std::size_t at = 0; at < text.size();) {
    if (detail::upper_base_code(text[at]) < 4) {
      at = encode_bases(text, at, out);
      continue;
    }
    const literal_tokens::match other = others_.find(text, at);
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

DNALM_INLINE std::string kmer_tokenizer::description() const {
  return "non-overlapping " + std::to_string(k_) + "-mers, " + std::to_string(tokens_.size()) + " tokens";
}

DNALM_INLINE std::vector<std::string> read_vocabulary(const std::filesystem::path& file) {
  constexpr std::size_t limit = std::size_t{1} << 26;
  io::byte_source source(file);
  std::string text(1 << 16, '\0');
  std::size_t size = 0;
  for (std::size_t count = 1; count > 0 && size <= limit; size += count) {
    if (size == text.size()) text.resize(2 * text.size());
    count = source.read({text.data() + size, text.size() - size});
  }
  if (size > limit) {
    throw error(error_kind::io, 314, "a vocabulary is too large",
                {.where = file.string(), .expected = "64 MiB"});
  }
  std::string_view rest(text.data(), size);
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  std::vector<std::string> tokens;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t first = std::min(line.find_first_not_of(" \t\r"), line.size());
    tokens.emplace_back(line.substr(first, line.find_last_not_of(" \t\r") + 1 - first));
    detail::check_vocabulary_token(tokens.back(), tokens.size(), file.string());
  }
  if (tokens.empty()) {
    throw error(error_kind::config, 310, "the vocabulary is empty", {.where = file.string()});
  }
  return tokens;
}

DNALM_END_NAMESPACE
