// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The random sequences of tests/golden/make/make_tokenizers.py, and the hash of their tokens.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace dnalm_test {

/// The stream of numbers that the golden sequences are drawn from (SplitMix64).
class split_mix {
 public:
  explicit split_mix(std::uint64_t index) : state_(mix(seed + (index + 1) * golden)) {}
  std::uint64_t next() { return mix(state_ += golden); }

 private:
  static constexpr std::uint64_t golden = 0x9E3779B97F4A7C15ULL;
  static constexpr std::uint64_t seed = 20240607;
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

/// Every which block of the 100,000 sequences is compared: 1 but where the environment says
/// DNALM_TEST_STRIDE, as the sanitizer lane does. A block has all kinds of sequences.
inline std::size_t golden_stride() {
  const char* text = std::getenv("DNALM_TEST_STRIDE");
  const long stride = text == nullptr ? 1 : std::strtol(text, nullptr, 10);
  return stride < 1 ? 1 : static_cast<std::size_t>(stride);
}

inline constexpr std::string_view golden_other = "RYKMSWBDHVUX-*.0123456789_acgtn?";
inline constexpr std::array<std::string_view, 11> golden_special = {
    "<mask>", "<cls>", "<unk>", "<pad>", "<eos>", "<bos>", "[MASK]", "[SEP]", "[CLS]", "[PAD]", "[UNK]"};
inline constexpr std::array<std::string_view, 4> golden_space = {" ", "\t", "\n", "  "};

inline std::string golden_repeats(split_mix& stream, std::uint64_t count) {
  std::string text;
  while (text.size() < count) {
    std::string unit(1 + stream.next() % 6, ' ');
    for (char& letter : unit) letter = "ACGT"[stream.next() & 3];
    const std::uint64_t run = 1 + stream.next() % 100;
    for (std::uint64_t i = 0; i < run; ++i) text += unit[i % unit.size()];
  }
  return text.substr(0, count);
}

/// What stands at one place of a sequence of a class: a letter, or what disturbs it there.
inline std::string golden_item(std::uint64_t kind, std::uint64_t draw, bool lower) {
  const std::uint64_t s = draw >> 2;
  const std::uint64_t t = draw >> 32;
  const std::string letter(1, "ACGT"[draw & 3]);
  const std::string small(1, "acgt"[draw & 3]);
  const std::string other(1, golden_other[t % golden_other.size()]);
  const std::string special(golden_special[t % golden_special.size()]);
  const std::string space(golden_space[t % golden_space.size()]);
  switch (kind) {
    case 1: return s % 20 == 0 ? "N" : letter;
    case 2: return lower ? small : letter;
    case 3: return s % 25 == 0 ? other : letter;
    case 4: return s % 40 == 0 ? special : letter;
    case 5: return s % 30 == 0 ? space : letter;
    case 6: break;
    default: return letter;
  }
  switch (s % 100) {
    case 0: return other;
    case 1: return special;
    case 2: return space;
    case 3: return small;
    case 4:
    case 5: return "N";
    default: return letter;
  }
}

/// Golden sequence `index`.
inline std::string golden_sequence(std::uint64_t index) {
  split_mix stream(index);
  const std::uint64_t a = stream.next();
  const std::uint64_t b = stream.next();
  const std::uint64_t count = b % 64 == 0 ? 1 + a % 3000 : 1 + a % 600;
  const std::uint64_t kind = index % 8;
  if (kind == 7) return golden_repeats(stream, count);
  std::string text;
  bool lower = false;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t draw = stream.next();
    if (i % 16 == 0) lower = (draw >> 32) % 4 == 0;
    text += golden_item(kind, draw, lower);
  }
  return text;
}

/// FNV-1a-64.
inline std::uint64_t fnv1a(std::string_view bytes, std::uint64_t hash = 0xCBF29CE484222325ULL) {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3ULL;
  return hash;
}

/// Low 32 bits of FNV-1a-64 of the ids, each as 4 little-endian bytes.
inline std::uint32_t hash_of_ids(const std::vector<std::int32_t>& ids) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const std::int32_t id : ids) {
    for (int shift = 0; shift < 32; shift += 8) {
      const auto byte = (static_cast<std::uint32_t>(id) >> shift) & 0xFFU;
      hash = (hash ^ byte) * 0x100000001B3ULL;
    }
  }
  return static_cast<std::uint32_t>(hash);
}

}  // namespace dnalm_test
