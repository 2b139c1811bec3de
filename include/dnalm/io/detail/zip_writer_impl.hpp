// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of zip_writer.hpp.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/zip_format.hpp>
#include <dnalm/io/zip_writer.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

DNALM_INLINE std::uint32_t crc32_of(std::span<const std::byte> bytes, std::uint32_t crc) {
  return detail::zip_crc(bytes, crc);
}

DNALM_INLINE std::uint32_t crc32_join(std::uint32_t first, std::uint32_t second, index_t second_size) {
  return static_cast<std::uint32_t>(::crc32_combine(first, second, static_cast<z_off_t>(second_size)));
}

namespace detail {

/// Collects the little-endian numbers of a record.
class zip_record_writer {
 public:
  zip_record_writer& put(std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) text_ += static_cast<char>(value >> (8 * i));
    return *this;
  }
  zip_record_writer& put(const std::string& text) {
    text_ += text;
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// A 32-bit size field, or the mark that the ZIP64 field has it.
[[nodiscard]] inline std::uint64_t zip_size_field(index_t size) {
  return std::min(static_cast<std::uint64_t>(size), zip_large);
}

/// Version needed: 4.5 with ZIP64, else 2.0. UTF-8 names (flag 11). No clock: 1980-01-01 00:00.
constexpr std::uint64_t zip_utf8_flag = 0x0800;
constexpr std::uint64_t zip_no_time = 0;
constexpr std::uint64_t zip_no_date = 0x0021;

/// The raw deflate stream of `bytes`.
[[nodiscard]] inline std::vector<std::byte> deflate_bytes(std::span<const std::byte> bytes) {
  constexpr std::size_t piece = std::size_t{1} << 30;
  z_stream stream{};
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw error(error_kind::memory, 242, "zlib could not start to compress");
  }
  std::vector<std::byte> packed;
  std::vector<std::byte> block(std::size_t{1} << 18);
  std::size_t given = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    const std::size_t in_piece = std::min(piece, bytes.size() - given);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data() + given));
    stream.avail_in = static_cast<uInt>(in_piece);
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = static_cast<uInt>(block.size());
    status = ::deflate(&stream, given + in_piece == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
    given += in_piece - stream.avail_in;
    packed.insert(packed.end(), block.begin(), block.end() - static_cast<std::ptrdiff_t>(stream.avail_out));
  }
  ::deflateEnd(&stream);
  if (status != Z_STREAM_END) throw error(error_kind::memory, 242, "zlib failed to compress");
  return packed;
}

[[noreturn]] inline void throw_zip_misuse(const std::filesystem::path& path, const std::string& name,
                                          const std::string& problem) {
  throw error(error_kind::usage, 240, "a ZIP member cannot be written: " + problem,
              {.where = path.string() + ", member '" + name.substr(0, 200) + "'"});
}

}  // namespace detail

DNALM_INLINE zip_entry zip_writer::make_entry(const std::string& name, zip_method method, std::uint32_t crc,
                                              index_t stored_size, index_t size) {
  if (open_) detail::throw_zip_misuse(file_.path(), name, "another member is not ended");
  if (name.empty() || name.size() > 0xFFFF)
    detail::throw_zip_misuse(file_.path(), name, "length of its name");
  if (!names_.insert(name).second) detail::throw_zip_misuse(file_.path(), name, "its name is taken");
  return {.name = name,
          .method = method,
          .crc = crc,
          .stored_size = stored_size,
          .size = size,
          .header_offset = file_.size()};
}

/// Local header; for a stored member an extra field (0xD935, as zipalign writes) fills up to a multiple
/// of 64.
DNALM_INLINE void zip_writer::write_local_header(const zip_entry& entry) {
  const bool large = std::max(entry.size, entry.stored_size) >= static_cast<index_t>(detail::zip_large);
  detail::zip_record_writer extra;
  if (large) {
    extra.put(1, 2).put(16, 2).put(static_cast<std::uint64_t>(entry.size), 8);
    extra.put(static_cast<std::uint64_t>(entry.stored_size), 8);
  }
  if (entry.method == zip_method::stored) {
    const std::size_t fixed = 30 + entry.name.size() + extra.text().size() + 6;
    const std::size_t position = static_cast<std::size_t>(entry.header_offset) + fixed;
    const std::size_t padding = (64 - position % 64) % 64;
    extra.put(0xD935, 2).put(2 + padding, 2).put(64, 2).put(std::string(padding, '\0'));
  }
  detail::zip_record_writer header;
  header.put(0x04034b50U, 4).put(large ? 45 : 20, 2).put(detail::zip_utf8_flag, 2);
  header.put(entry.method == zip_method::stored ? 0 : 8, 2).put(detail::zip_no_time, 2);
  header.put(detail::zip_no_date, 2).put(entry.crc, 4);
  header.put(large ? detail::zip_large : detail::zip_size_field(entry.stored_size), 4);
  header.put(large ? detail::zip_large : detail::zip_size_field(entry.size), 4);
  header.put(entry.name.size(), 2).put(extra.text().size(), 2).put(entry.name).put(extra.text());
  file_.write(header.text());
  entries_.push_back(entry);
  entries_.back().data_offset = file_.size();
}

