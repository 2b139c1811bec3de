// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows in memory that a backend lends for longer than one of its functions.
#pragma once

#include <memory>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/detail/cuda_state.hpp>
#include <dnalm/cuda/detail/scratch_pool.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Owns a loan of the backend's scratch memory, and a share of the backend. Move-only. When it goes, kernels
/// of the backend's stream may get the memory at once: no other stream may still read it then.
class lent_rows {
 public:
  lent_rows() = default;
  lent_rows(lent_rows&&) noexcept = default;
  lent_rows& operator=(lent_rows&& other) noexcept {
    std::swap(state_, other.state_);
    std::swap(loan_, other.loan_);
    std::swap(view_, other.view_);
    return *this;
  }
  /// Undefined numbers. \throws as scratch_pool::lend
  lent_rows(std::shared_ptr<cuda_state> state, index_t rows, index_t columns)
      : state_(std::move(state)), loan_(state_->products.pool().template lend_rows<float>(rows, columns)) {
    view_ = {loan_.as<float>(), rows, columns, columns};
  }

  [[nodiscard]] device_matrix<float> view() const { return view_; }

 private:
  std::shared_ptr<cuda_state> state_;  // goes last
  scratch_pool::loan loan_;
  device_matrix<float> view_ = {};
};

}  // namespace detail
DNALM_END_NAMESPACE
