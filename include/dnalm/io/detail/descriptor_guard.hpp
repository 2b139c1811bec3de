// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A file descriptor that closes itself.
#pragma once

#include <unistd.h>

#include <utility>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// A file descriptor that closes itself.
struct descriptor_guard {
  int descriptor;
  explicit descriptor_guard(int opened) : descriptor(opened) {}
  descriptor_guard(const descriptor_guard&) = delete;
  descriptor_guard& operator=(const descriptor_guard&) = delete;
  ~descriptor_guard() {
    if (descriptor >= 0) ::close(descriptor);
  }
  [[nodiscard]] int take() { return std::exchange(descriptor, -1); }
};

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
