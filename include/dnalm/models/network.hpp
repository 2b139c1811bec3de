// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a class must offer to stand behind `model`: the members of `encoder`.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/models/gradient_request.hpp>
#include <dnalm/models/network_summary.hpp>
#include <dnalm/models/token_batch.hpp>

DNALM_BEGIN_NAMESPACE

/// A network on a backend, built as N(backend, config, weight_source, threads): immutable, safe to share.
///
/// `forward(batch, layers, logits, workspace, word_rows)` has the contract of model::forward, `gradient` that
/// of model::input_gradients; `word_rows(ids, y)` writes what the ids are looked up as, (R, D). The workspace
/// is one per thread; its `team` shares the work of a pass. `workspace_bytes` and `gradient_bytes` say what a
/// workspace takes.
template <class N>
concept network = summarized<typename N::config_type> &&
    requires(const N& network, const token_batch& batch, typename N::observer layers,
             const typename N::logits_receiver* logits, typename N::workspace& workspace,
             const basic_gradient_request<typename N::scalar>& request, typename N::gradient_receiver receive,
             input_matrix<typename N::backend_type> rows, output_matrix<typename N::backend_type> y,
             std::span<const std::int32_t> ids, index_t tokens, const gradient_extent& extent,
             thread_team* team) {
  { network.config() } -> std::same_as<const typename N::config_type&>;
  { network.backend() } -> std::same_as<const typename N::backend_type&>;
  { network.forward(batch, layers, logits, workspace, rows) } -> std::same_as<void>;
  { network.gradient(batch, request, receive, workspace) } -> std::same_as<void>;
  { network.word_rows(ids, y) } -> std::same_as<void>;
  { network.workspace_bytes(tokens, tokens, true) } -> std::same_as<index_t>;
  { network.gradient_bytes(tokens, tokens, extent) } -> std::same_as<index_t>;
  workspace.team = team;
};

/// A network that runs a long sequence in pieces: `piece` of the workspace, 0: in one. The bits are the same;
/// `workspace_bytes` says what a piece takes.
template <class N>
concept pieced_network = network<N> && N::has_pieces &&
    requires(const N& network, typename N::workspace& workspace, index_t number) {
  workspace.piece = number;
  { network.workspace_bytes(number, number, true, number) } -> std::same_as<index_t>;
};

/// A network that keeps something of its passes beside their workspaces: `kept_bytes` after sequences of
/// these lengths.
template <class N>
concept keeping_network = network<N> && requires(const N& network, std::span<const index_t> lengths) {
  { network.kept_bytes(lengths) } -> std::same_as<index_t>;
};

/// A network whose hidden states have rows and channels of their own: of state k, `state_width(k)` channels
/// and, for a sequence of so many tokens, `state_rows(k, tokens, where)` rows. `inner_rows` are those of its
/// longest value, which its memory depends on. `where` names the sequence in errors.
template <class N>
concept resizing_network = network<N> &&
    requires(const N& network, index_t number, const std::string& where) {
  { network.state_width(number) } -> std::same_as<index_t>;
  { network.state_rows(number, number, where) } -> std::same_as<index_t>;
  { network.inner_rows(number, where) } -> std::same_as<index_t>;
};

/// A network that hands out the probabilities of attention, the mean over heads, of every block and sequence.
template <class N>
concept attention_network = network<N> &&
    requires(const N& network, const token_batch& batch, typename N::attention_receiver receive,
             typename N::workspace& workspace) {
  { network.attention(batch, receive, workspace) } -> std::same_as<void>;
};

/// A network that computes of a sequence with one letter replaced what that letter reaches; of `request`, the
/// state is never 0, of logits the one that they are or are made of. `edits_are_exact`: with the bits of
/// `forward`.
template <class N>
concept edited_network = network<N> &&
    requires(const N& network, std::span<const std::int32_t> ids, std::span<const token_edit> edits,
             const edit_request& request, typename N::edits_receiver receive,
             typename N::workspace& workspace) {
  { network.edited_states(ids, edits, request, receive, workspace) } -> std::same_as<void>;
  { N::edits_are_exact } -> std::convertible_to<bool>;
};

/// A network that makes the logits of some tokens alone: `which` (n) are their rows in the batch, none of
/// them: all.
template <class N>
concept row_logits_network = network<N> &&
    requires(const N& network, const token_batch& batch, typename N::observer layers,
             const typename N::logits_receiver* logits, typename N::workspace& workspace,
             input_matrix<typename N::backend_type> rows, std::span<const index_t> which) {
  { network.forward(batch, layers, logits, workspace, rows, which) } -> std::same_as<void>;
};

DNALM_END_NAMESPACE
