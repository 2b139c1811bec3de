// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/hyena_network.hpp: gradients with respect to the input.
///
/// As of the encoder: forward, keeping the input of every block and, of as many of the highest as the
/// request's budget holds, what their adjoints need; then the blocks from the highest that is needed down to
/// the first. make_record leaves the bits of forward_recorded, so the numbers cannot depend on the
/// budget.
#pragma once

#include <algorithm>
#include <string>

#include <dnalm/models/detail/cotangent_names.hpp>
#include <dnalm/models/detail/cotangent_rows.hpp>
#include <dnalm/models/detail/pack_table.hpp>
#include <dnalm/models/detail/pair_batch.hpp>
#include <dnalm/models/detail/several_numbers.hpp>
#include <dnalm/models/hyena_network.hpp>

DNALM_BEGIN_NAMESPACE

/// Numbers per row of a hyena_record.
template <hyena_backend B>
index_t hyena_network<B>::record_numbers() const {
  return checked_add(checked_mul(5, config_.width), config_.feed_forward);
}

/// Blocks that keep a record: as many as fit, at least one if any runs.
template <hyena_backend B>
index_t hyena_network<B>::record_count(index_t tokens, const gradient_extent& extent) const {
  if (extent.depth == 0) return 0;
  const index_t numbers = checked_mul(std::max<index_t>(tokens, 1), record_numbers());
  const index_t bytes = checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
  return std::clamp<index_t>(extent.keep_bytes / bytes, 1, extent.depth);
}

/// Numbers of all rows: kept states, records, what the final norm gives, the gradients, narrow, wide and
/// convolved, and for several numbers the rows of a record that an adjoint overwrites.
template <hyena_backend B>
index_t hyena_network<B>::gradient_numbers(index_t tokens, const gradient_extent& extent) const {
  const index_t states = checked_add(extent.depth, 3 + extent.numbers);
  const index_t records = checked_mul(record_count(tokens, extent), record_numbers());
  const index_t spare = copies_inner(extent) ? config_.feed_forward : 0;
  const index_t other = checked_add(checked_mul(states + 3, config_.width), wide_columns() + spare);
  return checked_mul(tokens, checked_add(records, other));
}

template <hyena_backend B>
index_t hyena_network<B>::gradient_scratch(const B& backend, index_t longest,
                                           const gradient_extent& extent) const {
  index_t most = 0;
  if (extent.logits) most = std::max(head_.scratch(backend), head_.vjp_scratch(backend));
  if (extent.tokens) most = std::max(most, head_.scratch(backend));  // the table has the head's shape
  for (index_t layer = 0; layer < extent.depth; ++layer) {
    most = std::max(most, blocks_[static_cast<std::size_t>(layer)].vjp_scratch(backend, longest));
  }
  return most;
}

template <hyena_backend B>
index_t hyena_network<B>::gradient_bytes(index_t tokens, index_t longest,
                                         const gradient_extent& extent) const {
  index_t numbers = gradient_numbers(tokens, extent);
  numbers = checked_add(numbers, gradient_scratch(backend_, longest, extent));
  const index_t tables = extent.tables();
  numbers = checked_add(numbers, checked_mul(tables, checked_mul(tokens, config_.vocabulary)));
  return checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
}

/// Makes room and lays the views over it.
template <hyena_backend B>
typename hyena_network<B>::gradient_views hyena_network<B>::prepare_gradient(const token_batch& batch,
                                                                             const gradient_extent& extent,
                                                                             workspace& w) const {
  const index_t rows = batch.offsets.rows();
  const index_t width = config_.width;
  grow(w.memory, gradient_numbers(rows, extent));
  grow(w.scratch, gradient_scratch(backend_of(w), batch.longest(), extent));
  grow(w.logits, checked_mul(extent.tables(), checked_mul(rows, config_.vocabulary)));
  index_t used = 0;
  const auto take = [&](index_t columns) -> output_matrix<B> {
    const index_t first = used;
    used += rows * columns;
    return {w.memory.view().data + first, rows, columns, columns};
  };
  gradient_views views;
  for (index_t layer = 0; layer <= extent.depth; ++layer) views.saved.push_back(take(width));
  for (index_t number = 0; number < extent.numbers; ++number) views.gradients.push_back(take(width));
  views.d = views.gradients.front();
  if (copies_inner(extent)) views.inner = take(config_.feed_forward);
  views.normed = take(width);
  views.block.block.narrow = take(width);
  views.block.block.wide = take(wide_columns());
  views.block.block.scratch = w.scratch.view();
  views.block.block.offsets = &batch.offsets;
  views.block.convolved = take(3 * width);
  views.block.filters = &w.filters;
  views.block.team = w.team;
  for (index_t i = record_count(rows, extent); i > 0; --i) {
    views.records.push_back({{take(3 * width), take(width)}, take(width), take(config_.feed_forward)});
  }
  return views;
}

template <hyena_backend B>
void hyena_network<B>::gradient(const token_batch& batch, const gradient_wish& request,
                                gradient_receiver receive, workspace& w) const {
  check(batch);
  detail::check_gradient_layers(request, config_.layers);
  check_word_rows(request.word_rows, batch.offsets.rows(), config_.width);
  const detail::pairs_of_pass paired(w.pairs, detail::pairs_of(backend_, batch, request.pairs));
  if (batch.ids.empty()) return;
  gradient_views views = prepare_gradient(batch, request.extent(config_.layers), w);
  run_saving(batch, request, views, w);
  if (!request.backward) return w.filters.clear();
  detail::for_numbers(request, views, [&](index_t) { top_vjp(request, views, w); });
  for (std::size_t layer = views.saved.size() - 1; layer-- > 0;) block_vjp(layer, request, views, w);
  w.filters.clear();
  detail::for_numbers(request, views, [&](index_t) {
    receive({views.d, request.tokens ? one_hot_gradient(views.d, w) : input_matrix<B>{}});
  });
}

