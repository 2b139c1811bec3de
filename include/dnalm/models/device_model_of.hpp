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
#include <dnalm/models/detail/device_workspace.hpp>
#include <dnalm/models/detail/pooled_pass.hpp>
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

 public:
  explicit device_model_of(Network network) : network_(std::move(network)) {}

  [[nodiscard]] const Network& network() const { return network_; }

  void forward(const token_batch& batch, matrix_view<const float> word_rows, layer_observer layers,
               const logits_observer* logits, forward_workspace& workspace) const override {
    state& w = state_of(workspace);
    index_t next = 0;  // a second attempt has the bits of the first: what was shown is not shown again
    const auto on_layer = [&](index_t layer, input_matrix<B> x) {
      if (layer < next) return;
      const matrix_view<const float> rows = on_host(x, w);
      next = layer + 1;
      w.calling([&] { layers(layer, rows); });
    };
    const auto on_logits = [&](input_matrix<B> x) {
      const matrix_view<const float> rows = on_host(x, w);
      w.calling([&] { (*logits)(rows); });
    };
    const typename Network::logits_receiver receiver = on_logits;
    check_word_rows(word_rows, batch.offsets.rows(), summary().width);
    w.with_graphs_memory([&] {
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
    pooled_pass pass(network_, state_of(workspace), batch, request);
    if constexpr (resizes) {
      return pass.states_on_host(observer);
    } else {
      return pass.shown_on_host(observer);
    }
  }
  [[nodiscard]] std::shared_ptr<const device_poolings> pool_on_device(
      const token_batch& batch, const pool_request& request, std::span<const index_t> seen,
      pooled_observer observer, forward_workspace& workspace) const override {
    if constexpr (resizes) {
      return model_base::pool_on_device(batch, request, seen, observer, workspace);
    } else {
      return pooled_pass(network_, state_of(workspace), batch, request).left_on_device(seen, observer);
    }
  }
  void input_gradients(const token_batch& batch, const gradient_request& request, gradient_observer receive,
                       forward_workspace& workspace) const override {
    state& w = state_of(workspace);
    check_gradient_request(network_.config(), request, batch.offsets.rows());
    const auto on_gradient = [&](const basic_input_gradient<float, B::space>& found) {
      receive({on_host(found.words, w), on_host(found.tokens, w.part)});
    };
    w.with_graphs_memory([&] { network_.gradient(batch, there(request, w), on_gradient, w.network); });
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
    detail::check_gradient_layers(request, about.last_state());
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
  using pooled_pass = detail::pooled_pass<B, Network>;
  struct state : detail::device_workspace<B, Network> {
    typename B::vector rows = {};  // words' rows that came from the host
    buffer<float> copy = {};       // what functions read
    buffer<float> part = {};       // what functions write, or the second of two copies
  };
  [[nodiscard]] state& state_of(forward_workspace& workspace) const {
    return workspace.state<state>(number_, [] { return state{}; });
  }

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
  void logits_by_rows(const token_batch& batch, std::span<const index_t> rows, logits_observer observer,
                      forward_workspace& workspace) const {
    state& w = state_of(workspace);
    const auto on_logits = [&](input_matrix<B> x) {
      const matrix_view<const float> found = on_host(x, w);
      w.calling([&] { observer(found); });
    };
    const typename Network::logits_receiver receiver = on_logits;
    w.with_graphs_memory([&] {
      network_.forward(
          batch, [](index_t, input_matrix<B>) {}, &receiver, w.network, {}, rows);
    });
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
        if (!request.shows(layer)) return;
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
