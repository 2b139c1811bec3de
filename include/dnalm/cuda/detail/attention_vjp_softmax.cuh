// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the adjoint of attention keeps of every softmax between its two passes, and what the passes
/// share.
#pragma once

#include <cmath>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/detail/attention_tiles.cuh>
#include <dnalm/cuda/detail/device.cuh>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// The softmax of one query and head, and sum over j of p_j dp_j.
struct kept_softmax {
  float largest;  ///< score
  float inverse;  ///< 1 / sum of exp(score - largest)
  float mean;

  /// p of a score; 0 of no_score.
  [[nodiscard]] DNALM_DEVICE float weight(float score) const { return std::exp(score - largest) * inverse; }
};

/// Those of all queries and heads, in the scratch memory of cuda_attention_vjp.
struct softmax_memory {
  float* data;
  index_t rows;

  [[nodiscard]] DNALM_DEVICE float* place(int head, index_t row) const {
    return data + 3 * (head * rows + row);
  }
  [[nodiscard]] DNALM_DEVICE kept_softmax load(int head, index_t row) const {
    const float* from = place(head, row);
    return {from[0], from[1], from[2]};
  }
  DNALM_DEVICE void store(int head, index_t row, const kept_softmax& softmax) const {
    float* to = place(head, row);
    to[0] = softmax.largest;
    to[1] = softmax.inverse;
    to[2] = softmax.mean;
  }
};

/// Scores of the warp's tile with a block, and products of the other two matrices: own tile 0 is of the one
/// that meets x, tile 1 of the one that meets y.
template <int W>
DNALM_DEVICE void gradient_products(const score_rule& rule, const tile_memory<W>& memory, int first,
                                    int block, typename tile_shape<W>::products& s,
                                    typename tile_shape<W>::products& dp) {
  using shape = tile_shape<W>;
  const int count = block_count<W>(rule, block);
  tile_products<W>(memory.tiles, memory.x, count, s);
  tile_products<W>(memory.tiles + shape::tile_floats, memory.y, count, dp);
  score_products<W>(rule, first, block * shape::block_rows, s);
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
