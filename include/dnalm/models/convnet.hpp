// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief GPN's ConvNet, as a template on a backend.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/backend/layer_concepts.hpp>
#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/convnet_config.hpp>
#include <dnalm/models/function_ref.hpp>
#include <dnalm/models/gradient_request.hpp>
#include <dnalm/models/token_batch.hpp>
#include <dnalm/models/weight_source.hpp>
#include <dnalm/nn/convnet_block.hpp>
#include <dnalm/nn/embedding_layer.hpp>
#include <dnalm/nn/masked_lm_head.hpp>

DNALM_BEGIN_NAMESPACE

/// Memory of passes of one network: grows as needed, then stays. One per thread.
template <convolution_backend B>
struct convnet_workspace {
  typename B::vector memory = {};   ///< the stream and convnet_views; for gradients also saved states
  typename B::vector scratch = {};  ///< of kernels
  typename B::vector logits = {};   ///< and their gradient
  embedding_workspace<scalar_of<B>> embedding = {};
  thread_team* team = nullptr;  ///< threads that share the work of a pass; null: the calling one alone
  row_pairs pairs = {};         ///< of the gradient on its way
};

/// One-hot tokens, blocks, head; weights packed for the backend. Immutable; safe to share. The members are
/// those of `encoder` (concept network).
template <convolution_backend B>
class convnet {
 public:
  using backend_type = B;
  using config_type = convnet_config;
  using scalar = scalar_of<B>;
  /// `run` puts the same kernels into a device's queue each time, which may be recorded.
  static constexpr bool can_be_recorded = true;
  /// Whether edited_states has the bits of forward.
  static constexpr bool edits_are_exact = true;
  using workspace = convnet_workspace<B>;
  /// Called with layer 0, ..., layers and the hidden state (R, D), valid during the call.
  using observer = function_ref<void(index_t, input_matrix<B>)>;
  /// Called with the logits (R, V), valid during the call.
  using logits_receiver = function_ref<void(input_matrix<B>)>;
  /// What is differentiated: rows where the backend's are.
  using gradient_wish = basic_gradient_request<scalar, B::space>;
  /// Called once with the gradient, valid during the call.
  using gradient_receiver = function_ref<void(const basic_input_gradient<scalar, B::space>&)>;

  /// Reads and packs all weights, as encoder does.
  convnet(B backend, const convnet_config& config, const weight_source& source, int threads = 1);

  [[nodiscard]] const convnet_config& config() const { return config_; }
  [[nodiscard]] const B& backend() const { return backend_; }

  /// One pass; the contract is that of model::forward. `logits` may be null. `word_rows` (R, D), when given,
  /// stand in place of the one-hot tokens.
  void forward(const token_batch& batch, observer layers, const logits_receiver* logits, workspace& w,
               input_matrix<B> word_rows = {}) const;

  /// A pass on its way: the residual stream (R, D), hidden state 0 once it has begun. Refers to the batch and
  /// the workspace.
  struct pass {
    output_matrix<B> x = {};
    convnet_views<B> block = {};
  };
  /// forward in two steps: memory and hidden state 0, then all that depends on nothing of the batch but its
  /// offsets. Of an empty batch x has no rows, and there is no second step.
  [[nodiscard]] pass begin(const token_batch& batch, bool logits, workspace& w,
                           input_matrix<B> word_rows = {}) const;
  void run(pass& begun, observer layers, const logits_receiver* logits, workspace& w) const;

  /// The gradient of a number of hidden states and logits with respect to the input; the contract is that of
  /// model::input_gradients. By the one-hot tokens it is the first V channels of that by their rows.
  void gradient(const token_batch& batch, const gradient_wish& request, gradient_receiver receive,
                workspace& w) const;

