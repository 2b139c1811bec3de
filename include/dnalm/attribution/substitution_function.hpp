// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A function of a sequence and of all its substitutions at once, for networks that need not compute
/// each edited sequence anew.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// A letter 0 to 3 (A, C, G, T) put at a position, counted from 0; letter -1: the sequence as it is.
struct substitution {
  index_t position = 0;
  int letter = -1;
};

/// f of one sequence with each of some substitutions made alone. Positions lie in the sequence, letters are
/// -1 to 3.
///
/// `evaluate` fills `values` (substitutions, C), row-major, in their order. It may be called from one thread
/// at a time and uses threads of its own.
struct substitution_function {
  index_t outputs = 1;  ///< C
  std::function<void(const std::string& sequence, std::span<const substitution> edits,
                     std::span<double> values)>
      evaluate = {};
};

/// What a model is read at, of each sequence: rows of a hidden state or of the logits. The fewer rows, the
/// less is computed where the model's rows look at their neighbours only (GPN).
struct read_output {
  index_t state = 0;    ///< a hidden state, from 1 on
  bool logits = false;  ///< the logits instead, whatever `state` says
  /// Of so many rows those that are read, increasing; as {n / 2} for the token in the middle. None: all.
  std::function<std::vector<index_t>(index_t n)> rows = {};
};

/// C numbers of each of some sequences: rows (n * rows of each, width) that were read, values (n, C), 0 at
/// first. Numbers of a sequence come from its own rows only. It is called from several threads at a time.
using state_reader =
    std::function<void(matrix_view<const float> rows, index_t rows_of_each, std::span<double> values)>;

/// Means; numbers do not depend on them.
struct edited_options {
  int threads = 0;                    ///< the calling one among them; 0: all cores
  index_t memory = index_t{1} << 26;  ///< bytes for the values of edited sequences
};

/// What `read` makes of rows of hidden states or logits, by model::edited_states: what it makes of those rows
/// in a pass of each edited sequence, bitwise for GPN and networks of layers, for HyenaDNA up to the rounding
/// of its transforms. Rows are those of tokens, or of a state that the network resizes. The model must
/// outlive it. Calling it throws as model::tokenize and model::edited_states; error [dnalm.unsupported.868] a
/// model that has no shorter way.
[[nodiscard]] substitution_function function_of_edits(const model& network, const read_output& output,
                                                      index_t outputs, state_reader read,
                                                      const edited_options& options = {});
/// The same for all rows of hidden state `state`.
[[nodiscard]] substitution_function function_of_edits(const model& network, index_t state, index_t outputs,
                                                      state_reader read, const edited_options& options = {});

/// The first prediction of a network of layers, which has one row per sequence: its numbers as they are.
/// Calling it throws also error [dnalm.unsupported.869] a prediction of several rows.
[[nodiscard]] substitution_function predictions_of_edits(const model& network,
                                                         const edited_options& options = {});

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/substitution_function_impl.hpp>
#endif
