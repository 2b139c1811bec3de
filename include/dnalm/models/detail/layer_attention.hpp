// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Relative attention as a step of a network of layers: keys of distances are made anew for each
/// length.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <dnalm/backend/layer_concepts.hpp>
#include <dnalm/backend/relative_attention.hpp>
#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/backend/secant_attention.hpp>
#include <dnalm/models/detail/layer_steps.hpp>
#include <dnalm/models/layer_graph.hpp>
#include <dnalm/nn/relative_positions.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Which features of distances: of what length, how many, their gamma densities.
struct distance_kind {
  index_t length = 0;
  index_t columns = 0;
  gamma_scale scale = gamma_scale::positions;
  std::shared_ptr<const gamma_table> table = {};

  friend bool operator==(const distance_kind&, const distance_kind&) = default;
};

/// What attention knows of all distances of sequences of one length, which the layers of a network share: the
/// features of the last lengths that were asked for.
template <class B>
class distance_features {
 public:
  /// (2 length - 1, columns), valid until the next call.
  [[nodiscard]] input_matrix<B> of(const B& backend, const distance_kind& wanted) {
    auto found =
        std::find_if(entries_.begin(), entries_.end(), [&](const entry& e) { return e.kind == wanted; });
    if (found == entries_.end()) {
      if (entries_.size() == most) entries_.erase(entries_.begin());
      entries_.push_back({wanted, make(backend, wanted)});
      found = entries_.end() - 1;
    }
    return std::as_const(found->numbers).view();
  }
  /// Numbers that are kept.
  [[nodiscard]] index_t size() const {
    index_t sum = 0;
    for (const entry& e : entries_) sum += (2 * e.kind.length - 1) * e.kind.columns;
    return sum;
  }
  /// The most numbers that `of` takes with lengths up to `length`: all that are kept, and one on its way to
  /// the backend, in double too.
  [[nodiscard]] static index_t most_numbers(index_t length, index_t columns) {
    constexpr auto doubles = static_cast<index_t>(sizeof(double) / sizeof(scalar_of<B>));
    return checked_mul(static_cast<index_t>(most) + 1 + doubles, checked_mul(2 * length - 1, columns));
  }

 private:
  static constexpr std::size_t most = 2;
  struct entry {
    distance_kind kind;
    typename B::tensor numbers;
  };

  [[nodiscard]] static typename B::tensor make(const B& backend, const distance_kind& kind) {
    using T = scalar_of<B>;
    const matrix<double> features =
        relative_position_features(kind.length, kind.columns, kind.scale, kind.table.get());
    std::vector<T> numbers(static_cast<std::size_t>(features.rows() * features.columns()));
    std::transform(features.data(), features.data() + numbers.size(), numbers.begin(),
                   [](double x) { return static_cast<T>(x); });
    return backend.upload(numbers, features.rows(), features.columns());
  }

  std::vector<entry> entries_;
};

/// Numbers of memory that a step of relative attention takes of a workspace for sequences of up to `length`
/// rows, `value` channels of all heads.
struct relative_attention_memory {
  index_t features = 0;
  index_t keys = 0;
  index_t scratch = 0;

  template <class B>
  [[nodiscard]] static relative_attention_memory of(const layer_step<B>& step, index_t length,
                                                    index_t value) {
    const index_t heads = step.node->groups;
    const index_t channels = step.bias.size() / 2;
    return {distance_features<B>::most_numbers(length, step.node->constant_columns),
            checked_mul(2 * length - 1, channels),
            relative_attention_vjp_scratch(length, channels / heads, value / heads)};
  }
};

/// The keys of all distances of sequences of one length, R (2T - 1, H K) = features W^T, and memory for the
/// attention of one such sequence, both in a workspace.
template <class B, class Workspace>
class relative_keys {
 public:
  relative_keys(const B& backend, const layer_step<B>& step, Workspace& w)
      : backend_(backend), step_(step), w_(w) {}

  /// Of sequences of `length` rows; `value` channels of a head.
  [[nodiscard]] relative_attention_weights<scalar_of<B>, B::space> of(index_t length, index_t value) {
    if (length != length_) make(length, value);
    const layer_node& node = *step_.node;
    const index_t channels = step_.bias.size() / 2;
    return {keys(length), step_.bias.view().part(0, channels), step_.bias.view().part(channels, channels),
            node.groups, static_cast<scalar_of<B>>(node.value)};
  }
  [[nodiscard]] output_vector<B> memory() { return w_.attention.view(); }

