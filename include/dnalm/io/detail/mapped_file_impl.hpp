// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of mapped_file.hpp.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/mapped_file.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// A file descriptor that closes itself.
struct descriptor_guard {
  int descriptor;
  explicit descriptor_guard(int opened) : descriptor(opened) {}
  descriptor_guard(const descriptor_guard&) = delete;
  descriptor_guard& operator=(const descriptor_guard&) = delete;
  ~descriptor_guard() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

[[noreturn]] inline void throw_unreadable(const std::filesystem::path& path, int code) {
  throw error(error_kind::io, 220, "cannot read the file",
              {.where = path.string(), .found = std::strerror(code)});
}

}  // namespace detail

DNALM_INLINE mapped_file::mapped_file(const std::filesystem::path& path) : name_(path) {
  // O_NONBLOCK: a named pipe must not make the program wait; it is refused below.
  const detail::descriptor_guard file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.descriptor < 0) detail::throw_unreadable(path, errno);
  struct stat status {};
  if (::fstat(file.descriptor, &status) != 0) detail::throw_unreadable(path, errno);
  if (!S_ISREG(status.st_mode)) {
    throw error(error_kind::io, 221, "not a regular file",
                {.where = path.string(),
                 .expected = "a file",
                 .found = S_ISDIR(status.st_mode) ? "a folder" : "a device, pipe or socket"});
  }
  if (status.st_size == 0) return;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.descriptor, 0);
  if (address == MAP_FAILED) detail::throw_unreadable(path, errno);
  bytes_ = {static_cast<const std::byte*>(address), size};
}

DNALM_INLINE mapped_file::mapped_file(mapped_file&& other) noexcept
    : name_(std::move(other.name_)), bytes_(std::exchange(other.bytes_, {})) {}

DNALM_INLINE mapped_file& mapped_file::operator=(mapped_file&& other) noexcept {
  if (this != &other) {
    release();
    name_ = std::move(other.name_);
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

DNALM_INLINE mapped_file::~mapped_file() {
  release();
}

DNALM_INLINE void mapped_file::release() noexcept {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  bytes_ = {};
}

}  // namespace io
DNALM_END_NAMESPACE
