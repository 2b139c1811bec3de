// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/encoder.hpp.
#pragma once

#include <algorithm>
#include <utility>

#include <dnalm/models/encoder.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A linear layer from one or several weights below each other.
template <class B>
[[nodiscard]] linear_layer<B> make_linear(const B& backend, const std::vector<scalar_of<B>>& weight,
                                          const std::vector<scalar_of<B>>& bias, index_t inputs) {
  const index_t outputs = static_cast<index_t>(weight.size()) / inputs;
  return {backend.pack(as_matrix(weight.data(), outputs, inputs)), backend.upload(bias)};
}
template <class B>
[[nodiscard]] linear_layer<B> load_linear(const B& backend, const planned_weights& weights,
                                          tensor_role weight, tensor_role bias, index_t layer,
                                          index_t inputs) {
  using T = scalar_of<B>;
  return make_linear(backend, weights.template read<T>(weight, layer), weights.template read<T>(bias, layer),
                     inputs);
}
template <class B>
[[nodiscard]] norm_layer<B> load_norm(const B& backend, const planned_weights& weights, tensor_role weight,
                                      tensor_role bias, index_t layer, double eps) {
  using T = scalar_of<B>;
  return {backend.upload(weights.template read<T>(weight, layer)),
          backend.upload(weights.template read<T>(bias, layer)), eps};
}
/// The fused (3D, D) projection, from one tensor or from three.
template <class B>
[[nodiscard]] linear_layer<B> load_qkv(const B& backend, const planned_weights& weights, index_t layer,
                                       index_t width) {
  std::vector<scalar_of<B>> weight;
  std::vector<scalar_of<B>> bias;
  using role = tensor_role;
  for (const role part : {role::qkv_weight, role::query_weight, role::key_weight, role::value_weight}) {
    weights.append(part, layer, weight);
  }
  for (const role part : {role::qkv_bias, role::query_bias, role::key_bias, role::value_bias}) {
    weights.append(part, layer, bias);
  }
  return make_linear(backend, weight, bias, width);
}

}  // namespace detail

template <encoder_backend B>
encoder<B>::encoder(B backend, const encoder_config& config, const weight_source& source)
    : backend_(std::move(backend)), config_(config) {
  const planned_weights weights(config, source);
  load_embedding(weights);
  for (index_t layer = 0; layer < config.layers; ++layer) load_block(weights, layer);
  load_head(weights);
}

template <encoder_backend B>
void encoder<B>::load_embedding(const planned_weights& weights) {
  const auto table = [&](tensor_role role, index_t rows) {
    return backend_.upload(weights.template read<scalar>(role), rows, config_.width);
  };
  embedding_.words = table(tensor_role::words, config_.vocabulary);
  if (config_.position == position_kind::learned_pad_offset) {
    embedding_.positions = table(tensor_role::positions, config_.positions);
    embedding_.pad = config_.pad_id;
  }
  if (config_.token_types > 0) embedding_.types = table(tensor_role::types, config_.token_types);
  if (config_.embedding_norm) {
    embedding_.norm = detail::load_norm(backend_, weights, tensor_role::embedding_norm_weight,
                                        tensor_role::embedding_norm_bias, -1, config_.norm_eps);
  }
  if (config_.token_dropout) embedding_.dropout_mask = config_.mask_id;
}

template <encoder_backend B>
void encoder<B>::load_block(const planned_weights& weights, index_t layer) {
  using role = tensor_role;
  transformer_block<B> block;
  block.placement = config_.norm;
  block.attention_norm = detail::load_norm(backend_, weights, role::attention_norm_weight,
                                           role::attention_norm_bias, layer, config_.norm_eps);
  block.attention.qkv = detail::load_qkv(backend_, weights, layer, config_.width);
  block.attention.output = detail::load_linear(backend_, weights, role::attention_output_weight,
                                               role::attention_output_bias, layer, config_.width);
  block.attention.heads = config_.heads;
  block.attention.scale_query_first = config_.scale_query_first;
  if (config_.position == position_kind::alibi) {
    for (index_t h = 0; h < config_.heads; ++h) {
      block.attention.alibi_slopes.push_back(alibi_slope(h, config_.heads));
    }
  }
  block.feed_forward_norm = detail::load_norm(backend_, weights, role::feed_forward_norm_weight,
                                              role::feed_forward_norm_bias, layer, config_.norm_eps);
  block.feed_forward.first = detail::load_linear(backend_, weights, role::feed_forward1_weight,
                                                 role::feed_forward1_bias, layer, config_.width);
  block.feed_forward.second = detail::load_linear(backend_, weights, role::feed_forward2_weight,
                                                  role::feed_forward2_bias, layer, config_.feed_forward);
  block.feed_forward.inner = config_.feed_forward;
  block.feed_forward.function = config_.function;
  block.feed_forward.gated = config_.gated;
  blocks_.push_back(std::move(block));
  if (config_.position == position_kind::rotary) load_frequencies(weights, layer);
}

