// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A network on a backend with memory of its own behind the type-erased interface of `model`.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/detail/cotangent_names.hpp>
#include <dnalm/models/detail/graph_cache.hpp>
#include <dnalm/models/detail/lent_poolings.hpp>
#include <dnalm/models/encoder.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

/// A backend in float whose matrices lie on a device, and who copies them: `download` waits until the numbers
/// are there, `upload_rows` until the host's may change. `download_later` puts the copy into the device's
/// queue, where `capture` and `replay` put recorded work; `copy_of` puts one there that lasts.
template <class B>
concept device_backend = encoder_backend<B> && gather_kernels<B> && B::space ==
                         memory_space::device&& std::is_same_v<scalar_of<B>, float>&& requires(
                             const B& b, input_matrix<B> x, matrix_view<float> to,
                             matrix_view<const float> from, output_matrix<B> y, typename B::pinned& later,
                             const typename B::graph& graph, void (*work)()) {
  { b.download(x, to) } -> std::same_as<void>;
  { b.upload_rows(from, y) } -> std::same_as<void>;
  { b.download_later(x, later) } -> std::same_as<void>;
  { b.copy_of(x) } -> std::same_as<typename B::lent>;
  { b.device().number } -> std::convertible_to<int>;
  { b.uses_graphs() } -> std::same_as<bool>;
  { b.capture(work) } -> std::same_as<typename B::graph>;
  { b.replay(graph) } -> std::same_as<void>;
  { b.splits_batches() } -> std::same_as<bool>;
};

/// What observers see is copied to the host, layer by layer; of forward_pooled only the poolings, at its end.
///
/// Network is a class template's instance on B with the members of `encoder`, `begin` and `run` among them,
/// or without these a network whose states have rows of their own (layer_network), of which nothing is
/// recorded.
template <device_backend B, class Network = encoder<B>>
class device_model_of final : public model_base {
  static constexpr bool row_logits_network =
      requires(const Network& network, const token_batch& batch, typename Network::observer layers,
               const typename Network::logits_receiver* logits, typename Network::workspace& workspace,
               input_matrix<B> rows, std::span<const index_t> which) {
    network.forward(batch, layers, logits, workspace, rows, which);
  };
  static constexpr bool resizes = requires(const Network& network, const std::string& where) {
    network.state_rows(index_t{0}, index_t{0}, where);
    network.largest_state(index_t{0});
  };
  static constexpr bool norm_pooling_network = requires(const Network& network, index_t layer) {
    network.pools_in_norm(layer);
  };

 public:
  explicit device_model_of(Network network) : network_(std::move(network)) {}

  [[nodiscard]] const Network& network() const { return network_; }

