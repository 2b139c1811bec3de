// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/hyena_network.hpp.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include <dnalm/core/parallel.hpp>
#include <dnalm/models/detail/hyena_filter_parts.hpp>
#include <dnalm/models/detail/load_layers.hpp>
#include <dnalm/models/hyena_network.hpp>
#include <dnalm/models/hyena_tensors.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A linear layer by its name; without a bias where there is none.
template <class B>
[[nodiscard]] linear_layer<B> load_named_linear(const B& backend, const named_weights& weights,
                                                const std::string& name, index_t inputs) {
  return {weights.pack(backend, name + ".weight", inputs),
          backend.upload(weights.template read<scalar_of<B>>(name + ".bias"))};
}
template <class B>
[[nodiscard]] norm_layer<B> load_named_norm(const B& backend, const named_weights& weights,
                                            const std::string& name, double eps) {
  using T = scalar_of<B>;
  return {backend.upload(weights.template read<T>(name + ".weight")),
          backend.upload(weights.template read<T>(name + ".bias")), eps};
}

}  // namespace detail

template <hyena_backend B>
hyena_network<B>::hyena_network(B backend, const hyena_config& config, const weight_source& source,
                                int threads)
    : hyena_network(backend, config, source, threads, detail::filter_bytes_of(backend)) {}

template <hyena_backend B>
hyena_network<B>::hyena_network(B backend, const hyena_config& config, const weight_source& source,
                                int threads, index_t filter_bytes)
    : backend_(std::move(backend)), config_(config) {
  const detail::named_weights weights(plan_tensors(config), source);
  load_blocks(weights, threads, filter_bytes / config.layers);
  load_ends(weights);
}

template <hyena_backend B>
void hyena_network<B>::load_blocks(const detail::named_weights& weights, int threads, index_t filter_bytes) {
  std::vector<std::shared_ptr<const filter_positions>> positions;
  for (index_t layer = 0; layer < config_.layers; ++layer) {
    positions.push_back(
        detail::load_positions(weights, config_, layer, layer > 0 ? positions.back() : nullptr));
  }
  blocks_.resize(static_cast<std::size_t>(config_.layers));
  parallel_for(config_.layers, std::min(thread_count(threads), detail::most_loading_threads),
               [&](index_t layer, int) {
                 const auto at = static_cast<std::size_t>(layer);
                 blocks_[at] = load_block(weights, layer, positions[at], filter_bytes);
               });
}

template <hyena_backend B>
hyena_block<B> hyena_network<B>::load_block(const detail::named_weights& weights, index_t layer,
                                            std::shared_ptr<const filter_positions> positions,
                                            index_t filter_bytes) const {
  const index_t d = config_.width;
  const auto name = [&](const std::string& part) { return detail::hyena_tensor(layer, part); };
  const auto linear = [&](const std::string& part, index_t inputs) {
    return detail::load_named_linear(backend_, weights, name(part), inputs);
  };
  const auto vector = [&](const std::string& part) {
    return backend_.upload(weights.template read<scalar>(name(part)));
  };
  hyena_block<B> block;
  block.mixer_norm = detail::load_named_norm(backend_, weights, name("norm1"), config_.norm_eps);
  block.feed_forward_norm = detail::load_named_norm(backend_, weights, name("norm2"), config_.norm_eps);
  block.feed_forward.first = linear("mlp.fc1", d);
  block.feed_forward.second = linear("mlp.fc2", config_.feed_forward);
  block.feed_forward.inner = config_.feed_forward;
  block.feed_forward.function = activation::gelu_tanh;
  block.mixer.in = linear("mixer.in_proj", d);
  block.mixer.out = linear("mixer.out_proj", d);
  block.mixer.short_weight =
      detail::load_depthwise(backend_, weights, name("mixer.short_filter.weight"), 3 * d);
  block.mixer.short_bias = vector("mixer.short_filter.bias");
  block.mixer.skip = vector("mixer.filter_fn.bias");
  block.mixer.filter = detail::load_filter(weights, config_, layer, std::move(positions));
  block.mixer.cache = std::make_unique<filter_cache<B>>(filter_bytes);
  return block;
}

template <hyena_backend B>
void hyena_network<B>::load_ends(const detail::named_weights& weights) {
  const std::string words = "backbone.embeddings.word_embeddings.weight";
  embedding_.words = backend_.upload(weights.template read<scalar>(words), config_.vocabulary, config_.width);
  final_norm_ = detail::load_named_norm(backend_, weights, "backbone.ln_f", config_.final_norm_eps);
  head_.weight = weights.pack(backend_, config_.tied_head ? words : "lm_head.weight", config_.width);
}

template <hyena_backend B>
void hyena_network<B>::check(const token_batch& batch) const {
  detail::check_batch_sizes(batch);
  if (!batch.token_types.empty()) {
    throw error(error_kind::input, 407, "token types, which the model has not",
                {.expected = "none", .found = std::to_string(batch.token_types.size())});
  }
  for (index_t s = 0; s < batch.offsets.sequences(); ++s) {
    const auto first = static_cast<std::size_t>(batch.offsets.begin(s));
    const auto length = static_cast<std::size_t>(batch.offsets.length(s));
    check_tokens(batch.ids.subspan(first, length), config_.vocabulary, config_.table_limit(),
                 "sequence " + std::to_string(s) + " of the batch");
  }
}

template <hyena_backend B>
index_t hyena_network<B>::wide_columns() const {
  return std::max(3 * config_.width, config_.feed_forward);
}

/// Numbers per row: residual stream, narrow, wide, convolved.
template <hyena_backend B>
index_t hyena_network<B>::row_numbers() const {
  return 5 * config_.width + wide_columns();
}

