// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/dependency_map.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include <dnalm/attribution/dependency_map.hpp>
#include <dnalm/attribution/detail/letter_edits.hpp>
#include <dnalm/attribution/strand_average.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/sequence_error.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE nucleotide_predictor predictor_of(const model& network, const prediction_options& options,
                                               const std::string& name) {
  prediction_options seen = options;
  seen.context = default_context(network) == prediction_context::left ? prediction_context::left
                                                                      : prediction_context::wild_type;
  return [&network, seen, name](std::span<const std::string> sequences) {
    std::vector<io::sequence_record> records(sequences.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].name = name;
      records[i].sequence = sequences[i];
    }
    std::vector<nucleotide_map> maps;
    for (nucleotide_prediction& found : predict_nucleotides(network, records, seen)) {
      maps.push_back(std::move(found.log_probabilities));
    }
    return maps;
  };
}

namespace detail {

/// log2(p / (1 - p)) of a column of ln p: of letter c it is ln p_c - ln of the sum of the others.
[[nodiscard]] inline std::array<double, 4> exact_log_odds(const nucleotide_map& log_p, index_t j) {
  std::array<double, 4> odds{};
  for (index_t c = 0; c < 4; ++c) {
    double most = -std::numeric_limits<double>::infinity();
    for (index_t other = 0; other < 4; ++other) {
      if (other != c) most = std::max(most, log_p(other, j));
    }
    double sum = 0.0;
    for (index_t other = 0; other < 4; ++other) {
      if (other != c) sum += std::exp(log_p(other, j) - most);
    }
    odds[static_cast<std::size_t>(c)] = (log_p(c, j) - most - std::log(sum)) * std::numbers::log2e;
  }
  return odds;
}

/// A column becomes q = (p + epsilon) / sum of (p + epsilon), and its log-odds are those of q.
[[nodiscard]] inline std::array<double, 4> lifted_log_odds(nucleotide_map& log_p, index_t j, double epsilon) {
  std::array<double, 4> odds{};
  double sum = 0.0;
  for (index_t c = 0; c < 4; ++c) {
    odds[static_cast<std::size_t>(c)] = std::exp(log_p(c, j)) + epsilon;
    sum += odds[static_cast<std::size_t>(c)];
  }
  for (index_t c = 0; c < 4; ++c) {
    double& q = odds[static_cast<std::size_t>(c)];
    q /= sum;
    log_p(c, j) = std::log(q);
    q = std::log2(q) - std::log2(1.0 - q);
  }
  return odds;
}

/// What is kept of a prediction: columns of log-odds, and of ln p, each (4, L).
struct dependency_view {
  nucleotide_map odds = {};
  nucleotide_map log_p = {};
};

/// \throws error [dnalm.numeric.857] infinite log-odds.
[[nodiscard]] inline dependency_view view_of(nucleotide_map log_p, double epsilon) {
  dependency_view view{nucleotide_map(log_p.length), std::move(log_p)};
  for (index_t j = 0; j < view.log_p.length; ++j) {
    const auto odds = epsilon > 0 ? lifted_log_odds(view.log_p, j, epsilon) : exact_log_odds(view.log_p, j);
    for (index_t c = 0; c < 4; ++c) {
      const double value = odds[static_cast<std::size_t>(c)];
      view.odds(c, j) = value;
      if (std::isnan(view.log_p(0, j)) || std::isfinite(value)) continue;
      throw error(error_kind::numeric, 857, "log-odds of a letter of probability 0 or 1",
                  {.where = "position " + std::to_string(j + 1),
                   .expected = "probabilities between them, or an epsilon above 0"});
    }
  }
  return view;
}

/// Fills row i of the maps from the views of its substitutions; null: the letter that stands there.
class dependency_row {
 public:
  dependency_row(const dependency_view& wild, const dependency_options& options, dependency_result& result)
      : wild_(wild), options_(options), result_(result) {}

