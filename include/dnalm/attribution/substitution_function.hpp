// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A function of a sequence and of all its substitutions at once, for networks that need not compute
/// each edited sequence anew.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <dnalm/attribution/substitution.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// f of one sequence with each of some substitutions made alone. Positions lie in the sequence, letters are
/// -1 to 3.
///
/// `evaluate` fills `values` (substitutions, C), row-major, in their order. It may be called from one thread
/// at a time and uses threads of its own. A sequence_error out of it is about the sequence: it passes on as
/// one about that sequence of the caller's list.
struct substitution_function {
  index_t outputs = 1;  ///< C
  std::function<void(const std::string& sequence, std::span<const substitution> edits,
                     std::span<double> values)>
      evaluate = {};
};

/// C numbers of each of some sequences: rows (n * rows of each, width) that were read, values (n, C), 0 at
/// first. Numbers of a sequence come from its own rows only. It is called from several threads at a time.
using state_reader =
    std::function<void(matrix_view<const float> rows, index_t rows_of_each, std::span<double> values)>;

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