DNALM_INLINE void zip_writer::add(const std::string& name, std::span<const std::byte> bytes,
                                  zip_method method) {
  if (method == zip_method::stored) {
    begin(name, crc32_of(bytes), static_cast<index_t>(bytes.size()));
    append(bytes);
    end();
    return;
  }
  const auto packed = detail::deflate_bytes(bytes);
  write_local_header(make_entry(name, method, crc32_of(bytes), static_cast<index_t>(packed.size()),
                                static_cast<index_t>(bytes.size())));
  file_.write(packed);
}

DNALM_INLINE void zip_writer::begin(const std::string& name, std::uint32_t crc, index_t size) {
  write_local_header(make_entry(name, zip_method::stored, crc, size, size));
  open_ = true;
  written_ = 0;
  written_crc_ = 0;
}

DNALM_INLINE void zip_writer::append(std::span<const std::byte> bytes) {
  if (!open_) detail::throw_zip_misuse(file_.path(), "", "no member is begun");
  written_crc_ = crc32_of(bytes, written_crc_);
  written_ += static_cast<index_t>(bytes.size());
  file_.write(bytes);
}

DNALM_INLINE void zip_writer::end() {
  if (!open_) detail::throw_zip_misuse(file_.path(), "", "no member is begun");
  open_ = false;
  const zip_entry& entry = entries_.back();
  if (written_ != entry.size || written_crc_ != entry.crc) {
    detail::throw_zip_misuse(file_.path(), entry.name, "its bytes are not those announced");
  }
}

namespace detail {

/// A member's record in the central directory.
[[nodiscard]] inline std::string zip_directory_record(const zip_entry& entry) {
  zip_record_writer values;  // in this order, each only when its field is full
  for (const index_t value : {entry.size, entry.stored_size, entry.header_offset}) {
    if (zip_size_field(value) == zip_large) values.put(static_cast<std::uint64_t>(value), 8);
  }
  zip_record_writer extra;
  if (!values.text().empty()) extra.put(1, 2).put(values.text().size(), 2).put(values.text());
  const std::uint64_t version = extra.text().empty() ? 20 : 45;
  zip_record_writer record;
  record.put(0x02014b50U, 4).put(version, 2).put(version, 2).put(zip_utf8_flag, 2);
  record.put(entry.method == zip_method::stored ? 0 : 8, 2).put(zip_no_time, 2).put(zip_no_date, 2);
  record.put(entry.crc, 4).put(zip_size_field(entry.stored_size), 4).put(zip_size_field(entry.size), 4);
  record.put(entry.name.size(), 2).put(extra.text().size(), 2).put(0, 2).put(0, 2).put(0, 2).put(0, 4);
  record.put(zip_size_field(entry.header_offset), 4).put(entry.name).put(extra.text());
  return record.text();
}

/// The records that end an archive; the ZIP64 ones where a count, size or offset needs them.
[[nodiscard]] inline std::string zip_end_records(std::uint64_t count, std::uint64_t size,
                                                 std::uint64_t offset) {
  zip_record_writer end;
  if (count >= 0xFFFF || size >= zip_large || offset >= zip_large) {
    end.put(0x06064b50U, 4).put(44, 8).put(45, 2).put(45, 2).put(0, 4).put(0, 4);
    end.put(count, 8).put(count, 8).put(size, 8).put(offset, 8);
    end.put(0x07064b50U, 4).put(0, 4).put(offset + size, 8).put(1, 4);
  }
  const std::uint64_t short_count = std::min<std::uint64_t>(count, 0xFFFF);
  end.put(0x06054b50U, 4).put(0, 2).put(0, 2).put(short_count, 2).put(short_count, 2);
  end.put(std::min(size, zip_large), 4).put(std::min(offset, zip_large), 4).put(0, 2);
  return end.text();
}

}  // namespace detail

DNALM_INLINE void zip_writer::finish() {
  if (open_) detail::throw_zip_misuse(file_.path(), entries_.back().name, "it is not ended");
  const index_t offset = file_.size();
  for (const zip_entry& entry : entries_) file_.write(detail::zip_directory_record(entry));
  file_.write(detail::zip_end_records(entries_.size(), static_cast<std::uint64_t>(file_.size() - offset),
                                      static_cast<std::uint64_t>(offset)));
  file_.commit();
}

}  // namespace io
DNALM_END_NAMESPACE
