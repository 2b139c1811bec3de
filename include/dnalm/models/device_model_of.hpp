// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief An encoder on a backend with memory of its own behind the type-erased interface of `model`.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/encoder.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

/// A backend in float whose matrices lie on a device, and who copies them: `download` waits until the numbers
/// are there, `upload_rows` until the host's may change.
template <class B>
concept device_backend = encoder_backend<B> &&
                         B::space == memory_space::device&& std::is_same_v<scalar_of<B>, float>&& requires(
                                         const B& b, input_matrix<B> x, matrix_view<float> to,
                                         matrix_view<const float> from, output_matrix<B> y) {
  { b.download(x, to) } -> std::same_as<void>;
  { b.upload_rows(from, y) } -> std::same_as<void>;
};

/// What observers see is copied to the host, layer by layer; of forward_pooled only the poolings, at its end.
template <device_backend B>
class device_model_of final : public model_base {
 public:
  explicit device_model_of(encoder<B> network) : network_(std::move(network)) {}

  [[nodiscard]] const encoder<B>& network() const { return network_; }

  void forward(const token_batch& batch, matrix_view<const float> word_rows, layer_observer layers,
               const logits_observer* logits, forward_workspace& workspace) const override {
    auto& w = workspace.state<state>(number_, [] { return state{}; });
    const auto on_layer = [&](index_t layer, input_matrix<B> x) { layers(layer, on_host(x, w)); };
    const auto on_logits = [&](input_matrix<B> x) { (*logits)(on_host(x, w)); };
    const typename encoder<B>::logits_receiver receiver = on_logits;
    check_word_rows(word_rows, batch.offsets.rows(), network_.config().width);
    network_.forward(batch, on_layer, logits == nullptr ? nullptr : &receiver, w.network,
                     on_device(word_rows, w));
  }
  /// Two workers: while one waits for the device, the other prepares its batch.
  [[nodiscard]] batch_preference prefers() const override {
    return {.tokens = network_.backend().batch_rows(), .workers = 2, .pooled = true};
  }
  bool forward_pooled(const token_batch& batch, const pool_request& request, pooled_observer observer,
                      forward_workspace& workspace) const override {
    auto& w = workspace.state<state>(number_, [] { return state{}; });
    const index_t sequences = batch.offsets.sequences();
    const index_t width = network_.config().width;
    const auto kinds = static_cast<index_t>(request.kinds.size());
    const index_t matrices = checked_mul(static_cast<index_t>(request.layers.size()), kinds);
    const index_t size = checked_mul(checked_mul(checked_add(matrices, 1), sequences), width);
    if (w.pooled.size() < size) w.pooled = network_.backend().allocate(size);
    network_.backend().clear(w.pooled);
    const auto place = [&](index_t matrix) -> output_matrix<B> {
      return {w.pooled.view().data + matrix * sequences * width, sequences, width, width};
    };
    const auto on_layer = [&](index_t layer, input_matrix<B> x) {
      const auto found = std::find(request.layers.begin(), request.layers.end(), layer);
      if (found == request.layers.end()) return;
      const index_t first = (found - request.layers.begin()) * kinds;
      for (index_t k = 0; k < kinds; ++k) {
        network_.backend().pool_rows(request.kinds[static_cast<std::size_t>(k)], x, batch.offsets,
                                     request.special, place(first + k));
      }
      network_.backend().note_non_finite(x, batch.offsets, place(matrices));
    };
    network_.forward(batch, on_layer, nullptr, w.network);
    const matrix_view<const float> all =
        on_host({place(0).data, (matrices + 1) * sequences, width, width}, w);
    if (!is_finite(all.row_block(matrices * sequences, sequences))) return false;
    for (index_t m = 0; m < matrices; ++m) {
      observer(static_cast<std::size_t>(m / kinds), static_cast<std::size_t>(m % kinds),
               all.row_block(m * sequences, sequences));
    }
    return true;
  }
  /// \throws error [dnalm.unsupported.425]: gradients run on the CPU.
  void input_gradients(const token_batch&, const gradient_request&, gradient_observer,
                       forward_workspace&) const override {
    throw no_gradients();
  }
  void word_rows(std::span<const std::int32_t> ids, matrix_view<float> rows) const override {
    typename B::vector memory = network_.backend().allocate(checked_mul(rows.rows, rows.columns));
    const output_matrix<B> found = over(memory, rows.rows, rows.columns);
    network_.word_rows(ids, found);
    network_.backend().download(found, rows);
  }
  /// On the device, and the copy of what observers see.
  [[nodiscard]] index_t workspace_bytes(index_t tokens, index_t longest, bool logits) const override {
    const encoder_config& config = network_.config();
    const index_t seen = logits ? std::max(config.width, config.vocabulary) : config.width;
    const index_t copy = checked_mul(checked_mul(tokens, seen), static_cast<index_t>(sizeof(float)));
    return checked_add(network_.workspace_bytes(tokens, longest, logits), copy);
  }
  /// \throws error [dnalm.unsupported.425].
  [[nodiscard]] index_t gradient_bytes(const gradient_request&, index_t, index_t) const override {
    throw no_gradients();
  }
  [[nodiscard]] std::shared_ptr<const model_base> remade(const network_config& config,
                                                         const weight_source& source,
                                                         int threads) const override {
    const auto& kind = config_as<encoder_config>(config, network_.backend().name());
    return std::make_shared<const device_model_of>(encoder<B>(network_.backend(), kind, source, threads));
  }

 private:
  struct state {
    encoder_workspace<B> network = {};
    typename B::vector rows = {};    // words' rows that came from the host
    typename B::vector pooled = {};  // [layer][kind][sequence][channel], then where numbers are not finite
    buffer<float> copy = {};
  };

  /// Of zeros and NaN.
  [[nodiscard]] static bool is_finite(matrix_view<const float> x) {
    for (index_t r = 0; r < x.rows; ++r) {
      for (index_t c = 0; c < x.columns; ++c) {
        if (x(r, c) != 0.0F) return false;
      }
    }
    return true;
  }
  [[nodiscard]] static error no_gradients() {
    return error(error_kind::unsupported, 425, "this device computes no gradients",
                 {.expected = "the cpu or the reference backend"});
  }
  [[nodiscard]] static output_matrix<B> over(typename B::vector& memory, index_t rows, index_t columns) {
    return {memory.view().data, rows, columns, columns};
  }
  [[nodiscard]] matrix_view<const float> on_host(input_matrix<B> x, state& w) const {
    const index_t size = checked_mul(x.rows, x.columns);
    if (w.copy.size() < size) w.copy = buffer<float>(size, uninitialized);
    const matrix_view<float> copy = as_matrix(w.copy.data(), x.rows, x.columns);
    network_.backend().download(x, copy);
    return copy;
  }
  [[nodiscard]] input_matrix<B> on_device(matrix_view<const float> rows, state& w) const {
    if (rows.data == nullptr) return {};
    const index_t size = checked_mul(rows.rows, rows.columns);
    if (w.rows.size() < size) w.rows = network_.backend().allocate(size);
    const output_matrix<B> copy = over(w.rows, rows.rows, rows.columns);
    network_.backend().upload_rows(rows, copy);
    return copy;
  }

  encoder<B> network_;
  std::uint64_t number_ = detail::new_model_number();
};

DNALM_END_NAMESPACE
