// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Caduceus as a template on a backend: hidden states, masked logits, gradients by the input.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/caduceus_config.hpp>
#include <dnalm/models/function_ref.hpp>
#include <dnalm/models/gradient_request.hpp>
#include <dnalm/models/token_batch.hpp>
#include <dnalm/models/weight_source.hpp>
#include <dnalm/nn/detail/mamba_pieces.hpp>
#include <dnalm/nn/embedding_layer.hpp>
#include <dnalm/nn/mamba_block.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {
class named_weights;
}

/// Memory of passes of one network: grows as needed, then stays. One per thread.
template <caduceus_backend B>
struct caduceus_network_workspace {
  typename B::vector memory = {};   ///< residual stream and mamba_workspace; for gradients also saved states
  typename B::vector scratch = {};  ///< of kernels
  typename B::vector logits = {};   ///< and their gradient, or that with respect to one-hot tokens
  embedding_workspace<scalar_of<B>> embedding = {};
  thread_team* team = nullptr;  ///< threads that share the work of a pass; null: the calling one alone
  index_t piece = 0;            ///< as forward_workspace::piece; read where has_pieces
  row_pairs pairs = {};         ///< of the gradient on its way
};

/// Embedding, blocks, final norm, head; weights packed for the backend. Safe to share.
///
/// Ph: one strand, hidden states (R, D). PS: hidden states (R, 2 D) as published, [given strand | other
/// strand, its channels from the last to the first]; within, the rows of the strands stand below each other
/// (strand_kernels). A sequence's reverse complement gives the same bits, strands exchanged and turned round.
template <caduceus_backend B>
class caduceus_network {
 public:
  using backend_type = B;
  using config_type = caduceus_config;
  using scalar = scalar_of<B>;
  static constexpr bool can_be_recorded = true;  ///< `run` puts the same kernels into the queue each time
  /// Whether `forward` runs long sequences in pieces (workspace::piece).
  static constexpr bool has_pieces = B::space == memory_space::host && carried_scan_kernels<B>;
  using workspace = caduceus_network_workspace<B>;
  /// Called with layer 0 (the embedding), ..., layers (after the final norm) and the hidden state (R, width),
  /// valid during the call.
  using observer = function_ref<void(index_t, input_matrix<B>)>;
  /// Called with the logits (R, V), valid during the call.
  using logits_receiver = function_ref<void(input_matrix<B>)>;
  /// What is differentiated: rows where the backend's are.
  using gradient_wish = basic_gradient_request<scalar, B::space>;
  /// Called once with the gradient, valid during the call.
  using gradient_receiver = function_ref<void(const basic_input_gradient<scalar, B::space>&)>;

  /// Reads and packs all weights, on up to `threads` threads (0: all cores). \throws error
  /// [dnalm.numeric.445] rates that overflow, [dnalm.config.446] complements that are no tokens; as the
  /// source.
  caduceus_network(B backend, const caduceus_config& config, const weight_source& source, int threads = 1);

  [[nodiscard]] const caduceus_config& config() const { return config_; }
  [[nodiscard]] const B& backend() const { return backend_; }

  /// One pass. `logits` may be null. `word_rows` (R, width), when given, stand in place of the words' rows of
  /// the ids. \throws error [dnalm.shape.409] sizes that disagree, [dnalm.input.407] token types, which the
  /// model has not; as check_tokens and check_word_rows.
  void forward(const token_batch& batch, observer layers, const logits_receiver* logits, workspace& w,
               input_matrix<B> word_rows = {}) const;

  /// A pass on its way: the rows of the strands, x (strands R, D). Refers to the batch and the workspace.
  struct pass {
    output_matrix<B> x = {};
    output_matrix<B> shown = {};  ///< (R, width): the hidden state as published
    mamba_workspace<B> block = {};
    mamba_piece_workspace<B> pieces = {};  ///< in pieces in the place of `block`
  };
  /// forward in two steps: memory and the embedding, then all that depends on nothing of the batch but its
  /// offsets. Of an empty batch x has no rows, and there is no second step.
  [[nodiscard]] pass begin(const token_batch& batch, bool logits, workspace& w,
                           input_matrix<B> word_rows = {}) const;
  void run(pass& begun, observer layers, const logits_receiver* logits, workspace& w) const;

  /// The gradient of a number of hidden states and logits with respect to the input, as encoder::gradient.
  void gradient(const token_batch& batch, const gradient_wish& request, gradient_receiver receive,
                workspace& w) const;

  /// y (R, width): the words' rows of ids that have one.
  void word_rows(std::span<const std::int32_t> ids, output_matrix<B> y) const {
    backend_.embed_rows(ids, embedding_.words.view(), {}, y);
  }

  /// Bytes that a workspace takes for `tokens` tokens, the longest sequence of `longest`. On a team, each
  /// member but the first needs the kernels' scratch once more. `piece` as the workspace's.
  [[nodiscard]] index_t workspace_bytes(index_t tokens, index_t longest, bool logits,
                                        index_t piece = 0) const;
  /// The same for a gradient. The packed table of one-hot gradients is not in it.
  [[nodiscard]] index_t gradient_bytes(index_t tokens, index_t longest, const gradient_extent& extent) const;

