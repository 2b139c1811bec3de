// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Recorded work of a backend, and all that keeps it executable.
#pragma once

#include <memory>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/detail/work_stream.hpp>
#include <dnalm/cuda/runtime.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Owns a graph, the memory that was lent and uploaded for it, and a share of the backend that lent it. The
/// last replay must be done when it goes.
class captured_graph {
 public:
  /// Records what `work` puts into the stream of `order`. \throws as work_stream::record
  template <class Work>
  captured_graph(std::shared_ptr<const void> owner, int device, work_stream& order, const Work& work)
      : owner_(std::move(owner)), device_(device), work_(order.record(work)) {}
  captured_graph(const captured_graph&) = delete;
  captured_graph& operator=(const captured_graph&) = delete;
  ~captured_graph() { cuda_destroy_graph(device_, work_.graph); }
  [[nodiscard]] cuda_graph get() const { return work_.graph; }

 private:
  std::shared_ptr<const void> owner_;  // goes last
  int device_;
  recorded_work work_;
};

}  // namespace detail
DNALM_END_NAMESPACE
