// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief An encoder on a certain backend behind the type-erased interface of `model`.
#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/encoder.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

/// Hands hidden states on as floats (a copy when the backend computes in double).
template <encoder_backend B>
requires(B::space == memory_space::host) class model_of final : public model_base {
 public:
  explicit model_of(encoder<B> network) : network_(std::move(network)) {}

  [[nodiscard]] const encoder<B>& network() const { return network_; }

  void forward(const token_batch& batch, layer_observer layers, const logits_observer* logits,
               forward_workspace& workspace) const override {
    auto& w = workspace.state<state>(this, [] { return state{}; });
    const auto on_layer = [&](index_t layer, input_matrix<B> x) { layers(layer, as_float(x, w.copy)); };
    const auto on_logits = [&](input_matrix<B> x) { (*logits)(as_float(x, w.copy)); };
    const typename encoder<B>::logits_receiver receiver = on_logits;
    network_.forward(batch, on_layer, logits == nullptr ? nullptr : &receiver, w.network);
  }
  [[nodiscard]] index_t workspace_bytes(index_t tokens, index_t longest, bool logits) const override {
    index_t bytes = network_.workspace_bytes(tokens, longest, logits);
    if constexpr (!std::is_same_v<scalar_of<B>, float>) {
      const encoder_config& config = network_.config();
      const index_t columns = logits ? std::max(config.width, config.vocabulary) : config.width;
      bytes = checked_add(bytes, checked_mul(checked_mul(tokens, columns), 4));
    }
    return bytes;
  }

 private:
  struct state {
    encoder_workspace<B> network = {};
    matrix<float> copy = {};
  };

  static matrix_view<const float> as_float(input_matrix<B> x, matrix<float>& copy) {
    if constexpr (std::is_same_v<scalar_of<B>, float>) {
      return x;
    } else {
      if (copy.rows() != x.rows || copy.columns() != x.columns) copy = matrix<float>(x.rows, x.columns);
      for (index_t r = 0; r < x.rows; ++r) {
        for (index_t c = 0; c < x.columns; ++c) copy(r, c) = static_cast<float>(x(r, c));
      }
      return copy.view();
    }
  }

  encoder<B> network_;
};

DNALM_END_NAMESPACE
