// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of atomic_file.hpp.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/detail/descriptor_guard.hpp>
#include <dnalm/io/detail/output.hpp>
#include <dnalm/io/detail/write_lock.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

constexpr std::size_t write_block = std::size_t{1} << 20;

}  // namespace detail

DNALM_INLINE atomic_file::atomic_file(const std::filesystem::path& path) : path_(path) {
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) detail::throw_cannot_create(path, "a folder of this name");
  if (path.empty() || path.filename().empty()) detail::throw_cannot_create(path, "no file name");
  if (exists && !S_ISREG(status.st_mode)) {
    descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    target_ = detail::follow_links(path);
    bool made = false;
    while (!made) {
      temporary_ = detail::temporary_beside(target_);
      descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor_ < 0 && errno != EEXIST) break;
      made = descriptor_ >= 0 && detail::lock_as_writer(descriptor_);
      if (!made && descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    }
  }
  if (descriptor_ < 0) {
    temporary_.clear();
    detail::throw_cannot_create(path, std::strerror(errno));
  }
}

DNALM_INLINE atomic_file::atomic_file(atomic_file&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)),
      buffer_(std::move(other.buffer_)),
      size_(other.size_) {}

DNALM_INLINE atomic_file& atomic_file::operator=(atomic_file&& other) noexcept {
  if (this != &other) {
    discard();
    path_ = std::move(other.path_);
    target_ = std::move(other.target_);
    temporary_ = std::exchange(other.temporary_, {});
    descriptor_ = std::exchange(other.descriptor_, -1);
    buffer_ = std::move(other.buffer_);
    size_ = other.size_;
  }
  return *this;
}

DNALM_INLINE atomic_file::~atomic_file() {
  discard();
}

DNALM_INLINE void atomic_file::discard() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
  buffer_.clear();
}

DNALM_INLINE void atomic_file::write(std::span<const std::byte> bytes) {
  if (descriptor_ < 0) {
    throw error(error_kind::usage, 225, "an output file was written after it was completed",
                {.where = path_.string()});
  }
  if (buffer_.size() + bytes.size() > detail::write_block) flush();
  if (bytes.size() >= detail::write_block) {
    detail::write_all(descriptor_, bytes, path_);
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  size_ = checked_add(size_, static_cast<index_t>(bytes.size()));
}

DNALM_INLINE void atomic_file::write(std::string_view text) {
  write(std::as_bytes(std::span<const char>(text.data(), text.size())));
}

DNALM_INLINE void atomic_file::flush() {
  detail::write_all(descriptor_, buffer_, path_);
  buffer_.clear();
}

DNALM_INLINE void atomic_file::commit() {
  write(std::string_view());
  flush();
  const auto check = [&](bool success) {
    if (success) return;
    throw error(error_kind::io, 224, "cannot complete the output file",
                {.where = path_.string(), .found = std::strerror(errno)});
  };
  if (!temporary_.empty()) check(::fsync(descriptor_) == 0);
  const detail::descriptor_guard lock(::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0));  // until it is renamed
  check(::close(std::exchange(descriptor_, -1)) == 0);
  if (temporary_.empty()) return;
  check(::rename(temporary_.c_str(), target_.c_str()) == 0);
  temporary_.clear();
  const auto folder = target_.has_parent_path() ? target_.parent_path() : std::filesystem::path(".");
  const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened >= 0) {
    ::fsync(opened);  // some file systems do not offer it for folders; the rename itself has happened
    ::close(opened);
  }
}

DNALM_INLINE void write_file(const std::filesystem::path& path, std::string_view text) {
  atomic_file file(path);
  file.write(text);
  file.commit();
}

}  // namespace io
DNALM_END_NAMESPACE
