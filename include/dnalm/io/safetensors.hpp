// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief safetensors files: mapped reading without copies, atomic writing.
///
/// Format: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, the data.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
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

/// A mapped safetensors file; everything it says is checked when it is opened. Safe to share between threads.
class safetensors_file {
 public:
  /// \throws error [dnalm.format.255] cut or lying header length, [dnalm.format.256] malformed header,
  /// [dnalm.unsupported.257] unknown element type, [dnalm.format.258] offsets that overlap, leave holes or
  /// leave the file, [dnalm.format.259] shape and bytes disagree, [dnalm.format.261] header over 100 MB;
  /// duplicates and depth as parse_json; as mapped_file.
  explicit safetensors_file(const std::filesystem::path& path, file_access access = file_access::mapped);

  /// In the order of the data in the file.
  [[nodiscard]] const std::vector<tensor_info>& tensors() const { return infos_; }
  /// The same with their bytes, which live as long as this object (of a buffered file: read by `tensor`).
  [[nodiscard]] const std::vector<stored_tensor>& stored() const { return stored_; }
  [[nodiscard]] bool contains(std::string_view name) const { return index_.find(name) != index_.end(); }
  /// One tensor, without a copy. \throws error [dnalm.format.286] when there is no such tensor; as
  /// mapped_file::load.
  [[nodiscard]] const stored_tensor& tensor(std::string_view name) const;
  /// Gives the memory behind a tensor back (mapped_file::forget); `tensor` brings it again.
  void forget(std::string_view name) const;
  /// All elements as float, row-major. \throws as tensor and read_stored.
  [[nodiscard]] std::vector<float> read(std::string_view name) const;
  /// The header's `__metadata__`.
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  [[nodiscard]] const std::filesystem::path& name() const { return file_.name(); }

 private:
  mapped_file file_;
  std::vector<tensor_info> infos_;
  std::vector<stored_tensor> stored_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::map<std::string, std::string> metadata_;
};

/// One tensor to be written: row-major little-endian bytes that stay alive during the call.
struct tensor_to_write {
  std::string name = {};
  dtype type = dtype::f32;
  std::vector<index_t> shape = {};
  std::span<const std::byte> bytes = {};
};

/// A float tensor to be written.
[[nodiscard]] inline tensor_to_write make_tensor(std::string name, std::span<const float> values,
                                                 std::vector<index_t> shape) {
  return {std::move(name), dtype::f32, std::move(shape), std::as_bytes(values)};
}

/// Writes a file atomically. Tensors are laid out by element size (largest first), then name, so that each is
/// aligned to its element; the data start at a multiple of 64 bytes. Equal input gives equal bytes.
/// \throws error [dnalm.usage.260] for a name used twice or reserved, or bytes that do not fit the shape; as
/// atomic_file.
void write_safetensors(const std::filesystem::path& path, const std::vector<tensor_to_write>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/safetensors_impl.hpp>
#endif
