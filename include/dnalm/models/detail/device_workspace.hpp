// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What passes through one network on a device keep between them.
#pragma once

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/detail/graph_cache.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Memory of one thread's passes through a Network on a B with memory of its own.
template <class B, class Network>
struct device_workspace {
  graph_cache<typename B::graph> graphs = {};  ///< go after the memory, which waits for the device
  typename Network::workspace network = {};
  typename B::vector pooled = {};  ///< as pooled_pass says
  typename B::pinned found = {};   ///< a part of the same on the host
  bool records = true;             ///< until there was no memory for it
  bool record_failed = false;      ///< once
  bool called = false;             ///< a function of a gradient's request, in the pass that runs

  /// When there is no memory for `work` and graphs hold some, they go, and `work` runs once more; unless an
  /// observer has thrown it, or a function of a gradient's request has been called, which would be called
  /// twice. \throws error as `work`
  template <class Work>
  void with_graphs_memory(const Work& work) {
    called = false;
    try {
      return work();
    } catch (const error& e) {
      if (e.kind() != error_kind::memory || !graphs.holds_graphs()) throw;
      if (called) throw;
      records = false;  // graphs hold memory of their own
      graphs.clear();
    }
    work();
  }
  /// Runs an observer: what it throws is its own, no shortage of the pass.
  template <class Call>
  void calling(const Call& call) {
    called = true;
    call();
    called = false;
  }
};

}  // namespace detail
DNALM_END_NAMESPACE
