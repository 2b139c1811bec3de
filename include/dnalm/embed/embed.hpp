// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One forward pass per sequence, any layers and poolings out of it.
#pragma once

#include <span>

#include <dnalm/core/platform.hpp>
#include <dnalm/embed/embed_options.hpp>
#include <dnalm/embed/embedding_sink.hpp>
#include <dnalm/io/sequence_record.hpp>
#include <dnalm/models/model.hpp>

DNALM_BEGIN_NAMESPACE

/// Embeds sequences. All are tokenised first, so that a bad one is told before the long work begins.
///
/// The same sequence gives the same bits alone, in any batch, in any order, on any number of threads.
///
/// Threads: the calling one and at most `threads` - 1 others; none is started for `threads` = 1. Each runs
/// batches of its own; when there are at most half as many, all share the work of one batch
/// (model::works_on_teams).
///
/// Where one long sequence takes more than the budget, models that can run it in pieces
/// (model::runs_in_pieces), with the same bits; `piece` sets their length, and then all longer sequences run
/// so.
///
/// A sequence that is cut into windows (`options.window`) gives results of the shapes of a whole run: each
/// token between the framing ones has the row of the window it belongs to (plan_windows); a framing token
/// (CLS, EOS) has the mean of its rows over the windows, summed in double in their order; poolings and logits
/// follow from these rows. A sequence that fits gives the same bits with windows and without. \throws error
/// [dnalm.unsupported.453] pooling cls without a CLS token, [dnalm.usage.454] nothing asked for,
/// [dnalm.numeric.455] NaN or infinity in a result (names the sequence), [dnalm.input.456] no sequences,
/// [dnalm.usage.459] a window larger than the model allows; as model::check_piece, plan_windows and
/// model::tokenize; and what the sink throws. Blocks before a failing one have been delivered.
void embed(const model& network, std::span<const io::sequence_record> sequences, const embed_options& options,
           embedding_sink& sink);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/embed/detail/embed_impl.hpp>
#endif
