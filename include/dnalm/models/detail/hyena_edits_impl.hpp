// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/hyena_network.hpp: sequences that differ from one in a letter.
///
/// Nothing before an edit changes. Behind it a layer's long convolution is linear: what it gives is what it gave, and
/// the convolution of the change of its input, which is 0 before the edit. So every layer runs on the rows from the
/// edit on alone, as sequences of their own; for the short convolution with the rows before them that it reads.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include <dnalm/backend/row_placement.hpp>
#include <dnalm/models/detail/check_edits.hpp>
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
  ragged_offsets behind = {};
  ragged_offsets with_halo = {};
  output_matrix<B> x = {};       ///< (rows behind, D)
  output_matrix<B> wide = {};    ///< (rows with halo, 3 D or F)
  output_matrix<B> narrow = {};  ///< (rows with halo, D)
  output_matrix<B> mixed = {};   ///< (rows with halo, 3 D)
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
  pass begun = begin(batch, false, w);
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
    copy_matrix<scalar>(rows_of(reference.inputs[layer], start - halo, halo), some.narrow.row_block(first, halo));
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
void hyena_network<B>::run_suffixes(const edit_reference& reference, edit_suffixes& some, workspace& w) const {
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

template <hyena_backend B>
void hyena_network<B>::edited_states(std::span<const std::int32_t> ids, std::span<const token_edit> edits,
                                     index_t state, index_t bytes, edits_receiver receive, workspace& w) const
    requires(B::space == memory_space::host) {
  detail::check_edits(ids, edits, state, config_.layers, config_.vocabulary);
  const auto length = static_cast<index_t>(ids.size());
  ragged_offsets offsets;
  offsets.append(length);
  const edit_reference reference = run_reference({ids, offsets}, state, w);
  const index_t width = config_.width;
  const index_t reach = blocks_.front().mixer.short_weight.view().rows - 1;
  const index_t row_numbers = 8 * width + wide_columns();
  const index_t most_rows = std::max<index_t>(bytes / 8 / (row_numbers * static_cast<index_t>(sizeof(scalar))), 1);
  const index_t most_edits = std::max<index_t>(bytes / (2 * length * width * static_cast<index_t>(sizeof(scalar))), 1);
  typename B::vector memory;
  typename B::vector result;
  for (std::size_t first = 0; first < edits.size();) {
    edit_suffixes some;
    std::vector<std::int32_t> tokens;
    std::size_t end = first;
    for (; end < edits.size() && static_cast<index_t>(end - first) < most_edits; ++end) {
      const index_t start = edits[end].token;
      if (end > first && some.behind.rows() + length - start > std::min<index_t>(most_rows, 2048)) break;
      some.starts.push_back(start);
      some.behind.append(length - start);
      some.with_halo.append(length - start + std::min(reach, start));
      tokens.push_back(edits[end].id);
      tokens.insert(tokens.end(), ids.begin() + start + 1, ids.end());
    }
    const index_t rows = some.with_halo.rows();
    grow(memory, checked_mul(rows, row_numbers));
    grow(w.scratch, forward_scratch(backend_of(w), length, false));
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
    backend_.embed_rows(tokens, embedding_.words.view(), {}, some.x);
    run_suffixes(reference, some, w);
    const auto count = static_cast<index_t>(end - first);
    grow(result, checked_mul(count, checked_mul(length, width)));
    const output_matrix<B> states{result.view().data, count * length, width, width};
    for (index_t e = 0; e < count; ++e) {
      const index_t start = some.starts[static_cast<std::size_t>(e)];
      copy_matrix<scalar>(reference.state.view().row_block(0, start), states.row_block(e * length, start));
      copy_matrix<scalar>(some.x.row_block(some.behind.begin(e), length - start),
                           states.row_block(e * length + start, length - start));
    }
    receive(static_cast<index_t>(first), states);
    first = end;
  }
}

DNALM_END_NAMESPACE
