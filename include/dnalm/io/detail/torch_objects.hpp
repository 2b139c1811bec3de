// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the objects of a PyTorch pickle mean: dictionaries, tensors, and where the state dictionary
/// is. Everything else (configurations, optimisers, arrays, classes of any kind) stays opaque.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/detail/torch_names.hpp>
#include <dnalm/io/pickle.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

inline constexpr int torch_depth_limit = 64;

/// A pickle seen as PyTorch means it. The graph must outlive it.
class torch_objects {
 public:
  explicit torch_objects(const pickle_graph& graph) : graph_(graph) {}

  [[nodiscard]] const pickle_node& at(pickle_ref ref) const { return graph_.at(ref); }
  [[nodiscard]] pickle_ref root() const { return graph_.root; }

  [[nodiscard]] bool is_dictionary(const pickle_node& node) const;
  /// Name of the rebuild function a call names, empty when it is no tensor.
  [[nodiscard]] std::string_view rebuild_name(const pickle_node& node) const;
  [[nodiscard]] bool is_tensor(const pickle_node& node) const { return !rebuild_name(node).empty(); }
  [[nodiscard]] bool is_text(pickle_ref ref, std::string_view text) const {
    return at(ref).kind == pickle_kind::text && at(ref).text == text;
  }
  /// Text of a key that can be part of a tensor's name.
  [[nodiscard]] std::optional<std::string> key_text(pickle_ref ref) const;
  /// The state dictionary under a node; see torch_selection::state_dict for the rule.
  [[nodiscard]] pickle_ref find_state_dict(pickle_ref ref, int depth = 0) const;
  /// A few words for messages.
  [[nodiscard]] std::string describe(const pickle_node& node) const;

 private:
  [[nodiscard]] bool holds_tensors(pickle_ref ref) const;
  [[nodiscard]] bool leads_to_tensors(pickle_ref ref, int depth) const;

  const pickle_graph& graph_;
  // A dictionary may stand in many places, or in itself: each is looked through once.
  mutable std::unordered_map<pickle_ref, bool> holds_;
  mutable std::unordered_set<pickle_ref> searched_;
};

inline bool torch_objects::is_dictionary(const pickle_node& node) const {
  if (node.kind == pickle_kind::dict) return true;
  if (node.kind != pickle_kind::call || node.items.empty()) return false;
  const auto name = global_name(at(node.items[0]), {"collections", "builtins", "__builtin__", "typing"});
  return name == "OrderedDict" || name == "defaultdict" || name == "dict";
}

inline std::string_view torch_objects::rebuild_name(const pickle_node& node) const {
  if (node.kind != pickle_kind::call || node.items.empty()) return {};
  const auto name = global_name(at(node.items[0]), {"torch._utils", "torch._tensor"});
  return name.substr(0, 9) == "_rebuild_" ? name : std::string_view();
}

inline std::optional<std::string> torch_objects::key_text(pickle_ref ref) const {
  const pickle_node& key = at(ref);
  if (key.kind == pickle_kind::text) return key.text;
  if (key.kind == pickle_kind::integer) return std::to_string(key.integer);
  return std::nullopt;
}

/// Whether a dictionary holds a tensor itself.
inline bool torch_objects::holds_tensors(pickle_ref ref) const {
  const auto [known, added] = holds_.try_emplace(ref, false);
  if (!added) return known->second;
  const std::vector<pickle_ref>& pairs = at(ref).pairs;
  for (std::size_t i = 1; i < pairs.size() && !known->second; i += 2) known->second = is_tensor(at(pairs[i]));
  return known->second;
}

/// Whether a dictionary or one directly inside it holds a tensor.
inline bool torch_objects::leads_to_tensors(pickle_ref ref, int depth) const {
  const pickle_node& node = at(ref);
  if (!is_dictionary(node) || depth >= torch_depth_limit) return false;
  if (holds_tensors(ref)) return true;
  for (std::size_t i = 1; i < node.pairs.size(); i += 2) {
    if (is_dictionary(at(node.pairs[i])) && holds_tensors(node.pairs[i])) return true;
  }
  return false;
}

inline pickle_ref torch_objects::find_state_dict(pickle_ref ref, int depth) const {
  const pickle_node& node = at(ref);
  if (!is_dictionary(node) || depth >= torch_depth_limit || holds_tensors(ref)) return ref;
  for (const std::string_view wanted :
       {"state_dict", "model_state_dict", "model", "module", "net", "weights"}) {
    for (std::size_t i = 0; i + 1 < node.pairs.size(); i += 2) {
      if (!is_text(node.pairs[i], wanted)) continue;
      if (!searched_.insert(node.pairs[i + 1]).second) continue;  // searched before, in vain
      const pickle_ref inner = find_state_dict(node.pairs[i + 1], depth + 1);
      if (leads_to_tensors(inner, depth)) return inner;
    }
  }
  return ref;
}

inline std::string torch_objects::describe(const pickle_node& node) const {
  switch (node.kind) {
    case pickle_kind::none: return "None";
    case pickle_kind::boolean: return node.integer != 0 ? "True" : "False";
    case pickle_kind::integer: return std::to_string(node.integer);
    case pickle_kind::long_text: return "an integer beyond 64 bits";
    case pickle_kind::real: return std::to_string(node.real);
    case pickle_kind::text: return "'" + node.text.substr(0, 60) + "'";
    case pickle_kind::bytes: return "bytes";
    case pickle_kind::list: return "a list of " + std::to_string(node.items.size());
    case pickle_kind::tuple: return "a tuple of " + std::to_string(node.items.size());
    case pickle_kind::set: return "a set";
    case pickle_kind::dict: return "a dictionary of " + std::to_string(node.pairs.size() / 2);
    case pickle_kind::global: return "'" + node.text.substr(0, 120) + "' (not looked up)";
    case pickle_kind::persistent: return "a storage";
    case pickle_kind::call: break;
  }
  const bool named = !node.items.empty() && at(node.items[0]).kind == pickle_kind::global;
  return "an object made by " + (named ? describe(at(node.items[0])) : std::string("an expression"));
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
