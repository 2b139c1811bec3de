// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The DNA alphabet with an explicit policy for other letters; reverse complement, GC content,
/// one-hot.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// What becomes of letters other than A, C, G, T and N.
enum class unknown_policy {
  error,   ///< they are an error that names record, position and letter
  n,       ///< any other printable character is read as N
  literal  ///< the text is passed as it is, in its case, as the reference tokenizers would see it
};

/// Name of a policy as the programs write it.
[[nodiscard]] constexpr std::string_view to_string(unknown_policy policy) {
  switch (policy) {
    case unknown_policy::error: return "error";
    case unknown_policy::n: return "n";
    case unknown_policy::literal: return "literal";
  }
  return "?";
}

namespace detail {

/// 0..3 for A, C, G, T in either case, 4 for N and n, 5 for everything else.
[[nodiscard]] constexpr std::array<std::uint8_t, 256> make_base_codes() {
  std::array<std::uint8_t, 256> codes{};
  for (auto& code : codes) code = 5;
  constexpr std::string_view upper = "ACGTN";
  constexpr std::string_view lower = "acgtn";
  for (std::size_t i = 0; i < 5; ++i) {
    codes[static_cast<unsigned char>(upper[i])] = static_cast<std::uint8_t>(i);
    codes[static_cast<unsigned char>(lower[i])] = static_cast<std::uint8_t>(i);
  }
  return codes;
}

inline constexpr std::array<std::uint8_t, 256> base_codes = make_base_codes();

[[nodiscard]] inline std::string describe_letter(char letter) {
  const auto code = static_cast<unsigned char>(letter);
  if (code > 0x20 && code < 0x7F) return std::string("'") + letter + "'";
  constexpr std::string_view digits = "0123456789abcdef";
  return std::string("byte 0x") + digits[code >> 4] + digits[code & 15];
}

[[noreturn]] inline void throw_unknown_letter(char letter, std::size_t at, const std::string& where) {
  const std::string found = describe_letter(letter) + " at position " + std::to_string(at + 1);
  if (letter == 'U' || letter == 'u') {
    throw error(error_kind::input, 151, "the letter U says RNA, and this is a model of DNA",
                {.where = where, .expected = "A, C, G, T or N (write U as T)", .found = found});
  }
  throw error(error_kind::input, 150, "unknown letter in a sequence",
              {.where = where, .expected = "A, C, G, T or N in either case", .found = found});
}

}  // namespace detail

/// 0..3 for A, C, G, T in either case, 4 for N, 5 for everything else.
[[nodiscard]] inline int base_code(char letter) {
  return detail::base_codes[static_cast<unsigned char>(letter)];
}

/// The sequence in the letters ACGTN under a policy; `literal` returns the text unchanged.
///
/// `error`: upper-cases, everything else is an error. `n`: upper-cases, every other printable ASCII character
/// becomes N; U (of an RNA file every fourth letter would be lost), blanks, control characters and bytes
/// beyond ASCII stay errors. Positions are kept: the result has as many letters as the text. `where` names
/// the record in messages. \throws error [dnalm.input.150] for an unknown letter, [dnalm.input.151] for U.
[[nodiscard]] inline std::string normalize_sequence(std::string_view text, unknown_policy policy,
                                                    const std::string& where) {
  std::string result(text);
  if (policy == unknown_policy::literal) return result;
  for (std::size_t i = 0; i < result.size(); ++i) {
    const int code = base_code(result[i]);
    if (code == 5) {
      const auto byte = static_cast<unsigned char>(result[i]);
      const bool rna = result[i] == 'U' || result[i] == 'u';
      if (policy == unknown_policy::error || rna || byte <= 0x20 || byte >= 0x7F) {
        detail::throw_unknown_letter(result[i], i, where);
      }
    }
    result[i] = "ACGTNN"[code];
  }
  return result;
}

/// The other strand, read 5' to 3': A<->T, C<->G, N stays; case is kept. \throws error [dnalm.input.150] as
/// above.
[[nodiscard]] inline std::string reverse_complement(std::string_view sequence) {
  std::string result(sequence.size(), 'N');
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    const char letter = sequence[i];
    const int code = base_code(letter);
    if (code == 5) detail::throw_unknown_letter(letter, i, "reverse_complement");
    result[sequence.size() - 1 - i] = (letter >= 'a' ? "tgcan" : "TGCAN")[code];
  }
  return result;
}

/// (G + C) / (A + C + G + T), either case; NaN when there is no such letter.
[[nodiscard]] inline double gc_content(std::string_view sequence) {
  std::array<index_t, 6> count{};
  for (const char letter : sequence) ++count[static_cast<std::size_t>(base_code(letter))];
  const index_t all = count[0] + count[1] + count[2] + count[3];
  if (all == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(count[1] + count[2]) / static_cast<double>(all);
}

/// One-hot code into `out`, row-major (bases, 4), columns A, C, G, T; N is a row of zeros.
/// \throws error [dnalm.shape.152] when out.size() is not 4 x bases, [dnalm.input.150] for another letter.
inline void one_hot(std::string_view sequence, std::span<float> out) {
  const index_t wanted = checked_mul(static_cast<index_t>(sequence.size()), 4);
  if (static_cast<index_t>(out.size()) != wanted) {
    throw error(error_kind::shape, 152, "one-hot output has a wrong size",
                {.expected = std::to_string(wanted), .found = std::to_string(out.size())});
  }
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    const int code = base_code(sequence[i]);
    if (code == 5) detail::throw_unknown_letter(sequence[i], i, "one_hot");
    for (int letter = 0; letter < 4; ++letter) {
      out[4 * i + static_cast<std::size_t>(letter)] = code == letter ? 1.0F : 0.0F;
    }
  }
}

/// As above, into a new vector.
[[nodiscard]] inline std::vector<float> one_hot(std::string_view sequence) {
  std::vector<float> out(static_cast<std::size_t>(checked_mul(static_cast<index_t>(sequence.size()), 4)));
  one_hot(sequence, out);
  return out;
}

DNALM_END_NAMESPACE
