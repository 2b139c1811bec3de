// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/substitution_effects.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include <dnalm/attribution/detail/distinct_sequences.hpp>
#include <dnalm/attribution/detail/letter_edits.hpp>
#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/sequence_error.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE std::string_view to_string(effect_centring centring) {
  switch (centring) {
    case effect_centring::raw: return "raw";
    case effect_centring::mean4: return "mean4";
    case effect_centring::mean3: return "mean3";
  }
  return "?";
}

namespace detail {

/// A substitution in one of the sequences.
struct placed_substitution {
  std::size_t sequence = 0;
  substitution edit = {};
};

/// The same error about a sequence instead of one of its edits.
[[noreturn]] inline void refuse_edit(const sequence_error& problem, std::size_t sequence,
                                     const substitution& edit) {
  throw problem.of(static_cast<index_t>(sequence), edit_words(edit));
}

/// Takes the values of a sequence and then of its edits.
struct effects_receiver {
  std::vector<substitution_effects>& results;

  void operator()(const placed_substitution& placed, std::span<const double> values) const {
    substitution_effects& result = results[placed.sequence];
    const substitution& edit = placed.edit;
    if (edit.letter < 0) {
      result.reference.assign(values.begin(), values.end());
      return;
    }
    for (std::size_t c = 0; c < values.size(); ++c) {
      result.effects[c](edit.letter, edit.position) = values[c] - result.reference[c];
    }
  }
  [[noreturn]] void refuse(const placed_substitution& placed, const sequence_error& problem) const {
    refuse_edit(problem, placed.sequence, placed.edit);
  }
};

inline void check_letter_count(const nucleotide_map& map, std::string_view sequence) {
  if (map.length == static_cast<index_t>(sequence.size())) return;
  throw error(error_kind::shape, 851, "a map and its sequence differ in length",
              {.expected = std::to_string(map.length), .found = std::to_string(sequence.size())});
}

/// An edit and the size by which it is chosen.
struct sized_edit {
  double size = 0.0;
  index_t position = 0;
  int letter = 0;
};

/// All edits of a sequence by their largest size over the maps, the largest first; equals as they come along
/// the sequence. \throws error [dnalm.shape.860], [dnalm.numeric.861].
[[nodiscard]] inline std::vector<sized_edit> ranked_edits(std::string_view sequence,
                                                          std::span<const nucleotide_map> maps) {
  std::vector<sized_edit> edits;
  for (const nucleotide_map& map : maps) {
    if (map.length == static_cast<index_t>(sequence.size())) continue;
    throw error(
        error_kind::shape, 860, "effects that do not fit their sequence",
        {.expected = std::to_string(sequence.size()) + " positions", .found = std::to_string(map.length)});
  }
  for (index_t i = 0; i < static_cast<index_t>(sequence.size()); ++i) {
    const int here = base_code(sequence[static_cast<std::size_t>(i)]);
    for (int letter = 0; letter < 4; ++letter) {
      if (letter == here) continue;
      sized_edit edit{0.0, i, letter};
      for (const nucleotide_map& map : maps) {
        const double size = std::abs(map(letter, i));
        if (!std::isfinite(size)) {
          throw error(
              error_kind::numeric, 861, "an effect that is not finite",
              {.where = "position " + std::to_string(i + 1), .found = std::to_string(map(letter, i))});
        }
        edit.size = std::max(edit.size, size);
      }
      edits.push_back(edit);
    }
  }
  std::stable_sort(edits.begin(), edits.end(),
                   [](const sized_edit& a, const sized_edit& b) { return a.size > b.size; });
  return edits;
}

}  // namespace detail

DNALM_INLINE std::vector<substitution_effects> find_substitution_effects(
    std::span<const std::string> sequences, const sequence_function& f, const substitution_options& options) {
  std::vector<substitution_effects> results(sequences.size());
  detail::distinct_sequences<detail::placed_substitution, detail::effects_receiver> requests(
      f, options.memory, options.watcher, {results});
  std::unordered_map<std::string_view, std::size_t> first_of;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    if (!first_of.try_emplace(sequences[s], s).second) continue;
    const auto length = static_cast<index_t>(sequences[s].size());
    results[s].effects.assign(static_cast<std::size_t>(std::max<index_t>(f.outputs, 0)),
                              nucleotide_map(length));
    requests.add({s}, sequences[s]);
    for (index_t i = 0; i < length; ++i) {
      detail::for_substitutions(sequences[s], i, [&](int letter, std::string edited) {
        requests.add({s, {i, letter}}, std::move(edited));
      });
    }
  }
  requests.flush();
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const std::size_t first = first_of.at(sequences[s]);
    if (first != s) results[s] = results[first];
  }
  return results;
}

