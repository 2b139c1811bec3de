// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of attribution/deep_lift.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/attribution/detail/largest_delta.hpp>
#include <dnalm/attribution/detail/pair_pass.hpp>
#include <dnalm/attribution/detail/token_path.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/parallel.hpp>
#include <dnalm/embed/detail/ordered_pipeline.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The weights of every base of A, C, G, T of a sequence, the same for all letters.
[[nodiscard]] inline deep_lift_reference constant_reference(std::string_view sequence, double letter) {
  deep_lift_reference reference = one_hot_weights(sequence);
  for (index_t i = 0; i < reference.letters.length; ++i) {
    const bool base = base_code(sequence[static_cast<std::size_t>(i)]) < 4;
    for (index_t a = 0; a < 4; ++a) reference.letters(a, i) = base ? letter : 0.0;
  }
  return reference;
}

/// One sequence, and what all its passes share.
class deep_lift_job {
 public:
  /// `chosen`: the targets that are explained, at least one.
  deep_lift_job(const attribution_targets& targets, std::vector<index_t> chosen, std::string_view sequence,
                std::span<const deep_lift_reference> references, const deep_lift_options& options)
      : targets_(targets),
        chosen_(std::move(chosen)),
        references_(references),
        options_(options),
        input_(targets.network()),
        layout_(about_sequence(0, [&](const std::string& where) { return input_.layout(sequence, where); })),
        observed_(one_hot_weights(sequence)) {
    check();
  }

  /// By chosen target.
  [[nodiscard]] std::vector<deep_lift_map> run() {
    plan();
    maps_.assign(chosen_.size(), empty_map());
    const auto count = static_cast<index_t>(references_.size());
    const index_t chunks = (count + pairs_ - 1) / pairs_;
    std::vector<forward_workspace> workspaces(static_cast<std::size_t>(workers_));
    ordered_pipeline<std::vector<pair_result>> passes(chunks, workers_, window(workers_));
    passes.run(
        [&](index_t chunk, int worker) {
          const index_t first = chunk * pairs_;
          return run_pairs(first, std::min(pairs_, count - first),
                           workspaces[static_cast<std::size_t>(worker)]);
        },
        [&](index_t, const std::vector<pair_result>& results) { add_all(results); });
    for (deep_lift_map& map : maps_) finish(map);
    return std::move(maps_);
  }

 private:
  [[nodiscard]] bool pieces() const { return input_.entry() == nucleotide_entry::pieces; }
  [[nodiscard]] index_t tokens() const { return layout_.tokens.size(); }
  [[nodiscard]] index_t numbers() const { return static_cast<index_t>(chosen_.size()); }
  [[nodiscard]] index_t width() const { return targets_.network().describe().width(); }
  [[nodiscard]] bool by_tokens() const { return input_.entry() == nucleotide_entry::kmers; }

