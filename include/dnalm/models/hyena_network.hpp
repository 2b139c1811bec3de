// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief HyenaDNA as a template on a backend: hidden states, causal logits, gradients by the input.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include <dnalm/backend/long_convolution.hpp>
#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/function_ref.hpp>
#include <dnalm/models/gradient_request.hpp>
#include <dnalm/models/hyena_config.hpp>
#include <dnalm/models/token_batch.hpp>
#include <dnalm/models/weight_source.hpp>
#include <dnalm/nn/embedding_layer.hpp>
#include <dnalm/nn/hyena_block.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {
class named_weights;
}

/// Bytes of filters that a network keeps, unless it or the backend says otherwise (`filter_bytes`); its
/// layers share them evenly.
inline constexpr index_t default_filter_bytes = index_t{4} << 30;

namespace detail {

template <class B>
[[nodiscard]] index_t filter_bytes_of([[maybe_unused]] const B& backend) {
  if constexpr (requires { backend.filter_bytes(); }) {
    return backend.filter_bytes();
  } else {
    return default_filter_bytes;
  }
}

}  // namespace detail

/// Memory of passes of one network: grows as needed, then stays. One per thread.
template <hyena_backend B>
struct hyena_network_workspace {
  typename B::vector memory = {};   ///< residual stream and hyena_workspace; for gradients also saved states
  typename B::vector scratch = {};  ///< of kernels
  typename B::vector logits = {};   ///< and their gradient, or that with respect to one-hot tokens
  embedding_workspace<scalar_of<B>> embedding = {};
  sequence_filters<B> filters = {};  ///< of the layer that runs
  thread_team* team = nullptr;       ///< threads that share the work of a pass; null: the calling one alone
  index_t piece = 0;                 ///< as forward_workspace::piece; read in host memory only
  row_pairs pairs = {};              ///< of the gradient on its way
};

/// Embedding, blocks, final norm, head; weights packed for the backend. Filters are made when a length is
/// first met, and kept. Safe to share.
template <hyena_backend B>
class hyena_network {
 public:
  using backend_type = B;
  using config_type = hyena_config;
  using scalar = scalar_of<B>;
  /// `run` may make filters on its way, which no recording of a device's queue takes.
  static constexpr bool can_be_recorded = false;
  /// Whether edited_states has the bits of forward.
  static constexpr bool edits_are_exact = false;
  /// Whether `forward` runs long sequences in pieces (workspace::piece).
  static constexpr bool has_pieces = B::space == memory_space::host;
  using workspace = hyena_network_workspace<B>;
  /// Called with layer 0 (the embedding), ..., layers (after the final norm) and the hidden state (R, D),
  /// valid during the call.
  using observer = function_ref<void(index_t, input_matrix<B>)>;
  /// Called with the logits (R, V), valid during the call: those of row r are of the token behind it.
  using logits_receiver = function_ref<void(input_matrix<B>)>;
  /// What is differentiated: rows where the backend's are.
  using gradient_wish = basic_gradient_request<scalar, B::space>;
  /// Called once with the gradient, valid during the call.
  using gradient_receiver = function_ref<void(const basic_input_gradient<scalar, B::space>&)>;

  /// Reads and packs all weights, on up to `threads` threads (0: all cores). \throws as the source.
  hyena_network(B backend, const hyena_config& config, const weight_source& source, int threads = 1);
  /// The same; keeps so many bytes of filters.
  hyena_network(B backend, const hyena_config& config, const weight_source& source, int threads,
                index_t filter_bytes);

  [[nodiscard]] const hyena_config& config() const { return config_; }
  [[nodiscard]] const B& backend() const { return backend_; }

  /// One pass. `logits` may be null. `word_rows` (R, D), when given, stand in place of the words' rows of the
  /// ids. \throws error [dnalm.shape.409] sizes that disagree, [dnalm.input.407] token types, which the model
  /// has not; as check_tokens and check_word_rows.
  void forward(const token_batch& batch, observer layers, const logits_receiver* logits, workspace& w,
               input_matrix<B> word_rows = {}) const;

