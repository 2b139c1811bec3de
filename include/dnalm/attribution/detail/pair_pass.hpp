// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One sequence and some of its references side by side through a model, forward and back.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/detail/max_pool_seed.hpp>
#include <dnalm/attribution/nucleotide_input.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/sequence_error.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// What one reference gave.
struct pair_result {
  nucleotide_weights multipliers = {};
  std::vector<double> tokens = {};
  double value = 0;
  double reference_value = 0;
  std::vector<double> explained = {};  // by hidden state: sum of m (h - h')
};

/// Sum of m (x - x') in double.
[[nodiscard]] inline double explained_by(matrix_view<const float> m, matrix_view<const float> x,
                                         matrix_view<const float> x0) {
  double sum = 0;
  for (index_t r = 0; r < m.rows; ++r) {
    for (index_t c = 0; c < m.columns; ++c) {
      sum += static_cast<double>(m(r, c)) * (static_cast<double>(x(r, c)) - static_cast<double>(x0(r, c)));
    }
  }
  return sum;
}

/// n pairs of one sequence, all targets over one forward pass: rows [p T, (p + 1) T) are the observed ones of
/// pair p, those n T behind them its reference's.
class pair_pass {
 public:
  /// `chosen`: the targets that are explained, at least one.
  pair_pass(const attribution_targets& targets, std::span<const index_t> chosen, const token_sequence& tokens,
            index_t pairs, bool residuals)
      : targets_(targets), chosen_(chosen), pairs_(pairs), tokens_(tokens.size()), residuals_(residuals) {
    const index_t rows =
        about_sequence(0, [&](const std::string& where) { return targets.output_rows(tokens_, where); });
    for (index_t s = 0; s < 2 * pairs; ++s) {
      ids_.insert(ids_.end(), tokens.ids.begin(), tokens.ids.end());
      offsets_.append(tokens_);
      output_.append(rows);
    }
    special_ = targets.special_rows(ids_, output_);
    values_.resize(static_cast<std::size_t>(checked_mul(2 * pairs, targets.size())));
    explained_.resize(static_cast<std::size_t>(pairs) * chosen.size());
  }

  /// What is asked of the model; refers to this object.
  [[nodiscard]] gradient_request request(matrix_view<const float> word_rows, bool tokens) {
    gradient_request wanted;
    wanted.pairs = true;
    wanted.word_rows = word_rows;
    wanted.tokens = tokens;
    wanted.numbers = static_cast<index_t>(chosen_.size());
    wanted.select = [this](index_t number) { number_ = number; };
    if (targets_.reads_logits()) {
      wanted.logits = [this](matrix_view<const float> x, matrix_view<float> g) { seed(x, g); };
    } else {
      wanted.layers = {targets_.layer()};
      wanted.hidden = [this](index_t, matrix_view<const float> x, matrix_view<float> g) { seed(x, g); };
    }
    wanted.carried = [this](index_t layer, matrix_view<const float> m) { look_at(layer, m); };
    if (keeps_states()) {
      wanted.states = [this](index_t layer, matrix_view<const float> x) { keep(layer, x); };
    }
    return wanted;
  }
  void run(const gradient_request& wanted, gradient_observer receive, forward_workspace& workspace) {
    states_.clear();
    number_ = 0;
    targets_.network().input_gradients({ids_, offsets_}, wanted, receive, workspace);
  }

  /// Multipliers by `what`, `each` rows of a sequence. \throws sequence_error [dnalm.numeric.836].
  static void check(matrix_view<const float> m, index_t each, const std::string& what) {
    for (index_t r = 0; r < m.rows; ++r) {
      for (index_t c = 0; c < m.columns; ++c) {
        if (std::isfinite(m(r, c))) continue;
        throw sequence_error(
            error_kind::numeric, 836, "multipliers that are not finite", 0,
            {.where = what + ", row " + std::to_string(r % each) + ", channel " + std::to_string(c),
             .expected = "finite numbers",
             .found = std::to_string(m(r, c))});
      }
    }
  }
  /// Which of the chosen targets the receiver is called for.
  [[nodiscard]] index_t number() const { return number_; }
  [[nodiscard]] double value(index_t sequence, index_t number) const {
    const index_t target = chosen_[static_cast<std::size_t>(number)];
    return values_[static_cast<std::size_t>(sequence * targets_.size() + target)];
  }
  /// By hidden state, from 0 on.
  [[nodiscard]] std::vector<double>& explained(index_t pair, index_t number) {
    return explained_[static_cast<std::size_t>(number * pairs_ + pair)];
  }

 private:
  [[nodiscard]] bool keeps_states() const {
    return residuals_ && !targets_.network().describe().summary().resizes;
  }
  void seed(matrix_view<const float> x, matrix_view<float> g) {
    if (number_ == 0) targets_.values(x, output_, special_, values_);
    targets_.add_gradient(chosen_[static_cast<std::size_t>(number_)], x, output_, special_, g);
    if (targets_.reads_logits() || targets_.kind() != pooling::max) return;
    for (index_t p = 0; p < pairs_; ++p) {
      const auto own = [&](auto m) { return m.row_block(output_.begin(p), output_.length(p)); };
      const auto other = [&](auto m) { return m.row_block(output_.begin(p + pairs_), output_.length(p)); };
      route_largest_rows(own(x), other(x), own(g), other(g));
    }
  }
  void keep(index_t layer, matrix_view<const float> x) {
    if (states_.size() != static_cast<std::size_t>(layer)) return;
    matrix<float> copy(x.rows, x.columns);
    for (index_t r = 0; r < x.rows; ++r) std::copy_n(x.row_data(r), x.columns, copy.view().row_data(r));
    states_.push_back(std::move(copy));
  }
  void look_at(index_t layer, matrix_view<const float> m) {
    check(m, std::max<index_t>(m.rows / (2 * pairs_), 1), "hidden state " + std::to_string(layer));
    if (!keeps_states()) return;
    const matrix_view<const float> x = states_[static_cast<std::size_t>(layer)].view();
    for (index_t p = 0; p < pairs_; ++p) {
      std::vector<double>& all = explained(p, number_);
      if (all.empty()) all.resize(states_.size());
      const auto own = [&](auto rows) { return rows.row_block(p * tokens_, tokens_); };
      const auto other = [&](auto rows) { return rows.row_block((p + pairs_) * tokens_, tokens_); };
      all[static_cast<std::size_t>(layer)] = explained_by(own(m), own(x), other(x));
    }
  }

  const attribution_targets& targets_;
  std::span<const index_t> chosen_;
  index_t number_ = 0;  // place in chosen_
  index_t pairs_;
  index_t tokens_;
  bool residuals_;
  std::vector<std::int32_t> ids_ = {};
  ragged_offsets offsets_ = {};
  ragged_offsets output_ = {};
  std::vector<unsigned char> special_ = {};
  std::vector<double> values_ = {};
  std::vector<matrix<float>> states_ = {};
  std::vector<std::vector<double>> explained_ = {};
};

}  // namespace detail
DNALM_END_NAMESPACE