  void forward(const token_batch& batch, matrix_view<const float> word_rows, layer_observer layers,
               const logits_observer* logits, forward_workspace& workspace) const override {
    auto& w = workspace.state<state>(number_, [] { return state{}; });
    index_t next = 0;  // a second attempt has the bits of the first: what was shown is not shown again
    const auto on_layer = [&](index_t layer, input_matrix<B> x) {
      if (layer < next) return;
      const matrix_view<const float> rows = on_host(x, w);
      next = layer + 1;
      calling(w, [&] { layers(layer, rows); });
    };
    const auto on_logits = [&](input_matrix<B> x) {
      const matrix_view<const float> rows = on_host(x, w);
      calling(w, [&] { (*logits)(rows); });
    };
    const typename Network::logits_receiver receiver = on_logits;
    check_word_rows(word_rows, batch.offsets.rows(), summary().width);
    with_graphs_memory(w, [&] {
      network_.forward(batch, on_layer, logits == nullptr ? nullptr : &receiver, w.network,
                       on_device(word_rows, w));
    });
  }
  void logits_of(const token_batch& batch, std::span<const index_t> rows, logits_observer observer,
                 forward_workspace& workspace) const override {
    if constexpr (row_logits_network) {
      logits_by_rows(batch, rows, observer, workspace);
    } else {
      model_base::logits_of(batch, rows, observer, workspace);
    }
  }
  [[nodiscard]] index_t state_width(index_t which) const override {
    if constexpr (resizes) return network_.state_width(which);
    return summary().width;
  }
  [[nodiscard]] index_t state_rows(index_t which, index_t tokens, const std::string& where) const override {
    if constexpr (resizes) return network_.state_rows(which, tokens, where);
    return tokens;
  }
  [[nodiscard]] index_t inner_rows(index_t tokens, const std::string& where) const override {
    if constexpr (resizes) return network_.inner_rows(tokens, where);
    return tokens;
  }
  /// Two workers: while one waits for the device, the other prepares its batch. Of networks that resize the
  /// longest value has the batch's rows, most others far fewer: four batches at a time.
  [[nodiscard]] batch_preference prefers() const override {
    const B& backend = network_.backend();
    const index_t rows = checked_mul(backend.batch_rows(), resizes ? 4 : 1);
    batch_preference wishes{.tokens = rows, .workers = 2, .pooled = true, .splits = backend.splits_batches()};
    if (!resizes) wishes.device = backend.device().number;
    return wishes;
  }
  bool forward_pooled(const token_batch& batch, const pool_request& request, pooled_observer observer,
                      forward_workspace& workspace) const override {
    if constexpr (resizes) {
      return pooled_states(batch, request, observer, workspace);
    } else {
      return pooled(batch, request, observer, workspace);
    }
  }
  [[nodiscard]] std::shared_ptr<const device_poolings> pool_on_device(
      const token_batch& batch, const pool_request& request, std::span<const index_t> seen,
      pooled_observer observer, forward_workspace& workspace) const override {
    if constexpr (resizes) {
      return model_base::pool_on_device(batch, request, seen, observer, workspace);
    } else {
      return pooled_there(batch, request, seen, observer, workspace);
    }
  }
  void input_gradients(const token_batch& batch, const gradient_request& request, gradient_observer receive,
                       forward_workspace& workspace) const override {
    auto& w = workspace.state<state>(number_, [] { return state{}; });
    check_gradient_request(network_.config(), request, batch.offsets.rows());
    const auto on_gradient = [&](const basic_input_gradient<float, B::space>& found) {
      receive({on_host(found.words, w), on_host(found.tokens, w.part)});
    };
    with_graphs_memory(w, [&] { network_.gradient(batch, there(request, w), on_gradient, w.network); });
  }
  void word_rows(std::span<const std::int32_t> ids, matrix_view<float> rows) const override {
    typename B::vector memory = network_.backend().allocate(checked_mul(rows.rows, rows.columns));
    const output_matrix<B> found = over(memory, rows.rows, rows.columns);
    network_.word_rows(ids, found);
    network_.backend().download(found, rows);
  }
  /// On the device, and the copy of what observers see.
  [[nodiscard]] index_t workspace_bytes(index_t tokens, index_t longest, bool logits) const override {
    const index_t copy = checked_mul(seen_numbers(tokens, logits), static_cast<index_t>(sizeof(float)));
    return checked_add(network_.workspace_bytes(tokens, longest, logits), copy);
  }
  /// On the device, and the copies of what functions read and write.
  [[nodiscard]] index_t gradient_bytes(const gradient_request& request, index_t tokens,
                                       index_t longest) const override {
    const network_summary about = summary();
    detail::check_gradient_layers(request, about.layers);
    const gradient_extent extent = request.extent(about.layers);
    index_t copies = checked_mul(2, seen_numbers(tokens, extent.logits || extent.tokens));
    if (request.word_rows.data != nullptr) copies = checked_add(copies, checked_mul(tokens, about.width));
    const index_t bytes = checked_mul(copies, static_cast<index_t>(sizeof(float)));
    return checked_add(network_.gradient_bytes(tokens, longest, extent), bytes);
  }
  [[nodiscard]] std::shared_ptr<const model_base> remade(const network_config& config,
                                                         const weight_source& source,
                                                         int threads) const override {
    const auto& kind = config_as<typename Network::config_type>(config, network_.backend().name());
    return std::make_shared<const device_model_of>(Network(network_.backend(), kind, source, threads));
  }

 private:
  struct state {
    detail::graph_cache<typename B::graph> graphs = {};  // go after the memory, which waits for the device
    typename Network::workspace network = {};
    typename B::vector rows = {};    // words' rows that came from the host
    typename B::vector pooled = {};  // as pooled_rows says
    typename B::pinned found = {};   // a part of the same on the host
    bool records = true;             // until there was no memory for it
    bool record_failed = false;      // once
    bool called = false;             // a function of a gradient's request, in the pass that runs
    buffer<float> copy = {};         // what functions read
    buffer<float> part = {};         // what functions write, or the second of two copies
  };

