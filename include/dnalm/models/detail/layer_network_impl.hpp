// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/layer_network.hpp: loading, memory, the forward pass.
#pragma once

#include <algorithm>
#include <utility>

#include <dnalm/models/detail/layer_forward.hpp>
#include <dnalm/models/detail/linear_outputs.hpp>
#include <dnalm/models/layer_network.hpp>

DNALM_BEGIN_NAMESPACE

template <layer_backend B>
layer_network<B>::layer_network(B backend, const layer_graph& graph, const weight_source& source, int)
    : backend_(std::move(backend)),
      graph_(detail::compose_convolutions(detail::with_linear_outputs(graph))),
      shapes_(graph_) {
  const index_t channels = graph_.input.channels;
  const std::vector<scalar> table = graph_.input.template table<scalar>();
  table_ = backend_.upload(table, 5, channels);
  packed_table_ = backend_.pack(as_matrix(table.data(), 5, channels));
  missing_ = backend_.upload(graph_.input.template missing_row<scalar>());
  detail::step_planner planner(graph_, shapes_, source);
  std::vector<detail::planned_step> all = planner.take();
  for (detail::planned_step& planned : all) {
    steps_.push_back(detail::make_step(backend_, graph_, planned));
    planned = {};  // its doubles are needed no more
  }
  trims_ = detail::trim_rows(graph_, shapes_, steps_);
  plan_slots();
}

/// A value keeps its memory until the last step that reads it; a state until it and all states before it are
/// complete.
template <layer_backend B>
void layer_network<B>::plan_slots() {
  const std::size_t values = graph_.nodes.size() + 1;
  std::vector<index_t> made(values, -1);
  std::vector<index_t> last(values, -1);
  const auto count = static_cast<index_t>(steps_.size());
  for (index_t i = 0; i < count; ++i) {
    const step& s = steps_[static_cast<std::size_t>(i)];
    made[static_cast<std::size_t>(s.output)] = i;
    for (const index_t value : s.inputs) last[static_cast<std::size_t>(value)] = i;
    if (s.residual >= 0) last[static_cast<std::size_t>(s.residual)] = i;
  }
  ready_.assign(static_cast<std::size_t>(graph_.states()) + 1, -1);
  for (index_t state = 1; state <= graph_.states(); ++state) {
    const auto at = static_cast<std::size_t>(state);
    const auto value = static_cast<std::size_t>(graph_.result(state).value);
    ready_[at] = std::max(ready_[at - 1], made[value]);
    if (state <= graph_.results()) last[value] = std::max(last[value], ready_[at]);
  }
  slot_.assign(values, -1);
  std::vector<index_t> free;
  const auto take = [&](std::size_t value) {
    if (free.empty()) free.push_back(slots_++);
    slot_[value] = free.back();
    free.pop_back();
  };
  take(0);
  for (index_t i = 0; i < count; ++i) {
    const step& s = steps_[static_cast<std::size_t>(i)];
    take(static_cast<std::size_t>(s.output));
    for (std::size_t value = 0; value < values; ++value) {
      const bool lives = slot_[value] >= 0 && made[value] <= i;
      if (lives && std::max(last[value], made[value]) == i) free.push_back(slot_[value]);
    }
  }
}

template <layer_backend B>
index_t layer_network<B>::state_rows(index_t state, index_t tokens, const std::string& where) const {
  if (state == 0) return tokens;
  std::vector<index_t> rows;
  shapes_.rows(tokens, rows, where);
  return rows[static_cast<std::size_t>(graph_.result(state).value)];
}

template <layer_backend B>
index_t layer_network<B>::inner_rows(index_t tokens, const std::string& where) const {
  std::vector<index_t> rows;
  shapes_.rows(tokens, rows, where);
  for (std::size_t value = 0; value < rows.size(); ++value) rows[value] = trims_[value].of(rows[value]);
  return *std::max_element(rows.begin(), rows.end());
}

template <layer_backend B>
void layer_network<B>::set_rows(const token_batch& batch, workspace& w) const {
  const std::size_t values = graph_.nodes.size() + 1;
  w.rows.resize(values);
  for (ragged_offsets& rows : w.rows) rows.clear();
  std::vector<index_t> rows;
  for (index_t s = 0; s < batch.offsets.sequences(); ++s) {
    shapes_.rows(batch.offsets.length(s), rows, "sequence " + std::to_string(s) + " of the batch");
    for (std::size_t value = 0; value < values; ++value) w.rows[value].append(trims_[value].of(rows[value]));
  }
}

template <layer_backend B>
void layer_network<B>::read_input(const token_batch& batch, input_matrix<B> word_rows, const B& backend,
                                  workspace& w, output_matrix<B> words, output_matrix<B> first) const {
  if (word_rows.data != nullptr) {
    backend.copy_matrix(word_rows, words);
  } else {
    backend.embed_rows(batch.ids, table_.view(), {}, words);
  }
  backend.place_rows(words, batch.offsets, detail::input_placement(graph_.input), missing_.view(), w.rows[0],
                     first);
}

