// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The transformer encoder of all built-in models, as a template on a backend.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/encoder_config.hpp>
#include <dnalm/models/function_ref.hpp>
#include <dnalm/models/token_batch.hpp>
#include <dnalm/models/weight_source.hpp>
#include <dnalm/nn/embedding_layer.hpp>
#include <dnalm/nn/masked_lm_head.hpp>
#include <dnalm/nn/transformer_block.hpp>

DNALM_BEGIN_NAMESPACE

/// Memory of forward passes of one encoder: grows as needed, then stays. One per thread.
template <encoder_backend B>
struct encoder_workspace {
  typename B::vector memory = {};   ///< residual stream and block_workspace
  typename B::vector scratch = {};  ///< attention
  typename B::vector logits = {};
  embedding_workspace<scalar_of<B>> embedding = {};
  std::vector<rotary_table<scalar_of<B>>> rotations = {};  ///< one per distinct set of frequencies
};

/// Embedding, blocks, final norm, head; weights packed for the backend. Immutable; safe to share.
template <encoder_backend B>
class encoder {
 public:
  using scalar = scalar_of<B>;
  using workspace = encoder_workspace<B>;
  /// Called with layer 0, ..., layers and the hidden state (R, D), valid during the call.
  using observer = function_ref<void(index_t, input_matrix<B>)>;
  /// Called with the logits (R, V), valid during the call.
  using logits_receiver = function_ref<void(input_matrix<B>)>;

  /// Reads and packs all weights.
  encoder(B backend, const encoder_config& config, const weight_source& source);

  [[nodiscard]] const encoder_config& config() const { return config_; }
  [[nodiscard]] const B& backend() const { return backend_; }

  /// One pass; the contract is that of model::forward. `logits` may be null.
  void forward(const token_batch& batch, observer layers, const logits_receiver* logits, workspace& w) const;

  /// Bytes that a workspace takes for `tokens` tokens, the longest sequence of `longest`.
  [[nodiscard]] index_t workspace_bytes(index_t tokens, index_t longest, bool logits) const;

 private:
  void load_embedding(const planned_weights& weights);
  void load_block(const planned_weights& weights, index_t layer);
  void load_frequencies(const planned_weights& weights, index_t layer);
  void load_head(const planned_weights& weights);
  [[nodiscard]] index_t wide_columns() const;
  [[nodiscard]] index_t row_numbers() const;
  [[nodiscard]] block_workspace<B> prepare(const token_batch& batch, workspace& w, output_matrix<B>& x) const;
  void prepare_rotations(index_t longest, workspace& w) const;
  void run_head(input_matrix<B> hidden, output_matrix<B> narrow, const logits_receiver& receive,
                workspace& w) const;

  B backend_;
  encoder_config config_;
  embedding_layer<B> embedding_;
  std::vector<transformer_block<B>> blocks_;
  std::vector<std::vector<float>> frequencies_;  // distinct sets of rotary frequencies
  std::vector<std::size_t> frequencies_of_;      // which set a layer takes
  std::optional<norm_layer<B>> final_norm_;
  masked_lm_head<B> head_;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/encoder_impl.hpp>
#endif
