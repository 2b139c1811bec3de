// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/global_importance.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include <dnalm/attribution/global_importance.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/core/sequence_error.hpp>
#include <dnalm/sequence/alphabet.hpp>
#include <dnalm/sequence/shuffle.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// \throws error [dnalm.usage.880].
inline void check_background_request(std::span<const std::string> sequences, index_t count) {
  if (!sequences.empty() && count >= 0) return;
  throw error(error_kind::usage, 880, "backgrounds cannot be made",
              {.expected = "one sequence at least and a number of backgrounds from 0",
               .found = std::to_string(sequences.size()) + " sequences, " + std::to_string(count)});
}

/// How often each letter stands at each position, (length, 4). \throws error [dnalm.input.881].
[[nodiscard]] inline std::vector<std::uint64_t> count_letters(std::span<const std::string> sequences) {
  const std::size_t length = sequences[0].size();
  std::vector<std::uint64_t> counts(4 * length, 0);
  for (std::size_t n = 0; n < sequences.size(); ++n) {
    const std::string where = sequence_words(static_cast<index_t>(n));
    if (sequences[n].size() != length) {
      throw error(
          error_kind::input, 881, "a profile needs sequences of one length",
          {.where = where, .expected = std::to_string(length), .found = std::to_string(sequences[n].size())});
    }
    const std::string letters = normalize_sequence(sequences[n], unknown_policy::error, where);
    for (std::size_t i = 0; i < length; ++i) {
      const int code = base_code(letters[i]);
      if (code < 4) ++counts[4 * i + static_cast<std::size_t>(code)];
    }
  }
  for (std::size_t i = 0; i < length; ++i) {
    if (counts[4 * i] + counts[4 * i + 1] + counts[4 * i + 2] + counts[4 * i + 3] > 0) continue;
    throw error(error_kind::input, 881, "a profile has a position without a letter",
                {.where = "position " + std::to_string(i + 1), .expected = "A, C, G or T in some sequence"});
  }
  return counts;
}

/// A position as messages count it, from 1; also of the largest number, which a caller may have given.
[[nodiscard]] inline std::string position_words(index_t position) {
  return "position " + (position < 0 ? std::to_string(position + 1)
                                     : std::to_string(static_cast<std::uint64_t>(position) + 1));
}

[[noreturn]] inline void throw_motif_place(const planted_motif& motif, std::size_t length,
                                           const std::string& what) {
  throw error(error_kind::input, 882, what,
              {.where = "motif \"" + motif.letters + "\" at " + position_words(motif.position),
               .expected = "motifs of A, C, G, T, N that do not overlap, inside " + std::to_string(length) +
                           " letters"});
}

}  // namespace detail

DNALM_INLINE std::vector<std::string> shuffled_backgrounds(std::span<const std::string> sequences,
                                                           index_t count, index_t k, std::uint64_t seed) {
  detail::check_background_request(sequences, count);
  const std::size_t all = std::min(sequences.size(), static_cast<std::size_t>(count));
  std::vector<sequence_shuffler> shufflers;
  for (std::size_t s = 0; s < all; ++s) shufflers.emplace_back(sequences[s], k);
  std::map<std::string_view, std::uint32_t> taken;  // replicates of equal sequences go on
  std::vector<std::string> backgrounds(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < backgrounds.size(); ++i) {
    const std::string& sequence = sequences[i % all];
    backgrounds[i] = shufflers[i % all].shuffled(
        {.seed = seed, .sequence = hash_name(sequence), .replicate = taken[sequence]++});
  }
  return backgrounds;
}

DNALM_INLINE std::vector<std::string> profile_backgrounds(std::span<const std::string> sequences,
                                                          index_t count, std::uint64_t seed) {
  detail::check_background_request(sequences, count);
  const std::vector<std::uint64_t> counts = detail::count_letters(sequences);
  std::vector<std::string> backgrounds;
  for (index_t n = 0; n < count; ++n) {
    philox random(seed, static_cast<std::uint64_t>(n));
    std::string letters(sequences[0].size(), 'N');
    for (std::size_t i = 0; i < letters.size(); ++i) {
      const std::uint64_t* column = counts.data() + 4 * i;
      std::uint64_t place = random.below(column[0] + column[1] + column[2] + column[3]);
      std::size_t letter = 0;
      while (place >= column[letter]) place -= column[letter++];
      letters[i] = "ACGT"[letter];
    }
    backgrounds.push_back(std::move(letters));
  }
  return backgrounds;
}

DNALM_INLINE std::string consensus_letters(const io::motif& motif) {
  std::string letters;
  for (std::size_t i = 0; i + 3 < motif.counts.size(); i += 4) {
    const double* column = motif.counts.data() + i;
    const double sum = column[0] + column[1] + column[2] + column[3];
    const double* most = std::max_element(column, column + 4);
    letters.push_back(*most > sum / 2 ? "ACGT"[most - column] : 'N');
  }
  const std::size_t first = letters.find_first_not_of('N');
  if (first == std::string::npos) {
    throw error(
        error_kind::input, 890, "a motif without a letter that has more than half of its column",
        {.where = "motif \"" + motif.name + "\"", .found = std::to_string(motif.width()) + " columns"});
  }
  return letters.substr(first, letters.find_last_not_of('N') + 1 - first);
}

