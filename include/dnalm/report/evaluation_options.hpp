// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What an evaluation is asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/progress.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/embed/layer_selection.hpp>
#include <dnalm/embed/pooling.hpp>
#include <dnalm/embed/window_rule.hpp>
#include <dnalm/probe/fitted_probe.hpp>
#include <dnalm/probe/ridge_accumulator.hpp>
#include <dnalm/probe/task.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

/// What stands beside a model for comparison.
enum class baseline_kind {
  onehot,  ///< the letters themselves
  kmer,    ///< frequencies of 1- to 5-mers and GC content
  random   ///< each model's architecture with random weights
};

/// What an evaluation computes. Threads and memory never change a number.
struct evaluation_options {
  layer_selection layers = {};  ///< default: all
  std::vector<pooling> poolings = {pooling::mean};
  window_rule window = {};              ///< for sequences longer than a model takes; off by default
  std::vector<probe_kind> probes = {};  ///< empty: ridge for regression, logistic for classes
  std::vector<baseline_kind> baselines = {baseline_kind::onehot, baseline_kind::kmer, baseline_kind::random};
  task_kind task = task_kind::automatic;
  index_t folds = 10;        ///< of the choice of penalties when no row is `valid`
  index_t resamples = 1000;  ///< bootstrap; 0: no intervals
  std::uint64_t seed = 1;
  int threads = 0;                    ///< 0: all cores
  index_t memory = index_t{2} << 30;  ///< bytes for batches, statistics and vectors; more is spilled to disk
  progress_display display = progress_display::terminal;
  std::function<void()> check = {};  ///< called between pieces of work; throws to stop
  /// Who gathers the statistics of ridge probes while a model runs; null: the CPU, within `memory`.
  std::shared_ptr<const ridge_accumulator_maker> statistics = nullptr;
};

}  // namespace report
DNALM_END_NAMESPACE
