// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/baseline.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include <dnalm/attribution/baseline.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/sequence_error.hpp>
#include <dnalm/sequence/alphabet.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

inline constexpr std::array<std::pair<baseline_kind, std::string_view>, 6> baseline_names = {
    {{baseline_kind::zero, "zero"},
     {baseline_kind::uniform, "uniform"},
     {baseline_kind::unknown, "n"},
     {baseline_kind::mask, "mask"},
     {baseline_kind::shuffles, "shuffles"},
     {baseline_kind::array, "array"}}};

/// \throws error [dnalm.shape.805].
[[noreturn]] inline void refuse_baseline(index_t id, const std::string& expected, const std::string& found) {
  throw error(error_kind::shape, 805, "a baseline that does not fit its sequence",
              {.where = sequence_words(id), .expected = expected, .found = found});
}

[[nodiscard]] inline nucleotide_map shuffled_map(const baseline& made, std::string_view sequence, index_t id,
                                                 index_t replicate) {
  if (!made.shuffle || made.replicates < 1) {
    throw error(error_kind::usage, 807, "shuffles as baselines without a function that makes them",
                {.expected = "baseline::shuffle and at least one replicate"});
  }
  const std::string shuffled = made.shuffle(sequence, id, replicate);
  if (shuffled.size() != sequence.size()) {
    refuse_baseline(id, std::to_string(sequence.size()) + " bases", std::to_string(shuffled.size()));
  }
  return one_hot_map(shuffled);
}

[[nodiscard]] inline nucleotide_map array_map(const baseline& made, std::string_view sequence, index_t id) {
  const bool shared = made.arrays.size() == 1;
  if (!shared && static_cast<std::size_t>(id) >= made.arrays.size()) {
    refuse_baseline(id, "one array for all sequences or one for each",
                    std::to_string(made.arrays.size()) + " arrays");
  }
  const nucleotide_map& map = made.arrays[shared ? 0 : static_cast<std::size_t>(id)];
  if (map.length != static_cast<index_t>(sequence.size()) || map.values.size() != 4 * sequence.size()) {
    refuse_baseline(id, "4 x " + std::to_string(sequence.size()), "4 x " + std::to_string(map.length));
  }
  for (const double value : map.values) {
    if (!std::isfinite(value)) refuse_baseline(id, "finite numbers", std::to_string(value));
  }
  return map;
}

/// The reference token's number in a kind of baseline. \throws error [dnalm.unsupported.806].
[[nodiscard]] inline std::int32_t reference_of(baseline_kind kind, const relaxed_function& f) {
  const std::int32_t token = kind == baseline_kind::mask ? f.mask_token : f.unknown_token;
  if (token >= 0) return token;
  throw error(error_kind::unsupported, 806, "a baseline of a token that the model has not",
              {.where = kind == baseline_kind::mask ? "the mask token" : "N, one token a position",
               .expected = "baseline zero, uniform, shuffles or array"});
}

}  // namespace detail

DNALM_INLINE std::string_view to_string(baseline_kind kind) {
  for (const auto& [one, name] : detail::baseline_names) {
    if (one == kind) return name;
  }
  return "?";
}

DNALM_INLINE baseline_kind parse_baseline(std::string_view text) {
  for (const auto& [kind, name] : detail::baseline_names) {
    if (name == text) return kind;
  }
  throw error(error_kind::usage, 813, "unknown baseline",
              {.expected = "zero, uniform, n, mask, shuffles or array", .found = std::string(text)});
}

DNALM_INLINE nucleotide_weights baseline_weights(const baseline& made, const relaxed_function& f,
                                                 std::string_view sequence, index_t id, index_t replicate) {
  nucleotide_weights weights;
  const auto length = static_cast<index_t>(sequence.size());
  weights.letters = nucleotide_map(length);
  switch (made.kind) {
    case baseline_kind::zero: break;
    case baseline_kind::uniform:
      std::fill(weights.letters.values.begin(), weights.letters.values.end(), 0.25);
      break;
    case baseline_kind::unknown:
    case baseline_kind::mask:
      weights.reference_token = detail::reference_of(made.kind, f);
      weights.rest.assign(sequence.size(), 1.0);
      break;
    case baseline_kind::shuffles:
      weights.letters = detail::shuffled_map(made, sequence, id, replicate);
      break;
    case baseline_kind::array: weights.letters = detail::array_map(made, sequence, id); break;
  }
  for (index_t i = 0; i < length; ++i) {
    if (base_code(sequence[static_cast<std::size_t>(i)]) < 4) continue;
    for (index_t a = 0; a < 4; ++a) weights.letters(a, i) = 0;
    if (!weights.rest.empty()) weights.rest[static_cast<std::size_t>(i)] = 0;
  }
  return weights;
}

DNALM_END_NAMESPACE