  void check() const {
    for (const index_t target : chosen_) {
      if (target >= 0 && target < targets_.size()) continue;
      throw error(
          error_kind::usage, 802, "no such target",
          {.expected = "0 to " + std::to_string(targets_.size() - 1), .found = std::to_string(target)});
    }
    if (references_.empty()) {
      throw error(error_kind::usage, 833, "DeepLIFT without references", {.expected = "at least one"});
    }
    for (std::size_t i = 0; i < references_.size(); ++i) {
      check_reference(references_[i], "reference " + std::to_string(i));
    }
  }
  void check_reference(const deep_lift_reference& reference, const std::string& where) const {
    const index_t length = layout_.length;
    const bool rest = !reference.rest.empty();
    if (reference.letters.length != length ||
        static_cast<index_t>(reference.letters.values.size()) != 4 * length ||
        (rest && static_cast<index_t>(reference.rest.size()) != length)) {
      throw error(error_kind::shape, 834, "a reference of another length than the sequence",
                  {.where = where,
                   .expected = std::to_string(length) + " bases",
                   .found = std::to_string(reference.letters.length)});
    }
    for (index_t i = 0; i < length; ++i) check_column(reference, i, where);
  }
  void check_column(const deep_lift_reference& reference, index_t i, const std::string& where) const {
    double base = 0.0;
    double given = 0.0;
    for (index_t a = 0; a < 4; ++a) {
      base += observed_.letters(a, i);
      given += std::abs(reference.letters(a, i));
    }
    const double rest = reference.rest.empty() ? 0.0 : std::abs(reference.rest[static_cast<std::size_t>(i)]);
    if (pieces() && (given != 0.0 || reference.rest.empty())) {
      throw error(error_kind::unsupported, 835, "a reference of bases for a model whose tokens are pieces",
                  {.where = where, .expected = "a token in the place of all bases (token_reference)"});
    }
    if (std::isfinite(given + rest) && (base != 0.0 || given + rest == 0.0)) return;
    throw error(
        error_kind::shape, 834, "a reference's weight that cannot be used",
        {.where = where + ", position " + std::to_string(i),
         .expected = base != 0.0 ? "finite weights" : "none: the sequence holds no base of A, C, G, T",
         .found = std::to_string(given + rest)});
  }

  /// Pairs of a pass, and passes side by side, within the budget.
  void plan() {
    const auto count = static_cast<index_t>(references_.size());
    const model& network = targets_.network();
    pairs_ = std::clamp<index_t>(network.prefers().tokens / (2 * tokens()), 1, count);
    workers_ = static_cast<int>(std::min<index_t>(thread_count(options_.threads), count));
    gradient_request sized;
    sized.tokens = by_tokens();
    sized.numbers = numbers();
    sized.select = [](index_t) {};
    if (targets_.reads_logits()) {
      sized.logits = [](matrix_view<const float>, matrix_view<float>) {};
    } else {
      sized.layers = {targets_.layer()};
      sized.hidden = [](index_t, matrix_view<const float>, matrix_view<float>) {};
    }
    const auto bytes = [&] {
      const index_t rows = checked_mul(2 * pairs_, tokens());
      const index_t running = checked_mul(workers_, network.gradient_bytes(sized, rows, tokens()));
      return checked_add(running, checked_mul(window(workers_) + 1, found_bytes()));
    };
    const index_t length = tokens();
    const index_t memory = options_.memory - network.kept_bytes({&length, 1});
    while (pairs_ > 1 && bytes() > memory) pairs_ = (pairs_ + 1) / 2;
    while (workers_ > 1 && bytes() > memory) --workers_;
  }

  /// Passes that run or wait for their turn; one more is being added up.
  [[nodiscard]] static index_t window(int workers) { return workers > 1 ? 2 * index_t{workers} : 0; }
  /// What the pairs of a pass have found, bytes.
  [[nodiscard]] index_t found_bytes() const {
    const index_t bytes = 8 * tokens() + (pieces() ? 0 : 40 * layout_.length);
    return checked_mul(checked_mul(pairs_, numbers()), bytes);
  }

  /// Words' rows of weights; of pieces the reference token's in the place of those that hold bases.
  void fill_rows(const deep_lift_reference& weights, bool observed, matrix_view<float> rows) const {
    if (!pieces()) return input_.rows(layout_, weights, rows);
    std::vector<std::int32_t> ids = layout_.tokens.ids;
    for (std::size_t t = 0; t < ids.size() && !observed; ++t) {
      const bool bases = layout_.tokens.begin[t] < layout_.tokens.end[t];
      if (bases && !weights.rest.empty()) ids[t] = weights.reference_token;
    }
    targets_.network().word_rows(ids, rows);
  }

