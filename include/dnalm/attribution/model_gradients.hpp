// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Targets of a model as a function of nucleotide weights, with gradients through probe and model.
#pragma once

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/relaxed_function.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// The targets as functions of nucleotide weights: words' rows by nucleotide_input, hidden states by the
/// model, the probe's linear outputs; the gradient goes the same way back.
///
/// At one-hot weights the values are bitwise those of `targets.function()`. All targets share one forward
/// pass. A result depends on its own point only: not on the others, threads or memory (bitwise). Values alone
/// cost a pass as far as the targets' layer. The function keeps the memory of its passes, within the budget
/// of `options`, until the last of its copies goes.
/// \throws error [dnalm.unsupported.804] a model whose tokens are pieces of text. The function throws as
/// model::tokenize and nucleotide_input::rows; sequence_error [dnalm.numeric.803] a gradient that is not
/// finite, naming the target and the layer where it arose.
[[nodiscard]] relaxed_function nucleotide_function(const attribution_targets& targets,
                                                   const run_options& options = {});

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/model_gradients_impl.hpp>
#endif
