// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/encoder.hpp: gradients with respect to the input.
///
/// Forward, keeping the input of every block and, of as many of the highest as the request's budget holds,
/// what their adjoints need; then the blocks from the highest that is needed down to the first. One without a
/// record of its own computes it again from its input: make_record leaves the bits of forward_recorded, so
/// the numbers cannot depend on the budget.
#pragma once

#include <algorithm>
#include <string>

#include <dnalm/models/detail/cotangent_names.hpp>
#include <dnalm/models/detail/cotangent_rows.hpp>
#include <dnalm/models/detail/encoder_memory.hpp>
#include <dnalm/models/detail/pack_table.hpp>
#include <dnalm/models/detail/pair_batch.hpp>
#include <dnalm/models/detail/several_numbers.hpp>
#include <dnalm/models/encoder.hpp>

DNALM_BEGIN_NAMESPACE

/// Numbers of a block_record.
template <encoder_backend B>
index_t encoder<B>::record_numbers(index_t rows) const {
  const index_t states = config_.norm == norm_placement::post ? 2 : 1;
  const index_t projected = detail::numbers_of<B, row_of<B>>(rows, checked_mul(3, config_.width));
  const index_t inner = detail::numbers_of<B, row_of<B>>(rows, inner_columns());
  const index_t scalars = checked_mul(states, detail::numbers_of<B, scalar>(rows, config_.width));
  return checked_add(scalars, checked_add(projected, inner));
}

/// Numbers of the rows between kernels, which scalars take the place of on the way back.
template <encoder_backend B>
index_t encoder<B>::narrow_numbers(index_t rows) const {
  return std::max(detail::numbers_of<B, row_of<B>>(rows, config_.width),
                  detail::numbers_of<B, scalar>(rows, config_.width));
}

/// Blocks that keep a record: as many as fit, at least one if any runs.
template <encoder_backend B>
index_t encoder<B>::record_count(index_t tokens, const gradient_extent& extent) const {
  if (extent.depth == 0) return 0;
  const index_t numbers = record_numbers(std::max<index_t>(tokens, 1));
  const index_t bytes = checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
  return std::clamp<index_t>(extent.keep_bytes / bytes, 1, extent.depth);
}

/// Numbers of all rows: kept states, records, what the final norm gives, the gradients, narrow and wide, and
/// for several numbers the rows of a record that an adjoint overwrites.
template <encoder_backend B>
index_t encoder<B>::gradient_numbers(index_t tokens, const gradient_extent& extent) const {
  const index_t states =
      checked_add(extent.depth, (reaches_final_norm(extent.depth) ? 2 : 1) + extent.numbers);
  const index_t records = checked_mul(record_count(tokens, extent), record_numbers(tokens));
  const index_t wide = detail::numbers_of<B, row_of<B>>(tokens, wide_columns());
  const index_t kept = checked_mul(states, detail::numbers_of<B, scalar>(tokens, config_.width));
  const index_t spare = copies_inner(extent) ? detail::numbers_of<B, row_of<B>>(tokens, inner_columns()) : 0;
  const index_t rows = checked_add(checked_add(records, kept), spare);
  return checked_add(rows, checked_add(narrow_numbers(tokens), wide));
}

template <encoder_backend B>
index_t encoder<B>::gradient_scratch(const B& backend, index_t longest, const gradient_extent& extent) const {
  index_t most = extent.logits ? head_.vjp_scratch(backend) : 0;
  if (extent.tokens) most = std::max(most, head_.scratch(backend));  // the table has the decoder's shape
  for (index_t layer = 0; layer < extent.depth; ++layer) {
    const auto& block = blocks_[static_cast<std::size_t>(layer)];
    most = std::max(most, block.vjp_scratch(backend, longest, config_.head_width()));
  }
  return most;
}