  void fill(index_t i, const std::array<const dependency_view*, 4>& edits) const {
    const index_t first = options_.causal ? i + 1 : 0;
    for (index_t j = first; j < wild_.odds.length; ++j) {
      if (std::isnan(wild_.log_p(0, j))) continue;
      for (index_t b = 0; b < 4; ++b) {
        const dependency_view* edit = edits[static_cast<std::size_t>(b)];
        if (edit == nullptr || std::isnan(edit->log_p(0, j))) continue;
        const double change = largest_change(edit->odds, j, false);
        if (i != j) result_.log_odds(i, j) = std::max(result_.log_odds(i, j), change);
        if (i == j && !options_.influence_includes_self) continue;
        result_.influence(b, i) += options_.signed_influence ? largest_change(edit->odds, j, true) : change;
      }
      if (i != j) result_.jacobian(i, j) = centred_norm(edits, j);
    }
    for (index_t b = 0; b < 4 && wild_.odds.length > 1; ++b) {
      result_.influence(b, i) /= static_cast<double>(wild_.odds.length - 1);
    }
  }

 private:
  [[nodiscard]] double largest_change(const nucleotide_map& odds, index_t j, bool with_sign) const {
    double most = -std::numeric_limits<double>::infinity();
    for (index_t c = 0; c < 4; ++c) {
      const double change = odds(c, j) - wild_.odds(c, j);
      most = std::max(most, with_sign ? change : std::abs(change));
    }
    return most;
  }
  /// The norm of the (4, 4) changes of ln p less their means over rows and over columns.
  [[nodiscard]] double centred_norm(const std::array<const dependency_view*, 4>& edits, index_t j) const {
    std::array<std::array<double, 4>, 4> changes{};
    std::array<double, 4> rows{};
    std::array<double, 4> columns{};
    double all = 0.0;
    for (std::size_t a = 0; a < 4; ++a) {
      if (edits[a] == nullptr) continue;
      for (std::size_t c = 0; c < 4; ++c) {
        const auto letter = static_cast<index_t>(c);
        if (std::isnan(edits[a]->log_p(letter, j))) continue;
        changes[a][c] = edits[a]->log_p(letter, j) - wild_.log_p(letter, j);
        rows[a] += changes[a][c] / 4;
        columns[c] += changes[a][c] / 4;
        all += changes[a][c] / 16;
      }
    }
    double sum = 0.0;
    for (std::size_t a = 0; a < 4; ++a) {
      for (std::size_t c = 0; c < 4; ++c) {
        const double value = changes[a][c] - rows[a] - columns[c] + all;
        sum += value * value;
      }
    }
    return std::sqrt(sum);
  }

  const dependency_view& wild_;
  const dependency_options& options_;
  dependency_result& result_;
};

/// What the predictor gives for these edits of a sequence. \throws error about the sequence, as the
/// predictor.
[[nodiscard]] inline std::vector<nucleotide_map> predict_edits(const nucleotide_predictor& predict,
                                                               const std::vector<std::string>& sequences,
                                                               std::span<const substitution> edits) {
  try {
    return predict(sequences);
  } catch (const sequence_error& problem) {
    const auto edit = static_cast<std::size_t>(problem.sequence());
    if (edit >= edits.size()) throw;
    throw problem.of(0, edit_words(edits[edit]));
  }
}

/// The same as views, of `length` letters. \throws error [dnalm.shape.856].
[[nodiscard]] inline std::vector<dependency_view> views_of(const nucleotide_predictor& predict,
                                                           const std::vector<std::string>& sequences,
                                                           std::span<const substitution> edits,
                                                           index_t length, double epsilon) {
  std::vector<nucleotide_map> maps = predict_edits(predict, sequences, edits);
  std::vector<dependency_view> views;
  bool fits = maps.size() == sequences.size();
  for (const nucleotide_map& map : maps) fits = fits && map.length == length;
  if (!fits) {
    throw error(
        error_kind::shape, 856, "a predictor gave other maps than one of each sequence's length",
        {.expected = std::to_string(sequences.size()) + " of " + std::to_string(length) + " positions",
         .found = std::to_string(maps.size()) + " maps"});
  }
  for (nucleotide_map& map : maps) views.push_back(view_of(std::move(map), epsilon));
  return views;
}

/// \throws error [dnalm.shape.851] maps of different lengths.
inline void check_same_length(const dependency_map& map, const dependency_map& reverse) {
  if (map.length == reverse.length) return;
  throw error(error_kind::shape, 851, "dependency maps of two strands differ in length",
              {.expected = std::to_string(map.length), .found = std::to_string(reverse.length)});
}

}  // namespace detail