namespace detail {

/// The sequence itself, then all its substitutions.
[[nodiscard]] inline std::vector<substitution> all_substitutions(std::string_view sequence) {
  std::vector<substitution> edits = {{}};
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    for (int letter = 0; letter < 4; ++letter) {
      if (letter != base_code(sequence[i])) edits.push_back({static_cast<index_t>(i), letter});
    }
  }
  return edits;
}

/// The values of edits of sequence `number` of a list, checked as those of a sequence_function are.
[[nodiscard]] inline std::vector<double> values_of_edits(const substitution_function& f,
                                                         const std::string& sequence, std::size_t number,
                                                         std::span<const substitution> edits) {
  sequence_function checked{.outputs = f.outputs};
  bool evaluated = false;
  if (f.evaluate) {
    checked.evaluate = [&](std::span<const std::string>, std::span<double> values) {
      f.evaluate(sequence, edits, values);
      evaluated = true;
    };
  }
  try {
    return checked(std::vector<std::string>(edits.size()));
  } catch (const sequence_error& problem) {
    if (!evaluated) throw problem.of(static_cast<index_t>(number));  // of the one sequence, not of an edit
    refuse_edit(problem, number, edits[static_cast<std::size_t>(problem.sequence())]);
  }
}

/// Takes the values (edits, C) of a sequence.
inline void receive_edits(const std::vector<double>& values, std::size_t sequence,
                          std::span<const substitution> edits, index_t outputs,
                          const effects_receiver& receive) {
  const auto columns = static_cast<std::size_t>(outputs);
  for (std::size_t e = 0; e < edits.size(); ++e) {
    receive({sequence, edits[e]}, std::span<const double>(values).subspan(e * columns, columns));
  }
}

}  // namespace detail

DNALM_INLINE std::vector<substitution_effects> find_substitution_effects(
    std::span<const std::string> sequences, const substitution_function& f, progress* watcher) {
  std::vector<substitution_effects> results(sequences.size());
  const detail::effects_receiver receive{results};
  std::unordered_map<std::string_view, std::size_t> first_of;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const auto [known, is_new] = first_of.try_emplace(sequences[s], s);
    if (!is_new) {
      results[s] = results[known->second];
      continue;
    }
    const std::vector<substitution> edits = detail::all_substitutions(sequences[s]);
    results[s].effects.assign(static_cast<std::size_t>(std::max<index_t>(f.outputs, 0)),
                              nucleotide_map(static_cast<index_t>(sequences[s].size())));
    detail::receive_edits(detail::values_of_edits(f, sequences[s], s, edits), s, edits, f.outputs, receive);
    if (watcher != nullptr) watcher->advance(static_cast<index_t>(edits.size()));
  }
  return results;
}

namespace detail {

/// The sequence itself, then the `count` edits of largest guess. \throws as screen_substitution_effects.
[[nodiscard]] inline std::vector<substitution> promising_edits(std::string_view sequence,
                                                               std::span<const nucleotide_map> guess,
                                                               index_t outputs, index_t count) {
  if (count < 0)
    throw error(error_kind::usage, 862, "a negative number of edits", {.found = std::to_string(count)});
  if (static_cast<index_t>(guess.size()) != outputs) {
    throw error(error_kind::shape, 860, "effects that do not fit their function",
                {.expected = std::to_string(outputs) + " maps", .found = std::to_string(guess.size())});
  }
  std::vector<substitution> edits = {{}};
  for (const sized_edit& edit : ranked_edits(sequence, guess)) {
    if (static_cast<index_t>(edits.size()) > count) break;
    edits.push_back({edit.position, edit.letter});
  }
  return edits;
}

/// Effects of `computed` edits; the sequence itself is the first of them.
[[nodiscard]] inline screened_effects screened_of(substitution_effects found,
                                                  std::span<const substitution> computed, index_t length) {
  screened_effects screened{std::move(found.reference), std::move(found.effects), nucleotide_map(length)};
  for (const substitution& edit : computed.subspan(1)) screened.computed(edit.letter, edit.position) = 1;
  return screened;
}

}  // namespace detail

