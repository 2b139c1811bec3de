// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Eight bases at a time: which letters are A, C, G, T, and their codes of two bits.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// 0, 1, 2, 3 for A, C, T, G in upper case (bits 1 and 2 of their ASCII codes), 4 for everything else.
[[nodiscard]] constexpr std::array<std::uint8_t, 256> make_upper_base_codes() {
  std::array<std::uint8_t, 256> codes{};
  for (auto& code : codes) code = 4;
  for (const char letter : {'A', 'C', 'T', 'G'}) {
    codes[static_cast<std::size_t>(letter)] = static_cast<std::uint8_t>((letter >> 1) & 3);
  }
  return codes;
}

inline constexpr std::array<std::uint8_t, 256> upper_base_codes = make_upper_base_codes();

[[nodiscard]] inline std::uint32_t upper_base_code(char letter) {
  return upper_base_codes[static_cast<unsigned char>(letter)];
}

/// Index of a k-mer: two bits a letter, the first letter lowest. Requires letters of ACGT and k <= 16.
[[nodiscard]] inline std::uint32_t packed_kmer(std::string_view kmer) {
  std::uint32_t index = 0;
  for (std::size_t i = 0; i < kmer.size(); ++i) index |= upper_base_code(kmer[i]) << (2 * i);
  return index;
}

/// Eight letters, the first in the lowest byte, on every kind of machine.
[[nodiscard]] inline std::uint64_t load_letters(const char* text) {
  std::uint64_t word = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&word, text, sizeof word);
  } else {
    for (unsigned i = 0; i < 8; ++i) {
      word |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[i])) << (8 * i);
    }
  }
  return word;
}

/// A byte other than 0 for each letter that is not A, C, G, T in upper case.
///
/// With c the code of a letter, A, C and G are 0x41 | 2c, and T (c = 2) differs from that by 0x11: eight
/// letters are compared with what their own codes say they should be.
[[nodiscard]] constexpr std::uint64_t foreign_letters(std::uint64_t word) {
  constexpr std::uint64_t each = 0x0101010101010101;
  const std::uint64_t code = (word >> 1) & (3 * each);
  const std::uint64_t is_t = (code >> 1) & ~code & each;
  return word ^ ((0x41 * each) | (code << 1)) ^ (is_t * 0x11);
}

/// Codes of eight bases in 16 bits, the first letter lowest. Requires foreign_letters(word) == 0.
[[nodiscard]] constexpr std::uint32_t pack_bases(std::uint64_t word) {
  std::uint64_t codes = (word >> 1) & 0x0303030303030303;
  codes = (codes | (codes >> 6)) & 0x000F000F000F000F;
  codes = (codes | (codes >> 12)) & 0x000000FF000000FF;
  return static_cast<std::uint32_t>((codes | (codes >> 24)) & 0xFFFF);
}

/// First place from `at` on, before `end`, that holds no A, C, G, T in upper case; or `end`.
[[nodiscard]] inline std::size_t end_of_bases(std::string_view text, std::size_t at, std::size_t end) {
  while (end - at >= 8 && foreign_letters(load_letters(text.data() + at)) == 0) at += 8;
  while (at < end && upper_base_code(text[at]) < 4) ++at;
  return at;
}

/// Whether a text holds nothing but A, C, G, T and N in upper case, as every policy leaves it.
[[nodiscard]] inline bool is_upper_dna(std::string_view text) {
  for (std::size_t at = 0;; ++at) {
    at = end_of_bases(text, at, text.size());
    if (at == text.size()) return true;
    if (text[at] != 'N') return false;
  }
}

}  // namespace detail
DNALM_END_NAMESPACE
