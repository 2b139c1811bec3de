// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The arrays of an npz archive as weights, mapped where they are stored uncompressed.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/mapped_file.hpp>
#include <dnalm/io/stored_tensor.hpp>
#include <dnalm/io/tensor_info.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// The numeric arrays of an npz archive. Safe to share between threads for reading.
///
/// Only the headers are read when it is opened. A tensor is named as its array (the member without `.npy`).
/// Fortran order becomes strides; big-endian and compressed arrays are unpacked into memory when asked for.
class npz_checkpoint {
 public:
  /// \throws error [dnalm.format.298] no array of numbers in it, [dnalm.unsupported.247] an array of objects,
  /// structures or complex numbers; as parse_npy for other headers, and as zip_reader.
  explicit npz_checkpoint(const std::filesystem::path& path, file_access access = file_access::mapped);
  npz_checkpoint(npz_checkpoint&&) noexcept;
  npz_checkpoint& operator=(npz_checkpoint&&) noexcept;
  ~npz_checkpoint();

  /// In the order of the archive.
  [[nodiscard]] const std::vector<tensor_info>& tensors() const;
  [[nodiscard]] bool contains(std::string_view name) const;
  /// One tensor. Checks the member's CRC the first time. \throws error [dnalm.format.286] no such tensor,
  /// [dnalm.format.237], [dnalm.format.238] damaged data.
  [[nodiscard]] const stored_tensor& tensor(std::string_view name) const;
  /// Gives the memory behind a tensor back; `tensor` brings it again. While another thread reads a packed or
  /// buffered tensor, it must not be forgotten.
  void forget(std::string_view name) const;
  /// Whether a tensor is unpacked into memory: it is compressed or big-endian.
  [[nodiscard]] bool packed(std::string_view name) const;
  /// Members that are no weights: arrays of texts, and files other than .npy.
  [[nodiscard]] const std::vector<std::string>& left_out() const;

 private:
  struct contents;
  std::unique_ptr<contents> contents_;
};

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/npz_checkpoint_impl.hpp>
#endif
