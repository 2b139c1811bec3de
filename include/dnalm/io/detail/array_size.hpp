// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Values and shape of an array must agree.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/tensor_info.hpp>
#include <dnalm/tensor/dtype.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// \throws error [dnalm.usage.251] when bytes and shape disagree.
inline void check_array_size(const std::string& where, dtype type, const std::vector<index_t>& shape,
                             std::size_t bytes) {
  const index_t expected = checked_mul(checked_size(shape), size_of(type));
  if (expected == static_cast<index_t>(bytes)) return;
  throw error(error_kind::usage, 251, "values and shape of an array disagree",
              {.where = where,
               .expected = std::to_string(expected) + " bytes for shape " + shape_text(shape),
               .found = std::to_string(bytes)});
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
