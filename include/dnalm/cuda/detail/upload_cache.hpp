// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Copies on a GPU of small host arrays that many kernel calls share: a batch's offsets, tables.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/detail/device_memory.hpp>
#include <dnalm/cuda/detail/scratch_pool.hpp>
#include <dnalm/cuda/detail/upload_staging.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Bytes on the GPU, not changed while anybody holds them.
class uploaded_bytes {
 public:
  uploaded_bytes(scratch_pool::loan memory, index_t size) : memory_(std::move(memory)), size_(size) {}
  [[nodiscard]] const std::byte* data() const { return memory_.data(); }
  [[nodiscard]] index_t size() const { return size_; }

 private:
  friend class upload_cache;
  scratch_pool::loan memory_;
  index_t size_;
};
using shared_bytes = std::shared_ptr<const uploaded_bytes>;

/// Finds a copy that is on the GPU already, by its bytes or by the number that its owner gave it, else makes
/// one. The least recently used go: beyond `most_bytes`, or beyond 64 of them (all are looked at each time).
///
/// May be called from several threads. A copy is used by kernels that are started in the cache's stream while
/// it is held. Memory that nobody holds any more takes the next copy, which comes after them in the stream:
/// batch after batch, nothing is allocated and nobody waits.
class upload_cache {
 public:
  /// The pool is the cache's alone: lent memory stays lent for long.
  upload_cache(const std::shared_ptr<device_memory>& memory, cuda_stream stream, index_t most_bytes)
      : pool_(memory), staging_(memory->device(), stream), most_bytes_(most_bytes) {}

  /// The copy with these bytes. Cost: a comparison per kept copy that is as long.
  [[nodiscard]] shared_bytes find(std::span<const std::byte> content) {
    const std::lock_guard lock(guard_);
    for (auto e = entries_.begin(); e != entries_.end(); ++e) {
      if (e->identity == 0 && same_bytes(e->content, content)) return use(e);
    }
    entry made{0, {content.begin(), content.end()}, room_for(content.size())};
    put(made.content, *made.copy, 0);
    return keep(std::move(made));
  }
  /// The copy of this number, not 0; else one of the parts one behind the other.
  [[nodiscard]] shared_bytes find(std::uint64_t identity, std::span<const std::byte> first,
                                  std::span<const std::byte> second) {
    const std::lock_guard lock(guard_);
    for (auto e = entries_.begin(); e != entries_.end(); ++e) {
      if (e->identity == identity) return use(e);
    }
    entry made{identity, {}, room_for(first.size() + second.size())};
    put(first, *made.copy, 0);
    put(second, *made.copy, first.size());
    return keep(std::move(made));
  }

  /// Copies that are kept.
  [[nodiscard]] index_t size() const {
    const std::lock_guard lock(guard_);
    return static_cast<index_t>(entries_.size());
  }

 private:
  static constexpr std::size_t most_entries = 64;

  struct entry {
    std::uint64_t identity;
    std::vector<std::byte> content;
    std::shared_ptr<uploaded_bytes> copy;
  };

  static bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
  }
  /// A power of two of bytes: batches differ, their memory is to fit all the same.
  [[nodiscard]] std::shared_ptr<uploaded_bytes> room_for(std::size_t bytes) {
    const auto room = static_cast<index_t>(std::bit_ceil(std::max<std::size_t>(bytes, 256)));
    return std::make_shared<uploaded_bytes>(pool_.lend(room), static_cast<index_t>(bytes));
  }
  void put(std::span<const std::byte> from, uploaded_bytes& to, std::size_t first) {
    staging_.upload(from, to.memory_.as<std::byte>() + first);
  }
  shared_bytes use(std::list<entry>::iterator found) {
    entries_.splice(entries_.begin(), entries_, found);
    return found->copy;
  }
  shared_bytes keep(entry made) {
    const index_t bytes = made.copy->size();
    entries_.push_front(std::move(made));
    bytes_ += bytes;
    while (entries_.size() > 1 && (entries_.size() > most_entries || bytes_ > most_bytes_)) {
      bytes_ -= entries_.back().copy->size();
      entries_.pop_back();
    }
    return entries_.front().copy;
  }

  scratch_pool pool_;
  upload_staging staging_;
  index_t most_bytes_;
  mutable std::mutex guard_;
  std::list<entry> entries_;  // the last used first
  index_t bytes_ = 0;
};

}  // namespace detail
DNALM_END_NAMESPACE
