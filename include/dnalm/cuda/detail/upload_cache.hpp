// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Copies on a GPU of small host arrays that many kernel calls share: a batch's offsets, tables.
#pragma once

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
#include <dnalm/cuda/device_buffer.hpp>
#include <dnalm/cuda/runtime.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Bytes on the GPU, kept while anybody holds them.
using shared_bytes = std::shared_ptr<const device_buffer<std::byte>>;

/// Finds a copy that is on the GPU already, by its bytes or by the number that its owner gave it, else makes
/// one. The least recently used go: beyond `most_bytes`, or beyond 64 of them (all are looked at each time).
///
/// May be called from several threads. A copy is used in the stream's order, by kernels that are started
/// while it is held; memory that nobody holds any more is freed after they have run.
class upload_cache {
 public:
  upload_cache(std::shared_ptr<device_memory> memory, cuda_stream stream, index_t most_bytes)
      : memory_(std::move(memory)), stream_(stream), most_bytes_(most_bytes) {}

  /// The copy with these bytes. Cost: a comparison per kept copy that is as long.
  [[nodiscard]] shared_bytes find(std::span<const std::byte> content) {
    const std::lock_guard lock(guard_);
    for (auto e = entries_.begin(); e != entries_.end(); ++e) {
      if (e->identity == 0 && same_bytes(e->content, content)) return use(e);
    }
    // The cache's own copy: it stays as it is while the GPU reads it.
    entry made{0, {content.begin(), content.end()}, allocate(content.size())};
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
    entry made{identity, {}, allocate(first.size() + second.size())};
    put(first, *made.copy, 0);
    put(second, *made.copy, first.size());
    cuda_synchronize(stream_);  // the parts may go as soon as this returns
    return keep(std::move(made));
  }

  /// Copies that are kept.
  [[nodiscard]] index_t size() const {
    const std::lock_guard lock(guard_);
    return static_cast<index_t>(entries_.size());
  }

 private:
  static constexpr std::size_t most_entries = 64;

  using bytes_of_gpu = std::shared_ptr<device_buffer<std::byte>>;
  struct entry {
    std::uint64_t identity;
    std::vector<std::byte> content;  // outlives the copy, which waits for the GPU as it goes
    bytes_of_gpu copy;
  };

  static bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
  }
  [[nodiscard]] bytes_of_gpu allocate(std::size_t bytes) const {
    return std::make_shared<device_buffer<std::byte>>(memory_, static_cast<index_t>(bytes));
  }
  void put(std::span<const std::byte> from, device_buffer<std::byte>& to, std::size_t first) const {
    cuda_upload(stream_, from.data(), to.data() + first, {.bytes = static_cast<index_t>(from.size())});
  }
  shared_bytes use(std::list<entry>::iterator found) {
    entries_.splice(entries_.begin(), entries_, found);
    return found->copy;
  }
  shared_bytes keep(entry made) {
    bytes_ += made.copy->size();
    entries_.push_front(std::move(made));
    while (entries_.size() > 1 && (entries_.size() > most_entries || bytes_ > most_bytes_)) {
      bytes_ -= entries_.back().copy->size();
      entries_.pop_back();
    }
    return entries_.front().copy;
  }

  std::shared_ptr<device_memory> memory_;
  cuda_stream stream_;
  index_t most_bytes_;
  mutable std::mutex guard_;
  std::list<entry> entries_;  // the last used first
  index_t bytes_ = 0;
};

}  // namespace detail
DNALM_END_NAMESPACE
