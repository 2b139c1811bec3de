// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One representation of a source: its layer and pooling.
#pragma once

#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

/// One representation of a source: its layer (-1: none) and pooling.
struct slot_name {
  index_t layer = -1;
  std::string pooling = "-";
};

inline std::string layer_text(index_t layer) {
  return layer < 0 ? "-" : std::to_string(layer);
}

}  // namespace detail
}  // namespace report
DNALM_END_NAMESPACE
