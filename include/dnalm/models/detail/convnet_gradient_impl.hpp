// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/convnet.hpp: gradients with respect to the input.
///
/// As in encoder_gradient_impl.hpp: forward, keeping the input of every block and a record of as many of the
/// highest as the request's budget holds; then the blocks from the highest that is needed down to the first.
/// Every block runs as make_record and finish in both passes, so the numbers cannot depend on the budget.
#pragma once

#include <algorithm>
#include <string>

#include <dnalm/models/convnet.hpp>
#include <dnalm/models/detail/cotangent_names.hpp>
#include <dnalm/models/detail/cotangent_rows.hpp>
#include <dnalm/models/detail/pair_batch.hpp>
#include <dnalm/models/detail/several_numbers.hpp>

DNALM_BEGIN_NAMESPACE

/// Blocks that keep a record of 3 D numbers per row: as many as fit, at least one if any runs.
template <convolution_backend B>
index_t convnet<B>::record_count(index_t tokens, const gradient_extent& extent) const {
  if (extent.depth == 0) return 0;
  const index_t numbers = checked_mul(std::max<index_t>(tokens, 1), checked_mul(3, config_.width));
  const index_t bytes = checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
  return std::clamp<index_t>(extent.keep_bytes / bytes, 1, extent.depth);
}

/// Numbers of all rows: the states kept, records, the gradients, narrow and the gradient within a block.
template <convolution_backend B>
index_t convnet<B>::gradient_numbers(index_t tokens, const gradient_extent& extent) const {
  const index_t records = checked_mul(3, record_count(tokens, extent));
  const index_t matrices = checked_add(checked_add(extent.depth, 3 + extent.numbers), records);
  return checked_mul(tokens, checked_mul(matrices, config_.width));
}

template <convolution_backend B>
index_t convnet<B>::gradient_scratch(const B& backend, const gradient_extent& extent) const {
  index_t most = extent.logits ? head_.vjp_scratch(backend) : 0;
  for (index_t layer = 0; layer < extent.depth; ++layer) {
    most = std::max(most, blocks_[static_cast<std::size_t>(layer)].vjp_scratch(backend));
  }
  return most;
}

template <convolution_backend B>
index_t convnet<B>::gradient_bytes(index_t tokens, index_t, const gradient_extent& extent) const {
  index_t numbers = checked_add(gradient_numbers(tokens, extent), gradient_scratch(backend_, extent));
  const index_t tables = extent.logits ? 2 : 0;
  numbers = checked_add(numbers, checked_mul(tables, checked_mul(tokens, config_.vocabulary)));
  return checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
}

/// Makes room and lays the views over it.
template <convolution_backend B>
typename convnet<B>::gradient_views convnet<B>::prepare_gradient(const token_batch& batch,
                                                                 const gradient_extent& extent,
                                                                 workspace& w) const {
  const index_t rows = batch.offsets.rows();
  grow(w.memory, gradient_numbers(rows, extent));
  grow(w.scratch, gradient_scratch(backend_of(w), extent));
  grow(w.logits, extent.logits ? checked_mul(2, checked_mul(rows, config_.vocabulary)) : 0);
  index_t used = 0;
  const auto take = [&]() -> output_matrix<B> {
    const index_t first = used;
    used += rows * config_.width;
    return {w.memory.view().data + first, rows, config_.width, config_.width};
  };
  gradient_views views;
  for (index_t layer = 0; layer <= extent.depth; ++layer) views.saved.push_back(take());
  for (index_t number = 0; number < extent.numbers; ++number) views.gradients.push_back(take());
  views.d = views.gradients.front();
  views.block.narrow = take();
  views.block.gradient = take();
  views.block.scratch = w.scratch.view();
  views.block.offsets = &batch.offsets;
  for (index_t i = record_count(rows, extent); i > 0; --i) {
    const output_matrix<B> first = take();
    const output_matrix<B> middle = take();
    views.records.push_back({first, middle, take()});
  }
  return views;
}

