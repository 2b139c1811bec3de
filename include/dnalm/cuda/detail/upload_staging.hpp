// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Copies of host memory to a GPU that do not keep the host waiting.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/detail/pinned_memory.hpp>
#include <dnalm/cuda/runtime.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Pieces of page-locked memory that take turns: one is written again when its copy is done, which is waited
/// for only when the host is so many copies ahead of the GPU. One thread at a time.
class upload_staging {
 public:
  static constexpr index_t piece_bytes = index_t{32} << 10;  ///< the ids of 8192 tokens

  upload_staging(int device, cuda_stream stream) : device_(device), stream_(stream) {}

  /// Puts the copy into the stream; `from` may change as soon as this returns.
  void upload(std::span<const std::byte> from, std::byte* to) {
    while (!from.empty()) {
      const std::size_t bytes = std::min(from.size(), static_cast<std::size_t>(piece_bytes));
      pinned_memory& piece = next();
      std::memcpy(piece.data(), from.data(), bytes);
      cuda_upload(stream_, piece.data(), to, {.bytes = static_cast<index_t>(bytes)});
      piece.mark(stream_);
      from = from.subspan(bytes);
      to += bytes;
    }
  }

 private:
  [[nodiscard]] pinned_memory& next() {
    pinned_memory& piece = pieces_[at_];
    at_ = (at_ + 1) % pieces_.size();
    if (piece.size() == 0) piece = pinned_memory(device_, piece_bytes);
    piece.wait();
    return piece;
  }

  int device_;
  cuda_stream stream_;
  std::array<pinned_memory, 32> pieces_;
  std::size_t at_ = 0;
};

}  // namespace detail
DNALM_END_NAMESPACE
