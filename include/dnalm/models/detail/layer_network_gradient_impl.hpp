// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/layer_network.hpp: the gradient by the input.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
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
  detail::layer_gradient_plan plan;
  std::vector<char> has = {};  // by value
  bool back = false;           // whether adjoints run

  [[nodiscard]] layer_workspace<B>& workspace() { return memory; }
  [[nodiscard]] index_t rows(index_t v) const { return memory.rows[static_cast<std::size_t>(v)].rows(); }
  /// The rows of a value, or others of their shape, from a place on.
  [[nodiscard]] output_matrix<B> at(index_t place, index_t v) {
    const index_t columns = network.shapes_.channels(v);
    return {memory.kept.view().data + place, rows(v), columns, columns};
  }
  [[nodiscard]] index_t now(const detail::value_places& places) const {
    return back ? places.back : places.forward;
  }
  [[nodiscard]] output_matrix<B> value(index_t v) {
    return at(now(plan.values[static_cast<std::size_t>(v)]), v);
  }
  /// What the function of the step that makes `v` reads.
  [[nodiscard]] output_matrix<B> before(index_t v) {
    return at(now(plan.before[static_cast<std::size_t>(v)]), v);
  }
  [[nodiscard]] output_matrix<B> d(index_t v) { return at(plan.gradients[static_cast<std::size_t>(v)], v); }
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
  /// The inside of a segment again; not for a segment that S does not depend on.
  void run_again(const B& backend, const detail::layer_segment& segment) {
    const std::span<const step> all = std::span(network.steps_).first(static_cast<std::size_t>(segment.end));
    const auto steps = all.subspan(static_cast<std::size_t>(segment.first));
    if (std::none_of(steps.begin(), steps.end(), [&](const step& s) { return written(s.output); })) return;
    for (const step& s : steps) {
      const bool there = plan.values[static_cast<std::size_t>(s.output)].stays && !s.parted();
      if (!there) run(backend, s);
    }
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

template <layer_backend B>
std::vector<index_t> layer_network<B>::given_values(const gradient_extent& extent) const {
  std::vector<index_t> values;
  if (extent.logits) values.push_back(graph_.outputs.front().value);
  for (const index_t state : extent.layers) {
    if (state > 0) values.push_back(graph_.result(state).value);
  }
  const bool untold = extent.layers.empty() && !extent.logits && extent.depth > 0;
  if (untold) values.push_back(graph_.result(extent.depth).value);
  return values;
}

/// The last step that makes one of `values`; -1: none.
template <layer_backend B>
index_t layer_network<B>::last_step(const std::vector<index_t>& values) const {
  for (auto i = static_cast<index_t>(steps_.size()); i-- > 0;) {
    const index_t output = steps_[static_cast<std::size_t>(i)].output;
    if (std::find(values.begin(), values.end(), output) != values.end()) return i;
  }
  return -1;
}

template <layer_backend B>
detail::layer_gradient_plan layer_network<B>::plan_gradient(std::vector<index_t> sizes, index_t tokens,
                                                            const gradient_extent& extent,
                                                            bool backward) const {
  detail::layer_gradient_wish wish{.sizes = std::move(sizes), .backward = backward};
  const index_t highest = extent.logits ? graph_.results() : extent.depth;
  wish.shown.assign(wish.sizes.size(), -1);
  for (index_t state = 1; state <= highest; ++state) {
    index_t& shown = wish.shown[static_cast<std::size_t>(graph_.result(state).value)];
    shown = std::max(shown, ready_[static_cast<std::size_t>(state)]);
  }
  if (backward) wish.given = given_values(extent);
  wish.steps = 1 + (backward ? last_step(wish.given) : ready_[static_cast<std::size_t>(highest)]);
  wish.keep = std::max<index_t>(extent.keep_bytes, 0) / static_cast<index_t>(sizeof(scalar));
  wish.several = extent.numbers > 1;
  detail::layer_gradient_planner<step> planner(steps_, wish);
  detail::layer_gradient_plan plan = planner.take();
  const bool words = !extent.layers.empty() && extent.layers.front() == 0;
  if (words) plan.part = std::max(plan.part, checked_mul(tokens, graph_.input.channels));
  if (extent.tokens) plan.part = std::max(plan.part, checked_mul(tokens, 5));
  return plan;
}

template <layer_backend B>
index_t layer_network<B>::gradient_scratch(const B& backend, const gradient_extent& extent) const {
  const index_t steps = scratch_size(backend, true);
  return extent.tokens ? std::max(steps, backend.linear_scratch(packed_table_)) : steps;
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
  const gradient_extent extent = request.extent(graph_.results());
  const index_t tokens = batch.offsets.rows();
  const index_t channels = graph_.input.channels;
  std::vector<index_t> sizes(w.rows.size());
  for (std::size_t v = 0; v < sizes.size(); ++v) {
    sizes[v] = checked_mul(w.rows[v].rows(), shapes_.channels(static_cast<index_t>(v)));
  }
  pass p{*this, w, plan_gradient(std::move(sizes), tokens, extent, request.backward),
         std::vector<char>(w.rows.size(), 0)};
  if (w.kept.size() < p.plan.numbers) w.kept = {};  // gone before there is more
  grow(w.kept, p.plan.numbers);
  grow(w.part, p.plan.part);
  grow(w.scratch, gradient_scratch(backend, extent));
  grow(w.words, checked_mul(2 * tokens, channels));
  const output_matrix<B> words{w.words.view().data, tokens, channels, channels};
  const output_matrix<B> dwords{words.data + tokens * channels, tokens, channels, channels};
  read_input(batch, request.word_rows, backend, w, words, p.value(0));
  if (request.states) request.states(0, words);
  run_forward(request, p, p.plan.segments.back().end - 1);
  if (!request.backward) return;
  p.back = true;
  for (index_t number = 0; number < request.numbers; ++number) {
    request.choose(number);
    std::fill(p.has.begin(), p.has.end(), char(0));
    give_cotangents(request, p);
    run_back(request, p);
    finish_gradient(batch, request, receive, p, words, dwords);
  }
}

/// The steps up to `last`; shows the states from 1 on.
template <layer_backend B>
void layer_network<B>::run_forward(const gradient_wish& request, pass& p, index_t last) const {
  const B& backend = backend_of(p.memory);
  const index_t highest = request.logits ? graph_.results() : request.depth(graph_.results());
  index_t next = 1;
  const auto show_finished = [&](index_t done) {
    for (; next <= highest && ready_[static_cast<std::size_t>(next)] <= done; ++next) {
      if (request.states) request.states(next, p.value(graph_.result(next).value));
    }
  };
  show_finished(-1);
  for (index_t i = 0; i <= last; ++i) {
    p.run(backend, steps_[static_cast<std::size_t>(i)]);
    show_finished(i);
  }
}

/// S's own gradients, of the logits first.
template <layer_backend B>
void layer_network<B>::give_cotangents(const gradient_wish& request, pass& p) const {
  const B& backend = backend_of(p.memory);
  if (request.logits) {
    p.add_cotangent(backend, graph_.outputs.front().value, detail::logits_cotangent, request.logits);
  }
  for (auto state = request.layers.rbegin(); state != request.layers.rend() && *state > 0; ++state) {
    p.add_cotangent(backend, graph_.result(*state).value, detail::cotangent_name(*state),
                    [&](input_matrix<B> x, output_matrix<B> given) { request.hidden(*state, x, given); });
  }
}

/// The steps from the last down to the first value, for one number.
template <layer_backend B>
void layer_network<B>::run_back(const gradient_wish& request, pass& p) const {
  const B& backend = backend_of(p.memory);
  detail::layer_adjoint<B, pass> adjoint(backend, p);
  for (auto segment = p.plan.segments.rbegin(); segment != p.plan.segments.rend(); ++segment) {
    if (!segment->kept) p.run_again(backend, *segment);
    for (index_t i = segment->end; i-- > segment->first;) {
      const step& s = steps_[static_cast<std::size_t>(i)];
      if (!p.written(s.output)) continue;
      for (index_t state = graph_.results(); request.carried && state > 0; --state) {
        if (graph_.result(state).value == s.output) request.carried(state, p.d(s.output));
      }
      adjoint.run(s, s.parted() ? p.before(s.output) : output_matrix<B>{});
    }
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

template <layer_backend B>
index_t layer_network<B>::made_at_once(const std::vector<index_t>& sizes, index_t last) const {
  index_t most = 0;
  for (index_t i = 0; i <= last; ++i) {
    const step& s = steps_[static_cast<std::size_t>(i)];
    if (!s.makes_gradients_at_once()) continue;
    index_t made = 0;
    index_t zeros = 0;
    for (const index_t v : s.inputs) {
      made = checked_add(made, sizes[static_cast<std::size_t>(v)]);
      const bool uploads = s.kind != layer_kind::masked_mean;
      if (uploads) zeros = std::max(zeros, sizes[static_cast<std::size_t>(v)]);
    }
    most = std::max(most, checked_add(made, zeros));
  }
  return most;
}

/// What the plan places, one gradient before it is added, words and their gradient, scratch; and the
/// gradients that the largest step by several values makes at once, but for masked means one of them also as
/// zeros on their way to the backend; relative attention's own memory.
template <layer_backend B>
index_t layer_network<B>::gradient_bytes(index_t tokens, index_t longest,
                                         const gradient_extent& extent) const {
  std::vector<index_t> sizes = computed_rows_near(tokens);
  sizes.resize(slot_.size());
  for (std::size_t v = 0; v < sizes.size(); ++v) {
    sizes[v] = checked_mul(sizes[v], shapes_.channels(static_cast<index_t>(v)));
  }
  const index_t at_once = made_at_once(sizes, last_step(given_values(extent)));
  const detail::layer_gradient_plan plan = plan_gradient(std::move(sizes), tokens, extent, true);
  index_t numbers = checked_mul(2 * tokens, graph_.input.channels);
  for (const index_t more :
       {plan.numbers, plan.part, gradient_scratch(backend_, extent), at_once, attention_size(longest)}) {
    numbers = checked_add(numbers, more);
  }
  return checked_mul(numbers, static_cast<index_t>(sizeof(scalar)));
}

DNALM_END_NAMESPACE
