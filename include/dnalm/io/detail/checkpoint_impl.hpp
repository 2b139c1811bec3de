// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of checkpoint.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/checkpoint.hpp>
#include <dnalm/io/detail/messages.hpp>
#include <dnalm/io/detail/weight_file.hpp>
#include <dnalm/io/json.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// Files beside the weights: what trainers write there, Enformer's table of gamma densities.
[[nodiscard]] inline bool is_side_file(const std::string& name) {
  if (name.starts_with("rng_state") || name.starts_with("optimizer") || name.starts_with("scheduler"))
    return true;
  return name == "training_args.bin" || name == "scaler.pt" || name == "tf_gammas.pt";
}

/// The regular files of a folder with one of the endings, sorted.
[[nodiscard]] inline std::vector<std::filesystem::path> files_ending(
    const std::filesystem::path& folder, std::initializer_list<std::string_view> endings) {
  std::vector<std::filesystem::path> found;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    const std::string name = entry.path().filename().string();
    const bool fits =
        std::any_of(endings.begin(), endings.end(), [&](auto end) { return name.ends_with(end); });
    if (fits && !is_side_file(name) && entry.is_regular_file(failure)) found.push_back(entry.path());
  }
  if (failure) {
    throw error(error_kind::io, 280, "cannot read the folder",
                {.where = folder.string(), .found = failure.message()});
  }
  std::sort(found.begin(), found.end());
  return found;
}

[[nodiscard]] inline std::filesystem::path find_weights(const std::filesystem::path& folder) {
  std::error_code failure;
  for (const char* name : {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                           "pytorch_model.bin.index.json"}) {
    if (std::filesystem::exists(folder / name, failure)) return folder / name;
  }
  auto candidates = files_ending(folder, {".safetensors"});
  if (candidates.empty()) candidates = files_ending(folder, {".bin", ".pt", ".pth", ".ckpt"});
  if (candidates.size() == 1) return candidates[0];
  if (candidates.empty()) {
    throw error(error_kind::io, 280, "the folder holds no weights",
                {.where = folder.string(),
                 .expected = "model.safetensors, pytorch_model.bin or shards with an index"});
  }
  throw error(error_kind::usage, 290, "the folder holds several files of weights",
              {.where = folder.string(),
               .expected = "one, or the path of the file to use",
               .found = candidates[0].filename().string() + ", " + candidates[1].filename().string() +
                        (candidates.size() > 2 ? ", ..." : "")});
}

/// The file name of a shard; a path that could leave the folder is refused.
inline void check_shard_name(const std::string& name, const std::string& where) {
  const bool plain = !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
                     name.find('\\') == std::string::npos && name.find('\0') == std::string::npos;
  if (plain) return;
  throw error(error_kind::format, 282, "an index names a shard outside its folder",
              {.where = where, .expected = "a file name", .found = "'" + name + "'"});
}

/// The index's `weight_map`: tensor name -> shard.
[[nodiscard]] inline std::map<std::string, std::string> read_weight_map(const std::filesystem::path& path) {
  const json index = read_json_file(path);
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  std::map<std::string, std::string> weight_map;
  if (!index.is_object() || map == index.end() || !map->is_object() || map->empty()) {
    throw error(error_kind::format, 281, "an index of shards is malformed",
                {.where = path.string(), .expected = "an object weight_map: tensor name to file name"});
  }
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string()) {
      throw error(error_kind::format, 281, "an index of shards is malformed",
                  {.where = path.string() + ", tensor '" + tensor + "'",
                   .expected = "a file name",
                   .found = file.type_name()});
    }
    check_shard_name(file.get_ref<const std::string&>(), path.string() + ", tensor '" + tensor + "'");
    weight_map.emplace(tensor, file.get<std::string>());
  }
  return weight_map;
}

