// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A network of layers (layer_graph), as a template on a backend.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <dnalm/backend/layer_concepts.hpp>
#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/detail/layer_attention.hpp>
#include <dnalm/models/detail/layer_gradient_plan.hpp>
#include <dnalm/models/detail/layer_steps.hpp>
#include <dnalm/models/detail/row_trims.hpp>
#include <dnalm/models/function_ref.hpp>
#include <dnalm/models/gradient_request.hpp>
#include <dnalm/models/layer_graph.hpp>
#include <dnalm/models/token_batch.hpp>
#include <dnalm/models/weight_source.hpp>
#include <dnalm/nn/embedding_layer.hpp>

DNALM_BEGIN_NAMESPACE

/// Memory of passes of one network: grows as needed, then stays. One per thread.
template <layer_backend B>
struct layer_workspace {
  std::vector<typename B::vector> slots = {};  ///< of values, shared by those that do not live together
  typename B::vector kept = {};                ///< of a gradient: all that layer_gradient_plan places
  typename B::vector words = {};               ///< the one-hot rows, and their gradient
  typename B::vector scratch = {};             ///< of kernels
  typename B::vector part = {};                ///< a gradient before it is added
  std::vector<ragged_offsets> rows = {};       ///< of every value
  std::vector<std::vector<index_t>> joins = {};
  detail::distance_features<B> distances = {};  ///< of relative attention
  typename B::vector distance_keys = {};        ///< of one of its layers
  typename B::vector attention = {};            ///< its scratch
  thread_team* team = nullptr;  ///< threads that share the products of a pass; null: the calling one alone
  row_pairs pairs = {};         ///< of the gradient on its way
};

/// One-hot rows, then the operations of a graph; batch norms folded into the products beside them where that
/// is exact, products with their activations and sums in one step; weights packed for the backend. Rows that
/// no result needs are not computed. Immutable; safe to share. The members are those of `encoder` (concept
/// network).
///
/// Hidden state 0 is the one-hot sequence, state k the graph's result k; the logits are its first output. A
/// state has rows and columns of its own (state_rows, state_width).
template <layer_backend B>
class layer_network {
 public:
  using backend_type = B;
  using config_type = layer_graph;
  using scalar = scalar_of<B>;
  using workspace = layer_workspace<B>;
  /// Called with state 0, ..., results and the state, valid during the call.
  using observer = function_ref<void(index_t, input_matrix<B>)>;
  /// Called with the first output, valid during the call.
  using logits_receiver = function_ref<void(input_matrix<B>)>;
  /// Called once with the gradient, valid during the call.
  using gradient_receiver = function_ref<void(const basic_input_gradient<scalar, B::space>&)>;
  /// What is differentiated: rows where the backend's are.
  using gradient_wish = basic_gradient_request<scalar, B::space>;
  /// Whether edited_states has the bits of forward.
  static constexpr bool edits_are_exact = true;

  /// Reads all weights in double, folds, and packs. \throws as graph_shapes and the source.
  layer_network(B backend, const layer_graph& graph, const weight_source& source, int threads = 1);

  [[nodiscard]] const layer_graph& config() const { return graph_; }
  [[nodiscard]] const B& backend() const { return backend_; }
  /// Channels of a state.
  [[nodiscard]] index_t state_width(index_t state) const {
    return state == 0 ? graph_.input.channels : shapes_.channels(graph_.result(state).value);
  }
  /// Rows of a state for a sequence of `tokens`. \throws as graph_shapes::rows.
  [[nodiscard]] index_t state_rows(index_t state, index_t tokens, const std::string& where) const;
  /// Rows of the longest value for a sequence of `tokens`: what a batch of it costs.
  [[nodiscard]] index_t inner_rows(index_t tokens, const std::string& where) const;

  /// One pass; the contract is that of model::forward. `logits` may be null. `word_rows` (R, channels), when
  /// given, stand in place of the one-hot rows. \throws as graph_shapes::rows.
  void forward(const token_batch& batch, observer states, const logits_receiver* logits, workspace& w,
               input_matrix<B> word_rows = {}) const;

  /// Called with the place of an edit and the rows asked for of it and some edits behind it.
  using edits_receiver = function_ref<void(index_t, input_matrix<B>)>;
  /// State `request.state`, from 1 on, of the sequence `ids` with each of `edits` made alone, with the bits
  /// of forward: some edits at a time, of which about `request.bytes` are kept. Of every value only the rows
  /// that an edit reaches are computed, up to the first step that reads far away (layer_edits.hpp), also
  /// where few rows are asked for. In host memory. \throws error [dnalm.input.422] another state,
  /// [dnalm.input.407] an id without a row, [dnalm.input.428] a token that the sequence has not,
  /// [dnalm.input.443] a row that the state has not.
  void edited_states(std::span<const std::int32_t> ids, std::span<const token_edit> edits,
                     const edit_request& request, edits_receiver receive, workspace& w) const
      requires(B::space == memory_space::host);

