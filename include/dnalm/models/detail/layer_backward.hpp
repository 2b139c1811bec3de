// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The adjoint of one step of a network of layers.
#pragma once

#include <vector>

#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/models/detail/layer_forward.hpp>
#include <dnalm/models/detail/layer_steps.hpp>
#include <dnalm/models/layer_graph.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The adjoints of a pass whose values are kept. `Pass` offers value(v), the gradients d(v), written(v)
/// whether d(v) holds something, part(rows, columns) for what is added to it, and workspace().
template <class B, class Pass>
class layer_adjoint {
 public:
  layer_adjoint(const B& backend, Pass& pass) : backend_(backend), pass_(pass) {}

  /// d(inputs) += adjoint of `step` at d(output), of which `before` is what its function read (of a step
  /// without a function nothing).
  void run(const layer_step<B>& step, output_matrix<B> before) {
    const output_matrix<B> dy = pass_.d(step.output);
    if (step.residual >= 0) add_to(step.residual, [&](output_matrix<B> dx) { added(step, dy, dx); });
    if (step.parted()) backend_.activation_vjp(before, step.apply, dy, dy);
    if (step.multiplies()) return product(step, dy);
    if (!several(step, dy)) single(step, dy);
  }

 private:
  [[nodiscard]] const ragged_offsets& rows(index_t value) const {
    return pass_.workspace().rows[static_cast<std::size_t>(value)];
  }
  /// d(value) += what `make` writes.
  template <class Make>
  void add_to(index_t value, Make&& make) {
    const output_matrix<B> d = pass_.d(value);
    if (!pass_.written(value)) {
      pass_.written(value) = true;
      return make(d);
    }
    const output_matrix<B> part = pass_.part(d.rows, d.columns);
    make(part);
    backend_.add(part, d);
  }

  void added(const layer_step<B>& step, input_matrix<B> dy, output_matrix<B> dx) {
    if (!step.crops_residual) return backend_.copy_matrix(dy, dx);
    backend_.place_rows_vjp(dy, rows(step.residual), row_placement{step.residual_before}, rows(step.output),
                            dx);
  }
  void product(const layer_step<B>& step, input_matrix<B> dy) {
    const index_t x = step.inputs[0];
    const output_matrix<B> dx = pass_.d(x);
    const input_matrix<B> before = pass_.written(x) ? input_matrix<B>(dx) : input_matrix<B>{};
    pass_.written(x) = true;
    const auto scratch = pass_.workspace().scratch.view();
    if (step.kind == layer_kind::dense) {
      return backend_.linear_vjp(dy, step.weights[0], before, scratch, dx);
    }
    const auto groups = static_cast<index_t>(step.weights.size());
    for (index_t g = 0; g < groups; ++g) {
      backend_.convolution_between_vjp(
          group_columns(dy, g, groups), rows(step.output), step.weights[static_cast<std::size_t>(g)],
          step.taps, group_columns(before, g, groups), scratch, rows(x), group_columns(dx, g, groups));
    }
  }

