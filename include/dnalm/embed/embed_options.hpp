// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a pass over sequences is asked for.
#pragma once

#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/progress.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/embed/layer_selection.hpp>
#include <dnalm/embed/pooling.hpp>
#include <dnalm/embed/window_rule.hpp>

DNALM_BEGIN_NAMESPACE

/// What is wanted and with which means. Numbers depend on the first four only.
struct embed_options {
  layer_selection layers = {};  ///< default: all
  std::vector<pooling> poolings = {pooling::mean};
  bool logits = false;
  window_rule window = {};  ///< for sequences longer than the model takes; off by default
  int threads = 0;          ///< the calling one among them; 0: all cores
  /// Budget for batches and for what the model keeps of their lengths (model::kept_bytes), bytes; one
  /// sequence always runs.
  index_t memory = index_t{1} << 30;
  index_t piece = 0;            ///< positions that a long sequence runs at a time; 0: from `memory`
  index_t batch_sequences = 0;  ///< most sequences of a batch; 0: as many as the budget allows
  progress* watcher = nullptr;  ///< advanced by finished sequences
};

DNALM_END_NAMESPACE
