// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief `model`: any loaded model behind one small interface. The backend is chosen when it is loaded.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include <dnalm/backend/pooling_kind.hpp>
#include <dnalm/backend/weight_format.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/models/device_poolings.hpp>
#include <dnalm/models/function_ref.hpp>
#include <dnalm/models/gradient_request.hpp>
#include <dnalm/models/network_config.hpp>
#include <dnalm/models/token_batch.hpp>
#include <dnalm/models/weight_source.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>
#include <dnalm/tokenize/tokenizer.hpp>

DNALM_BEGIN_NAMESPACE

/// What is known of a model without running it.
struct model_description {
  std::string name = {};  ///< the folder's name; `random:<name>` for a random twin
  std::filesystem::path folder = {};
  std::string backend = {};  ///< `cpu` or `reference`
  weight_format weights = weight_format::f32;
  network_config config = {};
  index_t parameters = 0;                ///< numbers in parameter tensors; tied ones once, buffers not
  index_t max_tokens = 0;                ///< longest input, CLS and the like included; 0: no limit
  std::optional<tokenizer> tokens = {};  ///< empty when the folder has no tokenizer

  [[nodiscard]] network_summary summary() const { return summary_of(config); }
  [[nodiscard]] std::string_view architecture_name() const { return summary().architecture; }
  [[nodiscard]] index_t layers() const { return summary().layers; }
  [[nodiscard]] index_t width() const { return summary().width; }
  [[nodiscard]] index_t heads() const { return summary().heads; }  ///< 0: no attention
  [[nodiscard]] index_t vocabulary() const { return summary().vocabulary; }
  /// Number of the mask token, as the configuration or else the tokenizer says; -1: none.
  [[nodiscard]] int mask_id() const {
    const int named = summary().mask_id;
    return named >= 0 || !tokens ? named : tokens->special().mask;
  }
  /// Whether sequences begin with a token that stands for the whole (CLS).
  [[nodiscard]] bool has_cls() const { return tokens && tokens->special().cls >= 0; }
};

namespace detail {

/// A number that no other model of this process has: an address may be given again, a number is not.
[[nodiscard]] inline std::uint64_t new_model_number() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace detail

/// Memory that forward passes reuse; grows as needed and keeps its size. One per thread, or per team of
/// threads.
class forward_workspace {
 public:
  forward_workspace() = default;
  /// For passes that a team of threads works on (`model::works_on_teams`); the team outlives the workspace.
  explicit forward_workspace(thread_team& team) : team_(&team) {}
  /// Null: passes run on the thread that calls.
  [[nodiscard]] thread_team* team() const { return team_; }
  /// Another team, which outlives the workspace or what it joins next; null: none. The memory stays.
  void join(thread_team* team) { team_ = team; }
  /// Positions of a piece in which `forward` and `logits` run longer sequences, of models that can
  /// (`model::runs_in_pieces`); 0: in one piece. It changes memory and time, never a number.
  [[nodiscard]] index_t piece() const { return piece_; }
  void set_piece(index_t positions) { piece_ = positions; }

  /// The typed workspace for the model of number `owner`, made by `make` when the last user was another one.
  template <class T, class Make>
  [[nodiscard]] T& state(std::uint64_t owner, Make&& make) {
    if (owner_ != owner || !state_) {
      state_ = std::make_shared<T>(make());
      owner_ = owner;
    }
    return *static_cast<T*>(state_.get());
  }
  /// Frees the memory; the next pass takes what it needs.
  void release() {
    state_.reset();
    owner_ = 0;
  }

