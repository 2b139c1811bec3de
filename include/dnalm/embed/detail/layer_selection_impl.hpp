// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of layer_selection.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/embed/layer_selection.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE std::vector<index_t> layer_selection::resolve(index_t layers) const {
  if (kind_ == kind::last) return {layers};
  if (kind_ == kind::all) {
    std::vector<index_t> every(static_cast<std::size_t>(layers + 1));
    for (index_t layer = 0; layer <= layers; ++layer) every[static_cast<std::size_t>(layer)] = layer;
    return every;
  }
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const bool repeated = std::find(layers_.begin(), layers_.begin() + static_cast<std::ptrdiff_t>(i),
                                    layers_[i]) != layers_.begin() + static_cast<std::ptrdiff_t>(i);
    if (repeated || layers_[i] < 0 || layers_[i] > layers) {
      throw error(error_kind::usage, 451, repeated ? "a layer is named twice" : "no such layer",
                  {.expected = "layers from 0 to " + std::to_string(layers) + ", each once",
                   .found = std::to_string(layers_[i])});
    }
  }
  return layers_;
}

DNALM_INLINE layer_selection parse_layers(std::string_view text) {
  if (text == "all") return layer_selection::all();
  if (text == "last") return layer_selection::last();
  std::vector<index_t> layers;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    index_t layer = -1;
    const auto [stopped, status] = std::from_chars(at, end, layer);
    if (status != std::errc{} || layer < 0 || (stopped != end && *stopped != ',')) {
      throw error(
          error_kind::usage, 452, "layers cannot be read",
          {.expected = "all, last, or numbers from 0 as in 0,6,12", .found = "'" + std::string(text) + "'"});
    }
    layers.push_back(layer);
    if (stopped == end) return layer_selection(std::move(layers));
    at = stopped + 1;
  }
}

DNALM_END_NAMESPACE
