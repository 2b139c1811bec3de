// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which errors a smaller batch avoids.
#pragma once

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Whether it is the memory of a device that was too small.
[[nodiscard]] inline bool wants_device_memory(const error& e) {
  return e.kind() == error_kind::memory && (e.number() == 608 || e.number() == 609);
}

}  // namespace detail
DNALM_END_NAMESPACE