DNALM_INLINE std::string with_motifs(std::string_view background, std::span<const planted_motif> motifs) {
  std::string letters(background);
  std::vector<bool> taken(letters.size(), false);
  for (const planted_motif& motif : motifs) {
    const auto width = static_cast<index_t>(motif.letters.size());
    const auto length = static_cast<index_t>(letters.size());
    if (motif.position < 0 || motif.position > length || width > length - motif.position) {
      detail::throw_motif_place(motif, letters.size(), "a motif leaves its background");
    }
    for (index_t i = 0; i < width; ++i) {
      const auto at = static_cast<std::size_t>(motif.position + i);
      const int code = base_code(motif.letters[static_cast<std::size_t>(i)]);
      if (code > 4) detail::throw_motif_place(motif, letters.size(), "a motif holds an unknown letter");
      if (taken[at]) detail::throw_motif_place(motif, letters.size(), "two motifs overlap");
      taken[at] = true;
      if (code < 4) letters[at] = "ACGT"[code];
    }
  }
  return letters;
}

DNALM_INLINE global_importance::global_importance(sequence_function function,
                                                  std::vector<std::string> backgrounds)
    : function_(std::move(function)), backgrounds_(std::move(backgrounds)) {
  if (backgrounds_.size() < 2) {
    throw error(error_kind::input, 881, "a mean effect needs two backgrounds at least",
                {.found = std::to_string(backgrounds_.size())});
  }
  values_ = function_(backgrounds_);
}

/// \throws as with_motifs, of the shortest background.
DNALM_INLINE void global_importance::check_places(std::span<const planted_motif> motifs) const {
  const auto shorter = [](const std::string& a, const std::string& b) { return a.size() < b.size(); };
  static_cast<void>(
      with_motifs(*std::min_element(backgrounds_.begin(), backgrounds_.end(), shorter), motifs));
}

DNALM_INLINE std::vector<double> global_importance::values_with(std::span<const planted_motif> motifs) const {
  std::vector<std::string> sequences;
  sequences.reserve(backgrounds_.size());
  for (const std::string& background : backgrounds_) sequences.push_back(with_motifs(background, motifs));
  try {
    return function_(sequences);
  } catch (const sequence_error& problem) {
    std::string words = "with";
    for (const planted_motif& motif : motifs) {
      words +=
          (words == "with" ? " " : ", ") + motif.letters + " at " + detail::position_words(motif.position);
    }
    throw problem.of(problem.sequence(), words);
  }
}

DNALM_INLINE global_effect global_importance::summary(std::vector<double> effects) const {
  global_effect effect{.effects = std::move(effects)};
  const auto columns = static_cast<std::size_t>(function_.outputs);
  std::vector<double> column(backgrounds_.size());
  for (std::size_t c = 0; c < columns; ++c) {
    for (std::size_t n = 0; n < column.size(); ++n) column[n] = effect.effects[n * columns + c];
    effect.outputs.push_back(metrics::paired_t(column));
  }
  return effect;
}

DNALM_INLINE global_effect global_importance::effect(std::span<const planted_motif> motifs) const {
  std::vector<double> effects = values_with(motifs);
  for (std::size_t i = 0; i < effects.size(); ++i) effects[i] -= values_[i];
  return summary(std::move(effects));
}

DNALM_INLINE global_effect global_importance::interaction(std::span<const planted_motif> first,
                                                          std::span<const planted_motif> second) const {
  std::vector<planted_motif> both(first.begin(), first.end());
  both.insert(both.end(), second.begin(), second.end());
  return beyond(values_with(both), values_with(first), values_with(second));
}

DNALM_INLINE global_effect global_importance::beyond(std::vector<double> both, std::span<const double> first,
                                                     std::span<const double> second) const {
  for (std::size_t i = 0; i < both.size(); ++i) both[i] = (both[i] - first[i]) - (second[i] - values_[i]);
  return summary(std::move(both));
}

DNALM_INLINE std::vector<global_effect> global_importance::position_curve(
    std::string_view letters, std::span<const index_t> positions) const {
  std::vector<planted_motif> motifs;
  for (const index_t position : positions) motifs.push_back({std::string(letters), position});
  for (const planted_motif& motif : motifs) check_places({&motif, 1});
  std::vector<global_effect> curve;
  for (const planted_motif& motif : motifs) curve.push_back(effect({&motif, 1}));
  return curve;
}

DNALM_INLINE std::vector<global_effect> global_importance::spacing_curve(
    const planted_motif& first, std::string_view second, std::span<const index_t> gaps) const {
  const auto behind = first.position + static_cast<index_t>(first.letters.size());
  constexpr index_t far = index_t{1} << 40;
  std::vector<std::array<planted_motif, 2>> pairs;
  for (const index_t asked : gaps) {
    const index_t gap = std::clamp(asked, -far, far);
    const index_t before = first.position + gap + 1 - static_cast<index_t>(second.size());
    pairs.push_back({first, planted_motif{std::string(second), gap < 0 ? before : behind + gap}});
    check_places(pairs.back());
  }
  const std::vector<double> alone = values_with({&first, 1});
  std::vector<global_effect> curve;
  for (const auto& both : pairs) {
    curve.push_back(beyond(values_with(both), alone, values_with({&both[1], 1})));
  }
  return curve;
}

DNALM_INLINE std::vector<global_effect> global_importance::multiplicity_curve(
    std::string_view letters, std::span<const index_t> positions) const {
  std::vector<planted_motif> motifs;
  for (const index_t position : positions) motifs.push_back({std::string(letters), position});
  check_places(motifs);
  std::vector<global_effect> curve;
  for (std::size_t count = 1; count <= motifs.size(); ++count) {
    curve.push_back(effect(std::span(motifs).first(count)));
  }
  return curve;
}

DNALM_END_NAMESPACE
