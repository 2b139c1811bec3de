// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/encoder.hpp: attention's probabilities.
///
/// A pass whose blocks leave queries and keys in a record, as for a gradient; the probabilities are made of
/// them behind each block. The pass of `forward` knows nothing of it.
#pragma once

#include <dnalm/models/detail/encoder_memory.hpp>
#include <dnalm/models/detail/mean_attention.hpp>
#include <dnalm/models/encoder.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

template <encoder_backend B>
void encoder<B>::attention(const token_batch& batch, attention_receiver receive, workspace& w) const
    requires(B::space == memory_space::host && plain_rows<B>) {
  check_batch(config_, batch);
  if (batch.ids.empty()) return;
  const index_t rows = batch.offsets.rows();
  const index_t width = config_.width;
  const index_t forward = forward_numbers(rows);
  grow(w.memory, checked_add(forward, record_numbers(rows)));
  grow(w.scratch, gradient_scratch(backend_of(w), batch.longest(), {.depth = config_.layers}));
  pass begun = begin(batch, false, w);
  detail::view_layer<B> memory{w.memory.view().data + forward, rows};
  block_record<B> record;
  memory.take(record.projected, 3 * width);
  memory.take(record.middle, width);
  memory.take(record.inner, inner_columns());
  if (config_.norm == norm_placement::post) memory.take(record.sum, width);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    set_rotation(layer, w, begun.block);
    blocks_[layer].forward_recorded(backend_of(w), begun.block, begun.x, record, begun.x);
    const input_rows<B> queries = record.projected.column_block(0, width);
    const input_rows<B> keys = record.projected.column_block(width, width);
    for (index_t s = 0; s < batch.offsets.sequences(); ++s) {
      const index_t first = batch.offsets.begin(s);
      const index_t length = batch.offsets.length(s);
      matrix<double> mean(length, length);
      detail::mean_attention<scalar>(queries.row_block(first, length), keys.row_block(first, length),
                                     blocks_[layer].attention.options(width), mean.view());
      receive(static_cast<index_t>(layer), s, mean.view());
    }
  }
}

DNALM_END_NAMESPACE
