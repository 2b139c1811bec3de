// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One step of a network of layers, forward.
#pragma once

#include <algorithm>
#include <vector>

#include <dnalm/models/detail/layer_attention.hpp>
#include <dnalm/models/detail/layer_steps.hpp>
#include <dnalm/models/layer_graph.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Where the rows of a sequence lie among those of the network's first value.
[[nodiscard]] inline row_placement input_placement(const sequence_input& input) {
  if (input.length == 0) return {input.before};
  return {0, input.shorter == short_sequence::centred, input.shorter == short_sequence::last};
}

/// Where the rows of a step's input lie among those of its output.
template <class B>
[[nodiscard]] row_placement placement_of(const layer_step<B>& step) {
  if (step.kind != layer_kind::place || step.node->window.same) return {0, true};
  return {step.taps.before};
}

/// Columns [g n, (g + 1) n) of a matrix or a vector, n = columns / groups; empty ones stay empty.
template <class Matrix>
[[nodiscard]] Matrix group_columns(Matrix x, index_t g, index_t groups) {
  if (x.data == nullptr) return x;
  return x.column_block(g * (x.columns / groups), x.columns / groups);
}
template <class Vector>
[[nodiscard]] Vector group_part(Vector v, index_t g, index_t groups) {
  return v.empty() ? v : v.part(g * (v.size / groups), v.size / groups);
}

/// First rows of every sequence of part `at` in what is joined below each other.
template <class Workspace>
void join_places(const std::vector<index_t>& inputs, std::size_t at, Workspace& w) {
  w.joins.resize(1);
  std::vector<index_t>& first = w.joins[0];
  first.assign(static_cast<std::size_t>(w.rows[0].sequences()), 0);
  for (std::size_t i = 0; i < at; ++i) {
    const ragged_offsets& rows = w.rows[static_cast<std::size_t>(inputs[i])];
    for (index_t s = 0; s < rows.sequences(); ++s) first[static_cast<std::size_t>(s)] += rows.length(s);
  }
}
template <class Workspace>
[[nodiscard]] vector_view<const index_t> join_view(const Workspace& w) {
  return {w.joins[0].data(), static_cast<index_t>(w.joins[0].size())};
}

/// What a step adds: a value, or of one with more rows those that y has, in `place`.
template <class B, class Value, class Workspace>
[[nodiscard]] input_matrix<B> residual_rows(const B& backend, const layer_step<B>& step, Value&& value,
                                            const Workspace& w, output_matrix<B> place) {
  const input_matrix<B> all = value(step.residual);
  if (!step.crops_residual) return all;
  backend.place_rows(all, w.rows[static_cast<std::size_t>(step.residual)], {step.residual_before}, {},
                     w.rows[static_cast<std::size_t>(step.output)], place);
  return place;
}

/// y = residual + apply(product); of a convolution with `taps`. A residual other than the step's has the rows
/// of y.
template <class B, class Value, class Workspace>
void run_product(const B& backend, const layer_step<B>& step, const convolution_taps& taps, activation apply,
                 index_t residual, Value&& value, Workspace& w, output_matrix<B> y) {
  const input_matrix<B> x = value(step.inputs[0]);
  input_matrix<B> added = {};
  if (residual >= 0)
    added = residual == step.residual ? residual_rows(backend, step, value, w, y) : value(residual);
  if (step.kind == layer_kind::dense) {
    backend.linear(x, step.weights[0], {step.bias.view(), apply, added}, w.scratch.view(), y);
    return;
  }
  const auto groups = static_cast<index_t>(step.weights.size());
  for (index_t g = 0; g < groups; ++g) {
    const epilogue_of<B> epilogue{group_part(step.bias.view(), g, groups), apply,
                                  group_columns(added, g, groups)};
    backend.convolution_between(group_columns(x, g, groups), w.rows[static_cast<std::size_t>(step.inputs[0])],
                                step.weights[static_cast<std::size_t>(g)], taps, epilogue, w.scratch.view(),
                                w.rows[static_cast<std::size_t>(step.output)], group_columns(y, g, groups));
  }
}

/// y = apply(x scale + shift); in host memory some rows at a time: what a tile has written is still near.
template <class B>
void run_norm(const B& backend, const layer_step<B>& step, activation apply, input_matrix<B> x,
              output_matrix<B> y) {
  constexpr index_t tile_numbers = index_t{1} << 16;  // enough for some threads, little enough for a cache
  const index_t cached = std::max<index_t>(tile_numbers / std::max<index_t>(y.columns, 1), 64);
  const index_t tile = B::space == memory_space::host ? cached : y.rows;
  for (index_t first = 0; first < y.rows; first += tile) {
    const index_t count = std::min(tile, y.rows - first);
    const output_matrix<B> part = y.row_block(first, count);
    backend.scale_channels(x.row_block(first, count), step.scale.view(), step.bias.view(), part);
    if (apply != activation::none) backend.activate(part, apply, part);
  }
}

