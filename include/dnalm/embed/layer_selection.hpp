// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which hidden states are wanted.
#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// All layers, the last, or a list. Layer 0 is the embedding output, k the hidden state after block k.
class layer_selection {
 public:
  /// All layers.
  layer_selection() = default;
  layer_selection(std::initializer_list<index_t> layers) : kind_(kind::list), layers_(layers) {}
  explicit layer_selection(std::vector<index_t> layers) : kind_(kind::list), layers_(std::move(layers)) {}
  [[nodiscard]] static layer_selection all() { return {}; }
  [[nodiscard]] static layer_selection last() {
    layer_selection selection;
    selection.kind_ = kind::last;
    return selection;
  }
  /// No hidden states at all (logits only).
  [[nodiscard]] static layer_selection none() { return layer_selection(std::vector<index_t>{}); }

  /// The layers for a model of `layers` blocks, in the order asked for.
  /// \throws error [dnalm.usage.451] for a layer that is not there or named twice.
  [[nodiscard]] std::vector<index_t> resolve(index_t layers) const;

 private:
  enum class kind { all, last, list };
  kind kind_ = kind::all;
  std::vector<index_t> layers_;
};

inline const layer_selection all_layers = layer_selection::all();
inline const layer_selection last_layer = layer_selection::last();

/// `all`, `last`, or `0,6,12`. \throws error [dnalm.usage.452] for anything else.
[[nodiscard]] layer_selection parse_layers(std::string_view text);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/embed/detail/layer_selection_impl.hpp>
#endif
