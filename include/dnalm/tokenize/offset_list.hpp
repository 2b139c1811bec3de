// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A growing list of positions that costs nothing where they follow a rule.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// Positions by number, as a std::vector that is only read and appended to.
///
/// Runs of equal steps are kept as a rule: position i of a run is first + step (i - number of the run's
/// first). One token a base then needs a few bytes a sequence instead of 8 a base. Where the positions follow
/// no rule (more than 8 runs, and more than one run in 8 positions) the list becomes a plain vector. Cost of
/// an access: a binary search among the runs, one look-up in a plain vector.
class offset_list {
 public:
  offset_list() = default;
  /// The values of a vector, taken over as they are.
  offset_list(std::vector<index_t> values)  // NOLINT(google-explicit-constructor)
      : plain_(std::move(values)), size_(plain_.size()), is_plain_(true) {}

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// Requires i < size().
  [[nodiscard]] index_t operator[](std::size_t i) const {
    return is_plain_ ? plain_[i] : value_in(*run_of(i), i);
  }
  /// Requires a list that is not empty.
  [[nodiscard]] index_t back() const { return (*this)[size_ - 1]; }
  /// Number of runs; 0 for a plain vector.
  [[nodiscard]] std::size_t runs() const { return run_count_; }

  /// Says how many positions will be appended; memory is taken only if they follow no rule.
  void reserve(std::size_t count) {
    expected_ = count;
    if (is_plain_) plain_.reserve(count);
  }
  void push_back(index_t value) {
    if (is_plain_) {
      plain_.push_back(value);
      ++size_;
    } else if (size_ > 0 && value == next_) {
      next_ += last_run().step;
      ++size_;
    } else {
      begin_or_bend_run(value);
    }
  }
  /// Appends first, first + step, ...: `count` positions. Cost: constant unless the list is plain.
  void append_run(index_t first, index_t step, std::size_t count);

  [[nodiscard]] friend bool operator==(const offset_list& a, const offset_list& b) {
    if (a.size_ != b.size_) return false;
    for (std::size_t i = 0; i < a.size_; ++i) {
      if (a[i] != b[i]) return false;
    }
    return true;
  }

 private:
  struct run {
    std::size_t begin;  // number of its first position
    index_t first;
    index_t step;
  };

  [[nodiscard]] static index_t value_in(const run& r, std::size_t i) {
    return r.first + r.step * static_cast<index_t>(i - r.begin);
  }
  [[nodiscard]] const run* run_of(std::size_t i) const {
    const run* first = many_.empty() ? few_.data() : many_.data();
    return std::upper_bound(first, first + run_count_, i,
                            [](std::size_t at, const run& r) { return at < r.begin; }) -
           1;
  }
  [[nodiscard]] run& last_run() { return many_.empty() ? few_[run_count_ - 1] : many_.back(); }
  void add_run(const run& added) {
    if (run_count_ < few_.size()) {
      few_[run_count_] = added;
    } else {
      if (many_.empty()) many_.assign(few_.begin(), few_.end());
      many_.push_back(added);
    }
    ++run_count_;
  }
  void begin_or_bend_run(index_t value);
  void make_plain();

  std::array<run, 4> few_{};  // the runs, without memory of their own while they are few
  std::vector<run> many_;     // all of them when they are more
  std::size_t run_count_ = 0;
  std::vector<index_t> plain_;
  std::size_t size_ = 0;
  std::size_t expected_ = 0;
  index_t next_ = 0;  // what the last run expects
  bool is_plain_ = false;
};

inline void offset_list::append_run(index_t first, index_t step, std::size_t count) {
  if (count > 0) push_back(first);
  if (count < 2) return;
  push_back(first + step);
  if (is_plain_) {
    for (std::size_t i = 2; i < count; ++i) plain_.push_back(first + step * static_cast<index_t>(i));
  } else {
    last_run().step = step;  // of a run that has it already, or has only its first position
  }
  size_ += count - 2;
  next_ = first + step * static_cast<index_t>(count);
}

/// A run of one position takes its step from the second; a longer one ends before a position it does not
/// expect.
inline void offset_list::begin_or_bend_run(index_t value) {
  if (size_ > 0 && last_run().begin + 1 == size_) {
    run& last = last_run();
    last.step = value - last.first;
    next_ = value + last.step;
  } else {
    if (run_count_ >= 8 && 8 * run_count_ > size_) {
      make_plain();
      plain_.push_back(value);
    } else {
      add_run({size_, value, 0});
      next_ = value;
    }
  }
  ++size_;
}

inline void offset_list::make_plain() {
  plain_.reserve(std::max(expected_, size_ + 1));
  for (std::size_t i = 0; i < size_; ++i) plain_.push_back(value_in(*run_of(i), i));
  many_.clear();
  run_count_ = 0;
  is_plain_ = true;
}

DNALM_END_NAMESPACE