  /// A pass on its way: the residual stream (R, D), hidden state 0 once it has begun. Refers to the batch and
  /// the workspace.
  struct pass {
    output_matrix<B> x = {};
    hyena_workspace<B> block = {};
  };
  /// forward in two steps: memory and hidden state 0, then all that depends on nothing of the batch but its
  /// offsets. Of an empty batch x has no rows, and there is no second step.
  [[nodiscard]] pass begin(const token_batch& batch, bool logits, workspace& w,
                           input_matrix<B> word_rows = {}) const;
  void run(pass& begun, observer layers, const logits_receiver* logits, workspace& w) const;

  /// The gradient of a number of hidden states and logits with respect to the input, as encoder::gradient.
  void gradient(const token_batch& batch, const gradient_wish& request, gradient_receiver receive,
                workspace& w) const;

  /// Called with the place of an edit and the rows asked for of it and some edits behind it.
  using edits_receiver = function_ref<void(index_t, input_matrix<B>)>;
  /// State `request.state`, from 1 on, or the logits of the sequence `ids` with each of `edits` made alone:
  /// the rows before an edit are those of the sequence, of the others every layer computes what it adds to
  /// them, also where few rows are asked for. As layer_network, but equal to forward only up to the rounding
  /// of the long convolutions' transforms: their outputs differ by a few of their bounds
  /// (long_convolution_kernels).
  void edited_states(std::span<const std::int32_t> ids, std::span<const token_edit> edits,
                     const edit_request& request, edits_receiver receive, workspace& w) const
      requires(B::space == memory_space::host);

  /// y (R, D): the words' rows of ids that have one.
  void word_rows(std::span<const std::int32_t> ids, output_matrix<B> y) const {
    backend_.embed_rows(ids, embedding_.words.view(), {}, y);
  }

  /// Bytes that a workspace takes for `tokens` tokens, the longest sequence of `longest`; filters come on top
  /// of them (default_filter_bytes, and where one is too large to be kept detail::convolve_by_channels). On a
  /// team, each member but the first needs the kernels' scratch once more. `piece` as the workspace's.
  [[nodiscard]] index_t workspace_bytes(index_t tokens, index_t longest, bool logits,
                                        index_t piece = 0) const;
  /// Bytes of the filters that are kept, by all blocks together, once sequences of these lengths have run.
  [[nodiscard]] index_t kept_bytes(std::span<const index_t> lengths) const;
  /// As workspace_bytes, for a gradient. The packed table of one-hot gradients is not in it.
  [[nodiscard]] index_t gradient_bytes(index_t tokens, index_t longest, const gradient_extent& extent) const;

  /// The filter of a block, its first `count` taps (count, D).
  [[nodiscard]] matrix<double> filter_taps(index_t layer, index_t count) const {
    return blocks_[static_cast<std::size_t>(layer)].mixer.filter.taps(count);
  }

 private:
  [[nodiscard]] hyena_block<B> load_block(const detail::named_weights& weights, index_t layer,
                                          std::shared_ptr<const filter_positions> positions,
                                          index_t filter_bytes) const;
  void load_blocks(const detail::named_weights& weights, int threads, index_t filter_bytes);
  void load_ends(const detail::named_weights& weights);
  void check(const token_batch& batch) const;
  [[nodiscard]] index_t wide_columns() const;
  [[nodiscard]] index_t row_numbers() const;
  /// Rows that a piece's memory has, with those that its short convolution reads before it; 0: the longest
  /// sequence is no longer than a piece, all rows run together.
  [[nodiscard]] index_t piece_rows(index_t longest, index_t piece) const;
  [[nodiscard]] index_t pass_numbers(index_t rows, index_t longest, index_t piece) const;
  void grow(typename B::vector& memory, index_t size) const {
    if (memory.size() < size) memory = backend_.allocate(size);
  }
  [[nodiscard]] decltype(auto) backend_of(const workspace& w) const {
    return pass_backend(backend_, w.team, w.pairs);
  }
  [[nodiscard]] index_t forward_scratch(const B& backend, index_t longest, bool logits) const;
  [[nodiscard]] pass prepare(const token_batch& batch, bool logits, index_t piece, workspace& w) const;
  [[nodiscard]] pass begin_in(const token_batch& batch, bool logits, index_t piece, workspace& w,
                              input_matrix<B> word_rows) const;
  void run_block(std::size_t layer, const pass& begun, const B& backend) const;
  void run_head(input_matrix<B> hidden, const logits_receiver& receive, workspace& w) const;
  [[nodiscard]] embedding_input<B> read(const token_batch& batch, input_matrix<B> word_rows) const {
    return {batch.ids, batch.offsets, {}, word_rows};
  }

