// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/pack_cache.hpp.
#pragma once

#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/cpu/pack_cache.hpp>
#include <dnalm/io/leftovers.hpp>
#include <dnalm/io/safetensors_writer.hpp>
#include <dnalm/io/sha256.hpp>
#include <dnalm/io/stored_tensor.hpp>
#include <dnalm/tensor/dtype.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Counts up when packed_weight lays its numbers out otherwise.
inline constexpr const char* pack_layout = "1";
inline constexpr const char* scales_suffix = ".scales";

/// 64 parts of 4 KiB, first and last among them; all of a smaller file.
inline void hash_samples(const io::mapped_file& file, io::sha256& hash) {
  constexpr std::size_t part = 4096;
  constexpr std::size_t parts = 64;
  if (file.size() <= part * parts) {
    hash.update(file.bytes());
    return;
  }
  const std::size_t step = (file.size() - part) / (parts - 1);
  for (std::size_t i = 0; i + 1 < parts; ++i) hash.update(file.bytes(i * step, part));
  hash.update(file.bytes(file.size() - part, part));
}

inline void hash_text(const std::string& text, io::sha256& hash) {
  hash.update(std::as_bytes(std::span<const char>(text.data(), text.size() + 1)));
}

/// `name-01234567.bf16.packed.safetensors`: the digits tell folders of equal name apart.
[[nodiscard]] inline std::string pack_file_name(const std::filesystem::path& model_folder,
                                                weight_format format) {
  std::error_code code;
  std::filesystem::path whole = std::filesystem::weakly_canonical(model_folder, code);
  if (code) whole = std::filesystem::absolute(model_folder).lexically_normal();
  const std::filesystem::path last = whole.has_filename() ? whole.filename() : whole.parent_path().filename();
  io::sha256 hash;
  hash_text(whole.string(), hash);
  return last.string().substr(0, 100) + "-" + hash.hex().substr(0, 8) + "." + std::string(to_string(format)) +
         ".packed.safetensors";
}

/// A packed weight of this shape without numbers.
[[nodiscard]] inline packed_weight packed_shape(index_t outputs, index_t inputs, weight_format format,
                                                bool gated) {
  packed_weight shape;
  shape.outputs = outputs;
  shape.inputs = inputs;
  shape.format = format;
  shape.gated = gated;
  return shape;
}

/// [panel][word][column] of floats, or of pairs of bfloat16 or int8.
[[nodiscard]] inline io::tensor_info panels_info(const std::string& name, const packed_weight& w) {
  if (w.format == weight_format::f32) return {name, dtype::f32, {w.panel_count(), w.inputs, panel_columns}};
  const dtype type = w.format == weight_format::bf16 ? dtype::bf16 : dtype::i8;
  return {name, type, {w.panel_count(), (w.inputs + 1) / 2, panel_columns, 2}};
}
[[nodiscard]] inline io::tensor_info scales_info(const std::string& name, const packed_weight& w) {
  return {name + scales_suffix, dtype::f32, {w.panel_count(), panel_columns}};
}

[[nodiscard]] inline bool same_info(const io::tensor_info& a, const io::tensor_info& b) {
  return a.type == b.type && a.shape == b.shape;
}

/// Whether the bytes can be used where they lie: aligned, and finite numbers.
[[nodiscard]] inline bool usable(const io::stored_tensor& tensor) {
  if (reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % 64 != 0) return false;
  return io::find_non_finite(tensor) < 0;
}

}  // namespace detail

DNALM_INLINE std::string files_fingerprint(const std::vector<std::filesystem::path>& files) {
  io::sha256 hash;
  for (const std::filesystem::path& path : files) {
    const io::mapped_file file(path, io::file_access::buffered);
    std::error_code code;
    const auto changed = std::filesystem::last_write_time(path, code).time_since_epoch().count();
    detail::hash_text(path.filename().string(), hash);
    detail::hash_text(std::to_string(file.size()) + " " + std::to_string(changed), hash);
    detail::hash_samples(file, hash);
  }
  return hash.hex();
}

