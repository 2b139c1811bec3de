// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/caduceus_network.hpp.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include <dnalm/core/parallel.hpp>
#include <dnalm/models/caduceus_network.hpp>
#include <dnalm/models/caduceus_tensors.hpp>
#include <dnalm/models/detail/caduceus_weights.hpp>
#include <dnalm/models/detail/load_layers.hpp>

DNALM_BEGIN_NAMESPACE

template <caduceus_backend B>
caduceus_network<B>::caduceus_network(B backend, const caduceus_config& config, const weight_source& source,
                                      int threads)
    : backend_(std::move(backend)), config_(config) {
  const detail::named_weights weights(plan_tensors(config), source);
  blocks_.resize(static_cast<std::size_t>(config.layers));
  parallel_for(config.layers, std::min(thread_count(threads), detail::most_loading_threads),
               [&](index_t layer, int) {
                 blocks_[static_cast<std::size_t>(layer)] =
                     detail::load_mamba_block(backend_, weights, config_, layer);
               });
  load_ends(weights);
}

template <caduceus_backend B>
void caduceus_network<B>::load_ends(const detail::named_weights& weights) {
  const std::string words = detail::caduceus_words(config_);
  const std::string head = detail::caduceus_head(config_);
  const auto table = [&](const planned_tensor& tensor, const std::vector<std::int32_t>& complement) {
    return detail::table_of_strands(weights.template read<scalar>(tensor), config_, complement);
  };
  const planned_tensor& first =
      config_.tied_head ? detail::either_of(weights, words, head) : weights.planned(words);
  const auto own = detail::load_complements(weights, config_, false);
  const auto of_head = detail::load_complements(weights, config_, true);
  embedding_.words = backend_.upload(table(first, own), config_.vocabulary, config_.width);
  const std::vector<scalar> rows = table(config_.tied_head ? first : weights.planned(head), of_head);
  head_.weight = backend_.pack(as_matrix(rows.data(), config_.vocabulary, config_.width));
  head_is_words_ = config_.tied_head && own == of_head;
  final_norm_ = detail::load_rms_norm(backend_, weights,
                                      detail::caduceus_backbone + "norm_f." + detail::caduceus_norm(config_),
                                      config_.exchanged_after(config_.layers), config_.norm_eps);
}

template <caduceus_backend B>
void caduceus_network<B>::check(const token_batch& batch) const {
  detail::check_batch_sizes(batch);
  if (!batch.token_types.empty()) {
    throw error(error_kind::input, 407, "token types, which the model has not",
                {.expected = "none", .found = std::to_string(batch.token_types.size())});
  }
  for (index_t s = 0; s < batch.offsets.sequences(); ++s) {
    const auto first = static_cast<std::size_t>(batch.offsets.begin(s));
    const auto length = static_cast<std::size_t>(batch.offsets.length(s));
    check_tokens(batch.ids.subspan(first, length), config_.vocabulary, 0,
                 "sequence " + std::to_string(s) + " of the batch");
  }
}

template <caduceus_backend B>
index_t caduceus_network<B>::block_numbers() const {
  return config_.channels + 5 * config_.inner + parts_columns();
}

template <caduceus_backend B>
index_t caduceus_network<B>::forward_scratch(const B& backend, bool logits) const {
  index_t most = logits ? head_.scratch(backend) : 0;
  for (const auto& block : blocks_) most = std::max(most, block.scratch(backend));
  return most;
}

/// The stream, its copy as published, and the block's memory, for every strand.
template <caduceus_backend B>
index_t caduceus_network<B>::workspace_bytes(index_t tokens, index_t, bool logits) const {
  const index_t strand = checked_add(block_numbers(), 2 * config_.channels);
  const index_t row = checked_add(checked_mul(config_.strands(), strand), logits ? config_.vocabulary : 0);
  const index_t numbers = checked_add(checked_mul(tokens, row), forward_scratch(backend_, logits));
  return checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
}

