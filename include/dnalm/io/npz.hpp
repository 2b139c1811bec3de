// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Archives of NumPy arrays (npz): reading, and writing with members that grow row by row.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/npy.hpp>
#include <dnalm/io/zip_reader.hpp>
#include <dnalm/io/zip_writer.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// An npz archive; arrays are read when asked for. Safe to share between threads for reading.
class npz_reader {
 public:
  /// \throws as zip_reader.
  explicit npz_reader(const std::filesystem::path& path, const zip_limits& limits = {});

  /// Names of the arrays, without `.npy`, in the order of the archive.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] bool contains(std::string_view name) const;
  /// \throws error [dnalm.format.252] when there is no such array; as parse_npy and zip_reader::read.
  [[nodiscard]] npy_array read(std::string_view name) const;

 private:
  zip_reader archive_;
  std::vector<std::string> names_;
};

/// How an npz archive is written.
struct npz_options {
  bool deflate = false;  ///< compress members added whole (grown ones are stored)
  index_t memory_per_member = index_t{256}
                              << 10;  ///< of a growing member, before it goes to a temporary file
};

/// Writes an npz archive through an atomic_file; data of stored members starts at a multiple of 64 bytes.
///
/// Any number of members may grow at the same time: what exceeds `memory_per_member` waits in an unlinked
/// temporary file beside the target. The same calls give the same bytes.
class npz_writer {
 public:
  /// \throws as atomic_file.
  explicit npz_writer(const std::filesystem::path& path, const npz_options& options = {});
  npz_writer(npz_writer&&) noexcept;
  npz_writer& operator=(npz_writer&&) noexcept;
  ~npz_writer();

  /// Writes a whole array. \throws error [dnalm.usage.251] when values and shape disagree, [dnalm.usage.240]
  /// when the name is taken; as atomic_file.
  template <class T>
  void add(const std::string& name, std::span<const T> values, const std::vector<index_t>& shape) {
    add(name, dtype_of<std::remove_cv_t<T>>(), std::as_bytes(values), shape);
  }
  template <class T>
  void add(const std::string& name, const std::vector<T>& values, const std::vector<index_t>& shape) {
    add(name, std::span<const T>(values), shape);
  }
  void add(const std::string& name, dtype type, std::span<const std::byte> bytes,
           const std::vector<index_t>& shape);
  /// Writes a one-dimensional array of texts.
  void add_strings(const std::string& name, std::span<const std::string> texts);

  /// Starts an array whose first extent is known only at the end; `row_shape` are the other extents.
  /// Returns the number by which `append` knows it.
  [[nodiscard]] std::size_t begin(const std::string& name, dtype type, const std::vector<index_t>& row_shape);
  template <class T>
  [[nodiscard]] std::size_t begin(const std::string& name, const std::vector<index_t>& row_shape) {
    return begin(name, dtype_of<T>(), row_shape);
  }
  /// Appends whole rows. \throws error [dnalm.usage.251] for another element type or a broken row; as
  /// atomic_file.
  template <class T>
  void append(std::size_t member, std::span<const T> values) {
    append(member, dtype_of<std::remove_cv_t<T>>(), std::as_bytes(values));
  }
  template <class T>
  void append(std::size_t member, const std::vector<T>& values) {
    append(member, std::span<const T>(values));
  }
  void append(std::size_t member, dtype type, std::span<const std::byte> bytes);

  /// Writes what grew, in the order of `begin`, and the directory, and commits. Called once.
  void finish();

 private:
  struct grown;
  void reserve(const std::string& name);

  std::filesystem::path path_;
  npz_options options_;
  zip_writer archive_;
  std::vector<std::unique_ptr<grown>> grown_;
  std::set<std::string, std::less<>> taken_;
};

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/npz_impl.hpp>
#endif