template <layer_backend B>
index_t layer_network<B>::scratch_size(const B& backend, bool adjoint) const {
  index_t most = 0;
  for (const step& s : steps_) {
    for (const auto& weight : s.weights) {
      const bool dense = s.kind != layer_kind::convolution;
      most = std::max(most, dense ? backend.linear_scratch(weight) : backend.convolution_scratch(weight));
      if (!adjoint) continue;
      most = std::max(
          most, dense ? backend.linear_vjp_scratch(weight) : backend.convolution_vjp_scratch(weight, s.taps));
    }
  }
  return most;
}

template <layer_backend B>
void layer_network<B>::forward(const token_batch& batch, observer states, const logits_receiver* logits,
                               workspace& w, input_matrix<B> word_rows) const {
  check_batch(graph_, batch);
  check_word_rows(word_rows, batch.offsets.rows(), graph_.input.channels);
  if (batch.ids.empty()) return;
  set_rows(batch, w);
  const B& backend = backend_of(w);
  w.slots.resize(static_cast<std::size_t>(slots_));
  grow(w.scratch, scratch_size(backend, false));
  const auto value = [&](index_t v) {
    const auto at = static_cast<std::size_t>(v);
    return view(w.slots[static_cast<std::size_t>(slot_[at])], w.rows[at].rows(), shapes_.channels(v));
  };
  const output_matrix<B> words = view(w.words, batch.offsets.rows(), graph_.input.channels);
  read_input(batch, word_rows, backend, w, words, value(0));
  states(0, words);
  index_t next = 1;
  const auto hand_on = [&](index_t state) { states(state, value(graph_.result(state).value)); };
  finished_states(-1, next, hand_on);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const step& s = steps_[i];
    detail::run_step(backend, s, s.apply, s.residual, value, w, value(s.output));
    const auto done = static_cast<index_t>(i);
    if (logits != nullptr && s.output == graph_.outputs.front().value) (*logits)(value(s.output));
    finished_states(done, next, hand_on);
  }
}

template <layer_backend B>
index_t layer_network<B>::largest_state(index_t tokens) const {
  const std::vector<index_t> rows = shapes_.rows_near(tokens);
  index_t largest = checked_mul(tokens, graph_.input.channels);
  for (index_t state = 1; state <= graph_.states() && !rows.empty(); ++state) {
    const auto value = static_cast<std::size_t>(graph_.result(state).value);
    largest = std::max(largest, checked_mul(rows[value], state_width(state)));
  }
  return largest;
}

template <layer_backend B>
std::vector<index_t> layer_network<B>::computed_rows_near(index_t tokens) const {
  std::vector<index_t> rows = shapes_.rows_near(tokens);
  const index_t sequences = graph_.input.length > 0 ? rows.front() / graph_.input.length : 1;
  for (std::size_t value = 0; value < rows.size(); ++value) {
    rows[value] = checked_mul(sequences, trims_[value].of(rows[value] / sequences));
  }
  return rows;
}

template <layer_backend B>
index_t layer_network<B>::attention_size(index_t longest) const {
  const std::vector<index_t> rows = shapes_.rows_near(graph_.input.length > 0 ? 1 : longest);
  detail::relative_attention_memory most;
  for (const step& s : steps_) {
    if (s.kind != layer_kind::relative_attention || rows.empty()) continue;
    const index_t length = rows[static_cast<std::size_t>(s.output)];
    const auto one = detail::relative_attention_memory::of(s, length, shapes_.channels(s.output));
    most.features = std::max(most.features, one.features);
    most.keys = std::max(most.keys, one.keys);
    most.scratch = std::max(most.scratch, one.scratch);
  }
  return checked_add(most.features, checked_add(most.keys, most.scratch));
}

template <layer_backend B>
index_t layer_network<B>::workspace_bytes(index_t tokens, index_t longest, bool) const {
  const std::vector<index_t> rows = computed_rows_near(tokens);
  std::vector<index_t> sizes(static_cast<std::size_t>(slots_));
  for (std::size_t v = 0; v < slot_.size(); ++v) {
    if (slot_[v] < 0 || rows.empty()) continue;
    index_t& size = sizes[static_cast<std::size_t>(slot_[v])];
    size = std::max(size, checked_mul(rows[v], shapes_.channels(static_cast<index_t>(v))));
  }
  index_t numbers = checked_add(scratch_size(backend_, false), checked_mul(tokens, graph_.input.channels));
  for (const index_t size : sizes) numbers = checked_add(numbers, size);
  numbers = checked_add(numbers, attention_size(longest));
  return checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
}

DNALM_END_NAMESPACE
