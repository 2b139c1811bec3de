// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A file that appears complete or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// Writes beside the target and renames at `commit`; without a commit the destructor removes what was
/// written. A process that is killed leaves its temporary file behind: io::remove_leftovers clears it away.
///
/// A target that exists and is no regular file (a pipe, `/dev/stdout`, `/dev/null`) is written directly. A
/// symbolic link keeps its place: the file it points to is replaced. Move-only; one thread at a time.
class atomic_file {
 public:
  /// Creates the temporary file. \throws error [dnalm.io.222] when that fails (missing folder, no permission,
  /// the target is a folder).
  explicit atomic_file(const std::filesystem::path& path);
  atomic_file(atomic_file&& other) noexcept;
  atomic_file& operator=(atomic_file&& other) noexcept;
  atomic_file(const atomic_file&) = delete;
  atomic_file& operator=(const atomic_file&) = delete;
  ~atomic_file();

  /// Appends. \throws error [dnalm.io.223] on every write error (disk full, file too large),
  /// [dnalm.usage.225] after commit.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);

  /// Flushes to the disk (fsync), renames onto the target, flushes the folder. Called once.
  /// \throws error [dnalm.io.223] or [dnalm.io.224]; the target is then as it was before.
  void commit();

  /// Bytes written so far.
  [[nodiscard]] index_t size() const { return size_; }
  /// The target.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  void flush();
  void discard() noexcept;

  std::filesystem::path path_;       // as given
  std::filesystem::path target_;     // with links followed
  std::filesystem::path temporary_;  // empty when the target is written directly
  int descriptor_ = -1;
  std::vector<std::byte> buffer_;
  index_t size_ = 0;
};

/// Writes a whole file atomically. \throws as atomic_file.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/atomic_file_impl.hpp>
#endif
