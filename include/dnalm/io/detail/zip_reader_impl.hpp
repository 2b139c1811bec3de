// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of zip_reader.hpp.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/zip_format.hpp>
#include <dnalm/io/zip_reader.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// A record of the central directory: the entry as far as it is known, and what the local header must repeat.
struct zip_record {
  zip_entry entry;
  std::uint64_t flags = 0;
  std::uint64_t method = 0;
};

/// Reads the directory of one mapped archive.
class zip_directory {
 public:
  zip_directory(const mapped_file& file, const zip_limits& limits)
      : file_(file), where_(file.name().string()), limits_(limits) {}

  [[nodiscard]] std::vector<zip_entry> read() {
    find_directory();
    std::vector<zip_entry> entries;
    std::uint64_t position = directory_;
    for (std::uint64_t i = 0; i < count_; ++i) {
      zip_record record = read_record(position);
      read_local_header(record);
      check_limits(record.entry);
      entries.push_back(std::move(record.entry));
    }
    if (position != directory_ + directory_size_) {
      fail_directory("the directory has another size than announced", position);
    }
    check_overlaps(entries);
    return entries;
  }

 private:
  /// The end record: the last `PK\5\6` whose comment ends with the file. With ZIP64, the record it points to.
  void find_directory() {
    const std::uint64_t end = find_end_record();
    const auto disk = number(end + 4, 2);
    const auto start_disk = number(end + 6, 2);
    if ((disk != 0 && disk != 0xFFFF) || (start_disk != 0 && start_disk != 0xFFFF)) {
      throw error(error_kind::unsupported, 235, "ZIP archives in several parts are not read",
                  {.where = where_, .expected = "one part"});
    }
    count_ = number(end + 10, 2);
    directory_size_ = number(end + 12, 4);
    directory_ = number(end + 16, 4);
    std::uint64_t limit = end;
    if (end >= 20 && number(end - 20, 4) == 0x07064b50U) {
      limit = number(end - 20 + 8, 8);
      if (limit > end - 20 || end - 20 - limit < 56 || number(limit, 4) != 0x06064b50U) {
        fail_directory("the ZIP64 end record is not where its locator says", limit);
      }
      count_ = number(limit + 32, 8);
      directory_size_ = number(limit + 40, 8);
      directory_ = number(limit + 48, 8);
    }
    if (directory_ > limit || directory_size_ > limit - directory_) {
      fail_directory("the directory leaves the file", directory_);
    }
    if (count_ > directory_size_ / 46) fail_directory("more members than the directory can hold", count_);
    if (count_ > static_cast<std::uint64_t>(limits_.entries)) fail_limit("members", limits_.entries, count_);
  }

  [[nodiscard]] std::uint64_t find_end_record() const {
    const std::uint64_t size = file_.size();
    for (std::uint64_t comment = 0; comment <= 0xFFFF && size >= 22 + comment; ++comment) {
      const std::uint64_t end = size - 22 - comment;
      if (number(end, 4) == 0x06054b50U && number(end + 20, 2) == comment) return end;
    }
    throw error(error_kind::format, 230, "not a ZIP archive, or cut",
                {.where = where_,
                 .expected = "an end-of-directory record",
                 .found = std::to_string(size) + " bytes without one"});
  }

  /// Reads the record at `position` and moves on to the next.
  [[nodiscard]] zip_record read_record(std::uint64_t& position) const {
    const std::uint64_t end = directory_ + directory_size_;
    if (end - position < 46 || number(position, 4) != 0x02014b50U) {
      fail_directory("a member record is cut or missing", position);
    }
    const auto name_size = number(position + 28, 2);
    const auto extra_size = number(position + 30, 2);
    const auto comment_size = number(position + 32, 2);
    const std::uint64_t length = 46 + name_size + extra_size + comment_size;
    if (end - position < length) fail_directory("a member record leaves the directory", position);
    zip_record record;
    record.flags = number(position + 8, 2);
    record.method = number(position + 10, 2);
    record.entry.crc = static_cast<std::uint32_t>(number(position + 16, 4));
    record.entry.name = text(position + 46, name_size);
    std::uint64_t sizes[3] = {number(position + 24, 4), number(position + 20, 4), number(position + 42, 4)};
    read_zip64(position + 46 + name_size, extra_size, sizes);
    check_method(record);
    record.entry.method = record.method == 0 ? zip_method::stored : zip_method::deflated;
    record.entry.size = checked_size_of(sizes[0], record.entry.name);
    record.entry.stored_size = checked_size_of(sizes[1], record.entry.name);
    record.entry.header_offset = checked_size_of(sizes[2], record.entry.name);
    position += length;
    return record;
  }