  [[nodiscard]] network_summary summary() const { return network_.config().summary(); }
  /// Numbers of the largest matrix that functions see, with the logits or the gradient by tokens or without.
  [[nodiscard]] index_t seen_numbers(index_t tokens, bool table) const {
    if constexpr (resizes) {
      return std::max(network_.largest_state(tokens), checked_mul(tokens, summary().vocabulary));
    } else {
      const network_summary about = summary();
      return checked_mul(tokens, table ? std::max(about.width, about.vocabulary) : about.width);
    }
  }
  /// The poolings are waited for by an event of this batch: another thread's may stand behind it in the
  /// stream.
  bool pooled(const token_batch& batch, const pool_request& request, pooled_observer observer,
              forward_workspace& workspace) const {
    auto& w = workspace.state<state>(number_, [] { return state{}; });
    const pooled_rows rows = rows_of(batch, request, batch.offsets.sequences());
    with_graphs_memory(w, [&] { put_pass(batch, request, rows.noted_end(), w); });
    const matrix_view<const float> all = waited_for(0, rows.noted_end(), w);
    if (!is_finite(all.row_block(rows.pooled(), rows.sequences))) return false;
    show(all.row_block(0, rows.pooled()), rows, observer);
    return true;
  }
  /// What is seen of the vectors, and where numbers are not finite, comes back in one copy.
  [[nodiscard]] std::shared_ptr<const device_poolings> pooled_there(const token_batch& batch,
                                                                    const pool_request& request,
                                                                    std::span<const index_t> seen,
                                                                    pooled_observer observer,
                                                                    forward_workspace& workspace) const {
    auto& w = workspace.state<state>(number_, [] { return state{}; });
    const B& backend = network_.backend();
    const pooled_rows rows = rows_of(batch, request, static_cast<index_t>(seen.size()));
    const index_t width = summary().width;
    typename B::lent kept;
    with_graphs_memory(w, [&] {
      put_pass(batch, request, checked_add(rows.noted_end(), rows.shown()), w);
      const auto part = [&](index_t first, index_t count) -> output_matrix<B> {
        return {w.pooled.view().data + first * width, count, width, width};
      };
      if (rows.shown() > 0) {
        backend.gather_rows(part(0, rows.pooled()), rows.places_of(seen),
                            part(rows.noted_end(), rows.shown()));
      }
      kept = backend.copy_of(part(0, rows.pooled()));
    });
    const matrix_view<const float> found =
        waited_for(rows.pooled(), checked_add(rows.sequences, rows.shown()), w);
    if (!is_finite(found.row_block(0, rows.sequences))) return nullptr;
    show(found.row_block(rows.sequences, rows.shown()), rows, observer);
    return std::make_shared<const detail::lent_poolings<typename B::lent>>(std::move(kept), rows.kinds,
                                                                           rows.sequences);
  }
  /// Of states with rows and widths of their own; none of them has special tokens.
  bool pooled_states(const token_batch& batch, const pool_request& request, pooled_observer observer,
                     forward_workspace& workspace) const {
    auto& w = workspace.state<state>(number_, [] { return state{}; });
    const index_t sequences = batch.offsets.sequences();
    const auto kinds = static_cast<index_t>(request.kinds.size());
    std::vector<index_t> first{0};  // of each layer: its kinds, then where numbers are not finite
    for (const index_t layer : request.layers) {
      const index_t numbers = checked_mul(sequences, network_.state_width(layer));
      first.push_back(checked_add(first.back(), checked_mul(kinds + 1, numbers)));
    }
    const index_t size = first.back();
    with_graphs_memory(w, [&] { pool_states(batch, request, first, w); });
    network_.backend().download_later({w.pooled.view().data, 1, size, size}, w.found);
    w.found.wait();
    const auto found = [&](std::size_t layer, index_t kind) {
      const index_t width = network_.state_width(request.layers[layer]);
      const float* all = w.found.template as<const float>() + first[layer];
      return as_matrix(all + kind * sequences * width, sequences, width);
    };
    for (std::size_t l = 0; l < request.layers.size(); ++l) {
      if (!is_finite(found(l, kinds))) return false;
    }
    for (std::size_t l = 0; l < request.layers.size(); ++l) {
      for (index_t k = 0; k < kinds; ++k) observer(l, static_cast<std::size_t>(k), found(l, k));
    }
    return true;
  }
  /// A pass, the poolings of layer l behind `first[l]`.
  void pool_states(const token_batch& batch, const pool_request& request, const std::vector<index_t>& first,
                   state& w) const {
    const B& backend = network_.backend();
    const index_t sequences = batch.offsets.sequences();
    if (w.pooled.size() < first.back()) w.pooled = backend.allocate(first.back());
    backend.clear({w.pooled.view().data, 1, first.back(), first.back()});
    const auto on_state = [&](index_t which, input_matrix<B> x) {
      const auto asked = std::find(request.layers.begin(), request.layers.end(), which);
      if (asked == request.layers.end()) return;
      ragged_offsets rows;
      for (index_t s = 0; s < sequences; ++s) {
        rows.append(network_.state_rows(which, batch.offsets.length(s), "a sequence of the batch"));
      }
      float* to = w.pooled.view().data + first[static_cast<std::size_t>(asked - request.layers.begin())];
      const auto next = [&]() -> output_matrix<B> {
        return {std::exchange(to, to + sequences * x.columns), sequences, x.columns, x.columns};
      };
      for (const pooling kind : request.kinds) backend.pool_rows(kind, x, rows, {}, next());
      backend.note_non_finite(x, rows, next());
    };
    network_.forward(batch, on_state, nullptr, w.network);
  }
  void logits_by_rows(const token_batch& batch, std::span<const index_t> rows, logits_observer observer,
                      forward_workspace& workspace) const {
    auto& w = workspace.state<state>(number_, [] { return state{}; });
    const auto on_logits = [&](input_matrix<B> x) {
      const matrix_view<const float> found = on_host(x, w);
      calling(w, [&] { observer(found); });
    };
    const typename Network::logits_receiver receiver = on_logits;
    with_graphs_memory(w, [&] {
      network_.forward(
          batch, [](index_t, input_matrix<B>) {}, &receiver, w.network, {}, rows);
    });
  }
  /// When there is no memory for `work` and graphs hold some, they go, and `work` runs once more; unless an
  /// observer has thrown it, or a function of a gradient's request has been called, which would be called
  /// twice. \throws error as `work`
  template <class Work>
  void with_graphs_memory(state& w, const Work& work) const {
    w.called = false;
    try {
      return work();
    } catch (const error& e) {
      if (e.kind() != error_kind::memory || !w.graphs.holds_graphs()) throw;
      if (w.called) throw;
      w.records = false;  // graphs hold memory of their own
      w.graphs.clear();
    }
    work();
  }
  /// Runs an observer: what it throws is its own, no shortage of the pass.
  template <class Call>
  static void calling(state& w, const Call& call) {
    w.called = true;
    call();
    w.called = false;
  }
  /// Rows of state::pooled: [layer][kind][sequence], then where numbers of a sequence are not finite, then
  /// [layer][kind][sequence that is seen].
  struct pooled_rows {
    index_t kinds = 0;
    index_t matrices = 0;  // of layers and kinds
    index_t sequences = 0;
    index_t seen = 0;