/// \throws error [dnalm.unsupported.120] that names file and tensor when its numbers cannot be converted.
inline void require_convertible(const tensor_info& info, const std::filesystem::path& path) {
  if (info.type != dtype::f8_e4m3 && info.type != dtype::f8_e5m2) return;
  throw error(error_kind::unsupported, 120, "8-bit float tensors cannot be converted",
              {.where = path.string() + ", tensor '" + info.name + "'",
               .expected = "F64, F32, F16, BF16, an integer type or BOOL",
               .found = std::string(to_string(info.type))});
}

[[nodiscard]] inline bool is_index(const std::filesystem::path& path) {
  return path.filename().string().ends_with(".index.json");
}

}  // namespace detail

struct checkpoint::contents {
  explicit contents(file_access how) : access(how) {}

  struct place {
    std::size_t file = 0;
    std::size_t tensor = 0;  // number in `infos`
  };

  /// Adds a file's tensors, `prefix` before their names. \throws error [dnalm.format.285] when a name stands
  /// in two files.
  void add(const std::filesystem::path& path, const std::string& prefix = {}) {
    files.push_back(detail::open_weights(path, access));
    paths.push_back(path);
    prefixes.push_back(prefix.size());
    for (tensor_info info : files.back().tensors()) {
      info.name.insert(0, prefix);
      const auto [found, added] = index.try_emplace(info.name, place{files.size() - 1, infos.size()});
      if (!added) {
        throw error(error_kind::format, 285, "a tensor stands in two shards",
                    {.where = path.string() + ", tensor '" + info.name + "'",
                     .found = "also in " + paths[found->second.file].filename().string()});
      }
      infos.push_back(info);
    }
  }

  void add_shards(const std::filesystem::path& index_path);
  [[nodiscard]] const place& find(std::string_view name) const;
  /// The name of a tensor in the file of its place.
  [[nodiscard]] std::string_view name_in_file(std::string_view name) const {
    return name.substr(prefixes[find(name).file]);
  }

  /// Reads a tensor and gives its pages back. Nobody may read a buffered part that is being given back.
  template <class Number>
  void read(std::string_view name, std::span<Number> out) const {
    const place& at = find(name);
    const detail::weight_file& file = files[at.file];
    detail::require_convertible(infos[at.tensor], paths[at.file]);
    std::unique_lock<std::mutex> alone;
    if (access == file_access::buffered) alone = std::unique_lock<std::mutex>(reading);
    const std::string_view own = name_in_file(name);
    read_stored(file.tensor(own), out);
    if (access == file_access::buffered || !file.packed(own)) file.forget(own);
  }

  file_access access;
  mutable std::mutex reading;
  std::vector<detail::weight_file> files;
  std::vector<std::filesystem::path> paths;
  std::vector<std::size_t> prefixes;  // letters before the names of a file's tensors
  std::vector<tensor_info> infos;
  std::map<std::string, place, std::less<>> index;
};

/// Every shard that is named must exist and hold the tensors the index says.
DNALM_INLINE void checkpoint::contents::add_shards(const std::filesystem::path& index_path) {
  const auto weight_map = detail::read_weight_map(index_path);
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : weight_map) shards.insert(shard);
  for (const std::string& shard : shards) {
    const auto path = index_path.parent_path() / shard;
    std::error_code failure;
    if (!std::filesystem::exists(path, failure)) {
      throw error(error_kind::format, 283, "a shard is missing",
                  {.where = index_path.string(), .expected = "file '" + shard + "'"});
    }
    add(path);
  }
  for (const auto& [tensor, shard] : weight_map) {
    const auto found = index.find(tensor);
    if (found == index.end() || paths[found->second.file].filename() != shard) {
      throw error(
          error_kind::format, 284, "a shard does not hold a tensor that the index promises",
          {.where = index_path.string() + ", tensor '" + tensor + "'", .expected = "in '" + shard + "'"});
    }
  }
}

DNALM_INLINE const checkpoint::contents::place& checkpoint::contents::find(std::string_view name) const {
  const auto found = index.find(name);
  if (found == index.end()) detail::throw_no_tensor(name, paths.front().string());
  return found->second;
}

