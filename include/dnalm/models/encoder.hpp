// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The transformer encoder of all built-in models, as a template on a backend.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/encoder_config.hpp>
#include <dnalm/models/function_ref.hpp>
#include <dnalm/models/gradient_request.hpp>
#include <dnalm/models/token_batch.hpp>
#include <dnalm/models/weight_source.hpp>
#include <dnalm/nn/embedding_layer.hpp>
#include <dnalm/nn/masked_lm_head.hpp>
#include <dnalm/nn/transformer_block.hpp>

DNALM_BEGIN_NAMESPACE

/// Memory of passes of one encoder: grows as needed, then stays. One per thread.
template <encoder_backend B>
struct encoder_workspace {
  typename B::vector memory = {};   ///< residual stream and block_workspace; for gradients also saved states
  typename B::vector scratch = {};  ///< of kernels
  typename B::vector logits = {};   ///< and their gradient, or that with respect to one-hot tokens
  embedding_workspace<scalar_of<B>> embedding = {};
  std::vector<rotary_table<scalar_of<B>>> rotations = {};  ///< one per distinct set of frequencies
  thread_team* team = nullptr;  ///< threads that share the work of a pass; null: the calling one alone
  row_pairs pairs = {};         ///< of the gradient on its way
};

/// Embedding, blocks, final norm, head; weights packed for the backend. Immutable; safe to share.
template <encoder_backend B>
class encoder {
 public:
  using backend_type = B;
  using config_type = encoder_config;
  using scalar = scalar_of<B>;
  /// `run` puts the same kernels into a device's queue each time, which may be recorded.
  static constexpr bool can_be_recorded = true;
  using workspace = encoder_workspace<B>;
  /// Called with layer 0, ..., layers and the hidden state (R, D), valid during the call.
  using observer = function_ref<void(index_t, input_matrix<B>)>;
  /// Called with the logits (R, V), valid during the call.
  using logits_receiver = function_ref<void(input_matrix<B>)>;
  /// What is differentiated: rows where the backend's are.
  using gradient_wish = basic_gradient_request<scalar, B::space>;
  /// Called once with the gradient, valid during the call.
  using gradient_receiver = function_ref<void(const basic_input_gradient<scalar, B::space>&)>;
  /// Called with a block from 0 on, a sequence of the batch and its probabilities, valid during the call.
  using attention_receiver = function_ref<void(index_t, index_t, matrix_view<const double>)>;

  /// Reads and packs all weights; blocks side by side on up to `threads` threads (0: all cores), the calling
  /// one among them, of at most detail::most_loading_threads.
  encoder(B backend, const encoder_config& config, const weight_source& source, int threads = 1);

  [[nodiscard]] const encoder_config& config() const { return config_; }
  [[nodiscard]] const B& backend() const { return backend_; }

  /// One pass; the contract is that of model::forward. `logits` may be null.
  /// `word_rows` (R, D), when given, stand in place of the words' rows of the ids. `which`: the tokens whose
  /// logits are made, (n, V) of these rows in their order; none: those of all. \throws also as
  /// check_word_rows.
  void forward(const token_batch& batch, observer layers, const logits_receiver* logits, workspace& w,
               input_matrix<B> word_rows = {}, std::span<const index_t> which = {}) const;

  /// A pass on its way: the residual stream (R, D), hidden state 0 once it has begun. Refers to the batch and
  /// the workspace.
  struct pass {
    output_matrix<B> x = {};
    block_workspace<B> block = {};
  };
  /// forward in two steps: memory and hidden state 0, then all that depends on nothing of the batch but its
  /// offsets. Of an empty batch x has no rows, and there is no second step.
  [[nodiscard]] pass begin(const token_batch& batch, bool logits, workspace& w,
                           input_matrix<B> word_rows = {}) const;
  void run(pass& begun, observer layers, const logits_receiver* logits, workspace& w,
           std::span<const index_t> which = {}) const;
  /// Whether the block that reads hidden state `layer` pools it where it norms it: who observes that state
  /// may then put into begun.block.input_poolings what it wants of it.
  [[nodiscard]] bool pools_in_norm(index_t layer) const {
    return layer < config_.layers && blocks_[static_cast<std::size_t>(layer)].pools_input();
  }

  /// The gradient of a number of hidden states and logits with respect to the input; the contract is that of
  /// model::input_gradients. The input of each block is kept; what happens within a block is kept for as many
  /// as request.keep_bytes allows, and computed again for the others. Rows on a device are not looked at:
  /// whether what the request's functions gave is finite is for them to check. Rows with a storage type of
  /// their own stay in it on the way back within a block; the gradient between blocks is of scalars.
  void gradient(const token_batch& batch, const gradient_wish& request, gradient_receiver receive,
                workspace& w) const;

  /// Of every block, for every sequence of n tokens, the (n, n) probabilities of attention in the mean over
  /// heads; a pass of its own, whose hidden states have the bits of forward. In host memory, and of rows
  /// without a storage type of their own. Cost: a pass, and of each block n^2 D plain multiplications.
  void attention(const token_batch& batch, attention_receiver receive, workspace& w) const
      requires(B::space == memory_space::host && plain_rows<B>);

  /// y (R, D): the words' rows of ids that have one.
  void word_rows(std::span<const std::int32_t> ids, output_matrix<B> y) const {
    backend_.embed_rows(ids, embedding_.words.view(), {}, y);
  }

