// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A lock on what is being written, so that others can tell it from what a killed writer left.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <utility>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// Locks a file or folder that was just made. False when another process took it for a leftover and removed
/// it in between: then make another. Where the system offers no lock, nobody removes anything.
[[nodiscard]] inline bool lock_as_writer(int descriptor) noexcept {
  while (::flock(descriptor, LOCK_EX) != 0 && errno == EINTR) {
  }
  struct stat status {};
  return ::fstat(descriptor, &status) != 0 || status.st_nlink > 0;
}

/// Holds the lock of an existing file or folder when its writer is gone.
class leftover_lock {
 public:
  explicit leftover_lock(const std::filesystem::path& path) noexcept {
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor_ < 0 && errno == EISDIR) {
      descriptor_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    }
    struct stat opened {};
    struct stat named {};
    held_ = descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 &&
            ::fstat(descriptor_, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
            opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
  }
  leftover_lock(const leftover_lock&) = delete;
  leftover_lock& operator=(const leftover_lock&) = delete;
  ~leftover_lock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] bool held() const noexcept { return held_; }

 private:
  int descriptor_ = -1;
  bool held_ = false;
};

/// Whether a text is digits only, one at least.
[[nodiscard]] inline bool is_number_text(std::string_view text) noexcept {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
