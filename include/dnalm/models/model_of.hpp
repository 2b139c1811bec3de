// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A network on a certain backend behind the type-erased interface of `model`.
#pragma once

#include <algorithm>
#include <memory>
#include <type_traits>
#include <utility>

#include <dnalm/backend/weight_format.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/models/network.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// Backends that pack weights as the floats that they are, whatever a model's own weights are.
template <class B>
concept has_float_products = std::is_same_v < scalar_of<B>,
float > &&requires(const B& backend) {
  backend.with_format(weight_format::f32);
};

/// A matrix packed by a backend in host memory.
template <class B>
class backend_product final : public packed_product {
 public:
  backend_product(const B& backend, matrix_view<const float> w) : backend_(backend), w_(backend.pack(w)) {}
  void run(matrix_view<const float> x, buffer<float>& scratch, matrix_view<float> y) const override {
    const index_t size = backend_.linear_scratch(w_);
    if (scratch.size() < size) scratch = buffer<float>(size, uninitialized);
    backend_.linear(x, w_, {}, scratch.view(), y);
  }

 private:
  B backend_;
  typename B::weight w_;
};

}  // namespace detail

/// Hands numbers on as floats (copies when the backend computes in double).
template <network Network>
requires(Network::backend_type::space == memory_space::host) class model_of final : public model_base {
  using B = typename Network::backend_type;

 public:
  explicit model_of(Network network) : network_(std::move(network)) {}

  [[nodiscard]] const Network& network() const { return network_; }

  void forward(const token_batch& batch, matrix_view<const float> word_rows, layer_observer layers,
               const logits_observer* logits, forward_workspace& workspace) const override {
    auto& w = state_of(workspace);
    const auto on_layer = [&](index_t layer, input_matrix<B> x) { layers(layer, as_float(x, w.copy)); };
    const auto on_logits = [&](input_matrix<B> x) { (*logits)(as_float(x, w.copy)); };
    const typename Network::logits_receiver receiver = on_logits;
    check_word_rows(word_rows, batch.offsets.rows(), summary().width);
    network_.forward(batch, on_layer, logits == nullptr ? nullptr : &receiver, w.network,
                     as_scalar(word_rows, w.rows));
  }
  void logits_of(const token_batch& batch, std::span<const index_t> rows, logits_observer observer,
                 forward_workspace& workspace) const override {
    if constexpr (row_logits_network<Network>) {
      auto& w = state_of(workspace);
      const auto on_logits = [&](input_matrix<B> x) { observer(as_float(x, w.copy)); };
      const typename Network::logits_receiver receiver = on_logits;
      network_.forward(
          batch, [](index_t, input_matrix<B>) {}, &receiver, w.network, {}, rows);
    } else {
      model_base::logits_of(batch, rows, observer, workspace);
    }
  }
  bool attention(const token_batch& batch, attention_observer observer,
                 forward_workspace& workspace) const override {
    if constexpr (attention_network<Network>) {
      network_.attention(batch, observer, state_of(workspace).network);
      return true;
    } else {
      return model_base::attention(batch, observer, workspace);
    }
  }
  bool edited_states(std::span<const std::int32_t> ids, std::span<const token_edit> edits,
                     const edit_request& request, edits_observer observer,
                     forward_workspace& workspace) const override {
    if constexpr (edited_network<Network>) {
      auto& w = state_of(workspace);
      const auto on_rows = [&](index_t first, input_matrix<B> x) { observer(first, as_float(x, w.copy)); };
      network_.edited_states(ids, edits, request, on_rows, w.network);
      return true;
    } else {
      return model_base::edited_states(ids, edits, request, observer, workspace);
    }
  }
  [[nodiscard]] bool edits_are_exact() const override {
    if constexpr (edited_network<Network>) return Network::edits_are_exact;
    return false;
  }
  [[nodiscard]] bool runs_edits() const override { return edited_network<Network>; }
  void input_gradients(const token_batch& batch, const gradient_request& request, gradient_observer receive,
                       forward_workspace& workspace) const override {
    auto& w = state_of(workspace);
    check_gradient_request(summary(), request, batch.offsets.rows());
    const auto on_gradient = [&](const basic_input_gradient<T>& found) {
      receive({as_float(found.words, w.copy), as_float(found.tokens, w.part)});
    };
    if constexpr (is_float) {
      network_.gradient(batch, request, on_gradient, w.network);
    } else {
      network_.gradient(batch, widen(request, w), on_gradient, w.network);
    }
  }
  void word_rows(std::span<const std::int32_t> ids, matrix_view<float> rows) const override {
    if constexpr (is_float) {
      network_.word_rows(ids, rows);
    } else {
      matrix<T> found(rows.rows, rows.columns);
      network_.word_rows(ids, found.view());
      convert(matrix_view<const T>(found.view()), rows);
    }
  }
  [[nodiscard]] index_t workspace_bytes(index_t tokens, index_t longest, bool logits) const override {
    return with_copy(network_.workspace_bytes(tokens, longest, logits), tokens, logits);
  }
  [[nodiscard]] index_t kept_bytes(std::span<const index_t> lengths) const override {
    if constexpr (keeping_network<Network>) {
      return network_.kept_bytes(lengths);
    } else {
      return model_base::kept_bytes(lengths);
    }
  }
  [[nodiscard]] bool runs_in_pieces() const override { return pieced_network<Network>; }
  [[nodiscard]] index_t piece_bytes(index_t tokens, index_t longest, bool logits,
                                    index_t piece) const override {
    if constexpr (pieced_network<Network>) {
      return with_copy(network_.workspace_bytes(tokens, longest, logits, piece), tokens, logits);
    } else {
      return model_base::piece_bytes(tokens, longest, logits, piece);
    }
  }
  [[nodiscard]] index_t gradient_bytes(const gradient_request& request, index_t tokens,
                                       index_t longest) const override {
    detail::check_gradient_layers(request, summary().last_state());
    const gradient_extent extent = request.extent(summary().layers);
    const index_t bytes = network_.gradient_bytes(tokens, longest, extent);
    if (is_float) return bytes;
    index_t copies = checked_mul(2, checked_mul(widest(extent.logits || extent.tokens), 4));
    if (request.word_rows.data != nullptr) {
      copies = checked_add(copies, checked_mul(summary().width, static_cast<index_t>(sizeof(T))));
    }
    return checked_add(bytes, checked_mul(tokens, copies));
  }
  [[nodiscard]] bool works_on_teams() const override { return team_kernels<B>; }
  /// Of networks that resize: several short sequences share a pass, a long one runs alone.
  [[nodiscard]] batch_preference prefers() const override {
    batch_preference wishes;
    if constexpr (resizing_network<Network>) wishes.tokens = 2048;
    return wishes;
  }
  [[nodiscard]] index_t state_width(index_t which) const override {
    if constexpr (resizing_network<Network>) return network_.state_width(which);
    return summary().width;
  }
  [[nodiscard]] index_t state_rows(index_t which, index_t tokens, const std::string& where) const override {
    if constexpr (resizing_network<Network>) return network_.state_rows(which, tokens, where);
    return tokens;
  }
  [[nodiscard]] index_t inner_rows(index_t tokens, const std::string& where) const override {
    if constexpr (resizing_network<Network>) return network_.inner_rows(tokens, where);
    return tokens;
  }
  [[nodiscard]] std::shared_ptr<const model_base> remade(const network_config& config,
                                                         const weight_source& source,
                                                         int threads) const override {
    const auto& kind = config_as<typename Network::config_type>(config, network_.backend().name());
    return std::make_shared<const model_of>(Network(network_.backend(), kind, source, threads));
  }
  [[nodiscard]] std::shared_ptr<const packed_product> pack_product(
      matrix_view<const float> w) const override {
    if constexpr (detail::has_float_products<B>) {
      const B floats = network_.backend().with_format(weight_format::f32);
      return std::make_shared<const detail::backend_product<B>>(floats, w);
    } else {
      static_cast<void>(w);
      return nullptr;
    }
  }

 private:
  using T = scalar_of<B>;
  static constexpr bool is_float = std::is_same_v<T, float>;

  struct state {
    typename Network::workspace network = {};
    matrix<float> copy = {};  // what functions read
    matrix<float> part = {};  // what functions write
    matrix<T> rows = {};
  };

  [[nodiscard]] state& state_of(forward_workspace& workspace) const {
    state& w = workspace.state<state>(number_, [] { return state{}; });
    w.network.team = workspace.team();
    if constexpr (pieced_network<Network>) w.network.piece = workspace.piece();
    return w;
  }
  [[nodiscard]] network_summary summary() const { return network_.config().summary(); }
  /// The bytes of a network's workspace, and of the copy that observers read where it is not in float.
  [[nodiscard]] index_t with_copy(index_t bytes, index_t tokens, bool logits) const {
    return is_float ? bytes : checked_add(bytes, checked_mul(tokens, checked_mul(widest(logits), 4)));
  }
  [[nodiscard]] index_t widest(bool vocabulary) const {
    const network_summary about = summary();
    return vocabulary ? std::max(about.width, about.logits_width()) : about.width;
  }

  template <class From, class To>
  static void convert(matrix_view<const From> x, matrix_view<To> y) {
    for (index_t r = 0; r < x.rows; ++r) {
      for (index_t c = 0; c < x.columns; ++c) y(r, c) = static_cast<To>(x(r, c));
    }
  }
  template <class From, class To>
  static matrix_view<const To> converted(matrix_view<const From> x, matrix<To>& copy) {
    if constexpr (std::is_same_v<From, To>) {
      return x;
    } else {
      if (x.data == nullptr) return {};
      if (copy.rows() != x.rows || copy.columns() != x.columns) copy = matrix<To>(x.rows, x.columns);
      convert(x, copy.view());
      return copy.view();
    }
  }
  static matrix_view<const float> as_float(input_matrix<B> x, matrix<float>& copy) {
    return converted(x, copy);
  }
  static matrix_view<const T> as_scalar(matrix_view<const float> x, matrix<T>& copy) {
    return converted(x, copy);
  }

  /// Zeros (rows, columns) for a function to write to.
  static matrix_view<float> zeros(index_t rows, index_t columns, matrix<float>& part) {
    if (part.rows() != rows || part.columns() != columns) part = matrix<float>(rows, columns);
    std::fill_n(part.data(), rows * columns, 0.0F);
    return part.view();
  }
  /// The request in the backend's number type; refers to `request` and `w`.
  static basic_gradient_request<T> widen(const gradient_request& request, state& w) {
    basic_gradient_request<T> wide{.layers = request.layers, .tokens = request.tokens};
    wide.keep_bytes = request.keep_bytes;
    wide.numbers = request.numbers;
    wide.select = request.select;
    wide.pairs = request.pairs;
    wide.backward = request.backward;
    wide.word_rows = as_scalar(request.word_rows, w.rows);
    if (request.hidden) {
      wide.hidden = [&request, &w](index_t layer, matrix_view<const T> x, matrix_view<T> gradient) {
        const matrix_view<float> part = zeros(x.rows, x.columns, w.part);
        request.hidden(layer, as_float(x, w.copy), part);
        convert(matrix_view<const float>(part), gradient);
      };
    }
    if (request.logits) {
      wide.logits = [&request, &w](matrix_view<const T> x, matrix_view<T> gradient) {
        const matrix_view<float> part = zeros(x.rows, x.columns, w.part);
        request.logits(as_float(x, w.copy), part);
        convert(matrix_view<const float>(part), gradient);
      };
    }
    if (request.states) {
      wide.states = [&request, &w](index_t layer, matrix_view<const T> x) {
        if (request.shows(layer)) request.states(layer, as_float(x, w.copy));
      };
    }
    if (request.carried) {
      wide.carried = [&request, &w](index_t layer, matrix_view<const T> gradient) {
        request.carried(layer, as_float(gradient, w.copy));
      };
    }
    return wide;
  }

  Network network_;
  std::uint64_t number_ = detail::new_model_number();
};

DNALM_END_NAMESPACE
