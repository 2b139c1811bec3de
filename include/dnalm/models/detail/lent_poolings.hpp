// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief device_poolings in memory that a backend lends.
#pragma once

#include <cstddef>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/device_poolings.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Lent is a backend's loan of rows: (layers x kinds x sequences, D), by layer, then by kind.
template <class Lent>
class lent_poolings final : public device_poolings {
 public:
  lent_poolings(Lent memory, index_t kinds, index_t sequences)
      : memory_(std::move(memory)), kinds_(kinds), sequences_(sequences) {}

  [[nodiscard]] index_t sequences() const override { return sequences_; }
  [[nodiscard]] matrix_view<const float, memory_space::device> rows(std::size_t layer,
                                                                    std::size_t kind) const override {
    const index_t matrix = static_cast<index_t>(layer) * kinds_ + static_cast<index_t>(kind);
    return memory_.view().row_block(matrix * sequences_, sequences_);
  }

 private:
  Lent memory_;
  index_t kinds_;
  index_t sequences_;
};

}  // namespace detail
DNALM_END_NAMESPACE
