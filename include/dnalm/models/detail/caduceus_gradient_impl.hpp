// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/caduceus_network.hpp: gradients with respect to the input.
///
/// As of the encoder: forward, keeping the input of every block and, of as many of the highest as the
/// request's budget holds, the wide rows that their adjoints need; then the blocks from the highest that is
/// needed down to the first. A pass that runs a block again leaves the same bits, so the numbers cannot
/// depend on the budget.
#pragma once

#include <algorithm>
#include <string>

#include <dnalm/models/caduceus_network.hpp>
#include <dnalm/models/detail/cotangent_names.hpp>
#include <dnalm/models/detail/cotangent_rows.hpp>
#include <dnalm/models/detail/pack_table.hpp>
#include <dnalm/models/detail/pair_batch.hpp>
#include <dnalm/models/detail/several_numbers.hpp>

DNALM_BEGIN_NAMESPACE

template <caduceus_backend B>
index_t caduceus_network<B>::kept_numbers(index_t tokens) const {
  return mamba_mixer<B>::kept_size(backend_, config_.strands(), tokens, config_.inner, config_.states);
}
template <caduceus_backend B>
index_t caduceus_network<B>::record_numbers(index_t tokens) const {
  const index_t rows = checked_mul(tokens, config_.strands());
  return checked_add(checked_mul(rows, checked_mul(3, config_.inner)), kept_numbers(tokens));
}

/// Blocks that keep a record of their own: as many as fit, at least one if any runs.
template <caduceus_backend B>
index_t caduceus_network<B>::record_count(index_t tokens, const gradient_extent& extent) const {
  if (extent.depth == 0) return 0;
  const index_t numbers = record_numbers(std::max<index_t>(tokens, 1));
  const index_t bytes = checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
  return std::clamp<index_t>(extent.keep_bytes / bytes, 1, extent.depth);
}

/// Numbers of all rows: kept states, records, what the final norm gives, the gradients, two hidden states as
/// published, the block's memory, and that of its adjoint.
template <caduceus_backend B>
index_t caduceus_network<B>::gradient_numbers(index_t tokens, const gradient_extent& extent) const {
  const index_t states = checked_mul(checked_add(extent.depth, 4 + extent.numbers), config_.channels);
  const index_t records = checked_mul(record_count(tokens, extent), record_numbers(tokens));
  const index_t adjoint = checked_add(4 * config_.inner, parts_columns());
  const index_t row = checked_add(states, checked_add(block_numbers(), adjoint));
  return checked_add(checked_mul(checked_mul(tokens, config_.strands()), row), records);
}

template <caduceus_backend B>
index_t caduceus_network<B>::gradient_scratch(const B& backend, index_t longest,
                                              const gradient_extent& extent) const {
  index_t most = 0;
  if (extent.logits) most = std::max(head_.scratch(backend), head_.vjp_scratch(backend));
  if (extent.tokens) most = std::max(most, head_.scratch(backend));  // the table has the head's shape
  for (index_t layer = 0; layer < extent.depth; ++layer) {
    most = std::max(most, blocks_[static_cast<std::size_t>(layer)].vjp_scratch(backend, longest));
  }
  return most;
}

template <caduceus_backend B>
index_t caduceus_network<B>::gradient_bytes(index_t tokens, index_t longest,
                                            const gradient_extent& extent) const {
  index_t numbers = gradient_numbers(tokens, extent);
  numbers = checked_add(numbers, gradient_scratch(backend_, longest, extent));
  const index_t tables = extent.tables();
  numbers = checked_add(numbers, checked_mul(tables, checked_mul(tokens, config_.vocabulary)));
  return checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
}

