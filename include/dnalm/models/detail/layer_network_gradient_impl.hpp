// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/layer_network.hpp: the gradient by the input.
#pragma once

#include <algorithm>
#include <vector>

#include <dnalm/models/detail/cotangent_names.hpp>
#include <dnalm/models/detail/cotangent_rows.hpp>
#include <dnalm/models/detail/layer_backward.hpp>
#include <dnalm/models/detail/pair_batch.hpp>
#include <dnalm/models/layer_network.hpp>

DNALM_BEGIN_NAMESPACE

/// One gradient: where its values and their gradients lie.
template <layer_backend B>
struct layer_network<B>::pass {
  const layer_network& network;
  layer_workspace<B>& memory;
  std::vector<char> has = {};  // by value

  [[nodiscard]] layer_workspace<B>& workspace() { return memory; }
  [[nodiscard]] index_t rows(index_t v) const { return memory.rows[static_cast<std::size_t>(v)].rows(); }
  [[nodiscard]] output_matrix<B> value(index_t v) {
    return network.view(memory.kept[static_cast<std::size_t>(v)], rows(v), network.shapes_.channels(v));
  }
  /// What the function of the step that makes `v` reads.
  [[nodiscard]] output_matrix<B> before(index_t v) {
    const std::size_t values = memory.rows.size();
    return network.view(memory.kept[values + static_cast<std::size_t>(v)], rows(v),
                        network.shapes_.channels(v));
  }
  [[nodiscard]] output_matrix<B> d(index_t v) {
    return network.view(memory.d[static_cast<std::size_t>(v)], rows(v), network.shapes_.channels(v));
  }
  [[nodiscard]] output_matrix<B> part(index_t rows, index_t columns) {
    return network.view(memory.part, rows, columns);
  }
  [[nodiscard]] char& written(index_t v) { return has[static_cast<std::size_t>(v)]; }

  /// One step, in parts where its function's input is needed later.
  void run(const B& backend, const step& s) {
    const auto of = [this](index_t v) { return value(v); };
    if (!s.parted()) return detail::run_step(backend, s, s.apply, s.residual, of, memory, value(s.output));
    const output_matrix<B> z = before(s.output);
    const output_matrix<B> y = value(s.output);
    detail::run_step(backend, s, activation::none, -1, of, memory, z);
    backend.activate(z, s.apply, y);
    if (s.residual < 0) return;
    backend.add(detail::residual_rows(backend, s, of, memory, part(y.rows, y.columns)), y);
  }
  /// d(v) += what `fill` puts into a matrix of zeros.
  template <class Fill>
  void add_cotangent(const B& backend, index_t v, const std::string& name, Fill&& fill) {
    const output_matrix<B> x = value(v);
    const output_matrix<B> given = part(x.rows, x.columns);
    detail::clear_rows<B>(backend, given);
    fill(input_matrix<B>(x), given);
    detail::check_cotangent<B>(given, name);
    if (written(v)) return backend.add(given, d(v));
    written(v) = 1;
    backend.copy_matrix(given, d(v));
  }
};

/// The last step that the request needs; -1: none.
template <layer_backend B>
index_t layer_network<B>::last_step(const gradient_wish& request) const {
  const auto makes = [&](index_t value) {
    const auto at =
        std::find_if(steps_.begin(), steps_.end(), [&](const step& s) { return s.output == value; });
    return at == steps_.end() ? index_t{-1} : static_cast<index_t>(at - steps_.begin());
  };
  index_t last = request.logits ? makes(graph_.outputs.front().value) : -1;
  for (const index_t state : request.layers) {
    if (state > 0) last = std::max(last, makes(graph_.result(state).value));
  }
  return last;
}

template <layer_backend B>
void layer_network<B>::gradient(const token_batch& batch, const gradient_wish& request,
                                gradient_receiver receive, workspace& w) const {
  check_batch(graph_, batch);
  check_gradient_request(graph_, request, batch.offsets.rows());
  const detail::pairs_of_pass paired(w.pairs, detail::pairs_of(backend_, batch, request.pairs));
  if (batch.ids.empty()) return;
  set_rows(batch, w);
  const B& backend = backend_of(w);
  const std::size_t values = graph_.nodes.size() + 1;
  w.kept.resize(2 * values);
  w.d.resize(values);
  grow(w.scratch, scratch_size(backend, true));
  pass p{*this, w, std::vector<char>(values, 0)};
  const index_t tokens = batch.offsets.rows();
  const index_t channels = graph_.input.channels;
  grow(w.words, checked_mul(2 * tokens, channels));
  const output_matrix<B> words{w.words.view().data, tokens, channels, channels};
  const output_matrix<B> dwords{words.data + tokens * channels, tokens, channels, channels};
  read_input(batch, request.word_rows, backend, w, words, p.value(0));
  if (request.states) request.states(0, words);
  const index_t highest = request.logits ? graph_.results() : request.depth(graph_.results());
  const index_t last = request.backward ? last_step(request) : ready_[static_cast<std::size_t>(highest)];
  index_t next = 1;
  const auto show = [&](index_t state) {
    if (request.states) request.states(state, p.value(graph_.result(state).value));
  };
  const auto show_finished = [&](index_t done) {
    while (next <= highest && ready_[static_cast<std::size_t>(next)] <= done) show(next++);
  };
  show_finished(-1);
  for (index_t i = 0; i <= last; ++i) {
    p.run(backend, steps_[static_cast<std::size_t>(i)]);
    show_finished(i);
  }
  if (!request.backward) return;
  for (index_t number = 0; number < request.numbers; ++number) {
    request.choose(number);
    std::fill(p.has.begin(), p.has.end(), char(0));
    run_back(request, p, last);
    finish_gradient(batch, request, receive, p, words, dwords);
  }
}

