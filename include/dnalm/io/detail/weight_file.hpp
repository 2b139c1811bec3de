// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One file of weights of any format that needs no optional library, told by its content.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/io/detail/torch_archive.hpp>
#include <dnalm/io/mapped_file.hpp>
#include <dnalm/io/npz_checkpoint.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/io/tensor_info.hpp>
#include <dnalm/io/torch_checkpoint.hpp>
#include <dnalm/io/zip_reader.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

class weight_file {
 public:
  explicit weight_file(safetensors_file&& file) : file_(std::move(file)) {}
  explicit weight_file(torch_checkpoint&& file) : file_(std::move(file)) {}
  explicit weight_file(npz_checkpoint&& file) : file_(std::move(file)) {}

  [[nodiscard]] const std::vector<tensor_info>& tensors() const {
    return std::visit([](const auto& file) -> const std::vector<tensor_info>& { return file.tensors(); },
                      file_);
  }
  [[nodiscard]] const stored_tensor& tensor(std::string_view name) const {
    return std::visit([&](const auto& file) -> const stored_tensor& { return file.tensor(name); }, file_);
  }
  void forget(std::string_view name) const {
    std::visit([&](const auto& file) { file.forget(name); }, file_);
  }
  /// Whether a tensor is unpacked into memory, so that forgetting it takes it from other readers.
  [[nodiscard]] bool packed(std::string_view name) const {
    if (const auto* torch = std::get_if<torch_checkpoint>(&file_)) return torch->packed(name);
    if (const auto* npz = std::get_if<npz_checkpoint>(&file_)) return npz->packed(name);
    return false;
  }
  [[nodiscard]] weight_format format() const {
    if (std::holds_alternative<torch_checkpoint>(file_)) return weight_format::torch;
    return std::holds_alternative<npz_checkpoint>(file_) ? weight_format::npz : weight_format::safetensors;
  }
  /// What the file says under a key beside its tensors; empty: nothing.
  [[nodiscard]] std::string metadata(const std::string& key) const {
    const auto* file = std::get_if<safetensors_file>(&file_);
    if (file == nullptr) return {};
    const auto found = file->metadata().find(key);
    return found == file->metadata().end() ? std::string{} : found->second;
  }
  [[nodiscard]] std::vector<std::string> left_out() const {
    const auto* npz = std::get_if<npz_checkpoint>(&file_);
    return npz != nullptr ? npz->left_out() : std::vector<std::string>{};
  }

 private:
  std::variant<safetensors_file, torch_checkpoint, npz_checkpoint> file_;
};

[[noreturn]] inline void throw_no_weights(const std::filesystem::path& path, const std::string& found) {
  throw error(error_kind::format, 289, "not a file of weights",
              {.where = path.string(), .expected = "safetensors, a PyTorch file or npz", .found = found});
}

/// A ZIP archive is a PyTorch file (`<folder>/data.pkl`), else npz (`*.npy`), else what torch_checkpoint says
/// about it.
[[nodiscard]] inline weight_format tell_archive(const std::filesystem::path& path) {
  const zip_reader archive(path, {.without_crc = true}, file_access::buffered);
  const auto& entries = archive.entries();
  const auto any = [&](auto&& fits) {
    return std::any_of(entries.begin(), entries.end(), [&](const auto& e) { return fits(e.name); });
  };
  if (any([](const std::string& name) { return !torch_folder(name).empty(); })) return weight_format::torch;
  if (any([](const std::string& name) { return name.ends_with(".npy"); })) return weight_format::npz;
  if (archive.contains("model.weights.h5")) {
    throw_no_weights(path,
                     "a Keras 3 archive: unpack its model.weights.h5 and convert that with dnalm-convert");
  }
  return weight_format::torch;
}

/// Tells a file's format by its first bytes; those of formats that are often met by mistake get their own
/// words.
[[nodiscard]] inline weight_format tell_format(const std::filesystem::path& path) {
  const mapped_file file(path, file_access::buffered);
  const auto bytes = file.bytes(0, std::min<std::size_t>(file.size(), 64));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("PK")) return tell_archive(path);
  if (text.size() >= 2 && text[0] == '\x80' && text[1] >= 0 && text[1] <= 5) return weight_format::torch;
  std::string found;
  if (text.empty()) found = "an empty file";
  if (text.starts_with("version https://git-lfs"))
    found = "a Git LFS pointer: the weights were not downloaded";
  if (text.starts_with("\x89HDF")) found = "HDF5 (Keras): convert it with dnalm-convert";
  if (text.starts_with("\x1f\x8b")) found = "gzip";
  if (text.starts_with("<")) found = "HTML or XML";
  if (text.starts_with("\x93NUMPY")) found = "npy";
  if (text.starts_with("{") && text.find('\0') == std::string_view::npos) found = "JSON";
  if (found.empty()) return weight_format::safetensors;
  throw_no_weights(path, found);
}

[[nodiscard]] inline weight_file open_weights(const std::filesystem::path& path, file_access access) {
  switch (tell_format(path)) {
    case weight_format::torch:
      return weight_file(torch_checkpoint(path, torch_selection::state_dict, access));
    case weight_format::npz: return weight_file(npz_checkpoint(path, access));
    case weight_format::safetensors: break;
  }
  return weight_file(safetensors_file(path, access));
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
