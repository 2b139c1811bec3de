// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Gradients of targets by words' rows, batch by batch, on several threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/parallel.hpp>
#include <dnalm/core/sequence_error.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/embed/detail/chunk_plan.hpp>
#include <dnalm/models/gradient_request.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// What runs and who takes it. `rows` and `receive` are called from several threads, each item by one.
struct gradient_work {
  std::vector<std::span<const std::int32_t>> ids = {};  ///< by item
  std::vector<index_t> numbers = {};                    ///< of items in the caller's list, for errors
  bool tokens = false;                                  ///< gradients by the one-hot tokens are wanted
  /// Fills the words' rows of an item; empty: ids are looked up.
  std::function<void(std::size_t item, matrix_view<float> rows)> rows = {};
  /// Gets each item's gradients, target by target: words (T, D), tokens (T, V) or no data. Empty: values
  /// only.
  std::function<void(std::size_t item, index_t target, matrix_view<const float> words,
                     matrix_view<const float> tokens)>
      receive = {};
};

/// What a message calls a sequence of a list.
[[nodiscard]] inline std::string sequence_words(index_t number) {
  return "sequence " + std::to_string(number + 1);
}

[[nodiscard]] inline bool all_finite(matrix_view<const float> x) {
  unsigned bad = 0;
  for (index_t r = 0; r < x.rows; ++r) {
    const float* row = x.row_data(r);
    for (index_t c = 0; c < x.columns; ++c) bad |= row[c] - row[c] == 0.0F ? 0U : 1U;
  }
  return bad == 0;
}

/// Consecutive items as they run together.
class gradient_batch {
 public:
  gradient_batch(const attribution_targets& targets, const gradient_work& work, const sequence_chunk& chunk)
      : targets_(targets), work_(work), first_(static_cast<std::size_t>(chunk.first)) {
    for (index_t i = 0; i < chunk.count; ++i) {
      const std::size_t item = first_ + static_cast<std::size_t>(i);
      const auto ids = work.ids[item];
      const auto count = static_cast<index_t>(ids.size());
      ids_.insert(ids_.end(), ids.begin(), ids.end());
      offsets_.append(count);
      output_.append(targets.output_rows(count, sequence_words(work.numbers[item])));
    }
    special_ = targets.special_rows(ids_, output_);
    if (work.rows) fill_rows();
  }

  /// values (items, C) of the batch, and its gradients to `receive`.
  void run(std::span<double> values, index_t keep_bytes, forward_workspace& workspace) {
    values_ = values;
    if (!work_.receive) return run_forward(workspace);
    gradient_request request = make_request();
    request.keep_bytes = keep_bytes;
    index_t number = 0;
    request.select = [&](index_t chosen) { number = chosen; };
    seed(request, number);
    index_t broken = -1;
    const auto take = [&](const input_gradient& found) {
      if (broken < 0) broken = broken_sequence(found.words);
      if (broken < 0) hand_on(number, found);
    };
    targets_.network().input_gradients(batch(), request, take, workspace);
    if (broken >= 0)
      gradient_batch(targets_, work_, {static_cast<index_t>(first_) + broken, 1}).refuse(workspace);
  }