/// Steps that join values.
template <class B, class Value, class Workspace>
void run_join(const B& backend, const layer_step<B>& step, Value&& value, Workspace& w, output_matrix<B> y) {
  index_t column = 0;
  for (std::size_t i = 0; i < step.inputs.size(); ++i) {
    const input_matrix<B> x = value(step.inputs[i]);
    if (step.kind == layer_kind::join_channels) {
      backend.copy_matrix(x, y.column_block(column, x.columns));
      column += x.columns;
    } else {
      join_places(step.inputs, i, w);
      backend.join_rows(x, w.rows[static_cast<std::size_t>(step.inputs[i])], join_view(w),
                        w.rows[static_cast<std::size_t>(step.output)], y);
    }
  }
}

/// Steps of two values, of which the second may have one row for every sequence.
template <class B, class Value, class Workspace>
void run_pair(const B& backend, const layer_step<B>& step, Value&& value, Workspace& w, output_matrix<B> y) {
  const input_matrix<B> a = value(step.inputs[0]);
  const input_matrix<B> b = value(step.inputs[1]);
  const ragged_offsets& rows = w.rows[static_cast<std::size_t>(step.inputs[0])];
  const bool repeated = a.rows != b.rows;
  if (step.kind == layer_kind::multiply) {
    if (repeated) {
      backend.multiply_sequences(a, b, rows, y);
    } else {
      backend.multiply(a, b, y);
    }
    return;
  }
  backend.copy_matrix(a, y);
  if (!repeated) return backend.add(b, y);
  if constexpr (sequence_sum_kernels<B>) return backend.add_sequences(b, rows, y);
  for (index_t s = 0; s < rows.sequences(); ++s) {
    for (index_t r = rows.begin(s); r < rows.begin(s + 1); ++r) {
      backend.add(b.row_block(s, 1), y.row_block(r, 1));
    }
  }
}

/// One step: y = residual + apply(operation); `value(v)` is the matrix of a value.
template <class B, class Value, class Workspace>
void run_step(const B& backend, const layer_step<B>& step, activation apply, index_t residual, Value&& value,
              Workspace& w, output_matrix<B> y) {
  const layer_node& node = *step.node;
  if (step.multiplies()) return run_product(backend, step, step.taps, apply, residual, value, w, y);
  const input_matrix<B> x = value(step.inputs[0]);
  const ragged_offsets& from = w.rows[static_cast<std::size_t>(step.inputs[0])];
  const ragged_offsets& to = w.rows[static_cast<std::size_t>(step.output)];
  const auto number = [](double v) { return static_cast<scalar_of<B>>(v); };
  switch (step.kind) {
    case layer_kind::batch_norm: return run_norm(backend, step, apply, x, y);
    case layer_kind::depthwise:
      return backend.depthwise_convolution(x, from, step.table.view(), step.bias.view(), step.taps, to, y);
    case layer_kind::function: return backend.activate(x, step.apply, y);
    case layer_kind::threshold:
      return backend.threshold_rows(x, number(node.threshold), number(node.value), y);
    case layer_kind::softmax: backend.copy_matrix(x, y); return backend.softmax_rows(y);
    case layer_kind::scale: backend.copy_matrix(x, y); return backend.scale(number(node.value), y);
    case layer_kind::max_pool: return backend.max_pool_rows(x, from, node.window, to, y);
    case layer_kind::average_pool: return backend.average_pool_rows(x, from, node.window, to, y);
    case layer_kind::global_max: return backend.sequence_max(x, from, y);
    case layer_kind::global_mean: return backend.sequence_mean(x, from, y);
    case layer_kind::masked_mean: return backend.masked_mean(x, value(step.inputs[1]), from, y);
    case layer_kind::add:
    case layer_kind::multiply: return run_pair(backend, step, value, w, y);
    case layer_kind::join_channels:
    case layer_kind::join_positions: return run_join(backend, step, value, w, y);
    case layer_kind::layer_norm:
      return backend.layer_norm(x, step.scale.view(), step.bias.view(), number(node.eps), y);
    case layer_kind::softmax_pool:
      return backend.softmax_pool_rows(x, value(step.inputs[1]), from, node.window.size, to, y);
    case layer_kind::relative_attention:
      return run_relative_attention<B>(backend, step, x, value(step.inputs[1]), value(step.inputs[2]), from,
                                       w, y);
    case layer_kind::middle:
    case layer_kind::place:
    case layer_kind::centre_to: return backend.place_rows(x, from, placement_of(step), {}, to, y);
    case layer_kind::flatten: return backend.flatten_rows(x, x.rows / y.rows, node.by_channels, y);
    case layer_kind::upsample: return backend.repeat_rows(x, node.factor, y);
    case layer_kind::reverse: return backend.reverse_rows(x, from, y);
    case layer_kind::weigh_positions: return backend.weigh_positions(x, step.table.view(), y);
    case layer_kind::project_positions: return backend.project_positions(x, step.table.view(), y);
    case layer_kind::convolution:
    case layer_kind::dense: break;
  }
}

}  // namespace detail
DNALM_END_NAMESPACE