 private:
  std::shared_ptr<void> state_;
  std::uint64_t owner_ = 0;
  thread_team* team_ = nullptr;
  index_t piece_ = 0;
};

/// Called with layer 0 (embedding output), 1, ..., layers; the view (tokens, D) is valid during the call.
using layer_observer = function_ref<void(index_t layer, matrix_view<const float> hidden)>;
/// Called once with the logits (tokens, V), valid during the call.
using logits_observer = function_ref<void(matrix_view<const float> logits)>;
/// Called with the gradient, valid during the call.
using gradient_observer = function_ref<void(const input_gradient& gradient)>;

/// Called with a block from 0 on, a sequence of the batch and its (n, n) probabilities of attention, row i
/// those with which token i reads the others, in the mean over heads; valid during the call.
using attention_observer =
    function_ref<void(index_t layer, index_t sequence, matrix_view<const double> probabilities)>;

/// Called with the place of an edit and the rows asked for of it and some edits behind it, as many rows of
/// each; valid during the call.
using edits_observer = function_ref<void(index_t first, matrix_view<const float> rows)>;

/// Poolings of hidden states that forward_pooled makes where they are.
struct pool_request {
  std::span<const index_t> layers = {};         ///< increasing
  std::span<const pooling> kinds = {};          ///< not `tokens`
  std::span<const unsigned char> special = {};  ///< one flag per token: not a sequence token
};
/// Called with the place of a layer and of a kind in the request, and one row per sequence.
using pooled_observer =
    function_ref<void(std::size_t layer, std::size_t kind, matrix_view<const float> vectors)>;

/// How batches suit a network.
struct batch_preference {
  index_t tokens = 192;  ///< keeps a layer's activations near a core's second-level cache
  int workers = 0;       ///< that run batches side by side at most; 0: any number
  bool pooled = false;   ///< hidden states are far away: forward_pooled spares copying them
  bool splits = false;   ///< a batch that its device has no memory for may run in parts
  std::optional<int> device =
      {};  ///< the GPU in whose memory pool_on_device leaves vectors; none: it does not
};

/// A matrix W (out, in), packed for products by the backend of a model. Safe to share.
class packed_product {
 public:
  virtual ~packed_product() = default;
  /// y (R, out) = x (R, in) W^T in float; a row's bits depend on that row and W only. `scratch` grows as
  /// needed.
  virtual void run(matrix_view<const float> x, buffer<float>& scratch, matrix_view<float> y) const = 0;
};
/// Positions of a piece that is chosen by itself: what a piece takes is small beside what all positions keep,
/// and products still have rows for every thread.
inline constexpr index_t default_piece = 4096;

/// What stands behind a model; implemented by model_of<Network> (model_of.hpp).
class model_base {
 public:
  virtual ~model_base() = default;
  virtual void forward(const token_batch& batch, matrix_view<const float> word_rows, layer_observer layers,
                       const logits_observer* logits, forward_workspace& workspace) const = 0;
  /// Logits of the tokens `rows`, at least one. Here: all are made, and those handed on.
  virtual void logits_of(const token_batch& batch, std::span<const index_t> rows, logits_observer observer,
                         forward_workspace& workspace) const;
  virtual void input_gradients(const token_batch& batch, const gradient_request& request,
                               gradient_observer receive, forward_workspace& workspace) const = 0;
  virtual void word_rows(std::span<const std::int32_t> ids, matrix_view<float> rows) const = 0;
  [[nodiscard]] virtual index_t workspace_bytes(index_t tokens, index_t longest, bool logits) const = 0;
  [[nodiscard]] virtual bool runs_in_pieces() const { return false; }
  [[nodiscard]] virtual index_t piece_bytes(index_t tokens, index_t longest, bool logits,
                                            index_t /*piece*/) const {
    return workspace_bytes(tokens, longest, logits);
  }
  [[nodiscard]] virtual index_t gradient_bytes(const gradient_request& request, index_t tokens,
                                               index_t longest) const = 0;
  [[nodiscard]] virtual bool works_on_teams() const { return false; }
  [[nodiscard]] virtual batch_preference prefers() const { return {}; }
  [[nodiscard]] virtual index_t state_width(index_t state) const = 0;
  [[nodiscard]] virtual index_t state_rows(index_t state, index_t tokens, const std::string& where) const = 0;
  [[nodiscard]] virtual index_t inner_rows(index_t tokens, const std::string& where) const = 0;
  /// False when a hidden state of the request's layers is not finite: then `observer` saw nothing.
  virtual bool forward_pooled(const token_batch&, const pool_request&, pooled_observer,
                              forward_workspace&) const {
    throw error(error_kind::internal, 426, "this network pools nothing by itself");
  }
  /// Null when a hidden state of the request's layers is not finite: then `observer` saw nothing.
  [[nodiscard]] virtual std::shared_ptr<const device_poolings> pool_on_device(
      const token_batch&, const pool_request&, std::span<const index_t> /*seen*/, pooled_observer,
      forward_workspace&) const {
    throw error(error_kind::internal, 426, "this network pools nothing by itself");
  }
  /// False: this network has no attention, or its backend hands none out; then `observer` saw nothing.
  virtual bool attention(const token_batch&, attention_observer, forward_workspace&) const { return false; }
  /// False: this network, or its backend, has no shorter way than a pass of each; then `observer` saw
  /// nothing.
  virtual bool edited_states(std::span<const std::int32_t>, std::span<const token_edit>, const edit_request&,
                             edits_observer, forward_workspace&) const {
    return false;
  }
  /// Whether edited_states has the bits of forward.
  [[nodiscard]] virtual bool edits_are_exact() const { return false; }
  /// A network of other weights and the same kind on the same backend; `threads` as in load_options.
  /// \throws error [dnalm.unsupported.440] a configuration of another kind.
  [[nodiscard]] virtual std::shared_ptr<const model_base> remade(const network_config& config,
                                                                 const weight_source& source,
                                                                 int threads) const = 0;
  /// Null: this backend's products are not of floats in host memory, or its weights are rounded.
  [[nodiscard]] virtual std::shared_ptr<const packed_product> pack_product(matrix_view<const float>) const {
    return nullptr;
  }
  /// Bytes of host memory that passes of sequences of these lengths leave behind, beside their workspaces.
  [[nodiscard]] virtual index_t kept_bytes(std::span<const index_t> /*lengths*/) const { return 0; }
  /// Whether edited_states answers true.
  [[nodiscard]] virtual bool runs_edits() const { return false; }
};

/// A model: a value that is cheap to copy (copies share the weights) and safe to use from several threads.
class model {
 public:
  model(std::shared_ptr<const model_base> base, model_description description)
      : base_(std::move(base)),
        description_(std::make_shared<const model_description>(std::move(description))) {}

