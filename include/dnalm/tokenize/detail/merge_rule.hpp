// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One merge of byte pair encoding.
#pragma once

#include <cstdint>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Tokens `left` and `right` side by side become `result`, whose text is theirs joined.
struct merge_rule {
  std::int32_t left = 0;
  std::int32_t right = 0;
  std::int32_t result = 0;
};

}  // namespace detail
DNALM_END_NAMESPACE