  /// Replaces those of {size, stored size, header offset} that are 0xFFFFFFFF by the 64-bit ones of extra
  /// field 1.
  void read_zip64(std::uint64_t offset, std::uint64_t size, std::uint64_t (&values)[3]) const {
    const std::uint64_t end = offset + size;
    while (end - offset >= 4) {
      const auto id = number(offset, 2);
      const auto length = number(offset + 2, 2);
      offset += 4;
      if (length > end - offset) fail_directory("an extra field leaves its record", offset);
      if (id == 1) {
        std::uint64_t next = offset;
        for (std::uint64_t& value : values) {
          if (value != zip_large) continue;
          if (offset + length - next < 8) fail_directory("a ZIP64 field is too short", offset);
          value = number(next, 8);
          next += 8;
        }
        return;
      }
      offset += length;
    }
  }

  void check_method(const zip_record& record) const {
    if ((record.flags & 0x2041U) != 0) {
      throw error(error_kind::unsupported, 235, "encrypted ZIP members are not read",
                  {.where = member(record.entry.name)});
    }
    if (record.method != 0 && record.method != 8) {
      throw error(error_kind::unsupported, 235, "a ZIP member is compressed by a method that is not read",
                  {.where = member(record.entry.name),
                   .expected = "stored (0) or deflate (8)",
                   .found = std::to_string(record.method)});
    }
  }

  [[nodiscard]] index_t checked_size_of(std::uint64_t value, const std::string& name) const {
    if (value > file_.size() * std::uint64_t{1100} + 1024) {
      throw error(error_kind::format, 231, "a size or offset of a ZIP member is impossible",
                  {.where = member(name), .found = std::to_string(value)});
    }
    return static_cast<index_t>(value);
  }

  /// The local header must repeat name, method and (without a data descriptor) CRC and sizes.
  void read_local_header(zip_record& record) const {
    zip_entry& entry = record.entry;
    const auto offset = static_cast<std::uint64_t>(entry.header_offset);
    if (offset > directory_ || directory_ - offset < 30 || number(offset, 4) != 0x04034b50U) {
      fail_local(entry.name, "a local header before the directory", "none at " + std::to_string(offset));
    }
    const auto name_size = number(offset + 26, 2);
    const auto extra_size = number(offset + 28, 2);
    const std::uint64_t data = offset + 30 + name_size + extra_size;
    if (data > directory_ || static_cast<std::uint64_t>(entry.stored_size) > directory_ - data) {
      throw error(error_kind::format, 233, "a ZIP member leaves the file or overlaps the directory",
                  {.where = member(entry.name), .found = std::to_string(entry.stored_size) + " bytes"});
    }
    if (text(offset + 30, name_size) != entry.name) fail_local(entry.name, "the same name", "another");
    if (number(offset + 8, 2) != record.method) fail_local(entry.name, "the same method", "another");
    if ((number(offset + 6, 2) & 1U) != 0) fail_local(entry.name, "no encryption", "encryption");
    if ((record.flags & 8U) == 0) check_local_sizes(offset, name_size, extra_size, entry);
    if (entry.method == zip_method::stored && entry.stored_size != entry.size) {
      fail_local(entry.name, "one size of a stored member", "two");
    }
    entry.data_offset = static_cast<index_t>(data);
  }

  void check_local_sizes(std::uint64_t offset, std::uint64_t name_size, std::uint64_t extra_size,
                         const zip_entry& entry) const {
    std::uint64_t sizes[3] = {number(offset + 22, 4), number(offset + 18, 4), 0};
    read_zip64(offset + 30 + name_size, extra_size, sizes);
    if (number(offset + 14, 4) != entry.crc || sizes[0] != static_cast<std::uint64_t>(entry.size) ||
        sizes[1] != static_cast<std::uint64_t>(entry.stored_size)) {
      fail_local(entry.name, "CRC and sizes as in the directory", "others");
    }
  }