    [[nodiscard]] index_t pooled() const { return checked_mul(matrices, sequences); }
    [[nodiscard]] index_t noted_end() const { return checked_add(pooled(), sequences); }
    [[nodiscard]] index_t shown() const { return checked_mul(matrices, seen); }
    /// Of the sequences that are seen.
    [[nodiscard]] std::vector<index_t> places_of(std::span<const index_t> those) const {
      std::vector<index_t> places;
      for (index_t m = 0; m < matrices; ++m) {
        for (const index_t s : those) places.push_back(m * sequences + s);
      }
      return places;
    }
  };
  [[nodiscard]] static pooled_rows rows_of(const token_batch& batch, const pool_request& request,
                                           index_t seen) {
    const auto kinds = static_cast<index_t>(request.kinds.size());
    return {kinds, checked_mul(static_cast<index_t>(request.layers.size()), kinds), batch.offsets.sequences(),
            seen};
  }
  /// Rows of state::pooled on the host, when the device has made them.
  [[nodiscard]] matrix_view<const float> waited_for(index_t first, index_t count, state& w) const {
    const index_t width = summary().width;
    network_.backend().download_later({w.pooled.view().data + first * width, count, width, width}, w.found);
    w.found.wait();
    return as_matrix(w.found.template as<const float>(), count, width);
  }
  /// `all`: [layer][kind][sequence that is seen].
  static void show(matrix_view<const float> all, const pooled_rows& rows, const pooled_observer& observer) {
    for (index_t m = 0; m < rows.matrices; ++m) {
      observer(static_cast<std::size_t>(m / rows.kinds), static_cast<std::size_t>(m % rows.kinds),
               all.row_block(m * rows.seen, rows.seen));
    }
  }
  /// A pass and its poolings into the stream, with memory for `rows` in state::pooled.
  void put_pass(const token_batch& batch, const pool_request& request, index_t rows, state& w) const {
    const index_t size = checked_mul(rows, summary().width);
    if (w.pooled.size() < size) w.pooled = network_.backend().allocate(size);
    auto begun = network_.begin(batch, false, w.network);
    if (begun.x.rows > 0) run_pooled(batch, request, begun, w);
  }
  /// Blocks and poolings of a pass that has begun: as they are the first time, recorded the second time that
  /// they come with these arguments, as one piece from then on.
  void run_pooled(const token_batch& batch, const pool_request& request, auto& begun, state& w) const {
    const auto run = [&] { pool_layers(batch, request, begun, w); };
    if (!Network::can_be_recorded || !network_.backend().uses_graphs() || !w.records) return run();
    auto& known = w.graphs.find(key_of(batch, request, w));
    if (known.seen && !known.graph) known.graph = recorded(run, w);
    known.seen = true;
    if (known.graph) {
      network_.backend().replay(known.graph);
    } else {
      run();
    }
  }
  /// None when it cannot be recorded: for want of memory, of which a graph needs some of its own, or for the
  /// first time. \throws error what went wrong, the second time.
  template <class Run>
  [[nodiscard]] typename B::graph recorded(const Run& run, state& w) const {
    try {
      return network_.backend().capture(run);
    } catch (const error& e) {
      if (e.kind() == error_kind::memory) {
        w.records = false;
      } else if (std::exchange(w.record_failed, true)) {
        throw;
      }
    }
    return {};
  }
  [[nodiscard]] static detail::pooled_key key_of(const token_batch& batch, const pool_request& request,
                                                 const state& w) {
    return {.offsets = batch.offsets.offsets,
            .layers = {request.layers.begin(), request.layers.end()},
            .kinds = {request.kinds.begin(), request.kinds.end()},
            .special = {request.special.begin(), request.special.end()},
            .memory = w.network.memory.view().data,
            .pooled = w.pooled.view().data};
  }
  /// All that forward_pooled puts into the stream after the embedding.
  void pool_layers(const token_batch& batch, const pool_request& request, auto& begun, state& w) const {
    const B& backend = network_.backend();
    const index_t sequences = batch.offsets.sequences();
    const index_t width = summary().width;
    const auto kinds = static_cast<index_t>(request.kinds.size());
    const index_t matrices = static_cast<index_t>(request.layers.size()) * kinds;
    backend.clear({w.pooled.view().data, (matrices + 1) * sequences, width, width});
    const auto place = [&](index_t matrix) -> output_matrix<B> {
      return {w.pooled.view().data + matrix * sequences * width, sequences, width, width};
    };
    const auto on_layer = [&](index_t layer, input_matrix<B> x) {
      const auto found = std::find(request.layers.begin(), request.layers.end(), layer);
      if (found == request.layers.end()) return;
      const index_t first = (found - request.layers.begin()) * kinds;
      norm_poolings_of<B> with_norm{.special = request.special};
      const bool waits = pools_in_norm(layer);
      for (index_t k = 0; k < kinds; ++k) {
        const pooling kind = request.kinds[static_cast<std::size_t>(k)];
        output_matrix<B>* const later = waits ? mean_of(with_norm, kind) : nullptr;
        if (later != nullptr && later->data == nullptr) {
          *later = place(first + k);
        } else {
          backend.pool_rows(kind, x, batch.offsets, request.special, place(first + k));
        }
      }
      if (waits) {
        with_norm.noted = place(matrices);
        if constexpr (norm_pooling_network) begun.block.input_poolings = with_norm;
      } else {
        backend.note_non_finite(x, batch.offsets, place(matrices));
      }
    };
    network_.run(begun, on_layer, nullptr, w.network);
  }
  /// Whether the block after `layer` pools its input in its norm.
  [[nodiscard]] bool pools_in_norm([[maybe_unused]] index_t layer) const {
    if constexpr (norm_pooling_network) return network_.pools_in_norm(layer);
    return false;
  }
  /// Where a norm that pools puts the vectors of a kind; null: it does not make them.
  [[nodiscard]] static output_matrix<B>* mean_of(norm_poolings_of<B>& poolings, pooling kind) {
    if (kind == pooling::mean) return &poolings.mean;
    return kind == pooling::mean_all ? &poolings.mean_all : nullptr;
  }
  /// Of zeros and NaN.
  [[nodiscard]] static bool is_finite(matrix_view<const float> x) {
    for (index_t r = 0; r < x.rows; ++r) {
      for (index_t c = 0; c < x.columns; ++c) {
        if (x(r, c) != 0.0F) return false;
      }
    }
    return true;
  }
  [[nodiscard]] static output_matrix<B> over(typename B::vector& memory, index_t rows, index_t columns) {
    return {memory.view().data, rows, columns, columns};
  }
  static matrix_view<float> room(index_t rows, index_t columns, buffer<float>& memory) {
    const index_t size = checked_mul(rows, columns);
    if (memory.size() < size) memory = buffer<float>(size, uninitialized);
    return as_matrix(memory.data(), rows, columns);
  }
  /// Data null when that of x is.
  [[nodiscard]] matrix_view<const float> on_host(input_matrix<B> x, buffer<float>& memory) const {
    if (x.data == nullptr) return {};
    const matrix_view<float> copy = room(x.rows, x.columns, memory);
    network_.backend().download(x, copy);
    return copy;
  }
  [[nodiscard]] matrix_view<const float> on_host(input_matrix<B> x, state& w) const {
    return on_host(x, w.copy);
  }
  [[nodiscard]] input_matrix<B> on_device(matrix_view<const float> rows, state& w) const {
    if (rows.data == nullptr) return {};
    const index_t size = checked_mul(rows.rows, rows.columns);
    if (w.rows.size() < size) w.rows = network_.backend().allocate(size);
    const output_matrix<B> copy = over(w.rows, rows.rows, rows.columns);
    network_.backend().upload_rows(rows, copy);
    return copy;
  }