 private:
  void make(index_t length, index_t value) {
    const layer_node& node = *step_.node;
    const auto scale = node.by_channels ? gamma_scale::functions : gamma_scale::positions;
    const index_t channels = step_.bias.size() / 2;
    const input_matrix<B> x = w_.distances.of(backend_, {length, node.constant_columns, scale, node.gammas});
    grow(w_.distance_keys, checked_mul(x.rows, channels));
    backend_.linear(x, step_.weights[0], {}, w_.scratch.view(), keys(length));
    grow(w_.attention, relative_attention_vjp_scratch(length, channels / node.groups, value));
    length_ = length;
  }
  void grow(typename B::vector& memory, index_t size) const {
    if (memory.size() < size) memory = backend_.allocate(size);
  }
  [[nodiscard]] output_matrix<B> keys(index_t length) {
    const index_t channels = step_.bias.size() / 2;
    return {w_.distance_keys.view().data, 2 * length - 1, channels, channels};
  }

  const B& backend_;
  const layer_step<B>& step_;
  Workspace& w_;
  index_t length_ = 0;
};

/// One sequence's rows by themselves.
[[nodiscard]] inline ragged_offsets rows_alone(index_t length) {
  ragged_offsets rows;
  rows.append(length);
  return rows;
}

/// y = relative attention of q, k, v, sequence by sequence.
template <class B, class Workspace>
void run_relative_attention(const B& backend, const layer_step<B>& step, input_matrix<B> q, input_matrix<B> k,
                            input_matrix<B> v, const ragged_offsets& rows, Workspace& w, output_matrix<B> y) {
  relative_keys<B, Workspace> keys(backend, step, w);
  for (index_t s = 0; s < rows.sequences(); ++s) {
    const index_t first = rows.begin(s);
    const index_t length = rows.length(s);
    const auto weights = keys.of(length, v.columns / step.node->groups);
    backend.relative_attention(q.row_block(first, length), k.row_block(first, length),
                               v.row_block(first, length), weights, rows_alone(length), keys.memory(),
                               y.row_block(first, length));
  }
}

/// DeepLIFT's multipliers of a batch of pairs.
template <pair_kernels B, class Workspace>
void run_relative_attention_pairs(const B& backend, const layer_step<B>& step,
                                  const attention_rows<scalar_of<B>>& x, const ragged_offsets& rows,
                                  relative_keys<B, Workspace>& keys, input_matrix<B> dy, output_matrix<B> dq,
                                  output_matrix<B> dk, output_matrix<B> dv) {
  const index_t half = rows.sequences() / 2;
  for (index_t s = 0; s < half; ++s) {
    const auto own = [&](auto m) { return m.row_block(rows.begin(s), rows.length(s)); };
    const auto other = [&](auto m) { return m.row_block(rows.begin(s + half), rows.length(s)); };
    const auto weights = keys.of(rows.length(s), x.v.columns / step.node->groups);
    backend.relative_attention_pair_vjp({own(x.q), own(x.k), own(x.v)}, {other(x.q), other(x.k), other(x.v)},
                                        weights, own(dy), own(dq), own(dk), own(dv));
    for (const output_matrix<B>& d : {dq, dk, dv}) backend.copy_matrix(own(d), other(d));
  }
}

/// Its adjoint by q, k and v.
template <class B, class Workspace>
void run_relative_attention_vjp(const B& backend, const layer_step<B>& step, input_matrix<B> q,
                                input_matrix<B> k, input_matrix<B> v, const ragged_offsets& rows,
                                Workspace& w, input_matrix<B> dy, output_matrix<B> dq, output_matrix<B> dk,
                                output_matrix<B> dv) {
  relative_keys<B, Workspace> keys(backend, step, w);
  if constexpr (pair_kernels<B>) {
    if (has_pairs(backend)) {
      return run_relative_attention_pairs<B, Workspace>(backend, step, {q, k, v}, rows, keys, dy, dq, dk, dv);
    }
  }
  for (index_t s = 0; s < rows.sequences(); ++s) {
    const auto own = [&](auto x) { return x.row_block(rows.begin(s), rows.length(s)); };
    const auto weights = keys.of(rows.length(s), v.columns / step.node->groups);
    backend.relative_attention_vjp(own(q), own(k), own(v), weights, rows_alone(rows.length(s)), own(dy),
                                   keys.memory(), own(dq), own(dk), own(dv));
  }
}

}  // namespace detail
DNALM_END_NAMESPACE
