// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/encoder.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <dnalm/core/parallel.hpp>
#include <dnalm/models/detail/encoder_memory.hpp>
#include <dnalm/models/detail/load_layers.hpp>
#include <dnalm/models/detail/weight_rows.hpp>
#include <dnalm/models/encoder.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// y[i] = x[rows[i]].
template <class B>
void gather_rows([[maybe_unused]] const B& backend, input_matrix<B> x, std::span<const index_t> rows,
                 output_matrix<B> y) {
  if constexpr (B::space == memory_space::host) {
    for (index_t i = 0; i < y.rows; ++i) {
      std::copy_n(x.row_data(rows[static_cast<std::size_t>(i)]), x.columns, y.row_data(i));
    }
  } else {
    static_assert(gather_kernels<B>);
    backend.gather_rows(x, rows, y);
  }
}

/// The fused (3D, D) projection, from one tensor or from three.
template <class B>
[[nodiscard]] linear_layer<B> load_qkv(const B& backend, const planned_weights& weights, index_t layer,
                                       index_t width) {
  using T = scalar_of<B>;
  using role = tensor_role;
  std::vector<T> bias;
  for (const role part : {role::qkv_bias, role::query_bias, role::key_bias, role::value_bias}) {
    weights.append(part, layer, bias);
  }
  return {pack_rows(backend, weights,
                    {role::qkv_weight, role::query_weight, role::key_weight, role::value_weight}, layer,
                    width, false),
          backend.upload(bias)};
}

/// a sigmoid(beta a) c = silu(beta a) (c / beta): a learnt beta enters the rows of a, and 1 / beta those of
/// c. \throws error [dnalm.numeric.420] when that leaves no finite numbers (beta 0 or next to it).
template <class T>
void fold_gate_beta(const std::vector<T>& beta, index_t layer, std::vector<T>& values) {
  if (beta.empty()) return;
  const std::size_t half = values.size() / 2;
  bool finite = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = i < half ? values[i] * beta[0] : values[i] / beta[0];
    finite = finite && std::isfinite(values[i]);
  }
  if (finite) return;
  throw error(error_kind::numeric, 420, "a learnt gate slope that cannot be used",
              {.where = "block " + std::to_string(layer),
               .expected = "a number away from 0",
               .found = std::to_string(beta[0])});
}

/// The first product of a feed-forward block: one tensor, or the two halves of a gated one.
template <class B>
[[nodiscard]] linear_layer<B> load_feed_forward1(const B& backend, const planned_weights& weights,
                                                 index_t layer, index_t width, bool gated) {
  using T = scalar_of<B>;
  using role = tensor_role;
  std::vector<T> bias = weights.template read<T>(role::feed_forward1_bias, layer);
  weights.append(role::gate_bias, layer, bias);
  const std::vector<T> beta = weights.template read<T>(role::gate_beta, layer);
  if (beta.empty()) {
    return {pack_rows(backend, weights, {role::feed_forward1_weight, role::gate_weight}, layer, width, gated),
            backend.upload(bias)};
  }
  std::vector<T> weight = weights.template read<T>(role::feed_forward1_weight, layer);
  weights.append(role::gate_weight, layer, weight);
  fold_gate_beta(beta, layer, weight);
  fold_gate_beta(beta, layer, bias);
  const index_t outputs = static_cast<index_t>(weight.size()) / width;
  const auto view = as_matrix(static_cast<const T*>(weight.data()), outputs, width);
  return {gated ? backend.pack_gated(view) : backend.pack(view), backend.upload(bias)};
}

}  // namespace detail

template <encoder_backend B>
encoder<B>::encoder(B backend, const encoder_config& config, const weight_source& source, int threads)
    : backend_(std::move(backend)), config_(config) {
  const planned_weights weights(config, source);
  load_embedding(weights);
  blocks_.resize(static_cast<std::size_t>(config.layers));
  parallel_for(
      config.layers, std::min(thread_count(threads), detail::most_loading_threads),
      [&](index_t layer, int) { blocks_[static_cast<std::size_t>(layer)] = load_block(weights, layer); });
  for (index_t layer = 0; layer < config.layers && config.position == position_kind::rotary; ++layer) {
    load_frequencies(weights, layer);
  }
  load_head(weights);
}

template <encoder_backend B>
void encoder<B>::load_embedding(const planned_weights& weights) {
  const auto table = [&](tensor_role role, index_t rows) {
    return backend_.upload(weights.template read<scalar>(role), rows, config_.width);
  };
  embedding_.words = table(tensor_role::words, config_.vocabulary);
  const bool counted_from_pad = config_.position == position_kind::learned_pad_offset;
  if (counted_from_pad || config_.position == position_kind::learned) {
    std::vector<scalar> rows = weights.template read<scalar>(tensor_role::positions);
    rows.erase(rows.begin(), rows.begin() + config_.position_shift * config_.width);
    embedding_.positions = backend_.upload(rows, config_.positions - config_.position_shift, config_.width);
    if (counted_from_pad) embedding_.pad = config_.pad_id;
  }
  if (config_.token_types > 0) embedding_.types = table(tensor_role::types, config_.token_types);
  if (config_.embedding_norm) {
    embedding_.norm = detail::load_norm(backend_, weights, tensor_role::embedding_norm_weight,
                                        tensor_role::embedding_norm_bias, -1, config_.norm_eps);
  }
  if (config_.token_dropout) embedding_.dropout_mask = config_.mask_id;
}