  /// By pair, then by chosen target.
  [[nodiscard]] std::vector<pair_result> run_pairs(index_t first, index_t count,
                                                   forward_workspace& workspace) const {
    std::vector<pair_result> results(static_cast<std::size_t>(count * numbers()));
    const auto result_of = [&](index_t p, index_t number) -> pair_result& {
      return results[static_cast<std::size_t>(p * numbers() + number)];
    };
    matrix<float> rows(checked_mul(2 * count, tokens()), width());
    for (index_t p = 0; p < count; ++p) {
      fill_rows(observed_, true, rows.view().row_block(p * tokens(), tokens()));
      fill_rows(reference(first + p), false, rows.view().row_block((count + p) * tokens(), tokens()));
    }
    pair_pass pass(targets_, chosen_, layout_.tokens, count, options_.residuals);
    const auto receive = [&](const input_gradient& found) {
      pair_pass::check(found.words.row_block(0, count * tokens()), tokens(), "the words' rows");
      for (index_t p = 0; p < count; ++p) {
        pair_result& result = result_of(p, pass.number());
        result.explained = pass.explained(p, pass.number());
        take(first + p, p, count, rows.view(), found, result);
      }
    };
    pass.run(pass.request(rows.view(), by_tokens()), receive, workspace);
    for (index_t p = 0; p < count; ++p) {
      for (index_t number = 0; number < numbers(); ++number) {
        pair_result& result = result_of(p, number);
        result.value = pass.value(p, number);
        result.reference_value = pass.value(count + p, number);
      }
    }
    return results;
  }
  [[nodiscard]] const deep_lift_reference& reference(index_t which) const {
    return references_[static_cast<std::size_t>(which)];
  }
  void take(index_t which, index_t p, index_t count, matrix_view<const float> rows,
            const input_gradient& found, pair_result& result) const {
    const auto own = [&](auto x) { return x.row_block(p * tokens(), tokens()); };
    const matrix_view<const float> m = own(found.words);
    const matrix_view<const float> r = rows.row_block((count + p) * tokens(), tokens());
    for (index_t t = 0; t < tokens(); ++t) {
      result.tokens.push_back(explained_by(m.row_block(t, 1), own(rows).row_block(t, 1), r.row_block(t, 1)));
    }
    if (pieces()) return;
    const matrix_view<const float> by_token = found.tokens.data == nullptr ? found.tokens : own(found.tokens);
    result.multipliers = nucleotide_multipliers(input_, layout_, observed_, reference(which), m, by_token);
  }

  [[nodiscard]] deep_lift_map empty_map() const {
    deep_lift_map map;
    map.multipliers = map.hypothetical = map.contributions = nucleotide_map(layout_.length);
    map.tokens.resize(layout_.tokens.ids.size());
    return map;
  }
  /// Adds what a pass found to the sums, in the order of references.
  void add_all(const std::vector<pair_result>& results) {
    for (std::size_t i = 0; i < results.size(); ++i) {
      const std::size_t number = i % maps_.size();
      if (added_ == 0) maps_[number].value = results[i].value;
      add(results[i], reference(added_), maps_[number]);
      if (number + 1 == maps_.size()) ++added_;
    }
  }
  /// Sums to means.
  void finish(deep_lift_map& map) const {
    const double share = 1.0 / static_cast<double>(references_.size());
    for (nucleotide_map* one : {&map.multipliers, &map.hypothetical}) {
      for (double& value : one->values) value *= share;
    }
    for (double& value : map.tokens) value *= share;
    for (std::size_t i = 0; i < map.contributions.values.size(); ++i) {
      map.contributions.values[i] = observed_.letters.values[i] * map.hypothetical.values[i];
    }
  }
  void add(const pair_result& result, const deep_lift_reference& reference, deep_lift_map& map) const {
    double sum = 0.0;
    for (std::size_t t = 0; t < result.tokens.size(); ++t) {
      map.tokens[t] += result.tokens[t];
      sum += result.tokens[t];
    }
    const double difference = result.value - result.reference_value;
    map.reference_values.push_back(result.reference_value);
    const double contributed = pieces() ? sum : add_letters(result.multipliers, reference, map);
    map.deltas.push_back(contributed - difference);
    if (!options_.residuals) return;
    std::vector<double> states = result.explained;
    if (states.empty()) states.push_back(sum);
    for (double& state : states) state -= difference;
    map.residuals.push_back(std::move(states));
  }
  /// Multipliers and hypothetical contributions against one reference; the sum of the contributions.
  double add_letters(const nucleotide_weights& multipliers, const deep_lift_reference& reference,
                     deep_lift_map& map) const {
    const nucleotide_map& m = multipliers.letters;
    double sum = 0.0;
    for (index_t i = 0; i < m.length; ++i) {
      const auto at = static_cast<std::size_t>(i);
      double from = reference.rest.empty() ? 0.0 : multipliers.rest[at] * reference.rest[at];
      for (index_t a = 0; a < 4; ++a) from += m(a, i) * reference.letters(a, i);
      for (index_t a = 0; a < 4; ++a) {
        map.multipliers(a, i) += m(a, i);
        map.hypothetical(a, i) += m(a, i) - from;
        sum += observed_.letters(a, i) * (m(a, i) - from);
      }
    }
    return sum;
  }

