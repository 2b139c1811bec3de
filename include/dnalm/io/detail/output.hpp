// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Writing through file descriptors, and names of temporary files.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// \throws error [dnalm.io.222].
[[noreturn]] inline void throw_cannot_create(const std::filesystem::path& path, const std::string& reason) {
  throw error(error_kind::io, 222, "cannot create the output file",
              {.where = path.string(), .found = reason});
}

/// Writes all bytes to a descriptor, whatever the system takes at a time.
inline void write_all(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t taken = ::write(descriptor, bytes.data(), bytes.size());
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) {
      throw error(error_kind::io, 223, "cannot write the output file",
                  {.where = path.string(), .found = std::strerror(errno)});
    }
    bytes = bytes.subspan(static_cast<std::size_t>(taken));
  }
}

/// A name beside `target` that no other writer of this or another process uses.
[[nodiscard]] inline std::filesystem::path temporary_beside(const std::filesystem::path& target) {
  static std::atomic<unsigned> counter{0};
  std::filesystem::path name = target;
  name.replace_filename("." + target.filename().string() + "." + std::to_string(::getpid()) + "." +
                        std::to_string(counter++) + ".part");
  return name;
}

/// Follows symbolic links of the last part of a path (at most 40, as the system does).
[[nodiscard]] inline std::filesystem::path follow_links(std::filesystem::path path) {
  std::error_code failure;
  for (int depth = 0; depth < 40 && std::filesystem::is_symlink(path, failure); ++depth) {
    const auto link = std::filesystem::read_symlink(path, failure);
    if (failure) break;
    path = link.is_absolute() ? link : path.parent_path() / link;
  }
  return path;
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
