// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief In-silico mutagenesis: what every substitution of one letter does to a function of the sequence.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/attribution/sequence_function.hpp>
#include <dnalm/attribution/substitution_function.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/progress.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// What effects of a position are measured against.
enum class effect_centring {
  raw,    ///< d(b, i) = f(x with b at i) - f(x), 0 for the letter that stands there
  mean4,  ///< d less the mean of all four
  mean3   ///< d less the mean of the three that do not stand there; at N as mean4
};
[[nodiscard]] std::string_view to_string(effect_centring centring);

/// Effects of the substitutions of one sequence.
struct substitution_effects {
  std::vector<double> reference = {};        ///< (C) f(x)
  std::vector<nucleotide_map> effects = {};  ///< (C) maps (4, L) of raw effects
};

/// Means; numbers depend on none of them.
struct substitution_options {
  index_t memory = index_t{1} << 26;  ///< bytes for the edited sequences of one call of the function
  progress* watcher = nullptr;        ///< advanced by evaluated sequences
};

/// Raw effects d(b, i) of each sequence, for all outputs of `f`: 3 edits at A, C, G, T, of which the fourth
/// is 0 by construction; all 4 at N and other letters. Edited sequences are asked for in upper and lower case
/// as the sequence has them, the new letter in upper case; of equal ones in a call of `f`, and of equal
/// sequences, one is computed. Cost: 3 L + 1 evaluations of `f`. \throws what `f` throws; a
/// sequence_error is about the sequence in `sequences` and tells the edit.
[[nodiscard]] std::vector<substitution_effects> find_substitution_effects(
    std::span<const std::string> sequences, const sequence_function& f,
    const substitution_options& options = {});

/// The same of a function that computes all substitutions of a sequence together; bitwise the same where both
/// functions are. \throws what `f` throws; error [dnalm.usage.800], [dnalm.numeric.801] as above.
[[nodiscard]] std::vector<substitution_effects> find_substitution_effects(
    std::span<const std::string> sequences, const substitution_function& f, progress* watcher = nullptr);

/// Raw effects of which the most promising were computed, and the others stayed as they were guessed.
struct screened_effects {
  std::vector<double> reference = {};        ///< (C) f(x)
  std::vector<nucleotide_map> effects = {};  ///< (C) raw effects: exact where `computed` is 1, else the guess
  nucleotide_map computed = {};              ///< 1 where an edit was evaluated, else 0
};

/// Effects of one sequence: the `count` edits whose guess is largest in size (of equals the first by
/// position, then by letter) are evaluated exactly. `guess`: maps (4, L), one per output, as first-order
/// effects g(b, i) - g(x_i, i) are; an edit counts by its largest size over the outputs. Cost: count + 1
/// evaluations. The guess is no bound: screen_recall says what it found. \throws error [dnalm.shape.860]
/// another number of maps or letters, [dnalm.numeric.861] a guess that is not finite, [dnalm.usage.862] a
/// negative count.
[[nodiscard]] screened_effects screen_substitution_effects(const std::string& sequence,
                                                           const sequence_function& f,
                                                           std::span<const nucleotide_map> guess,
                                                           index_t count,
                                                           const substitution_options& options = {});

/// The same of a function that computes all substitutions of a sequence together; bitwise the same where both
/// functions are. \throws as above.
[[nodiscard]] screened_effects screen_substitution_effects(const std::string& sequence,
                                                           const substitution_function& f,
                                                           std::span<const nucleotide_map> guess,
                                                           index_t count, progress* watcher = nullptr);

/// Of the `count` edits of largest effect in `all` (raw effects of every edit; order as in the screen), the
/// share that the screen computed: 0 to 1. \throws error [dnalm.shape.860] maps that differ in size,
/// [dnalm.usage.862] a count below 1.
[[nodiscard]] double screen_recall(const std::string& sequence, std::span<const nucleotide_map> all,
                                   const nucleotide_map& computed, index_t count);

/// Raw effects under a convention. \throws error [dnalm.shape.851] another number of letters.
[[nodiscard]] nucleotide_map centred(const nucleotide_map& effects, std::string_view sequence,
                                     effect_centring centring);

/// f(x with both) - f(x with a at i) - f(x with b at j) + f(x), for each output: 0 where effects add up.
/// \throws error [dnalm.usage.863] positions that the sequence has not, or twice the same, or a letter other
/// than A, C, G, T; what `f` throws.
[[nodiscard]] std::vector<double> pair_epistasis(const std::string& sequence, const sequence_function& f,
                                                 index_t i, char a, index_t j, char b);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/substitution_effects_impl.hpp>
#endif
