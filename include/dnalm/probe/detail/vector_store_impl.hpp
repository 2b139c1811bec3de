// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of probe/vector_store.hpp.
#pragma once

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <dnalm/core/error.hpp>
#include <dnalm/probe/vector_store.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

[[noreturn]] inline void throw_store_io(int number, const std::string& what, const std::string& where,
                                        int code) {
  throw error(error_kind::io, number, what,
              {.where = where, .found = code == 0 ? "end of file" : std::strerror(code)});
}

/// Writes all bytes at an offset. \throws error [dnalm.io.531].
inline void write_to_store(int file, const char* from, index_t bytes, index_t offset) {
  while (bytes > 0) {
    const auto written = ::pwrite(file, from, static_cast<std::size_t>(bytes), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      throw_store_io(531, "cannot write pooled vectors to the temporary file", "vector store",
                     written < 0 ? errno : ENOSPC);
    }
    from += written;
    offset += written;
    bytes -= written;
  }
}

/// Reads all bytes at an offset. \throws error [dnalm.io.532].
inline void read_from_store(int file, char* to, index_t bytes, index_t offset) {
  while (bytes > 0) {
    const auto got = ::pread(file, to, static_cast<std::size_t>(bytes), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      throw_store_io(532, "cannot read pooled vectors from the temporary file", "vector store",
                     got < 0 ? errno : 0);
    }
    to += got;
    offset += got;
    bytes -= got;
  }
}

[[noreturn]] inline void throw_store_shape(const std::string& expected, const std::string& found) {
  throw error(error_kind::shape, 533, "rows do not fit the vector store",
              {.where = "vector store", .expected = expected, .found = found});
}

}  // namespace detail

DNALM_INLINE vector_store::vector_store(index_t rows, std::vector<index_t> widths,
                                        const vector_store_options& options)
    : rows_(rows), widths_(std::move(widths)) {
  index_t numbers = 0;
  for (const index_t width : widths_) {
    if (width < 1 || rows < 0) detail::throw_store_shape("positive widths", std::to_string(width));
    starts_.push_back(numbers);
    numbers = checked_add(numbers, checked_mul(rows, width));
  }
  filled_.assign(widths_.size(), 0);
  const index_t bytes = checked_mul(numbers, static_cast<index_t>(sizeof(float)));
  if (options.memory > 0 && bytes > options.memory) {
    open_file(options.directory);
    return;
  }
  for (const index_t width : widths_) kept_.emplace_back(rows, width);
}

DNALM_INLINE vector_store::~vector_store() {
  if (file_ >= 0) ::close(file_);
}

DNALM_INLINE vector_store::vector_store(vector_store&& other) noexcept
    : rows_(std::exchange(other.rows_, 0)),
      widths_(std::exchange(other.widths_, {})),
      starts_(std::exchange(other.starts_, {})),
      filled_(std::exchange(other.filled_, {})),
      kept_(std::exchange(other.kept_, {})),
      file_(std::exchange(other.file_, -1)) {}

DNALM_INLINE vector_store& vector_store::operator=(vector_store&& other) noexcept {
  vector_store taken(std::move(other));
  std::swap(rows_, taken.rows_);
  std::swap(widths_, taken.widths_);
  std::swap(starts_, taken.starts_);
  std::swap(filled_, taken.filled_);
  std::swap(kept_, taken.kept_);
  std::swap(file_, taken.file_);
  return *this;
}

DNALM_INLINE void vector_store::open_file(const std::filesystem::path& directory) {
  std::error_code failure;
  const auto folder = directory.empty() ? std::filesystem::temp_directory_path(failure) : directory;
  if (failure) {
    detail::throw_store_io(531, "there is no temporary directory", "vector store", failure.value());
  }
  std::string name = (folder / "dnalm-vectors-XXXXXX").string();
  file_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (file_ < 0) detail::throw_store_io(531, "cannot make a temporary file", folder.string(), errno);
  ::unlink(name.c_str());
}

DNALM_INLINE void vector_store::check_slot(index_t slot) const {
  if (slot >= 0 && slot < slots()) return;
  detail::throw_store_shape("a slot below " + std::to_string(slots()), std::to_string(slot));
}

DNALM_INLINE void vector_store::append(index_t slot, matrix_view<const float> block) {
  check_slot(slot);
  index_t& filled = filled_[static_cast<std::size_t>(slot)];
  if (block.columns != width(slot) || block.rows > rows_ - filled) {
    detail::throw_store_shape(
        std::to_string(width(slot)) + " columns and at most " + std::to_string(rows_ - filled) + " more rows",
        std::to_string(block.rows) + " x " + std::to_string(block.columns));
  }
  for (index_t row = 0; row < block.rows; ++row) {
    const index_t bytes = block.columns * static_cast<index_t>(sizeof(float));
    if (spilled()) {
      const index_t at = starts_[static_cast<std::size_t>(slot)] + (filled + row) * block.columns;
      const bool contiguous = block.stride == block.columns;
      detail::write_to_store(file_, reinterpret_cast<const char*>(block.row_data(row)),
                             contiguous ? bytes * block.rows : bytes,
                             at * static_cast<index_t>(sizeof(float)));
      if (contiguous) break;
    } else {
      float* to = kept_[static_cast<std::size_t>(slot)].data() + (filled + row) * block.columns;
      std::memcpy(to, block.row_data(row), static_cast<std::size_t>(bytes));
    }
  }
  filled += block.rows;
}

DNALM_INLINE matrix_view<const float> vector_store::read(index_t slot, matrix<float>& scratch) const {
  check_slot(slot);
  const index_t filled = filled_[static_cast<std::size_t>(slot)];
  if (filled != rows_) detail::throw_store_shape(std::to_string(rows_) + " rows", std::to_string(filled));
  if (!spilled()) return kept_[static_cast<std::size_t>(slot)].view();
  if (scratch.rows() != rows_ || scratch.columns() != width(slot))
    scratch = matrix<float>(rows_, width(slot));
  const auto size = static_cast<index_t>(sizeof(float));
  detail::read_from_store(file_, reinterpret_cast<char*>(scratch.data()), rows_ * width(slot) * size,
                          starts_[static_cast<std::size_t>(slot)] * size);
  return std::as_const(scratch).view();
}

DNALM_END_NAMESPACE