template <caduceus_backend B>
mamba_workspace<B> caduceus_network<B>::take_block(memory_cutter& memory, const token_batch& batch,
                                                   workspace& w) const {
  mamba_workspace<B> block;
  block.narrow = memory.take(config_.channels);
  block.wide = memory.take(3 * config_.inner);
  block.convolved = memory.take(config_.inner);
  block.delta = memory.take(config_.inner);
  block.parts = memory.take(parts_columns());
  block.scratch = w.scratch.view();
  block.offsets = &batch.offsets;
  return block;
}

template <caduceus_backend B>
input_matrix<B> caduceus_network<B>::published(const B& backend, output_matrix<B> x, index_t blocks,
                                               output_matrix<B> shown) const {
  if (!config_.two_strands) return x;
  backend.unfold_strands(x, config_.exchanged_after(blocks), shown);
  return shown;
}

template <caduceus_backend B>
void caduceus_network<B>::embed(const B& backend, const token_batch& batch, input_matrix<B> word_rows,
                                workspace& w, output_matrix<B> shown, output_matrix<B> x) const {
  const embedding_input<B> input{batch.ids, batch.offsets, {}, word_rows};
  embedding_.forward(backend, input, w.embedding, config_.two_strands ? shown : x);
  if (config_.two_strands) backend.fold_strands(shown, false, x);
}

/// Makes room and lays the views over it; the embedding.
template <caduceus_backend B>
typename caduceus_network<B>::pass caduceus_network<B>::begin(const token_batch& batch, bool logits,
                                                              workspace& w, input_matrix<B> word_rows) const {
  check(batch);
  check_word_rows(word_rows, batch.offsets.rows(), config_.width);
  if (batch.ids.empty()) return {};
  const B& backend = backend_of(w);
  const index_t rows = batch.offsets.rows();
  const index_t all = checked_mul(rows, config_.strands());
  grow(w.memory, checked_mul(all, checked_add(block_numbers(), 2 * config_.channels)));
  grow(w.scratch, forward_scratch(backend, logits));
  memory_cutter memory{w.memory.view().data, all};
  pass begun;
  begun.x = memory.take(config_.channels);
  begun.shown = {memory.take(config_.channels).data, rows, config_.width, config_.width};
  begun.block = take_block(memory, batch, w);
  embed(backend, batch, word_rows, w, begun.shown, begun.x);
  return begun;
}

template <caduceus_backend B>
void caduceus_network<B>::run(pass& begun, observer layers, const logits_receiver* logits,
                              workspace& w) const {
  const B& backend = backend_of(w);
  const output_matrix<B> x = begun.x;
  input_matrix<B> hidden = published(backend, x, 0, begun.shown);
  layers(0, hidden);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    blocks_[layer].forward(backend, begun.block, x, begun.block.wide, x);
    if (layer + 1 == blocks_.size()) final_norm_.forward(backend, x, x);
    hidden = published(backend, x, static_cast<index_t>(layer) + 1, begun.shown);
    layers(static_cast<index_t>(layer) + 1, hidden);
  }
  if (logits != nullptr) run_head(hidden, *logits, w);
}

template <caduceus_backend B>
void caduceus_network<B>::forward(const token_batch& batch, observer layers, const logits_receiver* logits,
                                  workspace& w, input_matrix<B> word_rows) const {
  pass begun = begin(batch, logits != nullptr, w, word_rows);
  if (begun.x.rows > 0) run(begun, layers, logits, w);
}
// adjoint: caduceus_network<B>::gradient, in caduceus_gradient_impl.hpp

template <caduceus_backend B>
void caduceus_network<B>::run_head(input_matrix<B> hidden, const logits_receiver& receive,
                                   workspace& w) const {
  grow(w.logits, checked_mul(hidden.rows, config_.vocabulary));
  const output_matrix<B> logits{w.logits.view().data, hidden.rows, config_.vocabulary, config_.vocabulary};
  head_.forward(backend_of(w), hidden, w.scratch.view(), logits);
  receive(logits);
}

DNALM_END_NAMESPACE
