// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Relative attention as a step of a network of layers: keys of distances are made anew for each
/// length.
#pragma once

#include <algorithm>
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

/// The keys of all distances of sequences of one length, R (2T - 1, H K) = features W^T, and memory for the
/// attention of one such sequence.
template <class B>
class relative_keys {
 public:
  relative_keys(const B& backend, const layer_step<B>& step, output_vector<B> scratch)
      : backend_(backend), step_(step), scratch_(scratch) {}

  /// Of sequences of `length` rows; `value` channels of a head.
  [[nodiscard]] relative_attention_weights<scalar_of<B>> of(index_t length, index_t value) {
    if (length != length_) make(length, value);
    const layer_node& node = *step_.node;
    const index_t channels = step_.bias.size() / 2;
    return {rows_.view(), step_.bias.view().part(0, channels), step_.bias.view().part(channels, channels),
            node.groups, static_cast<scalar_of<B>>(node.value)};
  }
  [[nodiscard]] output_vector<B> memory() { return memory_.view(); }

 private:
  void make(index_t length, index_t value) {
    using T = scalar_of<B>;
    const layer_node& node = *step_.node;
    const auto scale = node.by_channels ? gamma_scale::functions : gamma_scale::positions;
    const matrix<double> features = relative_position_features(length, node.constant_columns, scale);
    std::vector<T> numbers(static_cast<std::size_t>(features.rows() * features.columns()));
    std::transform(features.data(), features.data() + numbers.size(), numbers.begin(),
                   [](double x) { return static_cast<T>(x); });
    const index_t channels = step_.bias.size() / 2;
    const typename B::tensor x = backend_.upload(numbers, features.rows(), features.columns());
    rows_ = backend_.upload(std::vector<T>(static_cast<std::size_t>(checked_mul(features.rows(), channels))),
                            features.rows(), channels);
    backend_.linear(x.view(), step_.weights[0], {}, scratch_, rows_.view());
    memory_ = backend_.allocate(relative_attention_vjp_scratch(length, channels / node.groups, value));
    length_ = length;
  }

  const B& backend_;
  const layer_step<B>& step_;
  output_vector<B> scratch_;
  index_t length_ = 0;
  typename B::tensor rows_ = {};
  typename B::vector memory_ = {};
};

/// One sequence's rows by themselves.
[[nodiscard]] inline ragged_offsets rows_alone(index_t length) {
  ragged_offsets rows;
  rows.append(length);
  return rows;
}

/// y = relative attention of q, k, v, sequence by sequence.
template <class B>
void run_relative_attention(const B& backend, const layer_step<B>& step, input_matrix<B> q, input_matrix<B> k,
                            input_matrix<B> v, const ragged_offsets& rows, output_vector<B> scratch,
                            output_matrix<B> y) {
  relative_keys<B> keys(backend, step, scratch);
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
template <pair_kernels B>
void run_relative_attention_pairs(const B& backend, const layer_step<B>& step,
                                  const attention_rows<scalar_of<B>>& x, const ragged_offsets& rows,
                                  relative_keys<B>& keys, input_matrix<B> dy, output_matrix<B> dq,
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
template <class B>
void run_relative_attention_vjp(const B& backend, const layer_step<B>& step, input_matrix<B> q,
                                input_matrix<B> k, input_matrix<B> v, const ragged_offsets& rows,
                                output_vector<B> scratch, input_matrix<B> dy, output_matrix<B> dq,
                                output_matrix<B> dk, output_matrix<B> dv) {
  relative_keys<B> keys(backend, step, scratch);
  if constexpr (pair_kernels<B>) {
    if (has_pairs(backend)) {
      return run_relative_attention_pairs<B>(backend, step, {q, k, v}, rows, keys, dy, dq, dk, dv);
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