/// The steps from `last` down to the first value, for one number.
template <layer_backend B>
void layer_network<B>::run_back(const gradient_wish& request, pass& p, index_t last) const {
  const B& backend = backend_of(p.memory);
  if (request.logits) {
    p.add_cotangent(backend, graph_.outputs.front().value, detail::logits_cotangent, request.logits);
  }
  for (auto state = request.layers.rbegin(); state != request.layers.rend() && *state > 0; ++state) {
    p.add_cotangent(backend, graph_.result(*state).value, detail::cotangent_name(*state),
                    [&](input_matrix<B> x, output_matrix<B> given) { request.hidden(*state, x, given); });
  }
  detail::layer_adjoint<B, pass> adjoint(backend, p);
  for (index_t i = last; i >= 0; --i) {
    const step& s = steps_[static_cast<std::size_t>(i)];
    if (!p.written(s.output)) continue;
    for (index_t state = graph_.results(); request.carried && state > 0; --state) {
      if (graph_.result(state).value == s.output) request.carried(state, p.d(s.output));
    }
    adjoint.run(s, s.parted() ? p.before(s.output) : output_matrix<B>{});
  }
}

/// From the first value to the words: rows beyond the ends have no gradient.
template <layer_backend B>
void layer_network<B>::finish_gradient(const token_batch& batch, const gradient_wish& request,
                                       gradient_receiver receive, pass& p, input_matrix<B> words,
                                       output_matrix<B> dwords) const {
  const B& backend = backend_of(p.memory);
  if (p.written(0)) {
    backend.place_rows_vjp(p.d(0), batch.offsets, detail::input_placement(graph_.input), p.memory.rows[0],
                           dwords);
  } else {
    detail::clear_rows<B>(backend, dwords);
  }
  if (!request.layers.empty() && request.layers.front() == 0) {
    const output_matrix<B> given = p.part(dwords.rows, dwords.columns);
    detail::clear_rows<B>(backend, given);
    request.hidden(0, words, given);
    detail::check_cotangent<B>(given, detail::cotangent_name(0));
    backend.add(given, dwords);
  }
  if (request.carried) request.carried(0, dwords);
  if (!request.tokens) return receive({dwords, {}});
  const output_matrix<B> tokens = p.part(dwords.rows, 5);
  grow(p.memory.scratch, backend.linear_scratch(packed_table_));
  backend.linear(dwords, packed_table_, {}, p.memory.scratch.view(), tokens);
  receive({dwords, tokens});
}

/// Every value and its gradient, what functions read, one gradient before it is added, and those that the
/// largest step by several values makes at once, one of them also as zeros on their way to the backend;
/// relative attention's own memory.
template <layer_backend B>
index_t layer_network<B>::gradient_bytes(index_t tokens, index_t longest, const gradient_extent&) const {
  const std::vector<index_t> rows = computed_rows_near(tokens);
  const auto size_of = [&](index_t v) {
    return rows.empty() ? 0 : checked_mul(rows[static_cast<std::size_t>(v)], shapes_.channels(v));
  };
  index_t numbers = checked_add(scratch_size(backend_, true), checked_mul(4 * tokens, graph_.input.channels));
  index_t widest = checked_mul(5, tokens);
  for (index_t v = 0; v < static_cast<index_t>(slot_.size()); ++v) {
    widest = std::max(widest, size_of(v));
    if (slot_[static_cast<std::size_t>(v)] >= 0) numbers = checked_add(numbers, checked_mul(2, size_of(v)));
  }
  index_t at_once = 0;
  for (const step& s : steps_) {
    if (s.parted()) numbers = checked_add(numbers, size_of(s.output));
    if (!s.makes_gradients_at_once()) continue;
    index_t made = 0;
    index_t zeros = 0;
    for (const index_t v : s.inputs) {
      made = checked_add(made, size_of(v));
      zeros = std::max(zeros, size_of(v));
    }
    at_once = std::max(at_once, checked_add(made, zeros));
  }
  numbers = checked_add(checked_add(numbers, widest), checked_add(at_once, attention_size(longest)));
  return checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
}

DNALM_END_NAMESPACE
