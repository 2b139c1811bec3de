// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Reads ZIP archives from untrusted files: stored and deflated members, ZIP64, CRC-32, bomb limits.
///
/// Nothing is ever extracted to disk, so member names cannot leave a folder; they are only keys.
/// Source: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", version 6.3.10.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/mapped_file.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// How a member's bytes are kept.
enum class zip_method { stored, deflated };

/// What is read before an archive is refused.
struct zip_limits {
  index_t entries = 1'000'000;
  index_t entry_bytes = index_t{1} << 36;   ///< uncompressed size of one deflated member
  index_t total_bytes = index_t{1} << 38;   ///< of all deflated members together
  index_t ratio = 200;                      ///< uncompressed : compressed of a deflated member ...
  index_t ratio_from = index_t{256} << 20;  ///< ... that is larger than this
  bool without_crc = false;  ///< accept an archive in which all CRCs are 0 (PyTorch can leave them out)
};

/// One member as the central directory describes it; all numbers are checked against the file.
struct zip_entry {
  std::string name = {};
  zip_method method = zip_method::stored;
  std::uint32_t crc = 0;
  index_t stored_size = 0;    ///< bytes in the archive
  index_t size = 0;           ///< bytes when read
  index_t header_offset = 0;  ///< of the local header
  index_t data_offset = 0;    ///< of the first data byte
};

/// A mapped archive. Safe to share between threads for reading.
class zip_reader {
 public:
  /// Reads and cross-checks the directory: bounds, local headers, overlaps, duplicate names, limits.
  /// \throws error [dnalm.format.230] to [dnalm.format.236], [dnalm.unsupported.235], and as mapped_file.
  explicit zip_reader(const std::filesystem::path& path, const zip_limits& limits = {},
                      file_access access = file_access::mapped);

  [[nodiscard]] const std::vector<zip_entry>& entries() const { return entries_; }
  [[nodiscard]] bool contains(std::string_view name) const { return index_.find(name) != index_.end(); }
  /// \throws error [dnalm.format.239] when there is no such member.
  [[nodiscard]] const zip_entry& entry(std::string_view name) const;
  /// The member's bytes, decompressed, CRC checked. \throws error [dnalm.format.237] wrong CRC,
  /// [dnalm.format.238] broken deflate stream.
  [[nodiscard]] std::vector<std::byte> read(const zip_entry& entry) const;
  [[nodiscard]] std::vector<std::byte> read(std::string_view name) const { return read(entry(name)); }
  /// The bytes as they lie in the file, without a copy and without the CRC check; of a stored member they are
  /// the content. Of a buffered archive they can be read between `load` and `forget`.
  [[nodiscard]] std::span<const std::byte> raw(const zip_entry& entry) const;
  /// At most the first `size` bytes of a member's content, CRC not checked: enough to look at a header.
  /// \throws error [dnalm.format.238] broken deflate stream.
  [[nodiscard]] std::vector<std::byte> read_front(const zip_entry& entry, std::size_t size) const;
  /// Checks the CRC of a stored member. \throws error [dnalm.format.237].
  void verify(const zip_entry& entry) const;
  /// As mapped_file::load and mapped_file::forget, for the bytes of a member.
  void load(const zip_entry& entry) const { file_.load(raw(entry)); }
  void forget(const zip_entry& entry) const noexcept { file_.forget(raw(entry)); }
  [[nodiscard]] const std::filesystem::path& name() const { return file_.name(); }

 private:
  void check_crc(const zip_entry& entry, std::span<const std::byte> bytes) const;

  mapped_file file_;
  bool has_crc_ = true;
  std::vector<zip_entry> entries_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/zip_reader_impl.hpp>
#endif