/// Makes room and lays the views over it.
template <caduceus_backend B>
typename caduceus_network<B>::gradient_views caduceus_network<B>::prepare_gradient(
    const token_batch& batch, const gradient_extent& extent, workspace& w) const {
  const index_t rows = batch.offsets.rows();
  grow(w.memory, gradient_numbers(rows, extent));
  grow(w.scratch, gradient_scratch(backend_of(w), batch.longest(), extent));
  grow(w.logits, checked_mul(extent.tables(), checked_mul(rows, config_.vocabulary)));
  memory_cutter memory{w.memory.view().data, rows * config_.strands()};
  const auto take_published = [&]() -> output_matrix<B> {
    return {memory.take(config_.channels).data, rows, config_.width, config_.width};
  };
  gradient_views views;
  for (index_t layer = 0; layer <= extent.depth; ++layer)
    views.saved.push_back(memory.take(config_.channels));
  for (index_t number = 0; number < extent.numbers; ++number)
    views.gradients.push_back(memory.take(config_.channels));
  views.d = views.gradients.front();
  views.normed = memory.take(config_.channels);
  views.shown = take_published();
  views.given = take_published();
  views.block = take_block(memory, batch, w);
  views.block.wide_gradient = memory.take(3 * config_.inner);
  views.block.before = memory.take(config_.inner);
  views.block.parts_gradient = memory.take(parts_columns());
  for (index_t i = record_count(rows, extent); i > 0; --i) {
    views.records.push_back(memory.take(3 * config_.inner));
    views.kept.push_back(memory.take_numbers(kept_numbers(rows)));
  }
  return views;
}

template <caduceus_backend B>
void caduceus_network<B>::gradient(const token_batch& batch, const gradient_wish& request,
                                   gradient_receiver receive, workspace& w) const {
  check(batch);
  detail::check_gradient_layers(request, config_.layers);
  check_word_rows(request.word_rows, batch.offsets.rows(), config_.width);
  const detail::pairs_of_pass paired(w.pairs,
                                     detail::pairs_of(backend_, batch, request.pairs, batch.offsets.rows()));
  if (batch.ids.empty()) return;
  gradient_views views = prepare_gradient(batch, request.extent(config_.layers), w);
  const B& backend = backend_of(w);
  run_saving(batch, request, views, w);
  if (!request.backward) return;
  detail::for_numbers(request, views, [&](index_t) { top_vjp(request, views, w); });
  for (std::size_t layer = views.saved.size() - 1; layer-- > 0;) {
    const output_matrix<B> x = views.saved[layer];
    const output_matrix<B> wide = views.turn_to(layer);
    if (!views.keeps(layer)) blocks_[layer].forward(backend, views.block, x, wide, views.normed);
    detail::for_numbers(request, views, [&](index_t) {
      blocks_[layer].vjp(backend, x, wide, views.block, views.d);
      add_cotangent(static_cast<index_t>(layer), x, request, views, w);
      show_carried(static_cast<index_t>(layer), request, views, w);
    });
  }
  detail::for_numbers(request, views, [&](index_t) {
    const input_matrix<B> d = published(backend, views.d, 0, views.given);
    receive({d, request.tokens ? one_hot_gradient(d, w) : input_matrix<B>{}});
  });
}

/// The gradient by hidden state `layer`, as published, for who watches it.
template <caduceus_backend B>
void caduceus_network<B>::show_carried(index_t layer, const gradient_wish& request, gradient_views& views,
                                       workspace& w) const {
  if (request.carried) request.carried(layer, published(backend_of(w), views.d, layer, views.given));
}

/// The forward pass. `views.saved` gets the input of each block and the output of the last that runs,
/// `views.records` what happens within the highest of them, and `views.normed` the last hidden state when it
/// is reached.
template <caduceus_backend B>
void caduceus_network<B>::run_saving(const token_batch& batch, const gradient_wish& request,
                                     gradient_views& views, workspace& w) const {
  const B& backend = backend_of(w);
  const auto show = [&](std::size_t layer, output_matrix<B> x) {
    const auto blocks = static_cast<index_t>(layer);
    if (request.states) request.states(blocks, published(backend, x, blocks, views.shown));
  };
  embed(backend, batch, request.word_rows, w, views.shown, views.saved[0]);
  show(0, views.saved[0]);
  for (std::size_t layer = 0; layer + 1 < views.saved.size(); ++layer) {
    const output_matrix<B> wide = views.turn_to(layer);
    blocks_[layer].forward(backend, views.block, views.saved[layer], wide, views.saved[layer + 1]);
    const bool last = layer + 1 == blocks_.size();
    if (last) final_norm_.forward(backend, views.saved[layer + 1], views.normed);
    show(layer + 1, last ? views.normed : views.saved[layer + 1]);
  }
}