template <encoder_backend B>
transformer_block<B> encoder<B>::load_block(const planned_weights& weights, index_t layer) const {
  using role = tensor_role;
  transformer_block<B> block;
  block.placement = config_.norm;
  if (layer > 0 || config_.first_attention_norm) {
    block.attention_norm = detail::load_norm(backend_, weights, role::attention_norm_weight,
                                             role::attention_norm_bias, layer, config_.norm_eps);
  }
  block.attention.qkv = detail::load_qkv(backend_, weights, layer, config_.width);
  block.attention.output = detail::load_linear(backend_, weights, role::attention_output_weight,
                                               role::attention_output_bias, layer, config_.width);
  block.attention.heads = config_.heads;
  block.attention.scale_query_first = config_.scale_query_first;
  block.attention.window = config_.is_local(layer) ? config_.local_window : 0;
  if (config_.position == position_kind::alibi) {
    for (index_t h = 0; h < config_.heads; ++h) {
      block.attention.alibi_slopes.push_back(alibi_slope(h, config_.heads));
    }
  }
  block.feed_forward_norm = detail::load_norm(backend_, weights, role::feed_forward_norm_weight,
                                              role::feed_forward_norm_bias, layer, config_.norm_eps);
  block.feed_forward.first =
      detail::load_feed_forward1(backend_, weights, layer, config_.width, config_.gated);
  block.feed_forward.second = detail::load_linear(backend_, weights, role::feed_forward2_weight,
                                                  role::feed_forward2_bias, layer, config_.feed_forward);
  block.feed_forward.inner = config_.feed_forward;
  block.feed_forward.function = config_.function;
  block.feed_forward.gated = config_.gated;
  return block;
}

template <encoder_backend B>
void encoder<B>::load_frequencies(const planned_weights& weights, index_t layer) {
  std::vector<float> values = weights.template read<float>(tensor_role::rotary_frequencies, layer);
  if (values.empty()) {
    const auto base =
        static_cast<float>(config_.is_local(layer) ? config_.local_rotary_base : config_.rotary_base);
    for (index_t j = 0; j < config_.rotated_channels() / 2; ++j) {
      values.push_back(rotary_frequency(j, config_.rotated_channels(), base));
    }
  }
  const auto known = std::find(frequencies_.begin(), frequencies_.end(), values);
  frequencies_of_.push_back(static_cast<std::size_t>(known - frequencies_.begin()));
  if (known == frequencies_.end()) frequencies_.push_back(std::move(values));
}

template <encoder_backend B>
void encoder<B>::load_head(const planned_weights& weights) {
  using role = tensor_role;
  if (config_.final_norm) {
    final_norm_ = detail::load_norm(backend_, weights, role::final_norm_weight, role::final_norm_bias, -1,
                                    config_.norm_eps);
  }
  head_.dense = detail::load_linear(backend_, weights, role::head_dense_weight, role::head_dense_bias, -1,
                                    config_.width);
  head_.function = config_.head_function;
  head_.norm = detail::load_norm(backend_, weights, role::head_norm_weight, role::head_norm_bias, -1,
                                 config_.head_norm_eps);
  head_.decoder =
      detail::load_linear(backend_, weights, config_.tied_head ? role::words : role::decoder_weight,
                          role::decoder_bias, -1, config_.width);
}

template <encoder_backend B>
index_t encoder<B>::wide_columns() const {
  return std::max(3 * config_.width, config_.feed_forward);
}

/// Numbers of a workspace for `rows` rows: residual stream, narrow, wide.
template <encoder_backend B>
index_t encoder<B>::forward_numbers(index_t rows) const {
  const index_t stream = detail::numbers_of<B, scalar>(rows, config_.width);
  const index_t narrow = detail::numbers_of<B, row_of<B>>(rows, config_.width);
  const index_t wide = detail::numbers_of<B, row_of<B>>(rows, wide_columns());
  return checked_add(stream, checked_add(narrow, wide));
}

template <encoder_backend B>
index_t encoder<B>::forward_scratch(const B& backend, index_t longest, bool logits) const {
  index_t most = logits ? head_.scratch(backend) : 0;
  for (const auto& block : blocks_) {
    most = std::max(most, block.scratch(backend, longest, config_.head_width()));
  }
  return most;
}

