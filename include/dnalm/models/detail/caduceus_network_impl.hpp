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

template <caduceus_backend B>
index_t caduceus_network<B>::piece_rows(index_t longest, index_t piece) const {
  if (!has_pieces || piece <= 0 || longest <= piece) return 0;
  return checked_add(piece, tail_rows());
}

template <caduceus_backend B>
index_t caduceus_network<B>::state_numbers() const {
  if constexpr (has_pieces) return backend_.scan_state_size(config_.inner, config_.states);
  return 0;
}

/// Numbers of a pass: the stream, its copy as published, and the block's memory, for every strand. In pieces
/// the stream (and the copy of two strands), what the scan of a sequence and strand from its end gave, and
/// the rest for the rows of a piece.
template <caduceus_backend B>
index_t caduceus_network<B>::pass_numbers(index_t rows, index_t longest, index_t piece) const {
  const index_t all = checked_mul(rows, config_.strands());
  const index_t some = piece_rows(longest, piece);
  if (some == 0) return checked_mul(all, checked_add(block_numbers(), 2 * config_.channels));
  const index_t stream = checked_mul(all, config_.channels * config_.strands());
  const index_t held = checked_mul(checked_add(longest, tail_rows()), config_.inner);
  return checked_add(checked_add(stream, held),
                     checked_add(checked_mul(some, block_numbers()), state_numbers()));
}

template <caduceus_backend B>
index_t caduceus_network<B>::workspace_bytes(index_t tokens, index_t longest, bool logits,
                                             index_t piece) const {
  index_t numbers = checked_add(pass_numbers(tokens, longest, piece), forward_scratch(backend_, logits));
  if (logits) numbers = checked_add(numbers, checked_mul(tokens, config_.vocabulary));
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

/// What a pass in pieces takes behind the stream.
template <caduceus_backend B>
void caduceus_network<B>::take_pieces(memory_cutter memory, const token_batch& batch, workspace& w,
                                      pass& begun) const {
  begun.pieces.piece = w.piece;
  memory.rows = batch.longest();
  begun.pieces.held = memory.take(config_.inner);
  memory.rows = tail_rows();
  begun.pieces.tail = memory.take(config_.inner);
  memory.rows = 1;
  begun.pieces.state = memory.take(state_numbers()).row(0);
  memory.rows = piece_rows(batch.longest(), w.piece);
  begun.pieces.block = take_block(memory, batch, w);
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
  const bool in_pieces = piece_rows(batch.longest(), w.piece) > 0;
  grow(w.memory, pass_numbers(rows, batch.longest(), w.piece));
  grow(w.scratch, forward_scratch(backend, logits));
  memory_cutter memory{w.memory.view().data, checked_mul(rows, config_.strands())};
  pass begun;
  begun.x = memory.take(config_.channels);
  if (!in_pieces || config_.two_strands) {
    begun.shown = {memory.take(config_.channels).data, rows, config_.width, config_.width};
  }
  if (in_pieces) {
    take_pieces(memory, batch, w, begun);
  } else {
    begun.block = take_block(memory, batch, w);
  }
  embed(backend, batch, word_rows, w, begun.shown, begun.x);
  return begun;
}

/// Block `layer` on the rows of the strands.
template <caduceus_backend B>
void caduceus_network<B>::run_block(std::size_t layer, const pass& begun, const B& backend) const {
  const mamba_block<B>& block = blocks_[layer];
  if constexpr (has_pieces) {
    if (begun.pieces.piece > 0) {
      return detail::forward_in_pieces(block, backend, begun.pieces, begun.x);
    }
  }
  block.forward(backend, begun.block, begun.x, begun.block.wide, begun.x);
}

template <caduceus_backend B>
void caduceus_network<B>::run(pass& begun, observer layers, const logits_receiver* logits,
                              workspace& w) const {
  const B& backend = backend_of(w);
  const output_matrix<B> x = begun.x;
  input_matrix<B> hidden = published(backend, x, 0, begun.shown);
  layers(0, hidden);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    run_block(layer, begun, backend);
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