 private:
  void load_ends(const detail::named_weights& weights);
  void check(const token_batch& batch) const;
  void grow(typename B::vector& memory, index_t size) const {
    if (memory.size() < size) memory = backend_.allocate(size);
  }
  [[nodiscard]] decltype(auto) backend_of(const workspace& w) const {
    return pass_backend(backend_, w.team, w.pairs);
  }
  /// Hands out matrices of a vector one behind the other.
  struct memory_cutter {
    scalar* next;
    index_t rows;
    output_matrix<B> take(index_t columns) {
      scalar* const first = next;
      next += rows * columns;
      return {first, rows, columns, columns};
    }
    output_vector<B> take_numbers(index_t size) {
      scalar* const first = next;
      next += size;
      return {first, size};
    }
  };
  [[nodiscard]] index_t parts_columns() const { return config_.rank + 2 * config_.states; }
  /// Numbers per row of a strand: mamba_workspace without its part for adjoints.
  [[nodiscard]] index_t block_numbers() const;
  /// Rows that a piece's memory has, with those that its short convolutions read beside it; 0: the longest
  /// sequence is no longer than a piece, all rows run together.
  [[nodiscard]] index_t piece_rows(index_t longest, index_t piece) const;
  [[nodiscard]] index_t tail_rows() const { return blocks_.front().mixer.ahead.taps.view().rows - 1; }
  [[nodiscard]] index_t state_numbers() const;
  [[nodiscard]] index_t pass_numbers(index_t rows, index_t longest, index_t piece) const;
  void take_pieces(memory_cutter memory, const token_batch& batch, workspace& w, pass& begun) const;
  void run_block(std::size_t layer, const pass& begun, const B& backend) const;
  [[nodiscard]] index_t forward_scratch(const B& backend, bool logits) const;
  [[nodiscard]] mamba_workspace<B> take_block(memory_cutter& memory, const token_batch& batch,
                                              workspace& w) const;
  /// The stream's rows as the published hidden state behind so many blocks; with one strand the rows
  /// themselves, else in `shown`.
  [[nodiscard]] input_matrix<B> published(const B& backend, output_matrix<B> x, index_t blocks,
                                          output_matrix<B> shown) const;
  /// The embedding in the rows of the strands, x; `shown` (R, width) gets it as published.
  void embed(const B& backend, const token_batch& batch, input_matrix<B> word_rows, workspace& w,
             output_matrix<B> shown, output_matrix<B> x) const;
  void run_head(input_matrix<B> hidden, const logits_receiver& receive, workspace& w) const;

  /// The views of one gradient (detail/caduceus_gradient_impl.hpp).
  struct gradient_views {
    std::vector<output_matrix<B>> saved = {};  // the input of block l, then the output of the last that runs
    std::vector<output_matrix<B>> records = {};    // of the highest blocks; the first also serves those below
    std::vector<output_vector<B>> kept = {};       // of the same blocks: states of their scans
    output_matrix<B> normed = {};                  // of the final norm
    std::vector<output_matrix<B>> gradients = {};  // on their way down, one per number
    output_matrix<B> d = {};                       // that of the number whose turn it is
    output_matrix<B> shown = {};                   // (R, width): a hidden state as published
    output_matrix<B> given = {};                   // (R, width): a gradient by one
    mamba_workspace<B> block = {};

    [[nodiscard]] bool keeps(std::size_t layer) const { return layer + records.size() + 1 >= saved.size(); }
    /// Its record, the states that belong to it being those of `block` from now on.
    output_matrix<B> turn_to(std::size_t layer) {
      const std::size_t number = keeps(layer) ? layer + records.size() + 1 - saved.size() : 0;
      block.kept = kept[number];
      return records[number];
    }
  };
  /// Numbers that the scans of a block keep, and of its record: those and [x | z | y] of every row.
  [[nodiscard]] index_t kept_numbers(index_t tokens) const;
  [[nodiscard]] index_t record_numbers(index_t tokens) const;
  [[nodiscard]] index_t record_count(index_t tokens, const gradient_extent& extent) const;
  [[nodiscard]] index_t gradient_numbers(index_t tokens, const gradient_extent& extent) const;
  [[nodiscard]] index_t gradient_scratch(const B& backend, index_t longest,
                                         const gradient_extent& extent) const;
  [[nodiscard]] gradient_views prepare_gradient(const token_batch& batch, const gradient_extent& extent,
                                                workspace& w) const;
  void run_saving(const token_batch& batch, const gradient_wish& request, gradient_views& views,
                  workspace& w) const;
  void top_vjp(const gradient_wish& request, gradient_views& views, workspace& w) const;
  void head_vjp(input_matrix<B> hidden, const gradient_wish& request, gradient_views& views,
                workspace& w) const;
  void add_cotangent(index_t layer, output_matrix<B> x, const gradient_wish& request, gradient_views& views,
                     const workspace& w) const;
  void show_carried(index_t layer, const gradient_wish& request, gradient_views& views, workspace& w) const;
  [[nodiscard]] input_matrix<B> one_hot_gradient(input_matrix<B> d, workspace& w) const;
  [[nodiscard]] const typename B::weight& packed_words() const;

  /// The word table as a packed weight, made when first asked for, by one thread.
  struct lazy_weight {
    std::once_flag once = {};
    typename B::weight packed = {};
  };

  B backend_;
  caduceus_config config_;
  embedding_layer<B> embedding_;  // (V, width)
  std::vector<mamba_block<B>> blocks_;
  rms_norm_layer<B> final_norm_;
  linear_layer<B> head_;        // (V, width)
  bool head_is_words_ = false;  // the same matrix
  std::unique_ptr<lazy_weight> words_ = std::make_unique<lazy_weight>();
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/caduceus_gradient_impl.hpp>
#include <dnalm/models/detail/caduceus_network_impl.hpp>
#endif
