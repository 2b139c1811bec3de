// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a backend on a GPU can be told.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/matmul.hpp>

DNALM_BEGIN_NAMESPACE

struct cuda_options {
  int device = 0;                                  ///< number of the GPU, as CUDA counts them
  cuda_precision precision = cuda_precision::f32;  ///< of weights in products
  /// One algorithm per shape of product, so that a row's bits do not depend on the batch; a batch that the
  /// GPU has no memory for is an error. false: one algorithm for each power of two of rows, faster for small
  /// batches, and embed() runs a batch that does not fit in halves.
  bool deterministic = true;
  /// Batches that come again with the same lengths (layers, poolings, special tokens) are recorded once and
  /// replayed as one piece; the same bits.
  bool graphs = true;
  index_t memory_limit = 0;   ///< bytes on the GPU; 0: as many as it has
  index_t block_rows = 4224;  ///< rows that products are planned for and work on at a time
};

DNALM_END_NAMESPACE
