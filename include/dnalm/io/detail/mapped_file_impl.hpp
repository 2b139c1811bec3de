// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of mapped_file.hpp.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/descriptor_guard.hpp>
#include <dnalm/io/mapped_file.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

[[noreturn]] inline void throw_unreadable(const std::filesystem::path& path, int code) {
  throw error(error_kind::io, 220, "cannot read the file",
              {.where = path.string(), .found = std::strerror(code)});
}

[[nodiscard]] inline std::size_t page_size() {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

/// Size of a regular file. \throws error [dnalm.io.221] for anything else.
[[nodiscard]] inline std::size_t regular_file_size(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw_unreadable(path, errno);
  if (!S_ISREG(status.st_mode)) {
    throw error(error_kind::io, 221, "not a regular file",
                {.where = path.string(),
                 .expected = "a file",
                 .found = S_ISDIR(status.st_mode) ? "a folder" : "a device, pipe or socket"});
  }
  return static_cast<std::size_t>(status.st_size);
}

/// Reads exactly `size` bytes at `offset`. \throws error [dnalm.io.299] when the file ends before.
inline void read_exactly(int descriptor, std::byte* to, std::size_t size, std::size_t offset,
                         const std::filesystem::path& path) {
  while (size > 0) {
    const ssize_t got = ::pread(descriptor, to, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_unreadable(path, errno);
    if (got == 0) {
      throw error(error_kind::io, 299, "the file became shorter while it was read",
                  {.where = path.string(),
                   .expected = std::to_string(offset + size) + " bytes",
                   .found = std::to_string(offset)});
    }
    to += got;
    offset += static_cast<std::size_t>(got);
    size -= static_cast<std::size_t>(got);
  }
}

}  // namespace detail

/// Which blocks of a buffered file have been read.
struct mapped_file::buffer_state {
  buffer_state(int opened, std::size_t size)
      : file(opened),
        block(std::max<std::size_t>(std::size_t{1} << 14, detail::page_size())),
        present((size + block - 1) / block, false) {}

  detail::descriptor_guard file;
  std::size_t block;
  std::vector<bool> present;
  std::mutex guard;
};

DNALM_INLINE mapped_file::mapped_file(const std::filesystem::path& path, file_access access) : name_(path) {
  // O_NONBLOCK: a named pipe must not make the program wait; it is refused below.
  detail::descriptor_guard file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.descriptor < 0) detail::throw_unreadable(path, errno);
  const std::size_t size = detail::regular_file_size(file.descriptor, path);
  if (size == 0) return;
  const bool buffered = access == file_access::buffered;
  void* address = buffered ? ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                           : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.descriptor, 0);
  if (address == MAP_FAILED) detail::throw_unreadable(path, errno);
  place_ = {static_cast<const std::byte*>(address), size};
  if (buffered) buffer_ = std::make_unique<buffer_state>(file.take(), size);
}

DNALM_INLINE mapped_file::mapped_file(mapped_file&& other) noexcept
    : name_(std::move(other.name_)),
      place_(std::exchange(other.place_, {})),
      buffer_(std::move(other.buffer_)) {}

DNALM_INLINE mapped_file& mapped_file::operator=(mapped_file&& other) noexcept {
  if (this != &other) {
    release();
    name_ = std::move(other.name_);
    place_ = std::exchange(other.place_, {});
    buffer_ = std::move(other.buffer_);
  }
  return *this;
}

DNALM_INLINE mapped_file::~mapped_file() {
  release();
}

DNALM_INLINE void mapped_file::release() noexcept {
  if (!place_.empty()) ::munmap(const_cast<std::byte*>(place_.data()), place_.size());
  place_ = {};
  buffer_.reset();
}

DNALM_INLINE std::span<const std::byte> mapped_file::bytes() const {
  load(place_);
  return place_;
}

DNALM_INLINE std::span<const std::byte> mapped_file::bytes(std::size_t offset, std::size_t size) const {
  const auto part = place(offset, size);
  load(part);
  return part;
}

DNALM_INLINE void mapped_file::load(std::span<const std::byte> part) const {
  if (!buffer_ || part.empty()) return;
  buffer_state& state = *buffer_;
  const std::lock_guard lock(state.guard);
  const auto begin = static_cast<std::size_t>(part.data() - place_.data());
  const std::size_t last = (begin + part.size() - 1) / state.block;
  for (std::size_t block = begin / state.block; block <= last; ++block) {
    if (state.present[block]) continue;
    std::size_t end = block;  // the run of absent blocks is read at once
    while (end <= last && !state.present[end]) ++end;
    const std::size_t from = block * state.block;
    const std::size_t to = std::min(end * state.block, place_.size());
    detail::read_exactly(state.file.descriptor, const_cast<std::byte*>(place_.data()) + from, to - from, from,
                         name_);
    for (; block < end; ++block) state.present[block] = true;
  }
}

DNALM_INLINE void mapped_file::forget(std::span<const std::byte> part) const noexcept {
  if (part.empty()) return;
  const auto begin = static_cast<std::size_t>(part.data() - place_.data());
  const std::size_t unit = buffer_ ? buffer_->block : detail::page_size();
  // Blocks that hold bytes of neighbours stay, but for the end of the file.
  const std::size_t first = (begin + unit - 1) / unit;
  const std::size_t end =
      begin + part.size() == place_.size() ? (place_.size() + unit - 1) / unit : (begin + part.size()) / unit;
  if (first >= end) return;
  std::unique_lock<std::mutex> lock;
  if (buffer_) {
    lock = std::unique_lock<std::mutex>(buffer_->guard);
    for (std::size_t block = first; block < end; ++block) buffer_->present[block] = false;
  }
  ::madvise(const_cast<std::byte*>(place_.data()) + first * unit,
            std::min(end * unit, place_.size()) - first * unit, MADV_DONTNEED);
}

}  // namespace io
DNALM_END_NAMESPACE