 private:
  [[nodiscard]] token_batch batch() const { return {ids_, offsets_}; }
  /// The first sequence whose rows are not all finite; -1: none.
  [[nodiscard]] index_t broken_sequence(matrix_view<const float> rows) const {
    for (index_t s = 0; s < offsets_.sequences(); ++s) {
      if (!all_finite(rows.row_block(offsets_.begin(s), offsets_.length(s)))) return s;
    }
    return -1;
  }
  void fill_rows() {
    rows_ = matrix<float>(offsets_.rows(), targets_.network().describe().width());
    for (index_t s = 0; s < offsets_.sequences(); ++s) {
      work_.rows(first_ + static_cast<std::size_t>(s),
                 rows_.view().row_block(offsets_.begin(s), offsets_.length(s)));
    }
  }
  [[nodiscard]] gradient_request make_request() const {
    gradient_request request;
    request.tokens = work_.tokens;
    request.numbers = targets_.size();
    if (rows_.rows() > 0) request.word_rows = rows_.view();
    return request;
  }
  /// The functions that give the targets' gradients by the output; `number` is read when they are called.
  void seed(gradient_request& request, index_t& number) {
    const auto give = [this, &number](matrix_view<const float> output, matrix_view<float> gradient) {
      if (number == 0) targets_.values(output, output_, special_, values_);
      targets_.add_gradient(number, output, output_, special_, gradient);
      check_given(number, gradient);
    };
    if (targets_.reads_logits()) {
      request.logits = give;
      return;
    }
    request.layers = {targets_.layer()};
    request.hidden = [give](index_t, matrix_view<const float> hidden, matrix_view<float> gradient) {
      give(hidden, gradient);
    };
  }
  /// \throws sequence_error [dnalm.numeric.424].
  void check_given(index_t number, matrix_view<const float> gradient) const {
    for (index_t s = 0; s < output_.sequences(); ++s) {
      if (all_finite(gradient.row_block(output_.begin(s), output_.length(s)))) continue;
      const std::string what =
          targets_.reads_logits() ? "the logits" : "hidden state " + std::to_string(targets_.layer());
      throw sequence_error(error_kind::numeric, 424,
                           "a number that is not finite in the gradient given for " + what,
                           work_.numbers[first_ + static_cast<std::size_t>(s)],
                           {.where = "target " + targets_.name(number), .expected = "finite numbers"});
    }
  }
  void hand_on(index_t number, const input_gradient& found) {
    for (index_t s = 0; s < offsets_.sequences(); ++s) {
      const index_t first = offsets_.begin(s);
      const index_t count = offsets_.length(s);
      work_.receive(
          first_ + static_cast<std::size_t>(s), number, found.words.row_block(first, count),
          found.tokens.data == nullptr ? matrix_view<const float>{} : found.tokens.row_block(first, count));
    }
  }
  /// Values alone: a pass as far as the targets need it, without gradients.
  void run_forward(forward_workspace& workspace) {
    const model& network = targets_.network();
    if (targets_.reads_logits()) {
      const auto on_logits = [&](matrix_view<const float> logits) {
        targets_.values(logits, output_, special_, values_);
      };
      if (rows_.rows() == 0) return network.logits(batch(), on_logits, workspace);
      return network.forward_from_rows(
          batch(), rows_.view(), [](index_t, matrix_view<const float>) {}, on_logits, workspace);
    }
    gradient_request request;
    if (rows_.rows() > 0) request.word_rows = rows_.view();
    request.layers = {targets_.layer()};
    request.keep_bytes = 0;
    request.backward = false;
    request.states = [&](index_t layer, matrix_view<const float> hidden) {
      if (layer == targets_.layer()) targets_.values(hidden, output_, special_, values_);
    };
    network.input_gradients(
        batch(), request, [](const input_gradient&) {}, workspace);
  }
  /// Of one sequence: runs it again, watching each hidden state and each gradient.
  /// \throws sequence_error [dnalm.numeric.803] naming the first that is not finite.
  [[noreturn]] void refuse(forward_workspace& workspace) {
    std::vector<double> values(static_cast<std::size_t>(targets_.size()));
    values_ = values;
    gradient_request request = make_request();
    index_t number = 0;
    index_t above = -1;  // the hidden state whose gradient was seen last
    std::string where;
    request.select = [&](index_t chosen) {
      if (chosen != number) above = -1;
      number = chosen;
    };
    const auto note = [&](matrix_view<const float> x, const std::string& what) {
      if (where.empty() && !all_finite(x)) where = what;
    };
    request.states = [&](index_t layer, matrix_view<const float> hidden) {
      note(hidden, "hidden state " + std::to_string(layer));
    };
    request.carried = [&](index_t layer, matrix_view<const float> gradient) {
      const std::string from = above < 0 ? "the output" : "hidden state " + std::to_string(above);
      note(gradient, "the gradient on its way from " + from + " to hidden state " + std::to_string(layer) +
                         ", target " + targets_.name(number));
      above = layer;
    };
    seed(request, number);
    const auto take = [&](const input_gradient& found) {
      note(found.words,
           "the gradient on its way from hidden state 0 to the words' rows, target " + targets_.name(number));
    };
    targets_.network().input_gradients(batch(), request, take, workspace);
    throw sequence_error(error_kind::numeric, 803, "a gradient is not finite", work_.numbers[first_],
                         {.where = where, .expected = "finite numbers"});
  }

  const attribution_targets& targets_;
  const gradient_work& work_;
  std::size_t first_;
  std::vector<std::int32_t> ids_ = {};
  ragged_offsets offsets_ = {};
  ragged_offsets output_ = {};
  std::vector<unsigned char> special_ = {};
  matrix<float> rows_ = {};
  std::span<double> values_ = {};
};

/// Workspaces between calls: their memory is taken from the system once. For several threads.
class workspace_store {
 public:
  /// `keeps`: false where memory is short (a GPU's) or no call follows.
  explicit workspace_store(bool keeps) : keeps_(keeps) {}
  /// An idle one, or a new one.
  [[nodiscard]] forward_workspace take() {
    const std::scoped_lock guard(mutex_);
    if (idle_.empty()) return {};
    forward_workspace found = std::move(idle_.back());
    idle_.pop_back();
    return found;
  }
  void give_back(forward_workspace workspace) {
    if (!keeps_) return;
    workspace.join(nullptr);
    const std::scoped_lock guard(mutex_);
    idle_.push_back(std::move(workspace));
  }