template <convolution_backend B>
void convnet<B>::gradient(const token_batch& batch, const gradient_wish& request, gradient_receiver receive,
                          workspace& w) const {
  check_batch(config_, batch);
  check_gradient_request(config_, request, batch.offsets.rows());
  const detail::pairs_of_pass paired(w.pairs, detail::pairs_of(backend_, batch, request.pairs));
  if (batch.ids.empty()) return;
  gradient_views views = prepare_gradient(batch, request.extent(config_.layers), w);
  run_saving(batch, request, views, w);
  if (!request.backward) return;
  detail::for_numbers(request, views, [&](index_t) { top_vjp(request, views, w); });
  for (std::size_t layer = views.saved.size() - 1; layer-- > 0;) {
    const input_matrix<B> x = views.saved[layer];
    const convnet_record<B>& record = views.record(layer);
    if (!views.keeps(layer)) blocks_[layer].make_record(backend_of(w), views.block, x, record);
    detail::for_numbers(request, views, [&](index_t) {
      blocks_[layer].vjp(backend_of(w), record, views.block, views.d);
      add_cotangent(static_cast<index_t>(layer), x, request, views, w);
      if (request.carried) request.carried(static_cast<index_t>(layer), views.d);
    });
  }
  detail::for_numbers(request, views, [&](index_t) {
    const input_matrix<B> words = views.d;
    receive({words, request.tokens ? words.column_block(0, config_.vocabulary) : input_matrix<B>{}});
  });
}

/// The forward pass. `views.saved` gets the input of each block and the output of the last that runs,
/// `views.records` what happens within the highest of them.
template <convolution_backend B>
void convnet<B>::run_saving(const token_batch& batch, const gradient_wish& request, gradient_views& views,
                            workspace& w) const {
  const auto show = [&](std::size_t layer) {
    if (request.states) request.states(static_cast<index_t>(layer), views.saved[layer]);
  };
  embedding_.forward(backend_of(w), read(batch, request.word_rows), w.embedding, views.saved[0]);
  show(0);
  for (std::size_t layer = 0; layer + 1 < views.saved.size(); ++layer) {
    blocks_[layer].make_record(backend_of(w), views.block, views.saved[layer], views.record(layer));
    blocks_[layer].finish(backend_of(w), views.record(layer), views.saved[layer + 1]);
    show(layer + 1);
  }
}

/// d += what the request puts in for hidden state `layer`.
template <convolution_backend B>
void convnet<B>::add_cotangent(index_t layer, input_matrix<B> hidden, const gradient_wish& request,
                               gradient_views& views, const workspace& w) const {
  if (!std::binary_search(request.layers.begin(), request.layers.end(), layer)) return;
  const output_matrix<B> part = views.block.narrow;
  detail::clear_rows<B>(backend_of(w), part);
  request.hidden(layer, hidden, part);
  detail::check_cotangent<B>(part, detail::cotangent_name(layer));
  backend_of(w).add(part, views.d);
}

/// d = the gradient with respect to the head's input.
template <convolution_backend B>
void convnet<B>::head_vjp(input_matrix<B> hidden, const gradient_wish& request, gradient_views& views,
                          workspace& w) const {
  const index_t numbers = checked_mul(hidden.rows, config_.vocabulary);
  const auto table = [&](index_t first) -> output_matrix<B> {
    return {w.logits.view().data + first, hidden.rows, config_.vocabulary, config_.vocabulary};
  };
  const convnet_views<B>& block = views.block;
  head_.forward(backend_of(w), hidden, block.narrow, block.scratch, table(0));
  detail::clear_rows<B>(backend_of(w), table(numbers));
  request.logits(table(0), table(numbers));
  detail::check_cotangent<B>(table(numbers), detail::logits_cotangent);
  head_.vjp(backend_of(w), hidden, table(numbers), block.narrow, block.gradient, block.scratch, views.d);
}

/// d = the gradient with respect to the output of the highest block that ran: from the logits and from the
/// hidden state there.
template <convolution_backend B>
void convnet<B>::top_vjp(const gradient_wish& request, gradient_views& views, workspace& w) const {
  const std::size_t top = views.saved.size() - 1;
  if (request.logits) {
    head_vjp(views.saved[top], request, views, w);
  } else {
    detail::clear_rows<B>(backend_of(w), views.d);
  }
  add_cotangent(static_cast<index_t>(top), views.saved[top], request, views, w);
  if (request.carried) request.carried(static_cast<index_t>(top), views.d);
}

DNALM_END_NAMESPACE
