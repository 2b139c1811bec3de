// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/hyena_network.hpp: sequences that differ from one in a letter.
///
/// Nothing before an edit changes. Behind it a layer's long convolution is linear: what it gives is what it
/// gave, and the convolution of the change of its input, which is 0 before the edit. So every layer runs on
/// the rows from the edit on alone, as sequences of their own; for the short convolution with the rows before
/// them that it reads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <dnalm/backend/row_placement.hpp>
#include <dnalm/models/detail/check_edits.hpp>
#include <dnalm/models/detail/row_ranges.hpp>
#include <dnalm/models/hyena_network.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

/// The unedited sequence: of every layer its input, the long convolution's input and what that gave.
template <hyena_backend B>
struct hyena_network<B>::edit_reference {
  index_t length = 0;
  std::vector<matrix<scalar>> inputs = {};
  std::vector<matrix<scalar>> gated = {};
  std::vector<matrix<scalar>> filtered = {};
  matrix<scalar> state = {};
};

/// Some edits: the rows from each edit on, one behind the other, and the same with the rows before them.
template <hyena_backend B>
struct hyena_network<B>::edit_suffixes {
  std::vector<index_t> starts = {};  ///< tokens that were edited
  std::vector<std::int32_t> tokens = {};
  ragged_offsets behind = {};
  ragged_offsets with_halo = {};
  output_matrix<B> x = {};          ///< (rows behind, D)
  output_matrix<B> wide = {};       ///< (rows with halo, 3 D or F)
  output_matrix<B> narrow = {};     ///< (rows with halo, D)
  output_matrix<B> mixed = {};      ///< (rows with halo, 3 D)
  output_matrix<B> convolved = {};  ///< (rows behind, 3 D)

  [[nodiscard]] index_t halo(index_t e) const { return with_halo.length(e) - behind.length(e); }
};

template <hyena_backend B>
typename hyena_network<B>::edit_reference hyena_network<B>::run_reference(const token_batch& batch,
                                                                          index_t state, workspace& w) const {
  const B& backend = backend_of(w);
  const index_t rows = batch.offsets.rows();
  edit_reference reference;
  reference.length = rows;
  pass begun = begin_in(batch, false, 0, w, {});
  grow(w.scratch, gradient_scratch(backend, rows, {.depth = state}));
  begun.block.block.scratch = w.scratch.view();
  matrix<scalar> convolved(rows, 3 * config_.width);
  matrix<scalar> middle(rows, config_.width);
  matrix<scalar> inner(rows, config_.feed_forward);
  for (std::size_t layer = 0; layer < static_cast<std::size_t>(state); ++layer) {
    matrix<scalar> input(rows, config_.width);
    matrix<scalar> gated(rows, config_.width);
    matrix<scalar> filtered(rows, config_.width);
    copy_matrix<scalar>(begun.x, input.view());
    const hyena_record<B> record{{convolved.view(), filtered.view()}, middle.view(), inner.view()};
    blocks_[layer].mixer.find_filters(backend, begun.block);
    blocks_[layer].forward_recorded(backend, begun.block, input.view(), record, begun.x);
    const output_matrix<B> all = convolved.view();
    backend.multiply(hyena_mixer<B>::part(all, 2), hyena_mixer<B>::part(all, 1), gated.view());
    reference.inputs.push_back(std::move(input));
    reference.gated.push_back(std::move(gated));
    reference.filtered.push_back(std::move(filtered));
  }
  if (state == config_.layers) final_norm_.forward(backend, begun.x, begun.x);
  reference.state = matrix<scalar>(rows, config_.width);
  copy_matrix<scalar>(begun.x, reference.state.view());
  return reference;
}

/// convolved = [x0 | x1 | h * (x1 v)] of the rows from the edits on.
template <hyena_backend B>
void hyena_network<B>::mix_suffixes(std::size_t layer, const edit_reference& reference, edit_suffixes& some,
                                    const hyena_workspace<B>& block) const {
  const B& backend = on_team(backend_, block.team);
  const hyena_mixer<B>& mixer = blocks_[layer].mixer;
  const auto rows_of = [&](const matrix<scalar>& of, index_t first, index_t count) {
    return of.view().row_block(first, count);
  };
  for (index_t e = 0; e < some.behind.sequences(); ++e) {
    const index_t start = some.starts[static_cast<std::size_t>(e)];
    const index_t halo = some.halo(e);
    const index_t first = some.with_halo.begin(e);
    copy_matrix<scalar>(rows_of(reference.inputs[layer], start - halo, halo),
                        some.narrow.row_block(first, halo));
    copy_matrix<scalar>(some.x.row_block(some.behind.begin(e), some.behind.length(e)),
                        some.narrow.row_block(first + halo, some.behind.length(e)));
  }
  blocks_[layer].mixer_norm.forward(backend, some.narrow, some.narrow);
  hyena_workspace<B> projecting = block;
  projecting.block.offsets = &some.with_halo;
  mixer.project(backend, some.narrow, projecting, some.mixed);
  for (index_t e = 0; e < some.behind.sequences(); ++e) {
    copy_matrix<scalar>(some.mixed.row_block(some.with_halo.begin(e) + some.halo(e), some.behind.length(e)),
                        some.convolved.row_block(some.behind.begin(e), some.behind.length(e)));
  }
  const output_matrix<B> change = hyena_mixer<B>::part(some.convolved, 2);
  backend.multiply(change, hyena_mixer<B>::part(some.convolved, 1), change);
  backend.scale(scalar(-1), change);
  const auto add_reference = [&](const matrix<scalar>& of) {
    for (index_t e = 0; e < some.behind.sequences(); ++e) {
      const index_t count = some.behind.length(e);
      backend.add(rows_of(of, some.starts[static_cast<std::size_t>(e)], count),
                  change.row_block(some.behind.begin(e), count));
    }
  };
  add_reference(reference.gated[layer]);
  backend.long_convolution(change, block.filters->of_sequence, mixer.skip.view(), some.behind,
                           block.block.scratch, change);
  backend.scale(scalar(-1), change);
  add_reference(reference.filtered[layer]);
}

