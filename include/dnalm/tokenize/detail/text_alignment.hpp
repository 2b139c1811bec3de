// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Where the bytes of a normalized text come from.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Bytes of the original text, [begin, end).
struct text_range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Byte ranges of a normalized text to byte ranges of the original one, as a list of runs.
///
/// A copied run holds the same bytes in both; a replaced run stands, as a whole, for a range of the original.
/// Cost of a look-up: O(log runs); one run when nothing was changed.
class text_alignment {
 public:
  struct run {
    std::size_t at = 0;     ///< first byte in the normalized text
    std::size_t begin = 0;  ///< first byte in the original
    std::size_t end = 0;    ///< behind the last byte in the original
    bool replaced = false;
  };

  text_alignment() = default;
  /// A text that is the original's [begin, end).
  text_alignment(std::size_t begin, std::size_t end) : runs_{{0, begin, end, false}}, size_(end - begin) {}

  [[nodiscard]] std::size_t size() const { return size_; }
  /// Whether every byte i is byte i + shift of the original.
  [[nodiscard]] bool is_shift() const { return runs_.empty() || (runs_.size() == 1 && !runs_[0].replaced); }
  [[nodiscard]] std::size_t shift() const { return runs_.empty() ? 0 : runs_[0].begin; }

  /// The original bytes of [begin, end), begin < end <= size().
  [[nodiscard]] text_range original(std::size_t begin, std::size_t end) const {
    const run& first = run_of(begin);
    const run& last = run_of(end - 1);
    return {first.replaced ? first.begin : first.begin + (begin - first.at),
            last.replaced ? last.end : last.begin + (end - last.at)};
  }

  /// Appends a copy of [begin, end) of a text with alignment `source`.
  void copy(const text_alignment& source, std::size_t begin, std::size_t end) {
    while (begin < end) {
      const run& from = source.run_of(begin);
      const std::size_t stop = std::min(end, source.end_of(from));
      const std::size_t skip = begin - from.at;
      if (from.replaced) {
        append({size_, from.begin, from.end, true}, stop - begin);
      } else {
        append({size_, from.begin + skip, from.begin + skip + (stop - begin), false}, stop - begin);
      }
      begin = stop;
    }
  }
  /// Appends `length` bytes that stand for [begin, end) of a text with alignment `source`, begin < end.
  void replace(const text_alignment& source, std::size_t begin, std::size_t end, std::size_t length) {
    if (length == 0) return;
    const text_range range = source.original(begin, end);
    append({size_, range.begin, range.end, true}, length);
  }

 private:
  [[nodiscard]] const run& run_of(std::size_t at) const {
    const auto behind = std::upper_bound(runs_.begin(), runs_.end(), at,
                                         [](std::size_t value, const run& r) { return value < r.at; });
    return *(behind - 1);
  }
  [[nodiscard]] std::size_t end_of(const run& r) const {
    const run* next = &r + 1;
    return next == runs_.data() + runs_.size() ? size_ : next->at;
  }
  void append(const run& added, std::size_t length) {
    const bool joins =
        !runs_.empty() && !added.replaced && !runs_.back().replaced && runs_.back().end == added.begin;
    if (joins) {
      runs_.back().end = added.end;
    } else {
      runs_.push_back(added);
    }
    size_ += length;
  }

  std::vector<run> runs_;
  std::size_t size_ = 0;
};

}  // namespace detail
DNALM_END_NAMESPACE