  /// Steps of several values. False: it is none.
  bool several(const layer_step<B>& step, input_matrix<B> dy) {
    switch (step.kind) {
      case layer_kind::add: sum(step, dy); return true;
      case layer_kind::multiply: factors(step, dy); return true;
      case layer_kind::masked_mean: weighted(step, dy); return true;
      case layer_kind::softmax_pool: pooled(step, dy); return true;
      case layer_kind::relative_attention: attended(step, dy); return true;
      case layer_kind::join_channels:
      case layer_kind::join_positions: parts(step, dy); return true;
      default: return false;
    }
  }
  void sum(const layer_step<B>& step, input_matrix<B> dy) {
    const bool repeated = pass_.value(step.inputs[1]).rows != dy.rows;
    add_to(step.inputs[0], [&](output_matrix<B> dx) { backend_.copy_matrix(dy, dx); });
    add_to(step.inputs[1], [&](output_matrix<B> dx) {
      if (!repeated) return backend_.copy_matrix(dy, dx);
      const ragged_offsets& all = rows(step.output);
      if constexpr (sequence_sum_kernels<B>) return backend_.add_sequences_vjp(dy, all, dx);
      for (index_t s = 0; s < all.sequences(); ++s) {
        backend_.copy_matrix(dy.row_block(all.begin(s), 1), dx.row_block(s, 1));
        for (index_t r = all.begin(s) + 1; r < all.begin(s + 1); ++r) {
          backend_.add(dy.row_block(r, 1), dx.row_block(s, 1));
        }
      }
    });
  }
  void factors(const layer_step<B>& step, input_matrix<B> dy) {
    const input_matrix<B> a = pass_.value(step.inputs[0]);
    const input_matrix<B> b = pass_.value(step.inputs[1]);
    const bool repeated = a.rows != b.rows;
    if constexpr (pair_kernels<B>) {
      if (has_pairs(backend_)) return factor_pairs(step, dy);
    }
    add_to(step.inputs[0], [&](output_matrix<B> dx) {
      if (!repeated) return backend_.multiply(dy, b, dx);
      backend_.multiply_sequences(dy, b, rows(step.output), dx);
    });
    add_to(step.inputs[1], [&](output_matrix<B> dx) {
      if (!repeated) return backend_.multiply(dy, a, dx);
      backend_.multiply_sequences_vjp(a, rows(step.output), dy, dx);
    });
  }
  /// The same for DeepLIFT's multipliers.
  void factor_pairs(const layer_step<B>& step, input_matrix<B> dy) requires pair_kernels<B> {
    const input_matrix<B> a = pass_.value(step.inputs[0]);
    const input_matrix<B> b = pass_.value(step.inputs[1]);
    const bool repeated = a.rows != b.rows;
    add_to(step.inputs[0], [&](output_matrix<B> dx) {
      if (!repeated) return backend_.factor_vjp(b, dy, dx);
      backend_.sequence_factor_vjp(b, dy, rows(step.output), dx);
    });
    add_to(step.inputs[1], [&](output_matrix<B> dx) {
      if (!repeated) return backend_.factor_vjp(a, dy, dx);
      backend_.multiply_sequences_vjp(a, rows(step.output), dy, dx);
    });
  }
  void weighted(const layer_step<B>& step, input_matrix<B> dy) {
    const input_matrix<B> x = pass_.value(step.inputs[0]);
    const input_matrix<B> mask = pass_.value(step.inputs[1]);
    typename B::vector memory =
        backend_.allocate(checked_add(checked_mul(x.rows, x.columns), checked_mul(mask.rows, mask.columns)));
    const output_matrix<B> dx{memory.view().data, x.rows, x.columns, x.columns};
    const output_matrix<B> dmask{dx.data + x.rows * x.columns, mask.rows, mask.columns, mask.columns};
    backend_.masked_mean_vjp(x, mask, pass_.value(step.output), rows(step.inputs[0]), dy, dx, dmask);
    add_to(step.inputs[0], [&](output_matrix<B> d) { backend_.copy_matrix(dx, d); });
    add_to(step.inputs[1], [&](output_matrix<B> d) { backend_.copy_matrix(dmask, d); });
  }
  /// Memory for the gradients by all inputs of a step.
  [[nodiscard]] std::vector<typename B::tensor> gradients_of(const layer_step<B>& step) {
    std::vector<typename B::tensor> all;
    for (const index_t input : step.inputs) {
      const input_matrix<B> x = pass_.value(input);
      const std::vector<scalar_of<B>> zeros(static_cast<std::size_t>(checked_mul(x.rows, x.columns)));
      all.push_back(backend_.upload(zeros, x.rows, x.columns));
    }
    return all;
  }
  void add_all(const layer_step<B>& step, std::vector<typename B::tensor>& gradients) {
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      add_to(step.inputs[i], [&](output_matrix<B> d) { backend_.copy_matrix(gradients[i].view(), d); });
    }
  }
  void pooled(const layer_step<B>& step, input_matrix<B> dy) {
    std::vector<typename B::tensor> d = gradients_of(step);
    backend_.softmax_pool_rows_vjp(pass_.value(step.inputs[0]), pass_.value(step.inputs[1]),
                                   rows(step.inputs[0]), step.node->window.size, dy, rows(step.output),
                                   d[0].view(), d[1].view());
    add_all(step, d);
  }
  void attended(const layer_step<B>& step, input_matrix<B> dy) {
    std::vector<typename B::tensor> d = gradients_of(step);
    run_relative_attention_vjp<B>(backend_, step, pass_.value(step.inputs[0]), pass_.value(step.inputs[1]),
                                  pass_.value(step.inputs[2]), rows(step.output), pass_.workspace(), dy,
                                  d[0].view(), d[1].view(), d[2].view());
    add_all(step, d);
  }
  void parts(const layer_step<B>& step, input_matrix<B> dy) {
    index_t column = 0;
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      add_to(step.inputs[i], [&](output_matrix<B> dx) {
        if (step.kind == layer_kind::join_channels) {
          backend_.copy_matrix(dy.column_block(column, dx.columns), dx);
          column += dx.columns;
          return;
        }
        join_places(step.inputs, i, pass_.workspace());
        backend_.join_rows_vjp(dy, rows(step.inputs[i]), join_view(pass_.workspace()), rows(step.output), dx);
      });
    }
  }

  void single(const layer_step<B>& step, input_matrix<B> dy) {
    const layer_node& node = *step.node;
    const index_t from = step.inputs[0];
    const input_matrix<B> x = pass_.value(from);
    add_to(from, [&](output_matrix<B> dx) { adjoint(step, node, x, dy, dx); });
  }
  /// DeepLIFT's rules that read more than a gradient needs. False: the step is none of those.
  bool pair_rule(const layer_node& node, input_matrix<B> x, input_matrix<B> dy,
                 output_matrix<B> dx) requires pair_kernels<B> {
    if (!has_pairs(backend_)) return false;
    const auto number = [](double v) { return static_cast<scalar_of<B>>(v); };
    if (node.kind == layer_kind::softmax) {
      backend_.softmax_pair_vjp(x, dy, dx);
    } else if (node.kind == layer_kind::threshold) {
      backend_.threshold_pair_vjp(x, number(node.threshold), number(node.value), dy, dx);
    } else {
      return false;
    }
    return true;
  }
  void adjoint(const layer_step<B>& step, const layer_node& node, input_matrix<B> x, input_matrix<B> dy,
               output_matrix<B> dx) {
    if constexpr (pair_kernels<B>) {
      if (pair_rule(node, x, dy, dx)) return;
    }
    const ragged_offsets& from = rows(step.inputs[0]);
    const ragged_offsets& to = rows(step.output);
    const auto number = [](double v) { return static_cast<scalar_of<B>>(v); };
    switch (step.kind) {
      case layer_kind::batch_norm: return backend_.scale_channels(dy, step.scale.view(), {}, dx);
      case layer_kind::depthwise:
        return backend_.depthwise_convolution_vjp(dy, from, step.table.view(), step.taps, to, dx);
      case layer_kind::function: return backend_.activation_vjp(x, step.apply, dy, dx);
      case layer_kind::threshold: return backend_.threshold_rows_vjp(x, number(node.threshold), dy, dx);
      case layer_kind::softmax: return backend_.softmax_rows_vjp(pass_.value(step.output), dy, dx);
      case layer_kind::scale: backend_.copy_matrix(dy, dx); return backend_.scale(number(node.value), dx);
      case layer_kind::max_pool: return backend_.max_pool_rows_vjp(x, from, node.window, dy, to, dx);
      case layer_kind::average_pool: return backend_.average_pool_rows_vjp(from, node.window, dy, to, dx);
      case layer_kind::global_max: return backend_.sequence_max_vjp(x, from, dy, dx);
      case layer_kind::global_mean: return backend_.sequence_mean_vjp(from, dy, dx);
      case layer_kind::layer_norm:
        return backend_.layer_norm_vjp(x, step.scale.view(), number(node.eps), dy, dx);
      case layer_kind::middle:
      case layer_kind::place:
      case layer_kind::centre_to: return backend_.place_rows_vjp(dy, from, placement_of(step), to, dx);
      case layer_kind::flatten: return backend_.flatten_rows_vjp(dy, x.rows / dy.rows, node.by_channels, dx);
      case layer_kind::upsample: return backend_.repeat_rows_vjp(dy, node.factor, dx);
      case layer_kind::reverse: return backend_.reverse_rows(dy, from, dx);
      case layer_kind::weigh_positions: return backend_.weigh_positions(dy, step.table.view(), dx);
      case layer_kind::project_positions: return backend_.project_positions_vjp(dy, step.table.view(), dx);
      case layer_kind::convolution:
      case layer_kind::dense:
      case layer_kind::masked_mean:
      case layer_kind::softmax_pool:
      case layer_kind::relative_attention:
      case layer_kind::add:
      case layer_kind::multiply:
      case layer_kind::join_channels:
      case layer_kind::join_positions: break;
    }
  }

  const B& backend_;
  Pass& pass_;
};

}  // namespace detail
DNALM_END_NAMESPACE