 private:
  bool keeps_;
  std::mutex mutex_;
  std::vector<forward_workspace> idle_;
};

/// Some workspaces of a store, for the time of a call.
class lent_workspaces {
 public:
  lent_workspaces(workspace_store& store, int count, thread_team& team) : store_(store) {
    for (int i = 0; i < count; ++i) {
      lent_.push_back(store.take());
      lent_.back().join(&team);
    }
  }
  ~lent_workspaces() {
    for (forward_workspace& workspace : lent_) store_.give_back(std::move(workspace));
  }
  lent_workspaces(const lent_workspaces&) = delete;
  lent_workspaces& operator=(const lent_workspaces&) = delete;
  [[nodiscard]] forward_workspace& of(int worker) { return lent_[static_cast<std::size_t>(worker)]; }

 private:
  workspace_store& store_;
  std::vector<forward_workspace> lent_;
};

/// Rows that go through the adjoints together: linear_vjp turns a weight anew for each 576 rows.
inline constexpr index_t gradient_rows = 576;

/// Bound of a batch that cuts `rows` into as many for each thread, none of more than gradient_rows unless the
/// network prefers so.
[[nodiscard]] inline index_t rows_of_batch(index_t rows, index_t preferred, int threads) {
  const index_t most = std::max(preferred, gradient_rows);
  const index_t rounds = std::max<index_t>((rows / threads + most - 1) / most, 1);
  return std::clamp((rows + rounds * threads - 1) / (rounds * threads), preferred, most);
}

/// What gradients of a batch of at most so many tokens take: a smaller one may keep more of its forward pass
/// and take more, but no more than all of it, nor more than the budget beside what must be kept.
[[nodiscard]] inline index_t most_gradient_bytes(const model& network, gradient_request extent,
                                                 index_t tokens) {
  const index_t budget = extent.keep_bytes;
  extent.keep_bytes = std::numeric_limits<index_t>::max();
  const index_t all = network.gradient_bytes(extent, tokens, tokens);
  extent.keep_bytes = 0;
  return std::min(all, checked_add(network.gradient_bytes(extent, tokens, tokens), budget));
}

/// Runs all items: values (items, C), and gradients to work.receive.
inline void run_gradients(const attribution_targets& targets, const gradient_work& work,
                          const run_options& options, std::span<double> values, workspace_store& store) {
  const model& network = targets.network();
  std::vector<sequence_load> loads;
  std::vector<index_t> lengths;
  index_t rows = 0;
  for (const auto ids : work.ids) {
    lengths.push_back(static_cast<index_t>(ids.size()));
    loads.push_back({network.inner_rows(lengths.back()), 0});
    rows += loads.back().tokens;
  }
  const int most = network.prefers().workers;
  const int wanted = thread_count(options.threads);
  const int threads = most == 0 ? wanted : std::min(wanted, most);
  const index_t left = std::max<index_t>(options.memory, 0) - network.kept_bytes(lengths);
  const index_t share = std::max<index_t>(left, 0) / threads;
  gradient_request extent;
  extent.keep_bytes = std::min(default_keep_bytes, share / 2);
  extent.tokens = work.tokens;
  extent.numbers = targets.size();
  extent.select = [](index_t) {};
  if (targets.reads_logits()) {
    extent.logits = [](matrix_view<const float>, matrix_view<float>) {};
  } else {
    extent.layers = {targets.layer()};
    extent.hidden = [](index_t, matrix_view<const float>, matrix_view<float>) {};
  }
  chunk_limits limits{.tokens = rows_of_batch(rows, network.prefers().tokens, threads)};
  const auto too_large = [&] { return most_gradient_bytes(network, extent, limits.tokens) > share; };
  while (limits.tokens > 1 && too_large()) limits.tokens /= 2;
  const auto chunks = plan_even_chunks(loads, limits, threads);
  const auto items = static_cast<index_t>(chunks.size());
  thread_team team(network.works_on_teams() && 2 * items <= threads ? threads : 1);
  const int workers = team.members() > 1 ? 1 : static_cast<int>(std::min<index_t>(threads, items));
  lent_workspaces workspaces(store, std::max(workers, 1), team);
  const auto columns = static_cast<std::size_t>(targets.size());
  parallel_for(items, workers, [&](index_t item, int worker) {
    const sequence_chunk& chunk = chunks[static_cast<std::size_t>(item)];
    gradient_batch batch(targets, work, chunk);
    batch.run(values.subspan(static_cast<std::size_t>(chunk.first) * columns,
                             static_cast<std::size_t>(chunk.count) * columns),
              extent.keep_bytes, workspaces.of(worker));
  });
}

}  // namespace detail
DNALM_END_NAMESPACE
