// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a language model predicts at every position of DNA: log-probabilities of A, C, G, T.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/attribution/nucleotide_vocabulary.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/progress.hpp>
#include <dnalm/embed/window_rule.hpp>
#include <dnalm/io/sequence_record.hpp>
#include <dnalm/models/model.hpp>

DNALM_BEGIN_NAMESPACE

/// What the model sees when it predicts a position.
enum class prediction_context {
  automatic,  ///< left for causal models, wild_type where rows are of bases (PhyloGPN), else masked
  masked,     ///< the sequence, the tokens that hold the position masked: a pass for each of them
  wild_type,  ///< the whole sequence as it is: one pass
  left        ///< what stands before the token that holds the position: one pass of a causal model
};
[[nodiscard]] std::string_view to_string(prediction_context context);

/// What is predicted and with which means. Numbers depend on the first three only.
struct prediction_options {
  prediction_context context = prediction_context::automatic;
  letter_reading reading = letter_reading::marginal;
  window_rule window = {};  ///< cuts sequences that are longer; off: too long a one is an error
  int threads = 0;          ///< the calling one among them; 0: all cores
  /// Budget for batches and for what the model keeps of their lengths (model::kept_bytes), bytes; one pass
  /// always runs.
  index_t memory = index_t{1} << 30;
  index_t batch_sequences = 0;  ///< most passes of a batch; 0: as many as the budget allows
  progress* watcher = nullptr;  ///< advanced by finished passes
};

/// What a language model predicts for one sequence.
struct nucleotide_prediction {
  /// (4, L) ln p, each column of sum 1 over A, C, G, T; NaN where there is no prediction: at letters that no
  /// token of DNA holds (N, UNK), at the first token of a causal model that frames by none, and at both ends
  /// of a sequence as far as a network without padding reads there alone (PhyloGPN: 240 bases).
  nucleotide_map log_probabilities = {};
  /// (L) entropy over the whole vocabulary of the token that was read, in bits, the same for all its letters;
  /// NaN where there is no prediction.
  std::vector<double> token_entropy = {};
  /// (L) the token that the model holds for the likeliest in the place of the one that was read, of the whole
  /// vocabulary, the same for all its letters (of equals the first); -1 where there is no prediction.
  std::vector<std::int32_t> likeliest_tokens = {};
};

/// The context that `automatic` is for this model. \throws error [dnalm.unsupported.853] a network that
/// predicts no tokens and no bases.
[[nodiscard]] prediction_context default_context(const model& network);

/// ln p of the four letters at every position. The letters' weights are those of nucleotide_vocabulary::read
/// at the token that holds the position, from logits in float, summed in double.
///
/// Masked: each token is masked alone, and all letters of it are read from this one pass, so that letters of
/// a k-mer or BPE token do not see each other. Where k-mers overlap, all tokens that hold a position are
/// masked together, and the one in their middle (the nearest to it that is DNA) is read at this position: one
/// pass per position. Left: the logits at a token are for the next one.
///
/// With windows (docs/long_inputs.md) a longer sequence is cut between tokens, and a token is read in the
/// window that it belongs to, which is all that the model then sees of the sequence: numbers are those of the
/// window's tokens as a sequence of its own. Windows of a causal model need an overlap, from which the first
/// tokens of a window are read.
///
/// Of a network of layers that predicts bases (layer_graph::predicts_bases) the rows of its first prediction
/// are read, one pass for a sequence: [dnalm.unsupported.462] windows, [dnalm.input.433] a sequence that is
/// too short.
///
/// A result has the same bits for any batch, order and number of threads. Cost: the passes; masked, of an
/// encoder's head only the rows that are read. \throws error [dnalm.unsupported.853] a network that predicts
/// no tokens, [dnalm.unsupported.854] a context that the model does not have; sequence_error
/// [dnalm.numeric.855] logits that are not finite, [dnalm.usage.870] windows of a causal model without an
/// overlap; error [dnalm.usage.459] a window larger than the model's limit, [dnalm.unsupported.852]; as
/// plan_windows, model::tokenize and model::logits.
[[nodiscard]] std::vector<nucleotide_prediction> predict_nucleotides(
    const model& network, std::span<const io::sequence_record> sequences,
    const prediction_options& options = {});

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/masked_maps_impl.hpp>
#endif