template <encoder_backend B>
index_t encoder<B>::gradient_bytes(index_t tokens, index_t longest, const gradient_extent& extent) const {
  index_t numbers = gradient_numbers(tokens, extent);
  numbers = checked_add(numbers, gradient_scratch(backend_, longest, extent));
  numbers = checked_add(numbers, rotation_numbers(longest));
  numbers = checked_add(numbers, checked_mul(extent.tables(), checked_mul(tokens, config_.vocabulary)));
  return checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
}

/// Makes room, all of it before a function of the request sees anything, and lays the views over it.
template <encoder_backend B>
typename encoder<B>::gradient_views encoder<B>::prepare_gradient(const token_batch& batch,
                                                                 const gradient_extent& extent,
                                                                 workspace& w) const {
  const index_t rows = batch.offsets.rows();
  const index_t longest = batch.longest();
  const index_t width = config_.width;
  grow(w.memory, gradient_numbers(rows, extent));
  grow(w.scratch, gradient_scratch(backend_of(w), longest, extent));
  grow(w.logits, checked_mul(extent.tables(), checked_mul(rows, config_.vocabulary)));
  prepare_rotations(longest, w);
  detail::view_layer<B> memory{w.memory.view().data, rows};
  gradient_views views;
  views.saved.resize(static_cast<std::size_t>(extent.depth) + 1);
  for (output_matrix<B>& state : views.saved) memory.take(state, width);
  views.gradients.resize(static_cast<std::size_t>(extent.numbers));
  for (output_matrix<B>& gradient : views.gradients) memory.take(gradient, width);
  views.d = views.gradients.front();
  if (copies_inner(extent)) memory.take(views.inner, inner_columns());
  if (reaches_final_norm(extent.depth)) memory.take(views.normed, width);
  views.block.narrow = {reinterpret_cast<row_of<B>*>(memory.next), rows, width, row_stride<B>(width)};
  views.part = {memory.next, rows, width, width};
  memory.next += narrow_numbers(rows);
  memory.take(views.block.wide, wide_columns());
  views.block.scratch = w.scratch.view();
  views.block.offsets = &batch.offsets;
  views.records.resize(static_cast<std::size_t>(record_count(rows, extent)));
  for (block_record<B>& record : views.records) {
    memory.take(record.projected, 3 * width);
    memory.take(record.middle, width);
    memory.take(record.inner, inner_columns());
    if (config_.norm == norm_placement::post) memory.take(record.sum, width);
  }
  return views;
}

template <encoder_backend B>
void encoder<B>::gradient(const token_batch& batch, const gradient_wish& request, gradient_receiver receive,
                          workspace& w) const {
  check_batch(config_, batch);
  check_gradient_request(config_, request, batch.offsets.rows());
  const detail::pairs_of_pass paired(w.pairs, detail::pairs_of(backend_, batch, request.pairs));
  if (request.pairs && config_.token_dropout) detail::check_pair_masks(batch, config_.mask_id);
  if (batch.ids.empty()) return;
  gradient_views views = prepare_gradient(batch, request.extent(config_.layers), w);
  run_saving(batch, request, views, w);
  if (!request.backward) return;
  detail::for_numbers(request, views, [&](index_t) { top_vjp(request, views, w); });
  for (std::size_t layer = views.saved.size() - 1; layer-- > 0;) block_vjp(layer, request, views, w);
  detail::for_numbers(request, views, [&](index_t) {
    embedding_.vjp(backend_of(w), read(batch, request.word_rows), w.embedding, views.part, views.d);
    receive({views.d, request.tokens ? one_hot_gradient(views.d, w) : input_matrix<B>{}});
  });
}