template <encoder_backend B>
index_t encoder<B>::workspace_bytes(index_t tokens, index_t longest, bool logits) const {
  index_t numbers = checked_mul(tokens, logits ? config_.vocabulary : 0);
  numbers = checked_add(numbers, forward_numbers(tokens));
  numbers = checked_add(numbers, forward_scratch(backend_, longest, logits));
  numbers = checked_add(numbers, rotation_numbers(longest));
  return checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
}

/// Cosines and sines of all sets of frequencies.
template <encoder_backend B>
index_t encoder<B>::rotation_numbers(index_t longest) const {
  index_t numbers = 0;
  for (const auto& set : frequencies_) {
    const auto pairs = static_cast<index_t>(set.size());
    numbers = checked_add(numbers, checked_mul(2, checked_mul(longest, pairs)));
  }
  return numbers;
}

template <encoder_backend B>
void encoder<B>::prepare_rotations(index_t longest, workspace& w) const {
  w.rotations.resize(frequencies_.size());
  for (std::size_t i = 0; i < frequencies_.size(); ++i) {
    const bool fits = w.rotations[i].pairs() == static_cast<index_t>(frequencies_[i].size());
    if (!fits || w.rotations[i].positions() < longest)
      w.rotations[i] = make_rotary_table<scalar>(frequencies_[i], longest);
  }
}

/// Makes room and lays the views over it.
template <encoder_backend B>
typename encoder<B>::pass encoder<B>::prepare(const token_batch& batch, bool logits, workspace& w) const {
  const index_t rows = batch.offsets.rows();
  const index_t longest = batch.longest();
  grow(w.memory, forward_numbers(rows));
  grow(w.scratch, forward_scratch(backend_of(w), longest, logits));
  prepare_rotations(longest, w);
  detail::view_layer<B> memory{w.memory.view().data, rows};
  pass made;
  memory.take(made.x, config_.width);
  memory.take(made.block.narrow, config_.width);
  memory.take(made.block.wide, wide_columns());
  made.block.scratch = w.scratch.view();
  made.block.offsets = &batch.offsets;
  return made;
}

template <encoder_backend B>
typename encoder<B>::pass encoder<B>::begin(const token_batch& batch, bool logits, workspace& w,
                                            input_matrix<B> word_rows) const {
  check_batch(config_, batch);
  check_word_rows(word_rows, batch.offsets.rows(), config_.width);
  if (batch.ids.empty()) return {};
  const pass begun = prepare(batch, logits, w);
  embedding_.forward(backend_of(w), read(batch, word_rows), w.embedding, begun.x);
  return begun;
}

template <encoder_backend B>
void encoder<B>::run(pass& begun, observer layers, const logits_receiver* logits, workspace& w,
                     std::span<const index_t> which) const {
  const B& backend = backend_of(w);
  begun.block.input_in_narrow = false;  // a pass may run again after a recording that failed
  begun.block.input_poolings = {};
  layers(0, begun.x);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    set_rotation(layer, w, begun.block);
    blocks_[layer].forward(backend, begun.block, begun.x);
    begun.block.input_in_narrow = config_.norm == norm_placement::post;
    begun.block.input_poolings = {};
    if (reaches_final_norm(static_cast<index_t>(layer) + 1)) {
      final_norm_->forward(backend, begun.x, begun.x);
    }
    layers(static_cast<index_t>(layer) + 1, begun.x);
  }
  if (logits != nullptr) run_head(begun.x, begun.block, which, *logits, w);
}

template <encoder_backend B>
void encoder<B>::forward(const token_batch& batch, observer layers, const logits_receiver* logits,
                         workspace& w, input_matrix<B> word_rows, std::span<const index_t> which) const {
  pass begun = begin(batch, logits != nullptr, w, word_rows);
  if (begun.x.rows > 0) run(begun, layers, logits, w, which);
}
// adjoint: encoder<B>::gradient, in encoder_gradient_impl.hpp

/// The head of all rows, or of those asked for: they are put one behind the other first.
template <encoder_backend B>
void encoder<B>::run_head(input_matrix<B> hidden, const block_workspace<B>& block,
                          std::span<const index_t> which, const logits_receiver& receive,
                          workspace& w) const {
  input_matrix<B> x = hidden;
  if (!which.empty()) {
    const auto rows = static_cast<index_t>(which.size());
    const output_matrix<B> some = scalars_over<B>(block.wide, config_.width).row_block(0, rows);
    detail::gather_rows<B>(backend_of(w), hidden, which, some);
    x = some;
  }
  grow(w.logits, checked_mul(x.rows, config_.vocabulary));
  const output_matrix<B> logits{w.logits.view().data, x.rows, config_.vocabulary, config_.vocabulary};
  head_.forward(backend_of(w), x, block.narrow.row_block(0, x.rows), w.scratch.view(), logits);
  receive(logits);
}

DNALM_END_NAMESPACE