/// d += what the request puts in for hidden state `layer`, whose rows are x.
template <caduceus_backend B>
void caduceus_network<B>::add_cotangent(index_t layer, output_matrix<B> x, const gradient_wish& request,
                                        gradient_views& views, const workspace& w) const {
  if (!std::binary_search(request.layers.begin(), request.layers.end(), layer)) return;
  const B& backend = backend_of(w);
  detail::clear_rows<B>(backend, views.given);
  request.hidden(layer, published(backend, x, layer, views.shown), views.given);
  detail::check_cotangent<B>(views.given, detail::cotangent_name(layer));
  if (!config_.two_strands) return backend.add(views.given, views.d);
  backend.fold_strands(views.given, config_.exchanged_after(layer), views.block.narrow);
  backend.add(views.block.narrow, views.d);
}

/// d = the gradient with respect to the rows that the head reads, whose published form is `hidden`.
template <caduceus_backend B>
void caduceus_network<B>::head_vjp(input_matrix<B> hidden, const gradient_wish& request,
                                   gradient_views& views, workspace& w) const {
  const B& backend = backend_of(w);
  const index_t numbers = checked_mul(hidden.rows, config_.vocabulary);
  const auto table = [&](index_t first) -> output_matrix<B> {
    return {w.logits.view().data + first, hidden.rows, config_.vocabulary, config_.vocabulary};
  };
  head_.forward(backend, hidden, w.scratch.view(), table(0));
  detail::clear_rows<B>(backend, table(numbers));
  request.logits(table(0), table(numbers));
  detail::check_cotangent<B>(table(numbers), detail::logits_cotangent);
  head_.vjp(backend, table(numbers), w.scratch.view(), config_.two_strands ? views.given : views.d);
  if (config_.two_strands) {
    backend.fold_strands(views.given, config_.exchanged_after(config_.layers), views.d);
  }
}

/// d = the gradient with respect to the output of the highest block that ran: from the logits and from the
/// hidden state there, through the final norm.
template <caduceus_backend B>
void caduceus_network<B>::top_vjp(const gradient_wish& request, gradient_views& views, workspace& w) const {
  const std::size_t top = views.saved.size() - 1;
  const bool normed = top == blocks_.size();
  const output_matrix<B> state = normed ? views.normed : views.saved[top];
  if (request.logits) {
    head_vjp(published(backend_of(w), state, config_.layers, views.shown), request, views, w);
  } else {
    detail::clear_rows<B>(backend_of(w), views.d);
  }
  add_cotangent(static_cast<index_t>(top), state, request, views, w);
  show_carried(static_cast<index_t>(top), request, views, w);
  if (normed) final_norm_.vjp(backend_of(w), views.saved[top], views.d, views.d);
}

/// d E^T: the one-hot token o enters as the row o E.
template <caduceus_backend B>
input_matrix<B> caduceus_network<B>::one_hot_gradient(input_matrix<B> d, workspace& w) const {
  const output_matrix<B> y{w.logits.view().data, d.rows, config_.vocabulary, config_.vocabulary};
  backend_of(w).linear(d, packed_words(), {}, w.scratch.view(), y);
  return y;
}

/// A tied head's weight is the table; any other network packs it, once.
template <caduceus_backend B>
const typename B::weight& caduceus_network<B>::packed_words() const {
  if (head_is_words_) return head_.weight;
  std::call_once(words_->once, [&] { words_->packed = detail::pack_table(backend_, embedding_.words); });
  return words_->packed;
}

DNALM_END_NAMESPACE