DNALM_INLINE dependency_result nucleotide_dependencies(std::string_view sequence,
                                                       const nucleotide_predictor& predict,
                                                       const dependency_options& options) {
  if (!std::isfinite(options.epsilon) || options.epsilon < 0) {
    throw error(error_kind::usage, 858, "an epsilon of dependency maps that is no number from 0 on",
                {.found = std::to_string(options.epsilon)});
  }
  const auto length = static_cast<index_t>(sequence.size());
  dependency_result result{dependency_map(length), dependency_map(length), nucleotide_map(length)};
  if (length == 0) return result;
  const std::vector<substitution> none(1);
  const auto wild = detail::views_of(predict, {std::string(sequence)}, none, length, options.epsilon);
  const detail::dependency_row row(wild.front(), options, result);
  const index_t position_bytes = checked_mul(3 * 3 * 4 * 8, length);
  const index_t at_once = std::max<index_t>(options.memory / position_bytes, 1);
  for (index_t first = 0; first < length; first += at_once) {
    const index_t end = std::min(length, first + at_once);
    std::vector<std::string> edited;
    std::vector<substitution> edits;
    for (index_t i = first; i < end; ++i) {
      if (base_code(sequence[static_cast<std::size_t>(i)]) > 3) continue;
      detail::for_substitutions(sequence, i, [&](int letter, std::string text) {
        edited.push_back(std::move(text));
        edits.push_back({i, letter});
      });
    }
    if (edited.empty()) continue;
    const auto views = detail::views_of(predict, edited, edits, length, options.epsilon);
    for (std::size_t e = 0; e < edits.size(); e += 3) {
      std::array<const detail::dependency_view*, 4> of_position{};
      for (std::size_t k = e; k < e + 3; ++k)
        of_position[static_cast<std::size_t>(edits[k].letter)] = &views[k];
      row.fill(edits[e].position, of_position);
    }
  }
  return result;
}

namespace detail {

/// What `work` gives for a reverse complement; its errors tell the strand.
template <class Work>
[[nodiscard]] auto on_other_strand(const Work& work) {
  try {
    return work();
  } catch (const sequence_error& problem) {
    throw problem.of(problem.sequence(), "its reverse complement");
  }
}

/// What `work` gives; errors about its one sequence call it `name`, if there is one.
template <class Work>
[[nodiscard]] auto with_name(const std::string& name, const Work& work) {
  try {
    return work();
  } catch (const sequence_error& problem) {
    if (name.empty()) throw;
    throw problem.named(name);
  }
}

/// Both strands of a causal model.
[[nodiscard]] inline dependency_result stitched_results(const dependency_result& here,
                                                        const dependency_result& other) {
  dependency_result result{stitched_strands(here.log_odds, other.log_odds),
                           stitched_strands(here.jacobian, other.jacobian), turned_map(other.influence)};
  for (std::size_t i = 0; i < here.influence.values.size(); ++i) {
    result.influence.values[i] += here.influence.values[i];
  }
  return result;
}

/// Dependencies on one strand or both, of a predictor whose options are complete.
[[nodiscard]] inline dependency_result strand_dependencies(const std::string& sequence,
                                                           const nucleotide_predictor& predict,
                                                           const dependency_options& options,
                                                           bool both_strands) {
  const dependency_result here = nucleotide_dependencies(sequence, predict, options);
  if (!options.causal && !both_strands) return here;
  const dependency_result other = on_other_strand(
      [&] { return nucleotide_dependencies(reverse_complement(sequence), predict, options); });
  if (options.causal) return stitched_results(here, other);
  return {strand_average(here.log_odds, other.log_odds), strand_average(here.jacobian, other.jacobian),
          strand_average(here.influence, other.influence)};
}

}  // namespace detail