DNALM_INLINE screened_effects screen_substitution_effects(const std::string& sequence,
                                                          const sequence_function& f,
                                                          std::span<const nucleotide_map> guess,
                                                          index_t count,
                                                          const substitution_options& options) {
  const std::vector<substitution> edits = detail::promising_edits(sequence, guess, f.outputs, count);
  std::vector<substitution_effects> results(1);
  results[0].effects.assign(guess.begin(), guess.end());
  detail::distinct_sequences<detail::placed_substitution, detail::effects_receiver> requests(
      f, options.memory, options.watcher, {results});
  for (const substitution& edit : edits) {
    std::string edited = sequence;
    if (edit.letter >= 0) edited[static_cast<std::size_t>(edit.position)] = "ACGT"[edit.letter];
    requests.add({0, edit}, std::move(edited));
  }
  requests.flush();
  return detail::screened_of(std::move(results[0]), edits, static_cast<index_t>(sequence.size()));
}

DNALM_INLINE screened_effects screen_substitution_effects(const std::string& sequence,
                                                          const substitution_function& f,
                                                          std::span<const nucleotide_map> guess,
                                                          index_t count, progress* watcher) {
  const std::vector<substitution> edits = detail::promising_edits(sequence, guess, f.outputs, count);
  std::vector<substitution_effects> results(1);
  results[0].effects.assign(guess.begin(), guess.end());
  detail::receive_edits(detail::values_of_edits(f, sequence, 0, edits), 0, edits, f.outputs, {results});
  if (watcher != nullptr) watcher->advance(static_cast<index_t>(edits.size()));
  return detail::screened_of(std::move(results[0]), edits, static_cast<index_t>(sequence.size()));
}

DNALM_INLINE double screen_recall(const std::string& sequence, std::span<const nucleotide_map> all,
                                  const nucleotide_map& computed, index_t count) {
  if (count < 1)
    throw error(error_kind::usage, 862, "no edits to look for", {.found = std::to_string(count)});
  if (computed.length != static_cast<index_t>(sequence.size())) {
    throw error(error_kind::shape, 860, "effects that do not fit their sequence",
                {.expected = std::to_string(sequence.size()) + " positions",
                 .found = std::to_string(computed.length)});
  }
  const std::vector<detail::sized_edit> edits = detail::ranked_edits(sequence, all);
  const std::size_t looked_for = std::min(static_cast<std::size_t>(count), edits.size());
  index_t found = 0;
  for (std::size_t e = 0; e < looked_for; ++e) {
    if (computed(edits[e].letter, edits[e].position) != 0) ++found;
  }
  return looked_for == 0 ? 1.0 : static_cast<double>(found) / static_cast<double>(looked_for);
}

DNALM_INLINE nucleotide_map centred(const nucleotide_map& effects, std::string_view sequence,
                                    effect_centring centring) {
  detail::check_letter_count(effects, sequence);
  nucleotide_map result = effects;
  if (centring == effect_centring::raw) return result;
  for (index_t i = 0; i < result.length; ++i) {
    const int here = base_code(sequence[static_cast<std::size_t>(i)]);
    const bool three = centring == effect_centring::mean3 && here < 4;
    double sum = 0.0;
    for (index_t b = 0; b < 4; ++b) {
      if (!three || b != here) sum += effects(b, i);
    }
    for (index_t b = 0; b < 4; ++b) result(b, i) -= sum / (three ? 3.0 : 4.0);
  }
  return result;
}

DNALM_INLINE std::vector<double> pair_epistasis(const std::string& sequence, const sequence_function& f,
                                                index_t i, char a, index_t j, char b) {
  const auto length = static_cast<index_t>(sequence.size());
  const bool inside = i >= 0 && j >= 0 && i < length && j < length && i != j;
  if (!inside || base_code(a) > 3 || base_code(b) > 3) {
    throw error(error_kind::usage, 863, "no pair of substitutions in the sequence",
                {.expected = "two different positions from 0 to " + std::to_string(length - 1) +
                             ", letters A, C, G or T",
                 .found = std::to_string(i) + " and " + std::to_string(j)});
  }
  std::vector<std::string> sequences(4, sequence);
  sequences[1][static_cast<std::size_t>(i)] = a;
  sequences[2][static_cast<std::size_t>(j)] = b;
  sequences[3][static_cast<std::size_t>(i)] = a;
  sequences[3][static_cast<std::size_t>(j)] = b;
  const std::vector<double> values = f(sequences);
  const auto columns = static_cast<std::size_t>(f.outputs);
  std::vector<double> result(columns);
  for (std::size_t c = 0; c < columns; ++c) {
    result[c] = values[3 * columns + c] - values[columns + c] - values[2 * columns + c] + values[c];
  }
  return result;
}

DNALM_END_NAMESPACE
