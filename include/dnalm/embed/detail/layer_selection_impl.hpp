// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of embed/layer_selection.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <string>

#include <dnalm/embed/layer_selection.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE std::vector<index_t> layer_selection::resolve(index_t layers) const {
  if (kind_ == kind::last) return {layers};
  std::vector<index_t> result = layers_;
  if (kind_ == kind::all) {
    for (index_t layer = 0; layer <= layers; ++layer) result.push_back(layer);
  }
  for (auto layer = result.begin(); layer != result.end(); ++layer) {
    const bool there = *layer >= 0 && *layer <= layers;
    if (there && std::find(result.begin(), layer, *layer) == layer) continue;
    throw error(error_kind::usage, 451, there ? "a layer is named twice" : "the model has no such layer",
                {.expected = "layers from 0 to " + std::to_string(layers) + ", each at most once",
                 .found = std::to_string(*layer)});
  }
  return result;
}

DNALM_INLINE layer_selection parse_layers(std::string_view text) {
  if (text == "all") return layer_selection::all();
  if (text == "last") return layer_selection::last();
  std::vector<index_t> layers;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    index_t layer = 0;
    const auto [next, problem] = std::from_chars(at, end, layer);
    const bool number = problem == std::errc() && layer >= 0 && *at != '-';
    if (!number || (next != end && *next != ',')) {
      throw error(error_kind::usage, 452, "layers that cannot be read",
                  {.expected = "all, last, or numbers between commas as 0,6,12", .found = std::string(text)});
    }
    layers.push_back(layer);
    if (next == end) return layer_selection(std::move(layers));
    at = next + 1;
  }
}

DNALM_END_NAMESPACE
