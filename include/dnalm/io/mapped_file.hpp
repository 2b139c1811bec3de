// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// The bytes of a regular file, mapped read-only; pages are read when they are touched. Move-only.
///
/// Another process that shortens the file while it is mapped makes later reads of the lost pages fail
/// (SIGBUS), as for every mapped file; write new model files beside the old ones and rename.
class mapped_file {
 public:
  /// \throws error [dnalm.io.220] when it cannot be opened or mapped, [dnalm.io.221] when it is not a regular
  /// file.
  explicit mapped_file(const std::filesystem::path& path);
  mapped_file(mapped_file&& other) noexcept;
  mapped_file& operator=(mapped_file&& other) noexcept;
  mapped_file(const mapped_file&) = delete;
  mapped_file& operator=(const mapped_file&) = delete;
  ~mapped_file();

  /// The whole file; stays at the same address when the object is moved.
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] const std::filesystem::path& name() const { return name_; }

 private:
  void release() noexcept;

  std::filesystem::path name_;
  std::span<const std::byte> bytes_;
};

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/mapped_file_impl.hpp>
#endif