  const attribution_targets& targets_;
  std::vector<index_t> chosen_;
  std::span<const deep_lift_reference> references_;
  deep_lift_options options_;
  nucleotide_input input_;
  nucleotide_layout layout_;
  nucleotide_weights observed_;
  index_t pairs_ = 1;
  int workers_ = 1;
  std::vector<deep_lift_map> maps_ = {};  // sums, by chosen target
  index_t added_ = 0;                     // references
};

}  // namespace detail

DNALM_INLINE deep_lift_reference zero_reference(std::string_view sequence) {
  return detail::constant_reference(sequence, 0.0);
}
DNALM_INLINE deep_lift_reference uniform_reference(std::string_view sequence) {
  return detail::constant_reference(sequence, 0.25);
}
DNALM_INLINE deep_lift_reference token_reference(std::string_view sequence, std::int32_t token) {
  deep_lift_reference reference = zero_reference(sequence);
  reference.reference_token = token;
  for (const char letter : sequence) reference.rest.push_back(base_code(letter) < 4 ? 1.0 : 0.0);
  return reference;
}
DNALM_INLINE std::vector<deep_lift_reference> sequence_references(std::span<const std::string> sequences) {
  std::vector<deep_lift_reference> references;
  for (const std::string& sequence : sequences) references.push_back(one_hot_weights(sequence));
  return references;
}

DNALM_INLINE double deep_lift_map::largest_delta() const {
  return detail::largest_delta_of(deltas);
}

DNALM_INLINE index_t deep_lift_map::weakest_step() const {
  index_t weakest = 0;
  double most = -1.0;
  for (const std::vector<double>& states : residuals) {
    for (std::size_t k = 0; k < states.size(); ++k) {
      const double above = k + 1 < states.size() ? states[k + 1] : 0.0;
      const double lost = std::abs(states[k] - above);
      if (!(lost > most)) continue;
      most = lost;
      weakest = static_cast<index_t>(k);
    }
  }
  return weakest;
}

DNALM_INLINE deep_lift_map deep_lift(const attribution_targets& targets, index_t target,
                                     std::string_view sequence,
                                     std::span<const deep_lift_reference> references,
                                     const deep_lift_options& options) {
  return std::move(detail::deep_lift_job(targets, {target}, sequence, references, options).run().front());
}

DNALM_INLINE std::vector<deep_lift_map> deep_lift(const attribution_targets& targets,
                                                  std::string_view sequence,
                                                  std::span<const deep_lift_reference> references,
                                                  const deep_lift_options& options) {
  std::vector<index_t> all(static_cast<std::size_t>(targets.size()));
  std::iota(all.begin(), all.end(), 0);
  return detail::deep_lift_job(targets, std::move(all), sequence, references, options).run();
}

DNALM_END_NAMESPACE