  /// The gradient of a number of states and predictions with respect to the input; the contract is that of
  /// model::input_gradients. Of the steps' segments the highest are kept, as many as keep_bytes allows; of
  /// the others only the values that cross their ends, and the adjoints compute the rest again, for every
  /// number.
  void gradient(const token_batch& batch, const gradient_wish& request, gradient_receiver receive,
                workspace& w) const;

  /// y (R, channels): the one-hot rows.
  void word_rows(std::span<const std::int32_t> ids, output_matrix<B> y) const {
    backend_.embed_rows(ids, table_.view(), {}, y);
  }

  /// Bytes that a workspace takes for one sequence of `tokens`, or for several that are not more rows inside;
  /// relative attention's for one of `longest`.
  [[nodiscard]] index_t workspace_bytes(index_t tokens, index_t longest, bool logits) const;
  /// Numbers of the largest state of so many tokens.
  [[nodiscard]] index_t largest_state(index_t tokens) const;
  /// As workspace_bytes, for a gradient of any of the states and predictions that `extent` names.
  [[nodiscard]] index_t gradient_bytes(index_t tokens, index_t longest, const gradient_extent& extent) const;

 private:
  using step = detail::layer_step<B>;
  struct pass;

  [[nodiscard]] decltype(auto) backend_of(const workspace& w) const {
    return pass_backend(backend_, w.team, w.pairs);
  }
  [[nodiscard]] input_matrix<B> asked_rows(input_matrix<B> states, index_t rows_of_each,
                                           std::span<const index_t> asked, typename B::vector& memory) const;
  void plan_slots();
  void set_rows(const token_batch& batch, workspace& w) const;
  void read_input(const token_batch& batch, input_matrix<B> word_rows, const B& backend, workspace& w,
                  output_matrix<B> words, output_matrix<B> first) const;
  [[nodiscard]] index_t scratch_size(const B& backend, bool adjoint) const;
  /// As graph_shapes::rows_near, without the rows that are not computed.
  [[nodiscard]] std::vector<index_t> computed_rows_near(index_t tokens) const;
  /// Numbers that relative attention takes for sequences of up to `longest` tokens.
  [[nodiscard]] index_t attention_size(index_t longest) const;
  void grow(typename B::vector& memory, index_t size) const {
    if (memory.size() < size) memory = backend_.allocate(size);
  }
  [[nodiscard]] output_matrix<B> view(typename B::vector& memory, index_t rows, index_t columns) const {
    grow(memory, checked_mul(rows, columns));
    return {memory.view().data, rows, columns, columns};
  }
  /// Calls use(state) for the states that are complete after step `done`, in order; `next` counts.
  template <class Use>
  void finished_states(index_t done, index_t& next, Use&& use) const {
    while (next <= graph_.results() && ready_[static_cast<std::size_t>(next)] <= done) use(next++);
  }
  /// The values whose own gradients a request gives.
  [[nodiscard]] std::vector<index_t> given_values(const gradient_extent& extent) const;
  [[nodiscard]] index_t last_step(const std::vector<index_t>& values) const;
  /// `sizes`: numbers of every value. Not `backward`: values alone.
  [[nodiscard]] detail::layer_gradient_plan plan_gradient(std::vector<index_t> sizes, index_t tokens,
                                                          const gradient_extent& extent, bool backward) const;
  [[nodiscard]] index_t gradient_scratch(const B& backend, const gradient_extent& extent) const;
  /// The most numbers that the adjoints of steps by several values make at once.
  [[nodiscard]] index_t made_at_once(const std::vector<index_t>& sizes, index_t last) const;
  void run_forward(const gradient_wish& request, pass& p, index_t last) const;
  void give_cotangents(const gradient_wish& request, pass& p) const;
  void run_back(const gradient_wish& request, pass& p) const;
  void finish_gradient(const token_batch& batch, const gradient_wish& request, gradient_receiver receive,
                       pass& p, input_matrix<B> words, output_matrix<B> dwords) const;

  B backend_;
  layer_graph graph_;
  graph_shapes shapes_;
  typename B::tensor table_;  // (5, channels)
  typename B::weight packed_table_;
  typename B::vector missing_;  // the row beyond the ends
  std::vector<step> steps_;
  std::vector<index_t> slot_;   // of every value; -1: no step makes it (it was fused away)
  std::vector<index_t> ready_;  // by state: the step after which it and all before it are complete
  index_t slots_ = 0;
  std::vector<detail::row_trim> trims_;  // of every value
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/layer_network_edits_impl.hpp>
#include <dnalm/models/detail/layer_network_gradient_impl.hpp>
#include <dnalm/models/detail/layer_network_impl.hpp>
#endif