  [[nodiscard]] const model_description& describe() const { return *description_; }

  /// Tokens of a sequence, checked against the model; `where` names the sequence in messages.
  /// \throws error [dnalm.config.405] no tokenizer in the folder, [dnalm.input.406] longer than the model
  /// allows, [dnalm.input.407] a token that has no row in the embedding, [dnalm.input.408] an empty sequence;
  /// as tokenizer::encode.
  [[nodiscard]] token_sequence tokenize(std::string_view sequence,
                                        const std::string& where = "sequence") const;

  /// Runs a ragged batch; `observer` sees every hidden state, in order. Hidden state 0 is the embedding
  /// output, k the residual stream after block k; for models with a final LayerNorm the last one is taken
  /// after it.
  ///
  /// A token's numbers depend on its own sequence only: not on the batch, its order, or threads (bitwise).
  /// \throws error [dnalm.shape.409] ids and offsets disagree, [dnalm.input.407] an id without a row,
  /// [dnalm.input.406] a sequence longer than the position table, [dnalm.input.408] an empty sequence.
  void forward(const token_batch& batch, layer_observer observer, forward_workspace& workspace) const {
    base_->forward(batch, {}, observer, nullptr, workspace);
  }
  void forward(std::span<const std::int32_t> ids, const ragged_offsets& offsets, layer_observer observer,
               forward_workspace& workspace) const {
    base_->forward({ids, offsets}, {}, observer, nullptr, workspace);
  }
  /// The same pass, and the logits of the masked-language-model head at its end.
  void forward(const token_batch& batch, layer_observer observer, logits_observer logits,
               forward_workspace& workspace) const {
    base_->forward(batch, {}, observer, &logits, workspace);
  }
  /// Only the logits.
  void logits(const token_batch& batch, logits_observer observer, forward_workspace& workspace) const {
    base_->forward(
        batch, {}, [](index_t, matrix_view<const float>) {}, &observer, workspace);
  }
  /// Only the logits of some tokens, as the masked ones: row i is that of token rows[i] of the batch, counted
  /// over all its sequences, with the bits that `logits` gives it. Without rows nothing runs. Cost: a pass;
  /// of the head, where the network is an encoder, only these rows. Of a network that resizes, rows are those
  /// of its first prediction. \throws also error [dnalm.input.428] for a token, or such a row, that the batch
  /// has not.
  void logits(const token_batch& batch, std::span<const index_t> rows, logits_observer observer,
              forward_workspace& workspace) const;
  /// A pass, with logits, whose words' rows are `word_rows` (tokens, D) and not those of the ids.
  /// \throws as forward and check_word_rows.
  void forward_from_rows(const token_batch& batch, matrix_view<const float> word_rows,
                         layer_observer observer, logits_observer logits,
                         forward_workspace& workspace) const {
    base_->forward(batch, word_rows, observer, &logits, workspace);
  }

