// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How Keras says which layer reads what: references to the tensors of calls.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/models/detail/keras_description.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// What a layer makes at its call number `call`.
struct keras_reference {
  std::string layer = {};
  index_t call = 0;
  index_t tensor = 0;

  friend auto operator<=>(const keras_reference&, const keras_reference&) = default;
};

[[nodiscard]] inline keras_reference keras_reference_of(const keras_layer& in, const io::json& reference) {
  constexpr double most = 1e6;
  const bool fits = reference.is_array() && reference.size() >= 3 && reference[0].is_string() &&
                    reference[1].is_number_unsigned() && reference[2].is_number_unsigned() &&
                    reference[1].get<double>() < most && reference[2].get<double>() < most;
  if (!fits) refuse_keras(in.where(), "references to layers: name, call, output");
  return {reference[0].get<std::string>(), reference[1].get<index_t>(), reference[2].get<index_t>()};
}

/// A list of references, or one alone.
[[nodiscard]] inline std::vector<keras_reference> keras_references_in(const keras_layer& in,
                                                                      const io::json& list) {
  constexpr std::size_t most = 4096;
  if (!list.is_array() || list.size() > most) refuse_keras(in.where(), "references to layers");
  if (!list.empty() && list[0].is_string()) return {keras_reference_of(in, list)};
  std::vector<keras_reference> references;
  for (const io::json& one : list) references.push_back(keras_reference_of(in, one));
  return references;
}

/// `input_layers` and `output_layers` of a model.
[[nodiscard]] inline std::vector<keras_reference> keras_references(const keras_layer& model,
                                                                   const char* key) {
  return keras_references_in(model, model.member(key));
}

/// Keras 3: a tensor is an object with a `keras_history`, in lists of any depth (that of JSON is bounded).
inline void collect_keras_history(const keras_layer& in, const io::json& arguments,
                                  std::vector<keras_reference>& found) {
  if (arguments.is_array()) {
    for (const io::json& one : arguments) collect_keras_history(in, one, found);
    return;
  }
  const bool tensor = arguments.is_object() && arguments.contains("config") &&
                      arguments["config"].is_object() && arguments["config"].contains("keras_history");
  if (!tensor) in.unsupported("an argument that is no tensor");
  found.push_back(keras_reference_of(in, arguments["config"]["keras_history"]));
}

/// What one call of a layer reads: Keras 2 a list of references, Keras 3 `args` and `kwargs`.
[[nodiscard]] inline std::vector<keras_reference> keras_call(const keras_layer& layer, const io::json& call) {
  if (!call.is_object()) return keras_references_in(layer, call);
  std::vector<keras_reference> found;
  if (!call.contains("args") || !call["args"].is_array()) refuse_keras(layer.where(), "calls with args");
  collect_keras_history(layer, call["args"], found);
  const bool more = call.contains("kwargs") && call["kwargs"].is_object();
  if (!more) return found;
  for (const io::json& argument : call["kwargs"]) {
    if (argument.is_structured() && !argument.empty()) layer.unsupported("kwargs of a call");
  }
  return found;
}

}  // namespace detail
DNALM_END_NAMESPACE
