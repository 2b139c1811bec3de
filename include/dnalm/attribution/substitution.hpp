// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A substitution of a letter, and what a model is read at when its substitutions are computed
/// together.
#pragma once

#include <functional>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// A letter 0 to 3 (A, C, G, T) put at a position, counted from 0; letter -1: the sequence as it is.
struct substitution {
  index_t position = 0;
  int letter = -1;
};

/// What a model is read at, of each sequence: rows of a hidden state or of the logits. The fewer rows, the
/// less is computed where the model's rows look at their neighbours only (GPN).
struct read_output {
  index_t state = 0;    ///< a hidden state, from 1 on
  bool logits = false;  ///< the logits instead, whatever `state` says
  /// Of so many rows those that are read, increasing; as {n / 2} for the token in the middle. None: all.
  std::function<std::vector<index_t>(index_t n)> rows = {};
};

/// Means; numbers do not depend on them.
struct edited_options {
  int threads = 0;                    ///< the calling one among them; 0: all cores
  index_t memory = index_t{1} << 26;  ///< bytes for the values of edited sequences
};

DNALM_END_NAMESPACE