  /// Bytes that a workspace takes for `tokens` tokens, the longest sequence of `longest`. On a team, each
  /// member but the first needs the kernels' scratch once more (docs/long_inputs.md).
  [[nodiscard]] index_t workspace_bytes(index_t tokens, index_t longest, bool logits) const;
  /// The same for a gradient. The packed table of one-hot gradients is not in it.
  [[nodiscard]] index_t gradient_bytes(index_t tokens, index_t longest, const gradient_extent& extent) const;

 private:
  void load_embedding(const planned_weights& weights);
  [[nodiscard]] transformer_block<B> load_block(const planned_weights& weights, index_t layer) const;
  void load_frequencies(const planned_weights& weights, index_t layer);
  void load_head(const planned_weights& weights);
  [[nodiscard]] index_t wide_columns() const;
  [[nodiscard]] index_t forward_numbers(index_t rows) const;
  [[nodiscard]] index_t rotation_numbers(index_t longest) const;
  void grow(typename B::vector& memory, index_t size) const {
    if (memory.size() < size) memory = backend_.allocate(size);
  }
  /// The backend of a pass: on the workspace's team and pairs.
  [[nodiscard]] decltype(auto) backend_of(const workspace& w) const {
    return pass_backend(backend_, w.team, w.pairs);
  }
  [[nodiscard]] index_t forward_scratch(const B& backend, index_t longest, bool logits) const;
  [[nodiscard]] pass prepare(const token_batch& batch, bool logits, workspace& w) const;
  void prepare_rotations(index_t longest, workspace& w) const;
  void run_head(input_matrix<B> hidden, const block_workspace<B>& block, std::span<const index_t> which,
                const logits_receiver& receive, workspace& w) const;
  [[nodiscard]] embedding_input<B> read(const token_batch& batch, input_matrix<B> word_rows) const {
    return {batch.ids, batch.offsets, batch.token_types, word_rows};
  }

  /// The views of one gradient (detail/encoder_gradient_impl.hpp).
  struct gradient_views {
    std::vector<output_matrix<B>> saved = {};   // the input of block l, then the output of the last that runs
    std::vector<block_record<B>> records = {};  // of the highest blocks; the first also serves those below
    output_matrix<B> normed = {};               // of the final norm, where there is one
    std::vector<output_matrix<B>> gradients = {};  // on their way down, one per number
    output_matrix<B> d = {};                       // that of the number whose turn it is
    output_rows<B> inner = {};  // of several numbers: a record's rows that an adjoint overwrites
    block_workspace<B> block = {};
    output_matrix<B> part = {};  // scalars over block.narrow

    /// Whether block `layer` has a record of its own.
    [[nodiscard]] bool keeps(std::size_t layer) const { return layer + records.size() + 1 >= saved.size(); }
    [[nodiscard]] const block_record<B>& record(std::size_t layer) const {
      return records[keeps(layer) ? layer + records.size() + 1 - saved.size() : 0];
    }
  };
  [[nodiscard]] bool reaches_final_norm(index_t depth) const {
    return final_norm_ && depth == config_.layers;
  }
  /// Whether a gradient copies a record's inner rows, for the next number.
  [[nodiscard]] static bool copies_inner(const gradient_extent& extent) {
    return B::space == memory_space::host && extent.numbers > 1;
  }
  [[nodiscard]] index_t inner_columns() const {
    return config_.gated ? checked_mul(2, config_.feed_forward) : config_.feed_forward;
  }
  [[nodiscard]] index_t record_numbers(index_t rows) const;
  [[nodiscard]] index_t narrow_numbers(index_t rows) const;
  [[nodiscard]] index_t record_count(index_t tokens, const gradient_extent& extent) const;
  [[nodiscard]] index_t gradient_numbers(index_t tokens, const gradient_extent& extent) const;
  [[nodiscard]] index_t gradient_scratch(const B& backend, index_t longest,
                                         const gradient_extent& extent) const;
  [[nodiscard]] gradient_views prepare_gradient(const token_batch& batch, const gradient_extent& extent,
                                                workspace& w) const;
  void run_saving(const token_batch& batch, const gradient_wish& request, gradient_views& views,
                  workspace& w) const;
  void head_vjp(input_matrix<B> hidden, const gradient_wish& request, gradient_views& views,
                workspace& w) const;
  void add_cotangent(index_t layer, input_matrix<B> hidden, const gradient_wish& request,
                     gradient_views& views, const workspace& w) const;
  void top_vjp(const gradient_wish& request, gradient_views& views, workspace& w) const;
  void block_vjp(std::size_t layer, const gradient_wish& request, gradient_views& views, workspace& w) const;
  void set_rotation(std::size_t layer, const workspace& w, block_workspace<B>& block) const {
    if (!frequencies_of_.empty()) block.rotation = &w.rotations[frequencies_of_[layer]];
  }
  [[nodiscard]] input_matrix<B> one_hot_gradient(input_matrix<B> d, workspace& w) const;
  [[nodiscard]] const typename B::weight& packed_words() const;

  /// The word table as a packed weight, made when first asked for, by one thread.
  struct lazy_weight {
    std::once_flag once = {};
    typename B::weight packed = {};
  };

  B backend_;
  encoder_config config_;
  embedding_layer<B> embedding_;
  std::vector<transformer_block<B>> blocks_;
  std::vector<std::vector<float>> frequencies_;  // distinct sets of rotary frequencies
  std::vector<std::size_t> frequencies_of_;      // which set a layer takes
  std::optional<norm_layer<B>> final_norm_;
  masked_lm_head<B> head_;
  std::unique_ptr<lazy_weight> words_ = std::make_unique<lazy_weight>();
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/encoder_attention_impl.hpp>
#include <dnalm/models/detail/encoder_gradient_impl.hpp>
#include <dnalm/models/detail/encoder_impl.hpp>
#endif
