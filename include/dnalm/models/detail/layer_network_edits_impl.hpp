// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/layer_network.hpp: sequences that differ from one in a letter.
#pragma once

#include <cstdint>
#include <span>

#include <dnalm/backend/row_placement.hpp>
#include <dnalm/models/detail/check_edits.hpp>
#include <dnalm/models/detail/edit_list.hpp>
#include <dnalm/models/detail/layer_edits.hpp>
#include <dnalm/models/layer_network.hpp>

DNALM_BEGIN_NAMESPACE

/// Rows `asked` of each of some states, of `rows_of_each` rows.
template <layer_backend B>
input_matrix<B> layer_network<B>::asked_rows(input_matrix<B> states, index_t rows_of_each,
                                             std::span<const index_t> asked,
                                             typename B::vector& memory) const {
  const index_t edits = states.rows / rows_of_each;
  const output_matrix<B> found =
      view(memory, checked_mul(edits, static_cast<index_t>(asked.size())), states.columns);
  index_t row = 0;
  for (index_t e = 0; e < edits; ++e) {
    for (const index_t one : asked) {
      copy_matrix<scalar>(states.row_block(e * rows_of_each + one, 1), found.row_block(row++, 1));
    }
  }
  return found;
}

template <layer_backend B>
void layer_network<B>::edited_states(std::span<const std::int32_t> ids, std::span<const token_edit> edits,
                                     const edit_request& request, edits_receiver receive, workspace& w) const
    requires(B::space == memory_space::host) {
  const network_summary about = graph_.summary();
  detail::check_edits(ids, edits, request.state, graph_.states(), about.vocabulary);
  const auto tokens = static_cast<index_t>(ids.size());
  ragged_offsets offsets;
  offsets.append(tokens);
  const token_batch batch{ids, offsets};
  check_batch(graph_, batch);
  const index_t rows_of_each = state_rows(request.state, tokens, "sequence");
  detail::check_edit_rows(request.rows, rows_of_each);
  const B& backend = backend_of(w);
  grow(w.scratch, scratch_size(backend, false));
  set_rows(batch, w);
  detail::layer_edits<B, workspace> passes(backend, shapes_, steps_, trims_,
                                           graph_.result(request.state).value, tokens, w);
  read_input(batch, {}, backend, w, view(w.words, tokens, graph_.input.channels), passes.reference_input());
  passes.run_reference();
  const index_t before = detail::input_placement(graph_.input).rows_before(tokens, graph_.input.rows(tokens));
  const detail::edit_list list(edits, before);
  typename B::vector asked;
  const auto run = [&](index_t first, std::span<const std::int32_t> letters,
                       std::span<const index_t> places) {
    const output_matrix<B> rows = view(w.words, static_cast<index_t>(letters.size()), graph_.input.channels);
    backend.embed_rows(letters, table_.view(), {}, rows);
    const input_matrix<B> states = passes.run(places, rows);
    receive(first, request.rows.empty() ? states : asked_rows(states, rows_of_each, request.rows, asked));
  };
  list.in_parts(passes.edits_in(request.bytes, list.places), run);
}

DNALM_END_NAMESPACE
