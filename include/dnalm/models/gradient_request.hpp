// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What number of a model's outputs is differentiated, and with respect to what.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/network_summary.hpp>
#include <dnalm/models/token_batch.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// How much of the forward pass a gradient keeps for its way back, unless the request says otherwise: 512
/// MiB.
inline constexpr index_t default_keep_bytes = index_t(512) << 20;

/// What of a request decides how much memory its pass takes.
struct gradient_extent {
  index_t depth = 0;       ///< blocks that have to run
  bool logits = false;     ///< whether S depends on the logits
  bool tokens = false;     ///< whether the gradient by the one-hot tokens is wanted
  index_t keep_bytes = 0;  ///< gradient_request::keep_bytes
  index_t numbers = 1;     ///< gradient_request::numbers
  /// gradient_request::layers, which networks of layers keep; empty: the last that has to run.
  std::vector<index_t> layers = {};

  /// Matrices (R, V) at a time where one-hot tokens enter through a table: logits and their gradient, or that
  /// by tokens.
  [[nodiscard]] index_t tables() const { return logits ? 2 : tokens ? 1 : 0; }
};

/// A number S of hidden states and logits, told by its gradients with respect to them: the network carries
/// them back to its input. Or several such numbers over one forward pass. T is `float` for `model`, the
/// backend's number type for `encoder` and its like; the rows are where the backend's are (for `model` always
/// on the host).
///
/// The network runs up to the highest hidden state that is asked for, and not further. Sequences do not mix:
/// the gradient of a token comes from the rows of its own sequence.
template <class T, memory_space Space = memory_space::host>
struct basic_gradient_request {
  /// Gets the output `from` (R, columns) and a matrix of zeros of its shape to put dS/dfrom in.
  using cotangent = std::function<void(matrix_view<const T, Space> from, matrix_view<T, Space> gradient)>;

  /// Hidden states that S depends on, increasing: 0 (embedding output) to layers, as forward hands them out;
  /// of networks of layers also linear outputs behind them (prediction_head::linear_state).
  std::vector<index_t> layers = {};
  /// Called once for each of `layers`, the highest first, after the forward pass and after `logits`.
  std::function<void(index_t layer, matrix_view<const T, Space> hidden, matrix_view<T, Space> gradient)>
      hidden = {};
  /// Called once with the logits (R, V), first of all; empty: S does not depend on them.
  cotangent logits = {};
  /// May be empty; sees hidden state 0, 1, ... as they are computed, up to the highest that is needed. Linear
  /// outputs (behind the states that forward hands out) only where `backward` is false: else `hidden` sees
  /// them, and this function need not.
  std::function<void(index_t layer, matrix_view<const T, Space> hidden)> states = {};
  /// Whether the gradient with respect to the one-hot tokens is wanted as well.
  bool tokens = false;
  /// (R, D): the words' rows in place of those of the ids, as integrated gradients needs them; data null:
  /// look the ids up. The ids still say what is masked and what is padding.
  matrix_view<const T, Space> word_rows = {};
  /// Numbers S_0, S_1, ... that are differentiated, all over one forward pass; each gets the bits that it has
  /// alone.
  index_t numbers = 1;
  /// Called before `hidden`, `logits`, `carried` or the receiver are called for another number than 0, or
  /// than the last; may be empty for one number. Whether numbers take turns at each hidden state, or go their
  /// way one after another, is left to the network.
  std::function<void(index_t number)> select = {};
  /// May be empty; sees the gradient by hidden state k, the contribution of `hidden` in it, on its way back:
  /// the highest first, down to 0. Networks of layers: backwards in the order of their
  /// operations, and only states that S depends on; no linear outputs.
  std::function<void(index_t layer, matrix_view<const T, Space> gradient)> carried = {};
  /// Bytes that may go into what the blocks keep of the forward pass, so that their adjoints need not compute
  /// it again: from the highest block downwards, as many as fit, at least one. The numbers do not depend on
  /// it. Networks of layers: what segments of their steps keep inside.
  index_t keep_bytes = default_keep_bytes;
  /// DeepLIFT's multipliers in place of gradients: the batch is of pairs (row_pairs), first the observed
  /// sequences and then, in the same order and each as long, their references. `hidden` and `logits` give
  /// both sequences of a pair the same multipliers, and both get the same. Backends without rules for pairs:
  /// error [dnalm.unsupported.830].
  bool pairs = false;
  /// False: values alone. The pass ends where its way back would begin: `states` sees the hidden states of
  /// `layers`, and of those below only what a model need not copy (from a GPU, or from another number type);
  /// no other function is called, and the receiver gets nothing.
  bool backward = true;

  /// Whether `states` has to see a hidden state.
  [[nodiscard]] bool shows(index_t layer) const {
    return backward || std::find(layers.begin(), layers.end(), layer) != layers.end();
  }

