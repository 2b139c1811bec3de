// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/convnet.hpp: sequences that differ from one in a letter.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include <dnalm/models/convnet.hpp>
#include <dnalm/models/detail/check_edits.hpp>
#include <dnalm/models/detail/convnet_edits.hpp>

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
  std::vector<std::int32_t> letters;
  std::vector<index_t> places;
  for (const token_edit& edit : edits) {
    letters.push_back(edit.id);
    places.push_back(edit.token);
  }
  const index_t more = request.logits ? config_.width + config_.vocabulary : 0;
  const index_t most = passes.edits_in(request.bytes, places, more);
  const auto all = static_cast<index_t>(edits.size());
  typename B::vector words;
  typename B::vector head_memory;
  for (index_t first = 0; first < all; first += most) {
    const index_t count = std::min(most, all - first);
    const auto part = [&](const auto& of) {
      return std::span(of).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
    };
    grow(words, checked_mul(count, config_.width));
    const output_matrix<B> rows{words.view().data, count, config_.width, config_.width};
    word_rows(part(letters), rows);
    const input_matrix<B> states = passes.run(part(places), rows);
    if (request.logits) {
      receive(first, edited_logits(states, head_memory, w));
    } else {
      receive(first, states);
    }
  }
}

DNALM_END_NAMESPACE
