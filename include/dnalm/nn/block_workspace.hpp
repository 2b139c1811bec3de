// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The memory a transformer block works in, and what it has to know about its batch.
#pragma once

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// Views for one forward pass over R rows; all layers share them. `wide` serves the queries, keys and values
/// first and the feed-forward block after, `narrow` the normalised input first and the attention's output
/// after.
template <class B>
struct block_workspace {
  output_matrix<B> narrow;   ///< (R, D)
  output_matrix<B> wide;     ///< (R, max(3 D, columns of the first feed-forward product))
  output_matrix<B> gate;     ///< (R, F) when the feed-forward block is gated, and always for adjoints
  output_vector<B> scratch;  ///< what scratch of the block says; for adjoints vjp_scratch
  const ragged_offsets* offsets = nullptr;
  const rotary_table<scalar_of<B>>* rotation = nullptr;  ///< of the layer that runs; null: no rotation
};

/// Views for the adjoint of a block: what its forward pass works in, and what the adjoint keeps of it.
template <class B>
struct block_adjoint_workspace {
  block_workspace<B> block;
  output_matrix<B> projected;  ///< (R, 3 D): queries, keys and values of the recomputed attention
  output_matrix<B> middle;     ///< (R, D): the stream between attention and feed-forward block
  output_matrix<B> normed;     ///< (R, D): only read with norm_placement::post
};

DNALM_END_NAMESPACE