  /// The number of blocks that have to run, of the `blocks` that the model has.
  [[nodiscard]] index_t depth(index_t blocks) const {
    if (logits) return blocks;
    return layers.empty() ? 0 : layers.back();
  }
  [[nodiscard]] gradient_extent extent(index_t blocks) const {
    return {depth(blocks), static_cast<bool>(logits), tokens, keep_bytes, numbers, layers};
  }
  /// Says which number the next calls are about.
  void choose(index_t number) const {
    if (select) select(number);
  }
};

/// The gradient of S. Views are valid during the call that gets them.
template <class T, memory_space Space = memory_space::host>
struct basic_input_gradient {
  matrix_view<const T, Space>
      words;  ///< (R, D) by the words' rows of the embedding, before token dropout scales them
  matrix_view<const T, Space>
      tokens;  ///< (R, V) by the one-hot tokens: words E^T, E the table; data null: not asked for
};

/// Those of `model`.
using gradient_request = basic_gradient_request<float>;
using input_gradient = basic_input_gradient<float>;

namespace detail {

/// \throws error [dnalm.input.422] hidden states that a model of so many layers has not, or out of order.
inline void check_layer_order(std::span<const index_t> wanted, index_t layers) {
  index_t lowest = 0;
  for (const index_t layer : wanted) {
    if (layer < lowest || layer > layers) {
      throw error(error_kind::input, 422, "hidden states that the model has not, or unordered",
                  {.expected = "increasing numbers from 0 to " + std::to_string(layers),
                   .found = std::to_string(layer)});
    }
    lowest = layer + 1;
  }
}

/// \throws error [dnalm.usage.421] nothing is differentiated, or a function is missing, [dnalm.input.422]
/// hidden states that the model has not, or out of order.
template <class T, memory_space Space>
void check_gradient_layers(const basic_gradient_request<T, Space>& request, index_t layers) {
  if (request.layers.empty() && !request.logits) {
    throw error(error_kind::usage, 421, "nothing to differentiate",
                {.expected = "at least one hidden state, or the logits"});
  }
  if (!request.layers.empty() && request.backward && !request.hidden) {
    throw error(error_kind::usage, 421, "no function gives the gradient by the hidden states",
                {.expected = "gradient_request::hidden"});
  }
  if (request.numbers < 1 || (request.numbers > 1 && !request.select)) {
    throw error(error_kind::usage, 421, "several numbers that no function tells apart",
                {.expected = "one number, or gradient_request::select",
                 .found = std::to_string(request.numbers) + " numbers"});
  }
  check_layer_order(request.layers, layers);
}

/// \throws error [dnalm.numeric.424] a number that is not finite.
template <class T>
void check_finite_rows(matrix_view<T> x, const std::string& what) {
  for (index_t r = 0; r < x.rows; ++r) {
    for (index_t c = 0; c < x.columns; ++c) {
      if (std::isfinite(x(r, c))) continue;
      throw error(error_kind::numeric, 424, "a number that is not finite in " + what,
                  {.where = "token " + std::to_string(r) + " of the batch, channel " + std::to_string(c),
                   .expected = "finite numbers",
                   .found = std::to_string(x(r, c))});
    }
  }
}

}  // namespace detail

/// Words' rows given in place of a lookup. \throws error [dnalm.shape.423] not one row of `width` numbers per
/// token, [dnalm.numeric.424] a number that is not finite (of rows in host memory: others are not looked at).
template <class T, memory_space Space>
void check_word_rows(matrix_view<const T, Space> rows, index_t tokens, index_t width) {
  if (rows.data == nullptr) return;
  if (rows.rows != tokens || rows.columns != width || rows.stride < width) {
    throw error(error_kind::shape, 423, "words' rows that do not fit the batch",
                {.expected = std::to_string(tokens) + " x " + std::to_string(width),
                 .found = std::to_string(rows.rows) + " x " + std::to_string(rows.columns)});
  }
  if constexpr (Space == memory_space::host) detail::check_finite_rows(rows, "the words' rows");
}

/// A request against a network and its batch. \throws error [dnalm.usage.421], [dnalm.input.422],
/// [dnalm.shape.423], [dnalm.numeric.424].
template <class T, memory_space Space>
void check_gradient_request(const network_summary& about, const basic_gradient_request<T, Space>& request,
                            index_t tokens) {
  detail::check_gradient_layers(request, about.last_state());
  check_word_rows(request.word_rows, tokens, about.width);
}
template <summarized Config, class T, memory_space Space>
void check_gradient_request(const Config& config, const basic_gradient_request<T, Space>& request,
                            index_t tokens) {
  check_gradient_request(config.summary(), request, tokens);
}

DNALM_END_NAMESPACE
