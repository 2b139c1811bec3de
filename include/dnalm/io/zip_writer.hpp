// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Writes ZIP archives: stored members aligned to 64 bytes so that they can be mapped, deflate, ZIP64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/zip_reader.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// CRC-32 of `bytes` appended to a message whose CRC is `crc` (0 for an empty one).
[[nodiscard]] std::uint32_t crc32_of(std::span<const std::byte> bytes, std::uint32_t crc = 0);
/// CRC-32 of two messages one after the other; `second_size` is the second one's length.
[[nodiscard]] std::uint32_t crc32_join(std::uint32_t first, std::uint32_t second, index_t second_size);

/// Writes members one after the other through an atomic_file; the same members give the same bytes (no
/// clock).
///
/// Never seeks, so the target may be a pipe. ZIP64 records are written where sizes, offsets or counts need
/// them.
class zip_writer {
 public:
  /// \throws as atomic_file.
  explicit zip_writer(const std::filesystem::path& path) : file_(path) {}

  /// Writes one whole member. \throws error [dnalm.usage.240] when the name is taken, empty or longer than
  /// 65535 bytes.
  void add(const std::string& name, std::span<const std::byte> bytes, zip_method method = zip_method::stored);
  /// Starts a stored member whose CRC and size are known already; its bytes follow in `append`.
  void begin(const std::string& name, std::uint32_t crc, index_t size);
  void append(std::span<const std::byte> bytes);
  /// \throws error [dnalm.usage.240] when the bytes are not those announced.
  void end();
  /// Writes the directory and commits the file. Called once.
  void finish();

 private:
  void write_local_header(const zip_entry& entry);
  [[nodiscard]] zip_entry make_entry(const std::string& name, zip_method method, std::uint32_t crc,
                                     index_t stored_size, index_t size);

  atomic_file file_;
  std::vector<zip_entry> entries_;
  std::set<std::string, std::less<>> names_;
  bool open_ = false;
  std::uint32_t written_crc_ = 0;
  index_t written_ = 0;
};

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/zip_writer_impl.hpp>
#endif
