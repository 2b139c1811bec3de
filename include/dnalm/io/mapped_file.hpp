// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The bytes of a file at a fixed address: mapped, or read on demand; pages can be given back.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// How the bytes of a file reach memory. Both give the same bytes.
enum class file_access {
  mapped,   ///< mmap: no copy; a file that another process shortens meanwhile ends this process (SIGBUS)
  buffered  ///< pread into memory of the process, part by part: a shortened file is an error
};

/// The bytes of a regular file; pages are read when they are touched (mapped) or asked for (buffered).
/// Move-only.
///
/// Another process that shortens the file while it is mapped makes later reads of the lost pages fail
/// (SIGBUS), as for every mapped file; write new model files beside the old ones and rename, or use
/// file_access::buffered. All members but `forget` may be called from several threads at once; `forget` too,
/// when no other thread reads the same part of a buffered file.
class mapped_file {
 public:
  /// \throws error [dnalm.io.220] when it cannot be opened or mapped, [dnalm.io.221] when it is not a regular
  /// file.
  explicit mapped_file(const std::filesystem::path& path, file_access access = file_access::mapped);
  mapped_file(mapped_file&& other) noexcept;
  mapped_file& operator=(mapped_file&& other) noexcept;
  mapped_file(const mapped_file&) = delete;
  mapped_file& operator=(const mapped_file&) = delete;
  ~mapped_file();

  /// The whole file; stays at the same address when the object is moved. \throws as `load`.
  [[nodiscard]] std::span<const std::byte> bytes() const;
  /// `size` bytes from `offset`, which lie inside the file. \throws as `load`.
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t offset, std::size_t size) const;
  /// Where these bytes are, or will be once they are loaded.
  [[nodiscard]] std::span<const std::byte> place(std::size_t offset, std::size_t size) const {
    return place_.subspan(offset, size);
  }
  [[nodiscard]] std::size_t size() const { return place_.size(); }
  [[nodiscard]] const std::filesystem::path& name() const { return name_; }

  /// Makes a part of `place` readable; nothing to do when the file is mapped.
  /// \throws error [dnalm.io.299] when the file became shorter, [dnalm.io.220] when reading fails.
  void load(std::span<const std::byte> part) const;
  /// Gives the memory of a part of `place` back to the system. Mapped pages are read again when they are
  /// touched; buffered ones need `load` again.
  void forget(std::span<const std::byte> part) const noexcept;

 private:
  struct buffer_state;
  void release() noexcept;

  std::filesystem::path name_;
  std::span<const std::byte> place_;
  std::unique_ptr<buffer_state> buffer_;  // null when mapped
};

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/mapped_file_impl.hpp>
#endif
