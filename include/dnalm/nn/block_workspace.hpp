// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The memory a transformer block works in, what it has to know about its batch, and what it keeps.
#pragma once

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// Views for one forward pass over R rows; all layers share them. `wide` serves the queries, keys and values
/// first and the feed-forward block after, `narrow` the normalised input first and the attention's output
/// after. Both hold rows in the backend's storage type for them; for adjoints `narrow` lies in memory that
/// has room for (R, D) scalars.
template <class B>
struct block_workspace {
  output_rows<B> narrow;     ///< (R, D)
  output_rows<B> wide;       ///< (R, max(3 D, F))
  output_vector<B> scratch;  ///< what scratch of the block says; for adjoints vjp_scratch
  const ragged_offsets* offsets = nullptr;
  const rotary_table<scalar_of<B>>* rotation = nullptr;  ///< of the layer that runs; null: no rotation
  /// `narrow` holds the block's input already. A block with norm_placement::post leaves its output there, in
  /// rows of a storage type of their own.
  bool input_in_narrow = false;
  /// Attention is to leave its queries and keys rotated in `wide`, as its adjoint reads them.
  bool leaves_rotated = false;
  /// What the norm of the block's input makes of it on the way; for a block that pools_input.
  norm_poolings_of<B> input_poolings = {};
};

/// A matrix of scalars (R, columns) in the memory of rows, which must be large enough: 4 columns bytes each.
template <class B>
[[nodiscard]] output_matrix<B> scalars_over(output_rows<B> rows, index_t columns) {
  if constexpr (plain_rows<B>) {
    return rows.column_block(0, columns);
  } else {
    return {reinterpret_cast<scalar_of<B>*>(rows.data), rows.rows, columns, columns};
  }
}

/// What the adjoint of one block needs of its forward pass, beside the block's input: with it no product of
/// the forward pass runs again.
template <class B>
struct block_record {
  output_rows<B> projected;  ///< (R, 3 D): queries, keys and values, rotated; with plain_rows also scaled
  output_matrix<B> middle;   ///< (R, D): the stream between attention and feed-forward block, before a norm
  output_rows<B> inner;      ///< (R, F), gated (R, 2 F): the first feed-forward product, with its bias
  output_matrix<B> sum;      ///< (R, D): what the last norm reads; only with norm_placement::post
};

DNALM_END_NAMESPACE