DNALM_INLINE dependency_result nucleotide_dependencies(const model& network, const std::string& sequence,
                                                       const dependency_options& options, bool both_strands,
                                                       const prediction_options& means,
                                                       const std::string& name) {
  dependency_options own = options;
  own.causal = default_context(network) == prediction_context::left;
  const nucleotide_predictor predict = predictor_of(network, means, name);
  return detail::with_name(name,
                           [&] { return detail::strand_dependencies(sequence, predict, own, both_strands); });
}

DNALM_INLINE dependency_map turned_map(const dependency_map& map) {
  dependency_map result = map;
  std::reverse(result.values.begin(), result.values.end());
  return result;
}

DNALM_INLINE dependency_map strand_average(const dependency_map& map, const dependency_map& reverse) {
  detail::check_same_length(map, reverse);
  dependency_map result = turned_map(reverse);
  for (std::size_t i = 0; i < map.values.size(); ++i)
    result.values[i] = (map.values[i] + result.values[i]) / 2;
  return result;
}

DNALM_INLINE dependency_map stitched_strands(const dependency_map& map, const dependency_map& reverse) {
  detail::check_same_length(map, reverse);
  const dependency_map turned = turned_map(reverse);
  dependency_map result(map.length);
  for (index_t i = 0; i < map.length; ++i) {
    for (index_t j = 0; j < map.length; ++j) {
      const bool above = i < j;
      result(i, j) = above ? map(i, j) : turned(i, j);
      const double other = above ? turned(i, j) : map(i, j);
      if (other == 0 && (i != j || result(i, j) == 0)) continue;
      throw error(error_kind::input, 859, "a dependency map that is not that of a causal model",
                  {.where = "row " + std::to_string(i + 1) + ", column " + std::to_string(j + 1),
                   .expected = "0 at and before the substituted position",
                   .found = std::to_string(other)});
    }
  }
  return result;
}

DNALM_INLINE dependency_map symmetrized(const dependency_map& map, symmetry rule) {
  dependency_map result(map.length);
  for (index_t i = 0; i < map.length; ++i) {
    for (index_t j = 0; j < map.length; ++j) {
      result(i, j) = rule == symmetry::max ? std::max(map(i, j), map(j, i)) : (map(i, j) + map(j, i)) / 2;
    }
  }
  return result;
}

DNALM_INLINE dependency_map average_product_corrected(const dependency_map& map) {
  std::vector<double> rows(static_cast<std::size_t>(map.length));
  std::vector<double> columns(rows.size());
  double all = 0.0;
  for (index_t i = 0; i < map.length; ++i) {
    for (index_t j = 0; j < map.length; ++j) {
      rows[static_cast<std::size_t>(i)] += map(i, j);
      columns[static_cast<std::size_t>(j)] += map(i, j);
    }
    all += rows[static_cast<std::size_t>(i)];
  }
  dependency_map result = map;
  if (all == 0) return result;
  for (index_t i = 0; i < map.length; ++i) {
    for (index_t j = 0; j < map.length; ++j) {
      result(i, j) -= rows[static_cast<std::size_t>(i)] * columns[static_cast<std::size_t>(j)] / all;
    }
  }
  return result;
}

DNALM_END_NAMESPACE