  void check_limits(const zip_entry& entry) {
    if (entry.method == zip_method::stored) return;
    total_ = checked_add(total_, entry.size);
    if (entry.size > limits_.entry_bytes)
      fail_limit("bytes in '" + entry.name + "'", limits_.entry_bytes, entry.size);
    if (total_ > limits_.total_bytes) fail_limit("bytes in all members", limits_.total_bytes, total_);
    if (entry.size > limits_.ratio_from && entry.size / limits_.ratio > entry.stored_size) {
      fail_limit("compression ratio of '" + entry.name + "'", limits_.ratio,
                 entry.size / std::max<index_t>(entry.stored_size, 1));
    }
    // No deflate stream holds more than 1032 bytes per byte.
    if (entry.size / 1032 > entry.stored_size + 64) {
      fail_limit("compression ratio of '" + entry.name + "'", index_t{1032},
                 entry.size / std::max<index_t>(entry.stored_size, 1));
    }
  }

  void check_overlaps(const std::vector<zip_entry>& entries) const {
    std::vector<const zip_entry*> order;
    for (const zip_entry& entry : entries) order.push_back(&entry);
    std::sort(order.begin(), order.end(),
              [](const auto* a, const auto* b) { return a->header_offset < b->header_offset; });
    index_t end = 0;
    for (const zip_entry* entry : order) {
      if (entry->header_offset < end) {
        throw error(error_kind::format, 233, "ZIP members overlap", {.where = member(entry->name)});
      }
      end = entry->data_offset + entry->stored_size;
    }
  }

  /// \throws [dnalm.format.231] when the bytes are not in the file.
  [[nodiscard]] std::uint64_t number(std::uint64_t offset, std::size_t width) const {
    if (offset > file_.size() || file_.size() - offset < width)
      fail_directory("an offset leaves the file", offset);
    return little_endian(file_.bytes(static_cast<std::size_t>(offset), width), 0, width);
  }

  [[nodiscard]] std::string text(std::uint64_t offset, std::uint64_t size) const {
    if (offset > file_.size() || file_.size() - offset < size)
      fail_directory("a name leaves the file", offset);
    const auto bytes = file_.bytes(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  [[nodiscard]] std::string member(const std::string& name) const {
    return where_ + ", member '" + name + "'";
  }

  [[noreturn]] void fail_directory(const std::string& problem, std::uint64_t found) const {
    throw error(error_kind::format, 231, "the directory of a ZIP archive is damaged: " + problem,
                {.where = where_, .found = std::to_string(found)});
  }
  [[noreturn]] void fail_local(const std::string& name, const std::string& expected,
                               const std::string& found) const {
    throw error(error_kind::format, 232, "local header and directory of a ZIP member disagree",
                {.where = member(name), .expected = expected, .found = found});
  }
  template <class Found>
  [[noreturn]] void fail_limit(const std::string& what, index_t limit, Found found) const {
    throw error(error_kind::format, 236, "ZIP archive exceeds a limit that guards against zip bombs",
                {.where = where_,
                 .expected = "at most " + std::to_string(limit) + " " + what,
                 .found = std::to_string(found)});
  }

  const mapped_file& file_;
  std::string where_;
  zip_limits limits_;
  std::uint64_t directory_ = 0;
  std::uint64_t directory_size_ = 0;
  std::uint64_t count_ = 0;
  index_t total_ = 0;
};

/// Inflates a raw deflate stream that must give exactly out.size() bytes and use all of `in`.
[[nodiscard]] inline bool inflate_exactly(std::span<const std::byte> in, std::span<std::byte> out) {
  constexpr std::size_t piece = std::size_t{1} << 30;
  z_stream stream{};
  if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  std::size_t given = 0;
  std::size_t taken = 0;
  int status = Z_OK;
  bool too_long = false;
  Bytef spare = 0;  // output one byte beyond the end shows a stream that is too long
  while (status == Z_OK && !too_long) {
    const std::size_t in_piece = std::min(piece, in.size() - given);
    const std::size_t out_piece = std::min(piece, out.size() - taken);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data() + given));
    stream.avail_in = static_cast<uInt>(in_piece);
    stream.next_out = out_piece != 0 ? reinterpret_cast<Bytef*>(out.data() + taken) : &spare;
    stream.avail_out = out_piece != 0 ? static_cast<uInt>(out_piece) : 1;
    const std::size_t room = stream.avail_out;
    status = ::inflate(&stream, Z_NO_FLUSH);
    const std::size_t made = room - stream.avail_out;
    given += in_piece - stream.avail_in;
    too_long = out_piece == 0 && made != 0;
    taken += made;
    if (made == 0 && stream.avail_in == in_piece) break;  // no progress: the stream is cut
  }
  ::inflateEnd(&stream);
  return status == Z_STREAM_END && given == in.size() && taken == out.size();
}