DNALM_INLINE checkpoint checkpoint::open(const std::filesystem::path& file_or_folder, file_access access) {
  std::error_code failure;
  if (!std::filesystem::exists(file_or_folder, failure)) {
    throw error(error_kind::io, 280, "there is no such file or folder", {.where = file_or_folder.string()});
  }
  const bool folder = std::filesystem::is_directory(file_or_folder, failure);
  const auto path = folder ? detail::find_weights(file_or_folder) : file_or_folder;
  auto shared = std::make_shared<contents>(access);
  if (detail::is_index(path)) {
    shared->add_shards(path);
  } else {
    shared->add(path);
  }
  return checkpoint(std::move(shared));
}

DNALM_INLINE checkpoint checkpoint::open_members(const std::vector<std::filesystem::path>& files,
                                                 file_access access) {
  auto shared = std::make_shared<contents>(access);
  for (std::size_t i = 0; i < files.size(); ++i) {
    shared->add(files[i], files.size() == 1 ? std::string{} : std::to_string(i) + "/");
  }
  return checkpoint(std::move(shared));
}

DNALM_INLINE const std::vector<tensor_info>& checkpoint::tensors() const {
  return contents_->infos;
}

DNALM_INLINE bool checkpoint::contains(std::string_view name) const {
  return contents_->index.find(name) != contents_->index.end();
}

DNALM_INLINE const tensor_info& checkpoint::info(std::string_view name) const {
  return contents_->infos[contents_->find(name).tensor];
}

DNALM_INLINE const stored_tensor& checkpoint::stored(std::string_view name) const {
  return contents_->files[contents_->find(name).file].tensor(contents_->name_in_file(name));
}

DNALM_INLINE void checkpoint::read(std::string_view name, std::span<float> out) const {
  contents_->read(name, out);
}

DNALM_INLINE void checkpoint::read(std::string_view name, std::span<double> out) const {
  contents_->read(name, out);
}

DNALM_INLINE std::vector<float> checkpoint::read(std::string_view name) const {
  std::vector<float> values(static_cast<std::size_t>(info(name).size()));
  read(name, std::span<float>(values));
  return values;
}

DNALM_INLINE void checkpoint::forget(std::string_view name) const {
  contents_->files[contents_->find(name).file].forget(contents_->name_in_file(name));
}

DNALM_INLINE weight_format checkpoint::format_of(std::string_view name) const {
  return contents_->files[contents_->find(name).file].format();
}

DNALM_INLINE file_access checkpoint::access() const {
  return contents_->access;
}

DNALM_INLINE bool checkpoint::packed(std::string_view name) const {
  return contents_->files[contents_->find(name).file].packed(contents_->name_in_file(name));
}

DNALM_INLINE std::string checkpoint::metadata(const std::string& key) const {
  for (const detail::weight_file& file : contents_->files) {
    std::string said = file.metadata(key);
    if (!said.empty()) return said;
  }
  return {};
}

DNALM_INLINE std::vector<std::string> checkpoint::left_out() const {
  std::vector<std::string> names;
  for (const detail::weight_file& file : contents_->files) {
    for (std::string& name : file.left_out()) names.push_back(std::move(name));
  }
  return names;
}

DNALM_INLINE index_t checkpoint::find_non_finite(std::string_view name) const {
  return io::find_non_finite(stored(name));
}

DNALM_INLINE void checkpoint::check_finite(std::string_view name) const {
  const index_t position = find_non_finite(name);
  if (position < 0) return;
  throw error(error_kind::numeric, 288, "a weight is NaN or infinite",
              {.where = file_of(name).string() + ", tensor '" + std::string(name) + "', element " +
                        std::to_string(position)});
}

DNALM_INLINE const std::vector<std::filesystem::path>& checkpoint::files() const {
  return contents_->paths;
}

DNALM_INLINE const std::filesystem::path& checkpoint::file_of(std::string_view name) const {
  return contents_->paths[contents_->find(name).file];
}

}  // namespace io
DNALM_END_NAMESPACE