  /// The views of one gradient (detail/hyena_gradient_impl.hpp).
  struct gradient_views {
    std::vector<output_matrix<B>> saved = {};   // the input of block l, then the output of the last that runs
    std::vector<hyena_record<B>> records = {};  // of the highest blocks; the first also serves those below
    output_matrix<B> normed = {};               // of the final norm
    std::vector<output_matrix<B>> gradients = {};  // on their way down, one per number
    output_matrix<B> d = {};                       // that of the number whose turn it is
    output_matrix<B> inner = {};  // of several numbers: a record's rows that an adjoint overwrites
    hyena_workspace<B> block = {};

    [[nodiscard]] bool keeps(std::size_t layer) const { return layer + records.size() + 1 >= saved.size(); }
    [[nodiscard]] const hyena_record<B>& record(std::size_t layer) const {
      return records[keeps(layer) ? layer + records.size() + 1 - saved.size() : 0];
    }
  };
  [[nodiscard]] index_t record_numbers() const;
  [[nodiscard]] index_t record_count(index_t tokens, const gradient_extent& extent) const;
  [[nodiscard]] index_t gradient_numbers(index_t tokens, const gradient_extent& extent) const;
  [[nodiscard]] index_t gradient_scratch(const B& backend, index_t longest,
                                         const gradient_extent& extent) const;
  [[nodiscard]] gradient_views prepare_gradient(const token_batch& batch, const gradient_extent& extent,
                                                workspace& w) const;
  void run_saving(const token_batch& batch, const gradient_wish& request, gradient_views& views,
                  workspace& w) const;
  void top_vjp(const gradient_wish& request, gradient_views& views, workspace& w) const;
  void block_vjp(std::size_t layer, const gradient_wish& request, gradient_views& views, workspace& w) const;
  /// Whether a gradient copies a record's inner rows, for the next number.
  [[nodiscard]] static bool copies_inner(const gradient_extent& extent) {
    return B::space == memory_space::host && extent.numbers > 1;
  }
  void head_vjp(input_matrix<B> hidden, const gradient_wish& request, gradient_views& views,
                workspace& w) const;
  void add_cotangent(index_t layer, input_matrix<B> hidden, const gradient_wish& request,
                     gradient_views& views, const workspace& w) const;
  /// Of a sequence, what its edits share, and of some edits the rows behind them
  /// (detail/hyena_edits_impl.hpp).
  struct edit_reference;
  struct edit_suffixes;
  [[nodiscard]] edit_reference run_reference(const token_batch& batch, index_t state, workspace& w) const;
  [[nodiscard]] edit_suffixes gather_suffixes(std::span<const std::int32_t> ids,
                                              std::span<const token_edit> edits, index_t bytes,
                                              typename B::vector& memory) const;
  [[nodiscard]] input_matrix<B> asked_rows(const edit_reference& reference, const edit_suffixes& some,
                                           std::span<const index_t> rows, typename B::vector& memory) const;
  void run_suffixes(const edit_reference& reference, edit_suffixes& some, workspace& w) const;
  void mix_suffixes(std::size_t layer, const edit_reference& reference, edit_suffixes& some,
                    const hyena_workspace<B>& block) const;
  [[nodiscard]] input_matrix<B> one_hot_gradient(input_matrix<B> d, workspace& w) const;
  [[nodiscard]] const typename B::weight& packed_words() const;

  /// The word table as a packed weight, made when first asked for, by one thread.
  struct lazy_weight {
    std::once_flag once = {};
    typename B::weight packed = {};
  };

  B backend_;
  hyena_config config_;
  embedding_layer<B> embedding_;
  std::vector<hyena_block<B>> blocks_;
  norm_layer<B> final_norm_;
  linear_layer<B> head_;
  std::unique_ptr<lazy_weight> words_ = std::make_unique<lazy_weight>();
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/hyena_edits_impl.hpp>
#include <dnalm/models/detail/hyena_gradient_impl.hpp>
#include <dnalm/models/detail/hyena_network_impl.hpp>
#endif
