// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Sixteen letters at a time become their numbers.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <dnalm/core/platform.hpp>
#include <dnalm/tokenize/detail/letter_lanes_avx2.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Numbers of five letters, found by comparing sixteen letters with each of the five: number = the sum over
/// the five of (letter is this one) * its number. Only numbers below 256; no letters fit otherwise.
///
/// Takes AVX2 where the CPU has it, else the baseline instructions (SSE2, NEON) of compilers with vector
/// extensions; one table look-up a letter elsewhere.
class letter_lanes {
 public:
  static constexpr std::size_t width = 16;

  letter_lanes() = default;
  /// `table`: numbers by letter, -1 where there is none. `fifth` is sought beside A, C, G and T. `folds`:
  /// lower case counts as upper case. `takes_avx2`: false for a test of the other way.
  letter_lanes(const std::array<std::int32_t, 256>& table, char fifth, bool folds,
               bool takes_avx2 = has_letter_lanes_avx2())
      : takes_avx2_(takes_avx2) {
    kept_bits_.fill(folds ? 0xDF : 0xFF);
    lookup_.kept_bits = kept_bits_[0];
    for (std::size_t i = 0; i < lookup_.letters.size(); ++i) {
      lookup_.letters[i] = static_cast<unsigned char>(i ^ 1U);
    }
    usable_ = true;
    constexpr std::string_view bases = "ACGT";
    for (std::size_t i = 0; i < letters_.size(); ++i) {
      char letter = i < bases.size() ? bases[i] : fifth;
      if (i == bases.size() && !fits(table[static_cast<unsigned char>(letter)])) letter = bases[0];
      const std::int32_t id = table[static_cast<unsigned char>(letter)];
      usable_ = usable_ && fits(id);
      letters_[i].fill(static_cast<unsigned char>(letter));
      ids_[i].fill(static_cast<unsigned char>(id));
      lookup_.letters[static_cast<unsigned char>(letter) % 16U] = static_cast<unsigned char>(letter);
      lookup_.ids[static_cast<unsigned char>(letter) % 16U] = static_cast<unsigned char>(id);
    }
  }

  /// Writes the numbers of the letters that `text` begins with, `width` at a time, until one of them is none
  /// of the five. Returns how many.
  [[nodiscard]] std::size_t encode(std::string_view text, std::int32_t* ids) const {
    if (!usable_) return 0;
    if (takes_avx2_) return encode_letters_avx2(lookup_, text.data(), text.size(), ids);
    std::size_t at = 0;
    while (text.size() - at >= width && encode_lanes(text.data() + at, ids + at)) at += width;
    return at;
  }

 private:
  [[nodiscard]] static bool fits(std::int32_t id) { return id >= 0 && id < 256; }

#if defined(__GNUC__) && (defined(__SSE2__) || defined(__ARM_NEON))
  using lanes = unsigned char __attribute__((vector_size(16)));
  static_assert(std::endian::native == std::endian::little);

  [[nodiscard]] static lanes load(const void* from) {
    lanes loaded;
    std::memcpy(&loaded, from, sizeof loaded);
    return loaded;
  }
  /// False, and anything written, when a letter is none of the five.
  [[nodiscard]] bool encode_lanes(const char* text, std::int32_t* ids) const {
    constexpr lanes zero = {};
    lanes letters = load(text) & load(kept_bits_.data());
    lanes known = zero;
    lanes numbers = zero;
    for (std::size_t i = 0; i < letters_.size(); ++i) {
      const auto same = reinterpret_cast<lanes>(letters == load(letters_[i].data()));
      known |= same;
      numbers |= same & load(ids_[i].data());
    }
    std::array<std::uint64_t, 2> halves;
    std::memcpy(halves.data(), &known, sizeof known);
    if ((halves[0] & halves[1]) != ~std::uint64_t{0}) return false;
    const lanes low =
        __builtin_shufflevector(numbers, zero, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const lanes high =
        __builtin_shufflevector(numbers, zero, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    write_words(low, ids);
    write_words(high, ids + 8);
    return true;
  }
  /// Eight numbers of two bytes become numbers of four.
  static void write_words(lanes numbers, std::int32_t* ids) {
    constexpr lanes zero = {};
    const lanes low =
        __builtin_shufflevector(numbers, zero, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23);
    const lanes high =
        __builtin_shufflevector(numbers, zero, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31);
    std::memcpy(ids, &low, sizeof low);
    std::memcpy(ids + 4, &high, sizeof high);
  }
#else
  [[nodiscard]] bool encode_lanes(const char* text, std::int32_t* ids) const {
    for (std::size_t i = 0; i < width; ++i) {
      const auto letter = static_cast<unsigned char>(text[i] & kept_bits_[i]);
      std::size_t place = 0;
      while (place < letters_.size() && letters_[place][i] != letter) ++place;
      if (place == letters_.size()) return false;
      ids[i] = ids_[place][i];
    }
    return true;
  }
#endif

  using bytes = std::array<unsigned char, width>;
  std::array<bytes, 5> letters_{};  // each of the five, and its number, in every lane
  std::array<bytes, 5> ids_{};
  bytes kept_bits_{};
  letter_lookup lookup_;
  bool usable_ = false;
  bool takes_avx2_ = false;
};

}  // namespace detail
DNALM_END_NAMESPACE
