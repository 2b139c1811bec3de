// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of npz.hpp.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/array_size.hpp>
#include <dnalm/io/detail/output.hpp>
#include <dnalm/io/npz.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

DNALM_INLINE npz_reader::npz_reader(const std::filesystem::path& path, const zip_limits& limits)
    : archive_(path, limits) {
  for (const zip_entry& entry : archive_.entries()) {
    const std::string_view name = entry.name;
    if (name.ends_with(".npy")) names_.emplace_back(name.substr(0, name.size() - 4));
  }
}

DNALM_INLINE bool npz_reader::contains(std::string_view name) const {
  return archive_.contains(std::string(name) + ".npy");
}

DNALM_INLINE npy_array npz_reader::read(std::string_view name) const {
  const std::string where = archive_.name().string() + ", array '" + std::string(name) + "'";
  if (!contains(name)) {
    throw error(error_kind::format, 252, "npz archive has no such array", {.where = where});
  }
  const zip_entry& entry = archive_.entry(std::string(name) + ".npy");
  if (entry.method == zip_method::deflated) return parse_npy(archive_.read(entry), where);
  archive_.verify(entry);
  return parse_npy(archive_.raw(entry), where);
}

namespace detail {

/// Bytes that wait for the end of the archive: in memory up to a limit, then in an unlinked temporary file.
class spill {
 public:
  spill(std::filesystem::path target, index_t memory)
      : target_(std::move(target)), memory_(static_cast<std::size_t>(std::max<index_t>(memory, 1))) {}
  spill(const spill&) = delete;
  spill& operator=(const spill&) = delete;
  ~spill() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  void append(std::span<const std::byte> bytes) {
    crc_ = crc32_of(bytes, crc_);
    size_ = checked_add(size_, static_cast<index_t>(bytes.size()));
    if (buffer_.size() + bytes.size() > memory_) {
      if (descriptor_ < 0) open();
      write_all(descriptor_, buffer_, target_);
      buffer_.clear();
    }
    if (bytes.size() > memory_) {
      write_all(descriptor_, bytes, target_);
    } else {
      buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    }
  }

  /// Gives all bytes again, in order, in blocks.
  template <class Take>
  void replay(Take&& take) const {
    std::vector<std::byte> block(descriptor_ < 0 ? 0 : std::size_t{1} << 20);
    index_t offset = 0;
    const index_t on_disk = size_ - static_cast<index_t>(buffer_.size());
    while (offset < on_disk) {
      const ssize_t got = ::pread(descriptor_, block.data(), block.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        throw error(error_kind::io, 254, "cannot read back a temporary file",
                    {.where = target_.string(), .found = got == 0 ? "it is cut" : std::strerror(errno)});
      }
      take(std::span<const std::byte>(block).first(static_cast<std::size_t>(got)));
      offset += static_cast<index_t>(got);
    }
    take(std::span<const std::byte>(buffer_));
  }

  [[nodiscard]] index_t size() const { return size_; }
  [[nodiscard]] std::uint32_t crc() const { return crc_; }

 private:
  void open() {
    std::filesystem::path name;
    do {
      name = temporary_beside(target_);
      descriptor_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    } while (descriptor_ < 0 && errno == EEXIST);
    if (descriptor_ < 0) throw_cannot_create(name, std::strerror(errno));
    ::unlink(name.c_str());
  }

  std::filesystem::path target_;
  std::size_t memory_;
  std::vector<std::byte> buffer_;
  int descriptor_ = -1;
  index_t size_ = 0;
  std::uint32_t crc_ = 0;
};

/// Where temporary files go: beside a regular target, else (a pipe, a device) into the system's folder for
/// them.
[[nodiscard]] inline std::filesystem::path spill_place(const std::filesystem::path& path) {
  std::error_code failure;
  const bool special =
      std::filesystem::exists(path, failure) && !std::filesystem::is_regular_file(path, failure);
  if (!special) return follow_links(path);
  const auto folder = std::filesystem::temp_directory_path(failure);
  return (failure ? std::filesystem::path("/tmp") : folder) / "dnalm.npz";
}

}  // namespace detail

struct npz_writer::grown {
  grown(std::string array, dtype element, std::vector<index_t> row, index_t row_size,
        std::filesystem::path place, index_t memory)
      : name(std::move(array)),
        type(element),
        row_shape(std::move(row)),
        row_bytes(row_size),
        bytes(std::move(place), memory) {}

