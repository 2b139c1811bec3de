// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The queue of work on a GPU that a kernel is put into.
#pragma once

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// A `cudaStream_t` without its header; null is the default stream. Kernels of one stream run one after
/// another, after the call that put them there has returned.
struct cuda_stream {
  void* handle = nullptr;
};

DNALM_END_NAMESPACE
