// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A stream that goes with its owner.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/runtime.hpp>
#include <dnalm/cuda/stream.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Owns a stream.
class owned_stream {
 public:
  explicit owned_stream(int device) : device_(device), stream_(cuda_create_stream(device)) {}
  owned_stream(const owned_stream&) = delete;
  owned_stream& operator=(const owned_stream&) = delete;
  ~owned_stream() { cuda_destroy_stream(device_, stream_); }
  [[nodiscard]] cuda_stream get() const { return stream_; }

 private:
  int device_;
  cuda_stream stream_;
};

}  // namespace detail
DNALM_END_NAMESPACE