  /// The gradient with respect to the input of a number that hidden states and logits determine: `request`
  /// says which, `receive` gets it, unless the batch is empty. Gradients by parameters are not part of this.
  ///
  /// As for forward, a token's numbers depend on its own sequence only (bitwise). `float` whatever the
  /// backend computes in. Cost: docs/gradients.md. \throws as forward and check_gradient_request; error
  /// [dnalm.numeric.424] a function of the request gave a gradient that is not finite.
  void input_gradients(const token_batch& batch, const gradient_request& request, gradient_observer receive,
                       forward_workspace& workspace) const {
    base_->input_gradients(batch, request, receive, workspace);
  }
  /// The words' rows of tokens, as floats; rows (tokens, D). \throws error [dnalm.input.407] an id without a
  /// row, [dnalm.input.408] no ids, [dnalm.shape.423] rows of another shape.
  void word_rows(std::span<const std::int32_t> ids, matrix_view<float> rows) const;

  /// Memory that a workspace takes for input_gradients. The packed word table, which a model whose decoder is
  /// not tied to it makes at its first one-hot gradient and keeps, is not in it: 4 V D bytes (8 on
  /// reference).
  [[nodiscard]] index_t gradient_bytes(const gradient_request& request, index_t tokens,
                                       index_t longest) const {
    return base_->gradient_bytes(request, tokens, longest);
  }
  [[nodiscard]] batch_preference prefers() const { return base_->prefers(); }
  /// Channels of hidden state `state`, up to network_summary::last_state: describe().width() but for networks
  /// that resize (network_summary::resizes).
  [[nodiscard]] index_t state_width(index_t state) const { return base_->state_width(state); }
  /// Rows of a hidden state for a sequence of `tokens`: `tokens` but for networks that resize. `where` names
  /// the sequence. \throws error [dnalm.input.433] a length that the network does not read.
  [[nodiscard]] index_t state_rows(index_t state, index_t tokens,
                                   const std::string& where = "sequence") const {
    return base_->state_rows(state, tokens, where);
  }
  /// The hidden state that the logits are: of networks that resize the first prediction, else the last state
  /// (which has as many rows).
  [[nodiscard]] index_t logits_state() const {
    const auto* graph = std::get_if<layer_graph>(&describe().config);
    return graph == nullptr ? describe().layers() : static_cast<index_t>(graph->layers.size()) + 1;
  }
  /// Rows of the longest matrix that a sequence of `tokens` takes inside: what its share of a batch costs.
  [[nodiscard]] index_t inner_rows(index_t tokens, const std::string& where = "sequence") const {
    return base_->inner_rows(tokens, where);
  }
  /// Only for models that prefer it (`prefers().pooled`): a pass of which only poolings come back. False when
  /// a hidden state of these layers is NaN or infinite; then `observer` saw nothing. \throws as forward.
  /// \throws also error [dnalm.input.422] layers that the model has not, or not increasing, [dnalm.shape.409]
  /// not one flag per token, [dnalm.usage.427] the kind `tokens`.
  [[nodiscard]] bool forward_pooled(const token_batch& batch, const pool_request& request,
                                    pooled_observer observer, forward_workspace& workspace) const;
  /// Only for models that can (`prefers().device`): as forward_pooled, but the vectors stay on the GPU.
  /// `observer` sees those of the sequences `seen` alone, numbers in the batch, in this order. Null when a
  /// hidden state of these layers is NaN or infinite; then `observer` saw nothing. \throws as forward_pooled.
  [[nodiscard]] std::shared_ptr<const device_poolings> pool_on_device(const token_batch& batch,
                                                                      const pool_request& request,
                                                                      std::span<const index_t> seen,
                                                                      pooled_observer observer,
                                                                      forward_workspace& workspace) const;
  /// A pass of which the attention of every block comes back, in the order of blocks. False: this network has
  /// none to hand out (convolutions, scans; a GPU's backend); then `observer` saw nothing. Cost: a pass, and
  /// for each block n^2 D plain multiplications of a sequence of n tokens. \throws as forward.
  [[nodiscard]] bool attention(const token_batch& batch, attention_observer observer,
                               forward_workspace& workspace) const {
    return base_->attention(batch, observer, workspace);
  }
  /// A hidden state or the logits of the sequence `ids` with each of `edits` made alone: `observer` sees them
  /// in their order, some at a time, of each the rows asked for. False: the network has no shorter way than a
  /// pass for each edit, and `observer` saw nothing. On the CPU have one: GPN, whose blocks compute the rows
  /// that the edit reaches and the rows asked for read, and networks of layers, which compute of every value
  /// the rows that the edit reaches, up to the first layer that reads far away, both with the bits of
  /// forward; HyenaDNA, which computes the rows from the edit on, up to the rounding of its transforms.
  /// Logits of networks of layers are their first prediction; states may also be linear outputs
  /// (prediction_head). \throws error [dnalm.input.422] another state,
  /// [dnalm.input.407], [dnalm.input.428], [dnalm.input.443] a row that the state has not; as forward.
  [[nodiscard]] bool edited_states(std::span<const std::int32_t> ids, std::span<const token_edit> edits,
                                   const edit_request& request, edits_observer observer,
                                   forward_workspace& workspace) const {
    edit_request asked = request;
    if (asked.logits) asked.state = logits_state();
    return base_->edited_states(ids, edits, asked, observer, workspace);
  }
  /// The same for all rows of hidden state `state`, with about `bytes` of memory.
  [[nodiscard]] bool edited_states(std::span<const std::int32_t> ids, std::span<const token_edit> edits,
                                   index_t state, index_t bytes, edits_observer observer,
                                   forward_workspace& workspace) const {
    return edited_states(ids, edits, {.state = state, .bytes = bytes}, observer, workspace);
  }
  /// Whether the model has edited_states, with the bits of forward: GPN and networks of layers on the CPU and
  /// on the reference backend.
  [[nodiscard]] bool edits_are_exact() const { return base_->edits_are_exact(); }
  /// Whether the model has edited_states: those of edits_are_exact, and HyenaDNA on the same backends.
  [[nodiscard]] bool runs_edits() const { return base_->runs_edits(); }
  /// As model_base::remade.
  [[nodiscard]] std::shared_ptr<const model_base> remade(const network_config& config,
                                                         const weight_source& source, int threads) const {
    return base_->remade(config, source, threads);
  }
  /// W packed for quick products in float with the model's input; null: the backend has none.
  [[nodiscard]] std::shared_ptr<const packed_product> pack_product(matrix_view<const float> w) const {
    return base_->pack_product(w);
  }
  /// Whether the team of a workspace shares the work of a pass; else its thread does it all.
  [[nodiscard]] bool works_on_teams() const { return base_->works_on_teams(); }
  /// Memory that a workspace takes for a batch of `tokens` whose longest sequence has `longest` tokens.
  [[nodiscard]] index_t workspace_bytes(index_t tokens, index_t longest, bool logits) const {
    return base_->workspace_bytes(tokens, longest, logits);
  }
  /// Bytes of host memory that the model itself, shared by all workspaces, keeps once sequences of so many
  /// tokens have run: the filters of HyenaDNA, at most default_filter_bytes. 0 of other models.
  [[nodiscard]] index_t kept_bytes(std::span<const index_t> lengths) const {
    return base_->kept_bytes(lengths);
  }
  /// Whether long sequences run in pieces where that is asked for (forward_workspace::set_piece): HyenaDNA
  /// and Caduceus on the CPU and on the reference backend.
  [[nodiscard]] bool runs_in_pieces() const { return base_->runs_in_pieces(); }
  /// As the other, with pieces of so many positions.
  [[nodiscard]] index_t workspace_bytes(index_t tokens, index_t longest, bool logits, index_t piece) const {
    return base_->piece_bytes(tokens, longest, logits, piece);
  }
  /// Positions of a piece with which a pass stays within so many bytes, or comes closest: 0 (one piece) where
  /// that fits or the model has no pieces, else default_piece.
  [[nodiscard]] index_t piece_within(index_t bytes, index_t tokens, index_t longest, bool logits) const {
    if (!runs_in_pieces() || workspace_bytes(tokens, longest, logits) <= bytes) return 0;
    return default_piece;
  }
  /// \throws error [dnalm.usage.441] a piece below 0, [dnalm.unsupported.442] one for a model that has none.
  void check_piece(index_t piece) const;

 private:
  std::shared_ptr<const model_base> base_;
  std::shared_ptr<const model_description> description_;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/model_impl.hpp>
#endif
