// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The queue of work on a GPU that a kernel is put into, places in it, and work that comes again.
#pragma once

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// A `cudaStream_t` without its header; null is the default stream. Kernels of one stream run one after
/// another, after the call that put them there has returned.
struct cuda_stream {
  void* handle = nullptr;
};
/// A `cudaEvent_t`: a place in a stream's order.
struct cuda_event {
  void* handle = nullptr;
};
/// A `cudaGraphExec_t`: work that was recorded, put into a stream as one piece.
struct cuda_graph {
  void* handle = nullptr;
};

DNALM_END_NAMESPACE
