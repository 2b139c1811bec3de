// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Recorded passes of one workspace, found by all that decides which kernels a pass consists of.
#pragma once

#include <algorithm>
#include <list>
#include <utility>
#include <vector>

#include <dnalm/backend/pooling_kind.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Two pooled passes of one model with equal keys put the same kernels with the same arguments into the
/// stream after their embedding.
struct pooled_key {
  std::vector<index_t> offsets = {};
  std::vector<index_t> layers = {};
  std::vector<pooling> kinds = {};
  std::vector<unsigned char> special = {};
  const void* memory = nullptr;  ///< the workspace's activations
  const void* pooled = nullptr;  ///< where the poolings go

  bool operator==(const pooled_key&) const = default;
};

/// Remembers the last keys, with their graphs once they were recorded; the least recently used go.
template <class Graph>
class graph_cache {
 public:
  static constexpr std::size_t most_entries = 8;

  struct entry {
    pooled_key key = {};
    bool seen = false;  ///< there was such a pass before
    Graph graph = {};
  };

  /// Its entry, a new one if there is none; valid until the next call.
  [[nodiscard]] entry& find(pooled_key key) {
    for (auto e = entries_.begin(); e != entries_.end(); ++e) {
      if (e->key != key) continue;
      entries_.splice(entries_.begin(), entries_, e);
      return entries_.front();
    }
    if (entries_.size() == most_entries) entries_.pop_back();
    entries_.push_front({.key = std::move(key)});
    return entries_.front();
  }
  [[nodiscard]] bool holds_graphs() const {
    return std::any_of(entries_.begin(), entries_.end(), [](const entry& e) { return bool(e.graph); });
  }
  void clear() { entries_.clear(); }

 private:
  std::list<entry> entries_;  // the last used first
};

}  // namespace detail
DNALM_END_NAMESPACE
