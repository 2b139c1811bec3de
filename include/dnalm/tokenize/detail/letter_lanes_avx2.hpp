// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Letters become numbers by two look-ups of their low four bits, sixteen at a time with AVX2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// What letter_lanes looks up, by the low four bits of a letter. Those of A, C, G, T, U and N all differ.
struct letter_lookup {
  std::array<unsigned char, 16> letters{};  // the only letter with these low bits; one with others where none
  std::array<unsigned char, 16> ids{};      // its number
  unsigned char kept_bits = 0xFF;           // 0xDF: lower case counts as upper case
};

#if defined(__x86_64__)

[[nodiscard]] inline bool has_letter_lanes_avx2() {
  return __builtin_cpu_supports("avx2") != 0;
}

/// letter_lanes::encode with AVX2: number = ids[letter & 15] where letters[letter & 15] is the letter.
[[nodiscard]] __attribute__((target("avx2"))) inline std::size_t encode_letters_avx2(
    const letter_lookup& lookup, const char* text, std::size_t size, std::int32_t* ids) {
  const __m128i letters_of = _mm_loadu_si128(reinterpret_cast<const __m128i*>(lookup.letters.data()));
  const __m128i ids_of = _mm_loadu_si128(reinterpret_cast<const __m128i*>(lookup.ids.data()));
  const __m128i kept_bits = _mm_set1_epi8(static_cast<char>(lookup.kept_bits));
  std::size_t at = 0;
  for (; size - at >= 16; at += 16) {
    const __m128i text_lanes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + at));
    const __m128i letters = _mm_and_si128(text_lanes, kept_bits);
    // A byte above 127 looks up 0, and is not 0.
    const __m128i known = _mm_cmpeq_epi8(_mm_shuffle_epi8(letters_of, letters), letters);
    if (_mm_movemask_epi8(known) != 0xFFFF) break;
    const __m128i numbers = _mm_shuffle_epi8(ids_of, letters);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(ids + at), _mm256_cvtepu8_epi32(numbers));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(ids + at + 8),
                        _mm256_cvtepu8_epi32(_mm_srli_si128(numbers, 8)));
  }
  return at;
}

#else

[[nodiscard]] inline bool has_letter_lanes_avx2() {
  return false;
}

[[nodiscard]] inline std::size_t encode_letters_avx2(const letter_lookup& /*lookup*/, const char* /*text*/,
                                                     std::size_t /*size*/, std::int32_t* /*ids*/) {
  return 0;
}

#endif

}  // namespace detail
DNALM_END_NAMESPACE