template <encoder_backend B>
void encoder<B>::load_frequencies(const planned_weights& weights, index_t layer) {
  std::vector<float> values = weights.template read<float>(tensor_role::rotary_frequencies, layer);
  if (values.empty()) {
    for (index_t j = 0; j < config_.head_width() / 2; ++j) {
      values.push_back(rotary_frequency(j, config_.head_width()));
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
  head_.norm = detail::load_norm(backend_, weights, role::head_norm_weight, role::head_norm_bias, -1,
                                 config_.head_norm_eps);
  head_.decoder =
      detail::load_linear(backend_, weights, config_.tied_head ? role::words : role::decoder_weight,
                          role::decoder_bias, -1, config_.width);
}

template <encoder_backend B>
index_t encoder<B>::wide_columns() const {
  const index_t inner = config_.gated ? 2 * config_.feed_forward : config_.feed_forward;
  return std::max(3 * config_.width, inner);
}

/// Numbers per row: residual stream, narrow, wide, gate.
template <encoder_backend B>
index_t encoder<B>::row_numbers() const {
  return 2 * config_.width + wide_columns() + (config_.gated ? config_.feed_forward : 0);
}

template <encoder_backend B>
index_t encoder<B>::workspace_bytes(index_t tokens, index_t longest, bool logits) const {
  const index_t per_row = row_numbers() + (logits ? config_.vocabulary : 0);
  index_t numbers = checked_mul(tokens, per_row);
  numbers = checked_add(numbers, backend_.attention_scratch(longest, config_.head_width()));
  if (config_.position == position_kind::rotary) {
    const auto tables = static_cast<index_t>(frequencies_.size());
    numbers = checked_add(numbers, checked_mul(tables, checked_mul(longest, config_.head_width())));
  }
  return checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
}

template <encoder_backend B>
void encoder<B>::prepare_rotations(index_t longest, workspace& w) const {
  w.rotations.resize(frequencies_.size());
  for (std::size_t i = 0; i < frequencies_.size(); ++i) {
    if (w.rotations[i].positions() < longest)
      w.rotations[i] = make_rotary_table<scalar>(frequencies_[i], longest);
  }
}

/// Makes room and lays the views over it; `x` becomes the residual stream (R, D).
template <encoder_backend B>
block_workspace<B> encoder<B>::prepare(const token_batch& batch, workspace& w, output_matrix<B>& x) const {
  const index_t rows = batch.offsets.rows();
  const index_t longest = batch.longest();
  const auto grow = [&](typename B::vector& memory, index_t size) {
    if (memory.size() < size) memory = backend_.allocate(size);
  };
  grow(w.memory, checked_mul(rows, row_numbers()));
  grow(w.scratch, backend_.attention_scratch(longest, config_.head_width()));
  prepare_rotations(longest, w);
  const auto memory = w.memory.view();
  index_t used = 0;
  const auto take = [&](index_t columns) -> output_matrix<B> {
    const index_t first = used;
    used += rows * columns;
    return {memory.data + first, rows, columns, columns};
  };
  x = take(config_.width);
  block_workspace<B> block;
  block.narrow = take(config_.width);
  block.wide = take(wide_columns());
  if (config_.gated) block.gate = take(config_.feed_forward);
  block.scratch = w.scratch.view();
  block.offsets = &batch.offsets;
  return block;
}

template <encoder_backend B>
void encoder<B>::forward(const token_batch& batch, observer layers, const logits_receiver* logits,
                         workspace& w) const {
  check_batch(config_, batch);
  if (batch.ids.empty()) return;
  output_matrix<B> x;
  block_workspace<B> block = prepare(batch, w, x);
  embedding_.forward(backend_, batch.ids, batch.offsets, batch.token_types, w.embedding, x);
  layers(0, x);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    if (!frequencies_of_.empty()) block.rotation = &w.rotations[frequencies_of_[layer]];
    blocks_[layer].forward(backend_, block, x);
    if (layer + 1 == blocks_.size() && final_norm_) final_norm_->forward(backend_, x, x);
    layers(static_cast<index_t>(layer) + 1, x);
  }
  if (logits != nullptr) run_head(x, block.narrow, *logits, w);
}
// adjoint: encoder::vjp, next to forward: the blocks in reverse order

template <encoder_backend B>
void encoder<B>::run_head(input_matrix<B> hidden, output_matrix<B> narrow, const logits_receiver& receive,
                          workspace& w) const {
  const index_t numbers = checked_mul(hidden.rows, config_.vocabulary);
  if (w.logits.size() < numbers) w.logits = backend_.allocate(numbers);
  const output_matrix<B> logits{w.logits.view().data, hidden.rows, config_.vocabulary, config_.vocabulary};
  head_.forward(backend_, hidden, narrow, logits);
  receive(logits);
}

DNALM_END_NAMESPACE