DNALM_INLINE pack_cache::pack_cache(const std::filesystem::path& folder,
                                    const std::filesystem::path& model_folder,
                                    const std::vector<std::filesystem::path>& sources, weight_format format,
                                    io::file_access access)
    : path_(folder / detail::pack_file_name(model_folder, format)),
      format_(format),
      metadata_({{"dnalm.packed", detail::pack_layout}, {"dnalm.source", files_fingerprint(sources)}}) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (!std::filesystem::is_directory(folder, code)) {
    throw error(error_kind::io, 222, "the folder for packed weights cannot be made",
                {.where = folder.string(), .found = code ? code.message() : "no folder"});
  }
  open(access);
}

/// Takes the file if it is of these sources; what is wrong with another does not matter, it will be replaced.
DNALM_INLINE void pack_cache::open(io::file_access access) {
  std::error_code code;
  if (!std::filesystem::is_regular_file(path_, code)) return;
  try {
    auto file = std::make_shared<const io::safetensors_file>(path_, access);
    if (file->metadata() == metadata_) file_ = std::move(file);
  } catch (const error&) {
    file_ = nullptr;
  }
}

DNALM_INLINE std::optional<packed_weight> pack_cache::find(const std::string& name,
                                                           const packed_weight& wanted) const {
  if (file_ == nullptr || !file_->contains(name)) return std::nullopt;
  const io::stored_tensor& panels = file_->tensor(name);
  if (!detail::same_info(panels.info, detail::panels_info(name, wanted)) || !detail::usable(panels)) {
    return std::nullopt;
  }
  packed_weight found = detail::packed_shape(wanted.outputs, wanted.inputs, wanted.format, wanted.gated);
  if (wanted.format == weight_format::int8) {
    const std::string scales = name + detail::scales_suffix;
    if (!file_->contains(scales)) return std::nullopt;
    const io::stored_tensor& stored = file_->tensor(scales);
    if (!detail::same_info(stored.info, detail::scales_info(name, wanted)) || !detail::usable(stored)) {
      return std::nullopt;
    }
    found.scales = buffer<float>(stored.info.size(), uninitialized);
    std::memcpy(found.scales.data(), stored.bytes.data(), stored.bytes.size());
  }
  found.mapped = panels.bytes;
  found.file = file_;
  return found;
}

DNALM_INLINE void pack_cache::remember(const std::string& name, const packed_weight& weight) {
  const std::lock_guard lock(guard_);
  entries_[name] = {detail::panels_info(name, weight), weight.bytes()};
  if (weight.scales.size() > 0) {
    const std::span<const float> scales(weight.scales.data(), static_cast<std::size_t>(weight.scales.size()));
    const io::tensor_info info = detail::scales_info(name, weight);
    entries_[info.name] = {info, std::as_bytes(scales)};
  }
  changed_ = changed_ || weight.mapped.empty();
}

DNALM_INLINE packed_weight pack_cache::find_or_pack(const std::string& name, index_t outputs, index_t inputs,
                                                    bool gated, const std::function<packed_weight()>& pack) {
  const std::string key = gated ? name + "|gated" : name;
  std::optional<packed_weight> found = find(key, detail::packed_shape(outputs, inputs, format_, gated));
  packed_weight weight = found ? *std::move(found) : pack();
  remember(key, weight);
  return weight;
}

DNALM_INLINE void pack_cache::save() {
  if (!changed_) return;
  io::remove_leftovers(path_);
  std::vector<io::tensor_info> infos;
  std::vector<std::span<const std::byte>> bytes;
  for (const auto& [name, kept] : entries_) {
    infos.push_back(kept.info);
    bytes.push_back(kept.bytes);
  }
  io::safetensors_writer file(path_, infos, metadata_);
  for (const std::size_t i : file.order()) file.write(bytes[i]);
  file.finish();
  changed_ = false;
}

DNALM_END_NAMESPACE