  /// `y` = what `function` makes of zeros and the host's copy of `x`. \throws error [dnalm.numeric.424]
  template <class Function>
  void put_cotangent(const Function& function, input_matrix<B> x, output_matrix<B> y, const std::string& what,
                     state& w) const {
    w.called = true;
    const matrix_view<float> part = room(y.rows, y.columns, w.part);
    std::fill_n(part.data, y.rows * y.columns, 0.0F);
    function(on_host(x, w), part);
    detail::check_finite_rows(part, what);
    network_.backend().upload_rows(part, y);
  }
  /// The request with its rows on the device; refers to `request` and `w`.
  [[nodiscard]] typename Network::gradient_wish there(const gradient_request& request, state& w) const {
    typename Network::gradient_wish wish{.layers = request.layers, .tokens = request.tokens};
    wish.keep_bytes = request.keep_bytes;
    wish.numbers = request.numbers;
    wish.select = request.select;
    wish.pairs = request.pairs;
    wish.backward = request.backward;
    wish.word_rows = on_device(request.word_rows, w);
    if (request.hidden) {
      wish.hidden = [this, &request, &w](index_t layer, input_matrix<B> x, output_matrix<B> gradient) {
        const auto function = [&](matrix_view<const float> from, matrix_view<float> to) {
          request.hidden(layer, from, to);
        };
        put_cotangent(function, x, gradient, detail::cotangent_name(layer), w);
      };
    }
    if (request.logits) {
      wish.logits = [this, &request, &w](input_matrix<B> x, output_matrix<B> gradient) {
        put_cotangent(request.logits, x, gradient, detail::logits_cotangent, w);
      };
    }
    if (request.states) {
      wish.states = [this, &request, &w](index_t layer, input_matrix<B> x) {
        w.called = true;
        request.states(layer, on_host(x, w));
      };
    }
    if (request.carried) {
      wish.carried = [this, &request, &w](index_t layer, input_matrix<B> gradient) {
        w.called = true;
        request.carried(layer, on_host(gradient, w));
      };
    }
    return wish;
  }

  Network network_;
  std::uint64_t number_ = detail::new_model_number();
};

DNALM_END_NAMESPACE