/// Inflates at most out.size() bytes of the front of a raw deflate stream; returns how many, or nothing when
/// the stream is broken.
[[nodiscard]] inline std::optional<std::size_t> inflate_front(std::span<const std::byte> in,
                                                              std::span<std::byte> out) {
  z_stream stream{};
  if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) return std::nullopt;
  constexpr std::size_t most = std::size_t{1} << 30;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
  stream.avail_in = static_cast<uInt>(std::min(in.size(), most));
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(std::min(out.size(), most));
  int status = Z_OK;
  while (status == Z_OK && stream.avail_out != 0 && stream.avail_in != 0) {
    status = ::inflate(&stream, Z_NO_FLUSH);
  }
  const std::size_t made = std::min(out.size(), most) - stream.avail_out;
  ::inflateEnd(&stream);
  if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) return std::nullopt;
  return made;
}

}  // namespace detail

DNALM_INLINE zip_reader::zip_reader(const std::filesystem::path& path, const zip_limits& limits,
                                    file_access access)
    : file_(path, access) {
  entries_ = detail::zip_directory(file_, limits).read();
  has_crc_ = !limits.without_crc || std::any_of(entries_.begin(), entries_.end(),
                                                [](const zip_entry& entry) { return entry.crc != 0; });
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!index_.emplace(entries_[i].name, i).second) {
      throw error(error_kind::format, 234, "two members of a ZIP archive have one name",
                  {.where = path.string() + ", member '" + entries_[i].name + "'"});
    }
  }
}

DNALM_INLINE const zip_entry& zip_reader::entry(std::string_view name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) {
    throw error(error_kind::format, 239, "ZIP archive has no such member",
                {.where = file_.name().string(), .expected = "member '" + std::string(name) + "'"});
  }
  return entries_[found->second];
}

DNALM_INLINE std::span<const std::byte> zip_reader::raw(const zip_entry& entry) const {
  return file_.place(static_cast<std::size_t>(entry.data_offset),
                     static_cast<std::size_t>(entry.stored_size));
}

DNALM_INLINE void zip_reader::check_crc(const zip_entry& entry, std::span<const std::byte> bytes) const {
  if (!has_crc_) return;
  const std::uint32_t crc = detail::zip_crc(bytes);
  if (crc == entry.crc) return;
  throw error(error_kind::format, 237, "a ZIP member is damaged: its CRC-32 is wrong",
              {.where = name().string() + ", member '" + entry.name + "'",
               .expected = std::to_string(entry.crc),
               .found = std::to_string(crc)});
}

DNALM_INLINE void zip_reader::verify(const zip_entry& entry) const {
  if (entry.method == zip_method::stored) {
    load(entry);
    check_crc(entry, raw(entry));
  } else {
    (void)read(entry);
  }
}

DNALM_INLINE std::vector<std::byte> zip_reader::read(const zip_entry& entry) const {
  load(entry);
  const auto packed = raw(entry);
  std::vector<std::byte> bytes;
  if (entry.method == zip_method::stored) {
    bytes.assign(packed.begin(), packed.end());
  } else {
    bytes.resize(static_cast<std::size_t>(entry.size));
    if (!detail::inflate_exactly(packed, bytes)) {
      throw error(error_kind::format, 238, "a compressed ZIP member is damaged or has another size",
                  {.where = file_.name().string() + ", member '" + entry.name + "'",
                   .expected = std::to_string(entry.size) + " bytes"});
    }
  }
  check_crc(entry, bytes);
  return bytes;
}

DNALM_INLINE std::vector<std::byte> zip_reader::read_front(const zip_entry& entry, std::size_t size) const {
  std::vector<std::byte> bytes(std::min(size, static_cast<std::size_t>(entry.size)));
  const auto packed = raw(entry);
  if (entry.method == zip_method::stored) {
    const auto front = packed.first(bytes.size());
    file_.load(front);
    bytes.assign(front.begin(), front.end());
    return bytes;
  }
  // Deflate needs at most a little more room than what it packs.
  const auto source = packed.first(std::min(packed.size(), 2 * bytes.size() + 1024));
  file_.load(source);
  const auto made = bytes.empty() ? 0 : detail::inflate_front(source, bytes);
  if (!made) {
    throw error(error_kind::format, 238, "a compressed ZIP member is damaged or has another size",
                {.where = file_.name().string() + ", member '" + entry.name + "'"});
  }
  bytes.resize(*made);
  return bytes;
}

}  // namespace io
DNALM_END_NAMESPACE
