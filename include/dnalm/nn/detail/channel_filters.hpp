// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A long convolution whose filters are made for some channels at a time and then forgotten.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <vector>

#include <dnalm/backend/long_convolution.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/nn/implicit_filter.hpp>
#include <dnalm/tensor/ragged.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A backend whose filters of as many taps share work while they are made.
template <class B>
concept planned_filters = requires(const B& b, index_t taps, matrix_view<const double> numbers,
                                   const typename B::filter_plan& plan) {
  { b.plan_filter(taps) } -> std::same_as<typename B::filter_plan>;
  { b.make_filter(numbers, plan) } -> std::same_as<typename B::filter>;
};
struct no_filter_plan {};
template <class B>
struct filter_plan_of {
  using type = no_filter_plan;
};
template <planned_filters B>
struct filter_plan_of<B> {
  using type = typename B::filter_plan;
};

/// Filters of one layer, for channels that are asked for: of sequences of a batch, one for each number of
/// taps.
template <long_convolution_kernels B>
class channel_filters {
 public:
  channel_filters(const B& backend, const implicit_filter& source, const ragged_offsets& offsets,
                  thread_team* team)
      : backend_(backend), source_(source) {
    index_t most = 0;
    for (index_t s = 0; s < offsets.sequences(); ++s) {
      const index_t taps = backend.filter_taps(std::max<index_t>(offsets.length(s), 1));
      taps_.push_back(taps);
      most = std::max(most, taps);
      if constexpr (planned_filters<B>) {
        if (!plans_.contains(taps)) plans_.emplace(taps, backend.plan_filter(taps));
      }
    }
    sines_ = source.sine_rows(most, team);
  }

  /// The filters of channels [first, first + count), one for each sequence.
  struct some {
    std::map<index_t, typename B::filter> made = {};
    std::vector<const typename B::filter*> of_sequence = {};
  };
  [[nodiscard]] some make(index_t first, index_t count) const {
    some filters;
    for (const index_t taps : taps_) {
      auto found = filters.made.find(taps);
      if (found == filters.made.end()) {
        found = filters.made.emplace(taps, make_one(taps, first, count)).first;
      }
      filters.of_sequence.push_back(&found->second);
    }
    return filters;
  }

 private:
  [[nodiscard]] typename B::filter make_one(index_t taps, index_t first, index_t count) const {
    const matrix<double> numbers = source_.taps_of_channels(sines_, taps, first, count);
    if constexpr (planned_filters<B>) {
      return backend_.make_filter(numbers.view(), plans_.at(taps));
    } else {
      return backend_.make_filter(numbers.view());
    }
  }

  const B& backend_;
  const implicit_filter& source_;
  std::vector<index_t> taps_ = {};  // by sequence
  std::map<index_t, typename filter_plan_of<B>::type> plans_ = {};
  matrix<double> sines_ = {};
};

/// y = h * y + skip y, causal, by blocks of 16 channels: each makes its filters, convolves, forgets them. On
/// a team the blocks run side by side, each on one thread. The bits are those of the whole filter.
///
/// Memory for a sequence of L rows: 8 O L bytes of sine rows, and for each thread that works at most 600 L:
/// taps and spectrum, the transform in double that makes it, and the convolution's own.
template <long_convolution_kernels B>
void convolve_by_channels(const B& backend, const implicit_filter& source, input_vector<B> skip,
                          const ragged_offsets& offsets, thread_team* team, output_vector<B> scratch,
                          output_matrix<B> y) {
  constexpr index_t lanes = 16;
  if constexpr (!team_kernels<B>) team = nullptr;
  const B alone = on_team(backend, nullptr);
  const index_t members = team == nullptr ? 1 : team->members();
  const index_t own = members == 1 ? scratch.size : scratch.size / members / lanes * lanes;
  const channel_filters<B> filters(alone, source, offsets, team);
  const auto work = [&](index_t block, int member) {
    const index_t first = block * lanes;
    const index_t count = std::min(lanes, y.columns - first);
    const auto some = filters.make(first, count);
    const output_matrix<B> columns = y.column_block(first, count);
    alone.long_convolution(columns, some.of_sequence, skip.part(first, count), offsets,
                           scratch.part(member * own, own), columns);
  };
  const index_t blocks = (y.columns + lanes - 1) / lanes;
  if (team != nullptr) {
    team->run(blocks, work);
  } else {
    for (index_t block = 0; block < blocks; ++block) work(block, 0);
  }
}

}  // namespace detail
DNALM_END_NAMESPACE