  std::string name;
  dtype type;
  std::vector<index_t> row_shape;
  index_t row_bytes;
  detail::spill bytes;
};

DNALM_INLINE npz_writer::npz_writer(const std::filesystem::path& path, const npz_options& options)
    : path_(path), options_(options), archive_(path) {}
DNALM_INLINE npz_writer::npz_writer(npz_writer&&) noexcept = default;
DNALM_INLINE npz_writer& npz_writer::operator=(npz_writer&&) noexcept = default;
DNALM_INLINE npz_writer::~npz_writer() = default;

DNALM_INLINE void npz_writer::reserve(const std::string& name) {
  if (!taken_.insert(name).second) {
    throw error(error_kind::usage, 240, "a ZIP member cannot be written: its name is taken",
                {.where = path_.string() + ", array '" + name + "'"});
  }
}

DNALM_INLINE void npz_writer::add(const std::string& name, dtype type, std::span<const std::byte> bytes,
                                  const std::vector<index_t>& shape) {
  detail::check_array_size(path_.string() + ", array '" + name + "'", type, shape, bytes.size());
  const std::string header = npy_header(type, shape);
  const auto header_bytes = std::as_bytes(std::span<const char>(header.data(), header.size()));
  reserve(name);
  if (options_.deflate) {
    std::vector<std::byte> whole(header_bytes.begin(), header_bytes.end());
    whole.insert(whole.end(), bytes.begin(), bytes.end());
    archive_.add(name + ".npy", whole, zip_method::deflated);
    return;
  }
  archive_.begin(name + ".npy", crc32_of(bytes, crc32_of(header_bytes)),
                 static_cast<index_t>(header_bytes.size() + bytes.size()));
  archive_.append(header_bytes);
  archive_.append(bytes);
  archive_.end();
}

DNALM_INLINE void npz_writer::add_strings(const std::string& name, std::span<const std::string> texts) {
  const auto bytes = npy_from_strings(texts);
  reserve(name);
  archive_.add(name + ".npy", bytes, options_.deflate ? zip_method::deflated : zip_method::stored);
}

DNALM_INLINE std::size_t npz_writer::begin(const std::string& name, dtype type,
                                           const std::vector<index_t>& row_shape) {
  (void)npy_header(type, row_shape);  // refuses what NumPy has not
  const index_t row_bytes = checked_mul(checked_size(row_shape), size_of(type));
  reserve(name);
  grown_.push_back(std::make_unique<grown>(name, type, row_shape, row_bytes, detail::spill_place(path_),
                                           options_.memory_per_member));
  return grown_.size() - 1;
}

DNALM_INLINE void npz_writer::append(std::size_t member, dtype type, std::span<const std::byte> bytes) {
  const bool known = member < grown_.size() && grown_[member]->type == type;
  const index_t row = known ? grown_[member]->row_bytes : 0;
  const auto size = static_cast<index_t>(bytes.size());
  if (!known || (row == 0 ? size != 0 : size % row != 0)) {
    throw error(error_kind::usage, 251, "values and shape of an array disagree",
                {.where = path_.string(),
                 .expected = "whole rows of " + std::to_string(row) + " bytes of the type given to begin",
                 .found = std::to_string(size) + " bytes of " + std::string(to_string(type))});
  }
  grown_[member]->bytes.append(bytes);
}

DNALM_INLINE void npz_writer::finish() {
  for (const auto& member : grown_) {
    const detail::spill& bytes = member->bytes;
    std::vector<index_t> shape{member->row_bytes == 0 ? 0 : bytes.size() / member->row_bytes};
    shape.insert(shape.end(), member->row_shape.begin(), member->row_shape.end());
    const std::string header = npy_header(member->type, shape);
    const auto header_bytes = std::as_bytes(std::span<const char>(header.data(), header.size()));
    const std::uint32_t crc = crc32_join(crc32_of(header_bytes), bytes.crc(), bytes.size());
    archive_.begin(member->name + ".npy", crc,
                   checked_add(static_cast<index_t>(header.size()), bytes.size()));
    archive_.append(header_bytes);
    bytes.replay([&](std::span<const std::byte> block) { archive_.append(block); });
    archive_.end();
  }
  archive_.finish();
}

}  // namespace io
DNALM_END_NAMESPACE