  /// Called with the place of an edit and the rows asked for of it and some edits behind it.
  using edits_receiver = function_ref<void(index_t, input_matrix<B>)>;
  /// Hidden state or logits of the sequence `ids` with each of `edits` made alone, with the bits of forward.
  /// A block computes the rows that the edit reaches and the rows asked for read (detail/convnet_edits.hpp);
  /// the unedited sequence's states are kept beside `request.bytes`. In host memory. \throws error
  /// [dnalm.input.422] another state, [dnalm.input.407] an id without a row, [dnalm.input.428] a token,
  /// [dnalm.input.443] a row that the sequence has not; as forward.
  void edited_states(std::span<const std::int32_t> ids, std::span<const token_edit> edits,
                     const edit_request& request, edits_receiver receive, workspace& w) const
      requires(B::space == memory_space::host && resizing_convolution_kernels<B>);

  /// y (R, D): unit vectors, a 1 in channel id.
  void word_rows(std::span<const std::int32_t> ids, output_matrix<B> y) const {
    backend_.embed_rows(ids, embedding_.words.view(), {}, y);
  }

  /// Bytes that a workspace takes for `tokens` tokens; `longest` does not matter.
  [[nodiscard]] index_t workspace_bytes(index_t tokens, index_t longest, bool logits) const;
  /// The same for a gradient.
  [[nodiscard]] index_t gradient_bytes(index_t tokens, index_t longest, const gradient_extent& extent) const;

 private:
  [[nodiscard]] convnet_block<B> load_block(const planned_weights& weights, index_t layer) const;
  void load_head(const planned_weights& weights);
  void grow(typename B::vector& memory, index_t size) const {
    if (memory.size() < size) memory = backend_.allocate(size);
  }
  [[nodiscard]] decltype(auto) backend_of(const workspace& w) const {
    return pass_backend(backend_, w.team, w.pairs);
  }
  [[nodiscard]] index_t forward_scratch(const B& backend, bool logits) const;
  [[nodiscard]] input_matrix<B> edited_logits(input_matrix<B> hidden, typename B::vector& memory,
                                              workspace& w) const;
  [[nodiscard]] embedding_input<B> read(const token_batch& batch, input_matrix<B> word_rows) const {
    return {batch.ids, batch.offsets, {}, word_rows};
  }

  /// The views of one gradient (detail/convnet_gradient_impl.hpp).
  struct gradient_views {
    std::vector<output_matrix<B>> saved = {};  // the input of block l, then the output of the last that runs
    std::vector<convnet_record<B>> records = {};   // of the highest blocks; the first also serves those below
    std::vector<output_matrix<B>> gradients = {};  // on their way down, one per number
    output_matrix<B> d = {};                       // that of the number whose turn it is
    convnet_views<B> block = {};

    /// Whether block `layer` has a record of its own.
    [[nodiscard]] bool keeps(std::size_t layer) const { return layer + records.size() + 1 >= saved.size(); }
    [[nodiscard]] const convnet_record<B>& record(std::size_t layer) const {
      return records[keeps(layer) ? layer + records.size() + 1 - saved.size() : 0];
    }
  };
  [[nodiscard]] index_t record_count(index_t tokens, const gradient_extent& extent) const;
  [[nodiscard]] index_t gradient_numbers(index_t tokens, const gradient_extent& extent) const;
  [[nodiscard]] index_t gradient_scratch(const B& backend, const gradient_extent& extent) const;
  [[nodiscard]] gradient_views prepare_gradient(const token_batch& batch, const gradient_extent& extent,
                                                workspace& w) const;
  void run_saving(const token_batch& batch, const gradient_wish& request, gradient_views& views,
                  workspace& w) const;
  void top_vjp(const gradient_wish& request, gradient_views& views, workspace& w) const;
  void head_vjp(input_matrix<B> hidden, const gradient_wish& request, gradient_views& views,
                workspace& w) const;
  void add_cotangent(index_t layer, input_matrix<B> hidden, const gradient_wish& request,
                     gradient_views& views, const workspace& w) const;

  B backend_;
  convnet_config config_;
  embedding_layer<B> embedding_;  // its table is the identity
  std::vector<convnet_block<B>> blocks_;
  masked_lm_head<B> head_;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/convnet_edits_impl.hpp>
#include <dnalm/models/detail/convnet_gradient_impl.hpp>
#include <dnalm/models/detail/convnet_impl.hpp>
#endif
