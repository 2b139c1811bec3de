// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/convnet.hpp.
#pragma once

#include <algorithm>
#include <utility>

#include <dnalm/core/parallel.hpp>
#include <dnalm/models/convnet.hpp>
#include <dnalm/models/detail/load_convolution.hpp>
#include <dnalm/models/detail/load_layers.hpp>

DNALM_BEGIN_NAMESPACE

template <convolution_backend B>
convnet<B>::convnet(B backend, const convnet_config& config, const weight_source& source, int threads)
    : backend_(std::move(backend)), config_(config) {
  const planned_weights weights(plan_tensors(config), source);
  std::vector<scalar> one_hot(static_cast<std::size_t>(checked_mul(config.vocabulary, config.width)));
  for (index_t v = 0; v < config.vocabulary; ++v) {
    one_hot[static_cast<std::size_t>(v * config.width + v)] = scalar(1);
  }
  embedding_.words = backend_.upload(one_hot, config.vocabulary, config.width);
  blocks_.resize(static_cast<std::size_t>(config.layers));
  parallel_for(
      config.layers, std::min(thread_count(threads), detail::most_loading_threads),
      [&](index_t layer, int) { blocks_[static_cast<std::size_t>(layer)] = load_block(weights, layer); });
  load_head(weights);
}

template <convolution_backend B>
convnet_block<B> convnet<B>::load_block(const planned_weights& weights, index_t layer) const {
  using role = tensor_role;
  convnet_block<B> block;
  block.convolution = detail::load_convolution(backend_, weights, role::convolution_weight,
                                               role::convolution_bias, layer, config_.layer_taps(layer));
  block.convolution_norm = detail::load_norm(backend_, weights, role::convolution_norm_weight,
                                             role::convolution_norm_bias, layer, config_.norm_eps);
  block.linear = detail::load_linear(backend_, weights, role::feed_forward1_weight, role::feed_forward1_bias,
                                     layer, config_.width);
  block.linear_norm = detail::load_norm(backend_, weights, role::feed_forward_norm_weight,
                                        role::feed_forward_norm_bias, layer, config_.norm_eps);
  return block;
}

template <convolution_backend B>
void convnet<B>::load_head(const planned_weights& weights) {
  using role = tensor_role;
  head_.dense = detail::load_linear(backend_, weights, role::head_dense_weight, role::head_dense_bias, -1,
                                    config_.width);
  head_.norm = detail::load_norm(backend_, weights, role::head_norm_weight, role::head_norm_bias, -1,
                                 config_.norm_eps);
  head_.decoder =
      detail::load_linear(backend_, weights, role::decoder_weight, role::decoder_bias, -1, config_.width);
}

template <convolution_backend B>
index_t convnet<B>::forward_scratch(const B& backend, bool logits) const {
  index_t most = logits ? head_.scratch(backend) : 0;
  for (const auto& block : blocks_) most = std::max(most, block.scratch(backend));
  return most;
}

/// The stream and `narrow`.
template <convolution_backend B>
index_t convnet<B>::workspace_bytes(index_t tokens, index_t, bool logits) const {
  const index_t per_row = 2 * config_.width + (logits ? config_.vocabulary : 0);
  const index_t numbers = checked_add(checked_mul(tokens, per_row), forward_scratch(backend_, logits));
  return checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
}

template <convolution_backend B>
typename convnet<B>::pass convnet<B>::begin(const token_batch& batch, bool logits, workspace& w,
                                            input_matrix<B> word_rows) const {
  check_batch(config_, batch);
  const index_t rows = batch.offsets.rows();
  const index_t width = config_.width;
  check_word_rows(word_rows, rows, width);
  if (batch.ids.empty()) return {};
  grow(w.memory, checked_mul(rows, 2 * width));
  grow(w.scratch, forward_scratch(backend_of(w), logits));
  const output_matrix<B> x{w.memory.view().data, rows, width, width};
  const output_matrix<B> narrow{x.data + rows * width, rows, width, width};
  embedding_.forward(backend_of(w), read(batch, word_rows), w.embedding, x);
  return {x, {narrow, {}, w.scratch.view(), &batch.offsets}};
}

template <convolution_backend B>
void convnet<B>::run(pass& begun, observer layers, const logits_receiver* logits, workspace& w) const {
  const B& backend = backend_of(w);
  const output_matrix<B> x = begun.x;
  layers(0, x);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    blocks_[layer].forward(backend, begun.block, x);
    layers(static_cast<index_t>(layer) + 1, x);
  }
  if (logits == nullptr) return;
  grow(w.logits, checked_mul(x.rows, config_.vocabulary));
  const output_matrix<B> y{w.logits.view().data, x.rows, config_.vocabulary, config_.vocabulary};
  head_.forward(backend, x, begun.block.narrow, begun.block.scratch, y);
  (*logits)(y);
}

template <convolution_backend B>
void convnet<B>::forward(const token_batch& batch, observer layers, const logits_receiver* logits,
                         workspace& w, input_matrix<B> word_rows) const {
  pass begun = begin(batch, logits != nullptr, w, word_rows);
  if (begun.x.rows > 0) run(begun, layers, logits, w);
}
// adjoint: convnet<B>::gradient, in convnet_gradient_impl.hpp

DNALM_END_NAMESPACE