/// Block `layer` back, for all numbers: each finds the record as the forward pass left it.
template <encoder_backend B>
void encoder<B>::block_vjp(std::size_t layer, const gradient_wish& request, gradient_views& views,
                           workspace& w) const {
  const transformer_block<B>& block = blocks_[layer];
  const input_matrix<B> x = views.saved[layer];
  const block_record<B>& record = views.record(layer);
  set_rotation(layer, w, views.block);
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
/// is reached and there is a final norm.
template <encoder_backend B>
void encoder<B>::run_saving(const token_batch& batch, const gradient_wish& request, gradient_views& views,
                            workspace& w) const {
  const auto show = [&](std::size_t layer, input_matrix<B> x) {
    if (request.states) request.states(static_cast<index_t>(layer), x);
  };
  embedding_.forward(backend_of(w), read(batch, request.word_rows), w.embedding, views.saved[0]);
  show(0, views.saved[0]);
  for (std::size_t layer = 0; layer + 1 < views.saved.size(); ++layer) {
    set_rotation(layer, w, views.block);
    blocks_[layer].forward_recorded(backend_of(w), views.block, views.saved[layer], views.record(layer),
                                    views.saved[layer + 1]);
    const bool normed = reaches_final_norm(static_cast<index_t>(layer) + 1);
    if (normed) final_norm_->forward(backend_of(w), views.saved[layer + 1], views.normed);
    show(layer + 1, normed ? views.normed : views.saved[layer + 1]);
  }
}

/// d += what the request puts in for hidden state `layer`.
template <encoder_backend B>
void encoder<B>::add_cotangent(index_t layer, input_matrix<B> hidden, const gradient_wish& request,
                               gradient_views& views, const workspace& w) const {
  if (!std::binary_search(request.layers.begin(), request.layers.end(), layer)) return;
  detail::clear_rows<B>(backend_of(w), views.part);
  request.hidden(layer, hidden, views.part);
  detail::check_cotangent<B>(views.part, detail::cotangent_name(layer));
  backend_of(w).add(views.part, views.d);
}

/// d = the gradient with respect to the head's input.
template <encoder_backend B>
void encoder<B>::head_vjp(input_matrix<B> hidden, const gradient_wish& request, gradient_views& views,
                          workspace& w) const {
  const index_t numbers = checked_mul(hidden.rows, config_.vocabulary);
  const auto table = [&](index_t first) -> output_matrix<B> {
    return {w.logits.view().data + first, hidden.rows, config_.vocabulary, config_.vocabulary};
  };
  const block_workspace<B>& block = views.block;
  head_.forward(backend_of(w), hidden, block.narrow, block.scratch, table(0));
  detail::clear_rows<B>(backend_of(w), table(numbers));
  request.logits(table(0), table(numbers));
  detail::check_cotangent<B>(table(numbers), detail::logits_cotangent);
  head_.vjp(backend_of(w), hidden, table(numbers), views.part, scalars_over<B>(block.wide, config_.width),
            block.scratch, views.d);
}

/// d = the gradient with respect to the output of the highest block that ran: from the logits and from the
/// hidden state there, through the final norm.
template <encoder_backend B>
void encoder<B>::top_vjp(const gradient_wish& request, gradient_views& views, workspace& w) const {
  const std::size_t top = views.saved.size() - 1;
  const bool normed = reaches_final_norm(static_cast<index_t>(top));
  const input_matrix<B> state = normed ? views.normed : views.saved[top];
  if (request.logits) {
    head_vjp(state, request, views, w);
  } else {
    detail::clear_rows<B>(backend_of(w), views.d);
  }
  add_cotangent(static_cast<index_t>(top), state, request, views, w);
  if (request.carried) request.carried(static_cast<index_t>(top), views.d);
  if (normed) final_norm_->vjp(backend_of(w), views.saved[top], views.d, views.d);
}

/// d E^T: the one-hot token o enters as the row o E.
template <encoder_backend B>
input_matrix<B> encoder<B>::one_hot_gradient(input_matrix<B> d, workspace& w) const {
  const output_matrix<B> y{w.logits.view().data, d.rows, config_.vocabulary, config_.vocabulary};
  backend_of(w).linear(d, packed_words(), {}, w.scratch.view(), y);
  return y;
}

/// A tied decoder's weight is the table; any other model packs it, once.
template <encoder_backend B>
const typename B::weight& encoder<B>::packed_words() const {
  if (config_.tied_head) return head_.decoder.weight;
  std::call_once(words_->once, [&] { words_->packed = detail::pack_table(backend_, embedding_.words); });
  return words_->packed;
}

DNALM_END_NAMESPACE
