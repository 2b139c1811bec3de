// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/bpe_merges.hpp.
#pragma once

#include <algorithm>
#include <bit>
#include <functional>

#include <dnalm/tokenize/bpe_merges.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE bpe_merge_table::bpe_merge_table(index_t merges) {
  const auto wanted = static_cast<std::uint64_t>(std::max<index_t>(2, checked_mul(merges, 2)));
  const std::uint64_t capacity = std::bit_ceil(wanted);
  slots_.resize(static_cast<std::size_t>(capacity));
  shift_ = 64 - std::countr_zero(capacity);
}

DNALM_INLINE bool bpe_merge_table::add(std::int32_t left, std::int32_t right, bpe_merge merge) {
  const std::uint64_t pair = pair_of(left, right);
  std::size_t at = first_slot(pair);
  for (; slots_[at].pair != empty; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].pair == pair) return false;
  }
  slots_[at] = {pair, merge};
  return true;
}

DNALM_INLINE bpe_merge bpe_merge_table::find(std::int32_t left, std::int32_t right) const {
  const std::uint64_t pair = pair_of(left, right);
  for (std::size_t at = first_slot(pair);; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].pair == pair) return slots_[at].merge;
    if (slots_[at].pair == empty) return {};
  }
}

namespace detail {

/// The merge of symbol `at` with its right neighbour, rank -1 when there is none.
[[nodiscard]] inline bpe_merge merge_at(const std::vector<bpe_symbol>& symbols, const bpe_merge_table& merges,
                                        std::int32_t at) {
  const bpe_symbol& symbol = symbols[static_cast<std::size_t>(at)];
  if (symbol.next < 0) return {};
  return merges.find(symbol.id, symbols[static_cast<std::size_t>(symbol.next)].id);
}

/// Rank above, position below: the smallest key is the next merge.
[[nodiscard]] inline std::uint64_t merge_key(bpe_merge merge, std::int32_t at) {
  return (static_cast<std::uint64_t>(merge.rank) << 32) | static_cast<std::uint32_t>(at);
}

/// Puts the merge result into `at` and takes its right neighbour out of the list.
inline void swallow_next(std::vector<bpe_symbol>& symbols, std::int32_t at, std::int32_t result) {
  bpe_symbol& symbol = symbols[static_cast<std::size_t>(at)];
  bpe_symbol& gone = symbols[static_cast<std::size_t>(symbol.next)];
  symbol.id = result;
  symbol.next = gone.next;
  gone.id = -1;
  if (symbol.next >= 0) symbols[static_cast<std::size_t>(symbol.next)].previous = at;
}

}  // namespace detail

DNALM_INLINE void merge_word(std::vector<bpe_symbol>& symbols, const bpe_merge_table& merges,
                             std::vector<std::uint64_t>& heap) {
  const auto later = std::greater<>{};
  heap.clear();
  for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
    const auto at = static_cast<std::int32_t>(i);
    const bpe_merge merge = detail::merge_at(symbols, merges, at);
    if (merge.rank >= 0) heap.push_back(detail::merge_key(merge, at));
  }
  std::make_heap(heap.begin(), heap.end(), later);
  const auto push = [&](std::int32_t at) {
    if (at < 0) return;
    const bpe_merge merge = detail::merge_at(symbols, merges, at);
    if (merge.rank < 0) return;
    heap.push_back(detail::merge_key(merge, at));
    std::push_heap(heap.begin(), heap.end(), later);
  };
  while (!heap.empty()) {
    const std::uint64_t key = heap.front();
    std::pop_heap(heap.begin(), heap.end(), later);
    heap.pop_back();
    const auto at = static_cast<std::int32_t>(key & 0xFFFFFFFFU);
    if (symbols[static_cast<std::size_t>(at)].id < 0) continue;
    const bpe_merge merge = detail::merge_at(symbols, merges, at);
    if (merge.rank < 0 || detail::merge_key(merge, at) != key) continue;  // stale: a neighbour has changed
    detail::swallow_next(symbols, at, merge.result);
    push(symbols[static_cast<std::size_t>(at)].previous);
    push(at);
  }
}

DNALM_END_NAMESPACE
