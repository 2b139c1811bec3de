// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The filters of one layer that were made before, by their number of taps.
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include <dnalm/backend/long_convolution.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/nn/implicit_filter.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Makes each filter once and keeps the ones used last, as many as `most_bytes` hold. Safe to share between
/// threads: who asks for a filter that is being made waits for it.
template <long_convolution_kernels B>
class filter_cache {
 public:
  using filter = typename B::filter;

  explicit filter_cache(index_t most_bytes) : most_bytes_(most_bytes) {}
  filter_cache(const filter_cache&) = delete;
  filter_cache& operator=(const filter_cache&) = delete;

  /// The filter of `taps` taps. One that is larger than the whole cache is made anew each time.
  [[nodiscard]] std::shared_ptr<const filter> find_or_make(const B& backend, const implicit_filter& source,
                                                           index_t taps, thread_team* team = nullptr) {
    const std::lock_guard<std::mutex> alone(guard_);
    for (auto entry = kept_.begin(); entry != kept_.end(); ++entry) {
      if (entry->taps != taps) continue;
      kept_.splice(kept_.begin(), kept_, entry);
      return kept_.front().made;
    }
    auto made = std::make_shared<const filter>(make(backend, source, taps, team));
    const index_t bytes = size_of(*made);
    if (bytes > most_bytes_) return made;
    kept_.push_front({taps, bytes, made});
    for (index_t all = sum(); all > most_bytes_; kept_.pop_back()) all -= kept_.back().bytes;
    return made;
  }
  /// Whether a filter of so many numbers is kept.
  [[nodiscard]] bool keeps(index_t numbers) const {
    return checked_mul(numbers, static_cast<index_t>(sizeof(typename B::scalar))) <= most_bytes_;
  }
  [[nodiscard]] index_t most_bytes() const { return most_bytes_; }
  /// Filters that are kept.
  [[nodiscard]] index_t size() const {
    const std::lock_guard<std::mutex> alone(guard_);
    return static_cast<index_t>(kept_.size());
  }

 private:
  struct kept_filter {
    index_t taps = 0;
    index_t bytes = 0;
    std::shared_ptr<const filter> made = {};
  };

  /// On all cores for a device, whose passes have no team: a long filter would take it minutes on one.
  [[nodiscard]] static filter make(const B& backend, const implicit_filter& source, index_t taps,
                                   thread_team* team) {
    if constexpr (B::space == memory_space::device) {
      constexpr index_t worth_threads = 4096;
      if (team == nullptr && taps >= worth_threads) {
        thread_team all(0);
        return backend.make_filter(source.taps(taps, &all).view());
      }
    }
    return backend.make_filter(source.taps(taps, team).view());
  }
  /// Bytes of a filter: what it says, else those of a matrix.
  [[nodiscard]] static index_t size_of(const filter& made) {
    index_t numbers = 0;
    if constexpr (requires { made.numbers(); }) {
      numbers = made.numbers();
    } else {
      numbers = checked_mul(made.rows(), made.columns());
    }
    return checked_mul(numbers, static_cast<index_t>(sizeof(typename B::scalar)));
  }
  [[nodiscard]] index_t sum() const {
    index_t all = 0;
    for (const kept_filter& one : kept_) all = checked_add(all, one.bytes);
    return all;
  }

  index_t most_bytes_;
  mutable std::mutex guard_;
  std::list<kept_filter> kept_;  // the one used last comes first
};

DNALM_END_NAMESPACE
