// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What all kernels of the cpu backend share: the instruction set, and how a team divides work and
/// scratch.
#pragma once

#include <algorithm>

#include <dnalm/backend/host_layer_kernels.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/detail/team_parts.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A base of cpu_backend. Its members cut a kernel into parts: work(first, count) or work(first, count,
/// member), one call for all without a team.
class cpu_team_kernels : public host_layer_kernels<float> {
 public:
  [[nodiscard]] isa instruction_set() const { return isa_; }
  /// Threads that work on a kernel.
  [[nodiscard]] int members() const { return team_ == nullptr ? 1 : team_->members(); }

 protected:
  explicit cpu_team_kernels(isa set) : isa_(set) {}

  /// Scratch for every member; each begins at a multiple of 64 bytes.
  [[nodiscard]] index_t all_scratch(index_t of_one) const {
    return members() == 1 ? of_one : checked_mul(members(), checked_add(of_one, 15) / 16 * 16);
  }
  [[nodiscard]] vector_view<float> member_scratch(vector_view<float> scratch, int member) const {
    if (members() == 1) return scratch;
    const index_t size = scratch.size / members() / 16 * 16;
    return scratch.part(member * size, size);
  }

  template <class Work>
  void by_rows(matrix_view<float> y, Work&& work) const {
    for_parts_of_cheap_rows(team_, y.rows, y.columns, work);
  }
  template <class Work>
  void by_heads(index_t heads, bool share, Work&& work) const {
    for_parts_of_heads(team_, heads, share, work);
  }

  /// Blocks of 16 channels, one at a time for each member.
  template <class Work>
  void by_channels(index_t channels, Work&& work) const {
    if (team_ == nullptr) return work(index_t{0}, channels, 0);
    team_->run((channels + 15) / 16, [&](index_t block, int member) {
      work(16 * block, std::min<index_t>(16, channels - 16 * block), member);
    });
  }
  /// work(part, member), for parts of any size.
  template <class Work>
  void by_parts(index_t parts, Work&& work) const {
    if (team_ != nullptr) return team_->run(parts, work);
    for (index_t part = 0; part < parts; ++part) work(part, 0);
  }

  isa isa_;
  thread_team* team_ = nullptr;
};

}  // namespace detail
DNALM_END_NAMESPACE
