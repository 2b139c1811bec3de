// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/convnet.hpp: sequences that differ from one in a letter.
#pragma once

#include <cstdint>
#include <span>

#include <dnalm/models/convnet.hpp>
#include <dnalm/models/detail/check_edits.hpp>
#include <dnalm/models/detail/convnet_edits.hpp>
#include <dnalm/models/detail/edit_list.hpp>

DNALM_BEGIN_NAMESPACE

template <convolution_backend B>
input_matrix<B> convnet<B>::edited_logits(input_matrix<B> hidden, typename B::vector& memory,
                                          workspace& w) const {
  const index_t width = config_.width;
  const index_t tokens = config_.vocabulary;
  grow(memory, checked_mul(hidden.rows, width + tokens));
  const output_matrix<B> narrow{memory.view().data, hidden.rows, width, width};
  const output_matrix<B> logits{narrow.data + hidden.rows * width, hidden.rows, tokens, tokens};
  head_.forward(backend_of(w), hidden, narrow, w.scratch.view(), logits);
  return logits;
}

template <convolution_backend B>
void convnet<B>::edited_states(std::span<const std::int32_t> ids, std::span<const token_edit> edits,
                               const edit_request& request, edits_receiver receive, workspace& w) const
    requires(B::space == memory_space::host && resizing_convolution_kernels<B>) {
  const auto length = static_cast<index_t>(ids.size());
  detail::check_edits(ids, edits, request.state, config_.layers, config_.vocabulary);
  detail::check_edit_rows(request.rows, length);
  ragged_offsets offsets;
  offsets.append(length);
  const B& backend = backend_of(w);
  const pass begun = begin({ids, offsets}, request.logits, w);
  const auto blocks = std::span(blocks_).first(static_cast<std::size_t>(request.state));
  detail::convnet_edits<B> passes(backend, blocks, config_.width, length, request.rows, begun.block.scratch);
  passes.keep_reference(0, begun.x);
  for (std::size_t layer = 0; layer < blocks.size(); ++layer) {
    blocks[layer].forward(backend, begun.block, begun.x);
    passes.keep_reference(layer + 1, begun.x);
  }
  const detail::edit_list list(edits, 0);
  const index_t more = request.logits ? config_.width + config_.vocabulary : 0;
  typename B::vector words;
  typename B::vector head_memory;
  const auto run = [&](index_t first, std::span<const std::int32_t> letters,
                       std::span<const index_t> places) {
    const output_matrix<B> rows =
        detail::kept_matrix(backend, words, static_cast<index_t>(letters.size()), config_.width);
    word_rows(letters, rows);
    const input_matrix<B> states = passes.run(places, rows);
    if (request.logits) {
      receive(first, edited_logits(states, head_memory, w));
    } else {
      receive(first, states);
    }
  };
  list.in_parts(passes.edits_in(request.bytes, list.places, more), run);
}

DNALM_END_NAMESPACE