/// Block `layer` back, for all numbers: each finds the record as the forward pass left it.
template <hyena_backend B>
void hyena_network<B>::block_vjp(std::size_t layer, const gradient_wish& request, gradient_views& views,
                                 workspace& w) const {
  const hyena_block<B>& block = blocks_[layer];
  const input_matrix<B> x = views.saved[layer];
  const hyena_record<B>& record = views.record(layer);
  block.mixer.find_filters(backend_of(w), views.block);
  if (!views.keeps(layer)) block.make_record(backend_of(w), views.block, x, record);
  if constexpr (detail::copies_records<B>) {
    if (request.numbers > 1) detail::copy_host_rows(record.inner, views.inner);
  }
  detail::for_numbers(request, views, [&](index_t number) {
    if (number > 0) {
      if constexpr (detail::copies_records<B>) {
        detail::copy_host_rows(views.inner, record.inner);
      } else {
        block.make_record(backend_of(w), views.block, x, record);
      }
    }
    block.vjp(backend_of(w), x, record, views.block, views.d);
    add_cotangent(static_cast<index_t>(layer), x, request, views, w);
    if (request.carried) request.carried(static_cast<index_t>(layer), views.d);
  });
}

/// The forward pass. `views.saved` gets the input of each block and the output of the last that runs,
/// `views.records` what happens within the highest of them, and `views.normed` the last hidden state when it
/// is reached.
template <hyena_backend B>
void hyena_network<B>::run_saving(const token_batch& batch, const gradient_wish& request,
                                  gradient_views& views, workspace& w) const {
  const auto show = [&](std::size_t layer, input_matrix<B> x) {
    if (request.states) request.states(static_cast<index_t>(layer), x);
  };
  embedding_.forward(backend_of(w), read(batch, request.word_rows), w.embedding, views.saved[0]);
  show(0, views.saved[0]);
  for (std::size_t layer = 0; layer + 1 < views.saved.size(); ++layer) {
    blocks_[layer].mixer.find_filters(backend_of(w), views.block);
    blocks_[layer].forward_recorded(backend_of(w), views.block, views.saved[layer], views.record(layer),
                                    views.saved[layer + 1]);
    const bool last = layer + 1 == blocks_.size();
    if (last) final_norm_.forward(backend_of(w), views.saved[layer + 1], views.normed);
    show(layer + 1, last ? views.normed : views.saved[layer + 1]);
  }
}

/// d += what the request puts in for hidden state `layer`.
template <hyena_backend B>
void hyena_network<B>::add_cotangent(index_t layer, input_matrix<B> hidden, const gradient_wish& request,
                                     gradient_views& views, const workspace& w) const {
  if (!std::binary_search(request.layers.begin(), request.layers.end(), layer)) return;
  const output_matrix<B> part = views.block.block.narrow;
  detail::clear_rows<B>(backend_of(w), part);
  request.hidden(layer, hidden, part);
  detail::check_cotangent<B>(part, detail::cotangent_name(layer));
  backend_of(w).add(part, views.d);
}

/// d = the gradient with respect to the head's input.
template <hyena_backend B>
void hyena_network<B>::head_vjp(input_matrix<B> hidden, const gradient_wish& request, gradient_views& views,
                                workspace& w) const {
  const index_t numbers = checked_mul(hidden.rows, config_.vocabulary);
  const auto table = [&](index_t first) -> output_matrix<B> {
    return {w.logits.view().data + first, hidden.rows, config_.vocabulary, config_.vocabulary};
  };
  head_.forward(backend_of(w), hidden, w.scratch.view(), table(0));
  detail::clear_rows<B>(backend_of(w), table(numbers));
  request.logits(table(0), table(numbers));
  detail::check_cotangent<B>(table(numbers), detail::logits_cotangent);
  head_.vjp(backend_of(w), table(numbers), w.scratch.view(), views.d);
}

/// d = the gradient with respect to the output of the highest block that ran: from the logits and from the
/// hidden state there, through the final norm.
template <hyena_backend B>
void hyena_network<B>::top_vjp(const gradient_wish& request, gradient_views& views, workspace& w) const {
  const std::size_t top = views.saved.size() - 1;
  const bool normed = top == blocks_.size();
  const input_matrix<B> state = normed ? views.normed : views.saved[top];
  if (request.logits) {
    head_vjp(state, request, views, w);
  } else {
    detail::clear_rows<B>(backend_of(w), views.d);
  }
  add_cotangent(static_cast<index_t>(top), state, request, views, w);
  if (request.carried) request.carried(static_cast<index_t>(top), views.d);
  if (normed) final_norm_.vjp(backend_of(w), views.saved[top], views.d, views.d);
}

/// d E^T: the one-hot token o enters as the row o E.
template <hyena_backend B>
input_matrix<B> hyena_network<B>::one_hot_gradient(input_matrix<B> d, workspace& w) const {
  const output_matrix<B> y{w.logits.view().data, d.rows, config_.vocabulary, config_.vocabulary};
  backend_of(w).linear(d, packed_words(), {}, w.scratch.view(), y);
  return y;
}

/// A tied head's weight is the table; any other network packs it, once.
template <hyena_backend B>
const typename B::weight& hyena_network<B>::packed_words() const {
  if (config_.tied_head) return head_.weight;
  std::call_once(words_->once, [&] { words_->packed = detail::pack_table(backend_, embedding_.words); });
  return words_->packed;
}

DNALM_END_NAMESPACE