template <hyena_backend B>
index_t hyena_network<B>::forward_scratch(const B& backend, index_t longest, bool logits) const {
  index_t most = logits ? head_.scratch(backend) : 0;
  for (const auto& block : blocks_) most = std::max(most, block.scratch(backend, longest));
  return most;
}

template <hyena_backend B>
index_t hyena_network<B>::piece_rows(index_t longest, index_t piece) const {
  if (!has_pieces || piece <= 0 || longest <= piece) return 0;
  return checked_add(piece, blocks_.front().mixer.reach());
}

/// Numbers of a pass: with pieces the residual stream and x1 v of all rows, the rest for those of a piece.
template <hyena_backend B>
index_t hyena_network<B>::pass_numbers(index_t rows, index_t longest, index_t piece) const {
  const index_t some = piece_rows(longest, piece);
  if (some == 0) return checked_mul(rows, row_numbers());
  return checked_add(checked_mul(rows, 2 * config_.width), checked_mul(some, row_numbers() - config_.width));
}

template <hyena_backend B>
index_t hyena_network<B>::workspace_bytes(index_t tokens, index_t longest, bool logits, index_t piece) const {
  index_t numbers = pass_numbers(tokens, longest, piece);
  if (logits) numbers = checked_add(numbers, checked_mul(tokens, config_.vocabulary));
  numbers = checked_add(numbers, forward_scratch(backend_, longest, logits));
  return checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
}

template <hyena_backend B>
index_t hyena_network<B>::kept_bytes(std::span<const index_t> lengths) const {
  index_t bytes = 0;
  for (const auto& block : blocks_) {
    bytes = checked_add(bytes, block.mixer.kept_bytes(backend_, lengths));
  }
  return bytes;
}

/// Makes room and lays the views over it.
template <hyena_backend B>
typename hyena_network<B>::pass hyena_network<B>::prepare(const token_batch& batch, bool logits,
                                                          index_t piece, workspace& w) const {
  const index_t rows = batch.offsets.rows();
  const index_t longest = batch.longest();
  const index_t some = piece_rows(longest, piece);
  grow(w.memory, pass_numbers(rows, longest, piece));
  grow(w.scratch, forward_scratch(backend_of(w), longest, logits));
  index_t used = 0;
  const auto take = [&](index_t count, index_t columns) -> output_matrix<B> {
    const index_t first = used;
    used += count * columns;
    return {w.memory.view().data + first, count, columns, columns};
  };
  pass made;
  made.x = take(rows, config_.width);
  hyena_workspace<B>& all = made.block;
  const index_t inner = some == 0 ? rows : some;
  if (some > 0) {
    all.piece = piece;
    all.gated = take(rows, config_.width);
  }
  all.block.narrow = take(inner, config_.width);
  all.block.wide = take(inner, wide_columns());
  all.block.scratch = w.scratch.view();
  all.block.offsets = &batch.offsets;
  all.convolved = take(inner, 3 * config_.width);
  all.filters = &w.filters;
  all.team = w.team;
  return made;
}

template <hyena_backend B>
typename hyena_network<B>::pass hyena_network<B>::begin(const token_batch& batch, bool logits, workspace& w,
                                                        input_matrix<B> word_rows) const {
  return begin_in(batch, logits, w.piece, w, word_rows);
}

template <hyena_backend B>
typename hyena_network<B>::pass hyena_network<B>::begin_in(const token_batch& batch, bool logits,
                                                           index_t piece, workspace& w,
                                                           input_matrix<B> word_rows) const {
  check(batch);
  check_word_rows(word_rows, batch.offsets.rows(), config_.width);
  if (batch.ids.empty()) return {};
  const pass begun = prepare(batch, logits, piece, w);
  embedding_.forward(backend_of(w), read(batch, word_rows), w.embedding, begun.x);
  return begun;
}

/// Block `layer` on the residual stream.
template <hyena_backend B>
void hyena_network<B>::run_block(std::size_t layer, const pass& begun, const B& backend) const {
  const hyena_block<B>& block = blocks_[layer];
  block.mixer.find_kept_filters(backend, begun.block);
  if constexpr (has_pieces) {
    if (begun.block.piece > 0) return block.forward_in_pieces(backend, begun.block, begun.x);
  }
  block.forward(backend, begun.block, begun.x);
}

template <hyena_backend B>
void hyena_network<B>::run(pass& begun, observer layers, const logits_receiver* logits, workspace& w) const {
  const B& backend = backend_of(w);
  const output_matrix<B> x = begun.x;
  layers(0, x);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    run_block(layer, begun, backend);
    if (layer + 1 == blocks_.size()) final_norm_.forward(backend, x, x);
    layers(static_cast<index_t>(layer) + 1, x);
  }
  w.filters.clear();
  if (logits != nullptr) run_head(x, *logits, w);
}

template <hyena_backend B>
void hyena_network<B>::forward(const token_batch& batch, observer layers, const logits_receiver* logits,
                               workspace& w, input_matrix<B> word_rows) const {
  pass begun = begin(batch, logits != nullptr, w, word_rows);
  if (begun.x.rows > 0) run(begun, layers, logits, w);
}
// adjoint: hyena_network<B>::gradient, in hyena_gradient_impl.hpp

template <hyena_backend B>
void hyena_network<B>::run_head(input_matrix<B> hidden, const logits_receiver& receive, workspace& w) const {
  grow(w.logits, checked_mul(hidden.rows, config_.vocabulary));
  const output_matrix<B> logits{w.logits.view().data, hidden.rows, config_.vocabulary, config_.vocabulary};
  head_.forward(backend_of(w), hidden, w.scratch.view(), logits);
  receive(logits);
}

DNALM_END_NAMESPACE