/// x from hidden state 0 to the one asked for.
template <hyena_backend B>
void hyena_network<B>::run_suffixes(const edit_reference& reference, edit_suffixes& some,
                                    workspace& w) const {
  const B& backend = backend_of(w);
  hyena_workspace<B> block;
  block.block = {some.narrow, some.wide, w.scratch.view(), &some.behind};
  block.convolved = some.convolved;
  block.filters = &w.filters;
  block.team = w.team;
  for (std::size_t layer = 0; layer < reference.inputs.size(); ++layer) {
    blocks_[layer].mixer.find_filters(backend, block);
    mix_suffixes(layer, reference, some, block);
    blocks_[layer].finish(backend, block, some.x);
    if (layer + 1 == blocks_.size()) final_norm_.forward(backend, some.x, some.x);
  }
  w.filters.clear();
}

/// The edits from `edits` on that run together, at least one, and their tokens.
template <hyena_backend B>
typename hyena_network<B>::edit_suffixes hyena_network<B>::gather_suffixes(std::span<const std::int32_t> ids,
                                                                           std::span<const token_edit> edits,
                                                                           index_t bytes,
                                                                           typename B::vector& memory) const {
  const auto length = static_cast<index_t>(ids.size());
  const index_t reach = blocks_.front().mixer.short_weight.view().rows - 1;
  const index_t width = config_.width;
  const index_t row_numbers = 8 * width + wide_columns();
  const index_t numbers = bytes / static_cast<index_t>(sizeof(scalar));
  constexpr index_t cached = 768;  // rows, of width 128: 1.09 times as fast as 2048
  const index_t most_rows = std::min<index_t>(numbers / 2 / row_numbers, cached);
  const index_t most_edits = numbers / 2 / (length * width);
  edit_suffixes some;
  for (const token_edit& edit : edits) {
    const index_t rows = length - edit.token;
    const auto count = static_cast<index_t>(some.starts.size());
    if (count > 0 && (count >= most_edits || some.behind.rows() + rows > most_rows)) break;
    some.starts.push_back(edit.token);
    some.behind.append(rows);
    some.with_halo.append(rows + std::min(reach, edit.token));
    some.tokens.push_back(edit.id);
    some.tokens.insert(some.tokens.end(), ids.end() - (rows - 1), ids.end());
  }
  const index_t rows = some.with_halo.rows();
  grow(memory, checked_mul(rows, row_numbers));
  index_t used = 0;
  const auto take = [&](index_t columns) -> output_matrix<B> {
    const index_t at = used;
    used += rows * columns;
    return {memory.view().data + at, rows, columns, columns};
  };
  some.x = take(width).row_block(0, some.behind.rows());
  some.narrow = take(width);
  some.wide = take(wide_columns());
  some.mixed = take(3 * width);
  some.convolved = take(3 * width).row_block(0, some.behind.rows());
  return some;
}

/// Rows of the states of some edits, none: all. What stands before each edit is that of the reference.
template <hyena_backend B>
input_matrix<B> hyena_network<B>::asked_rows(const edit_reference& reference, const edit_suffixes& some,
                                             std::span<const index_t> rows,
                                             typename B::vector& memory) const {
  const index_t length = reference.length;
  const std::vector<detail::row_range> wanted = detail::ranges_of(rows, length);
  const index_t each = rows.empty() ? length : static_cast<index_t>(rows.size());
  const index_t width = config_.width;
  const index_t all = checked_mul(some.behind.sequences(), each);
  grow(memory, checked_mul(all, width));
  const output_matrix<B> states{memory.view().data, all, width, width};
  scalar* out = states.data;
  for (index_t e = 0; e < some.behind.sequences(); ++e) {
    const detail::row_range changed{some.starts[static_cast<std::size_t>(e)], length};
    const scalar* own = some.x.row_data(some.behind.begin(e));
    for (const detail::row_range& range : wanted) {
      out = detail::copy_edited_rows<scalar>(range, changed, own, reference.state.data(), length, width, out);
    }
  }
  return states;
}

template <hyena_backend B>
void hyena_network<B>::edited_states(std::span<const std::int32_t> ids, std::span<const token_edit> edits,
                                     const edit_request& request, edits_receiver receive, workspace& w) const
    requires(B::space == memory_space::host) {
  detail::check_edits(ids, edits, request.state, config_.layers, config_.vocabulary);
  const auto length = static_cast<index_t>(ids.size());
  detail::check_edit_rows(request.rows, length);
  ragged_offsets offsets;
  offsets.append(length);
  const edit_reference reference = run_reference({ids, offsets}, request.state, w);
  grow(w.scratch, forward_scratch(backend_of(w), length, request.logits));
  typename B::vector memory;
  typename B::vector result;
  for (std::size_t first = 0; first < edits.size();) {
    edit_suffixes some = gather_suffixes(ids, edits.subspan(first), request.bytes, memory);
    backend_.embed_rows(some.tokens, embedding_.words.view(), {}, some.x);
    run_suffixes(reference, some, w);
    const input_matrix<B> states = asked_rows(reference, some, request.rows, result);
    const auto hand_on = [&](input_matrix<B> found) { receive(static_cast<index_t>(first), found); };
    if (request.logits) {
      run_head(states, hand_on, w);
    } else {
      hand_on(states);
    }
    first += some.starts.size();
  }
}

DNALM_END_NAMESPACE
