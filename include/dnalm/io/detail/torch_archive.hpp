// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The ZIP archive of a PyTorch file: its folder, its flavour, its storages.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/mapped_file.hpp>
#include <dnalm/io/zip_reader.hpp>
#include <dnalm/tensor/dtype.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// Refuses the format before PyTorch 1.6: a bare pickle (or a tar archive) instead of a ZIP archive.
inline void check_not_legacy(const std::filesystem::path& path) {
  const mapped_file file(path, file_access::buffered);
  const auto bytes = file.bytes(0, std::min<std::size_t>(file.size(), 2));
  const bool zip = bytes.size() >= 2 && bytes[0] == std::byte{'P'} && bytes[1] == std::byte{'K'};
  const bool pickle = bytes.size() >= 2 && bytes[0] == std::byte{0x80} && bytes[1] <= std::byte{5};
  if (zip || !pickle) return;
  throw error(error_kind::unsupported, 270,
              "the PyTorch format before version 1.6 (not a ZIP archive) is not read",
              {.where = path.string(),
               .expected = "a file saved again by a current PyTorch: torch.save(torch.load(old, "
                           "weights_only=True), new), or safetensors"});
}

/// `<folder>/` of a member `<folder>/data.pkl`; empty for other members.
[[nodiscard]] inline std::string_view torch_folder(std::string_view member) {
  const std::size_t slash = member.find('/');
  if (slash == std::string_view::npos || member.substr(slash + 1) != "data.pkl") return {};
  return member.substr(0, slash + 1);
}

/// The folder of the archive, with a slash, found by its only `data.pkl`.
[[nodiscard]] inline std::string torch_prefix(const zip_reader& archive) {
  std::optional<std::string> prefix;
  for (const zip_entry& entry : archive.entries()) {
    const std::string_view folder = torch_folder(entry.name);
    if (folder.empty()) continue;
    if (prefix) {
      throw error(error_kind::format, 271, "PyTorch file holds two pickles",
                  {.where = archive.name().string()});
    }
    prefix = std::string(folder);
  }
  if (!prefix) {
    throw error(error_kind::format, 271, "ZIP archive is no PyTorch file",
                {.where = archive.name().string(), .expected = "a member <folder>/data.pkl"});
  }
  return *prefix;
}

inline void check_torch_flavour(const zip_reader& archive, const std::string& prefix) {
  if (archive.contains(prefix + "constants.pkl")) {
    throw error(error_kind::unsupported, 276, "TorchScript archives are not read",
                {.where = archive.name().string(), .expected = "torch.save(model.state_dict(), file)"});
  }
  if (!archive.contains(prefix + "byteorder")) return;
  const auto order = archive.read(prefix + "byteorder");
  const std::string text(reinterpret_cast<const char*>(order.data()), order.size());
  if (text != "little") {
    throw error(error_kind::unsupported, 276, "a PyTorch file in another byte order is not read",
                {.where = archive.name().string(), .expected = "little", .found = text.substr(0, 20)});
  }
}

/// What a persistent id `('storage', type, key, location, count)` says.
struct torch_storage_reference {
  std::optional<dtype> type = {};  // none: untyped
  std::string key = {};
  index_t bytes = 0;
};

/// The bytes of one storage of the archive; tensors are windows on it.
struct torch_storage {
  const zip_entry* entry = nullptr;
  std::vector<std::byte> inflated = {};  // while needed, when the archive compresses it
  int times_inflated = 0;
  bool checked = false;
  std::mutex guard = {};

  [[nodiscard]] bool packed() const { return entry->method == zip_method::deflated; }
};

/// The storages of an archive by their key.
class torch_storages {
 public:
  torch_storages(const zip_reader& archive, std::string prefix)
      : archive_(archive), prefix_(std::move(prefix)) {}

  /// The storage a tensor refers to. \throws error [dnalm.format.272] missing or of another size.
  [[nodiscard]] torch_storage& find(const torch_storage_reference& reference, const std::string& tensor);
  /// Its bytes, checked the first time, inflated where needed.
  [[nodiscard]] std::span<const std::byte> load(torch_storage& storage) const;
  /// Gives the memory back; `load` brings it again.
  void forget(torch_storage& storage) const;

 private:
  const zip_reader& archive_;
  std::string prefix_;
  std::map<std::string, torch_storage> storages_;
};

inline torch_storage& torch_storages::find(const torch_storage_reference& reference,
                                           const std::string& tensor) {
  const std::string member = prefix_ + "data/" + reference.key;
  const std::string where = archive_.name().string() + ", tensor '" + tensor + "'";
  torch_storage& storage = storages_[reference.key];
  if (storage.entry == nullptr) {
    if (!archive_.contains(member)) {
      throw error(error_kind::format, 272, "a storage of a PyTorch file is missing",
                  {.where = where, .expected = "member '" + member + "'"});
    }
    storage.entry = &archive_.entry(member);
  }
  if (storage.entry->size != reference.bytes) {
    throw error(error_kind::format, 272, "a storage of a PyTorch file has another size",
                {.where = where + ", member '" + member + "'",
                 .expected = std::to_string(reference.bytes) + " bytes",
                 .found = std::to_string(storage.entry->size)});
  }
  return storage;
}

inline std::span<const std::byte> torch_storages::load(torch_storage& storage) const {
  const std::lock_guard<std::mutex> alone(storage.guard);
  if (storage.packed()) {
    if (storage.inflated.empty()) {
      constexpr int most =
          64;  // PyTorch compresses nothing; a thousand views of one packed storage are no model
      if (++storage.times_inflated > most) {
        throw error(error_kind::unsupported, 278, "too many tensors share a compressed storage",
                    {.where = archive_.name().string() + ", member '" + storage.entry->name + "'",
                     .expected = "at most " + std::to_string(most) + " readings of it"});
      }
      storage.inflated = archive_.read(*storage.entry);
    }
    return storage.inflated;
  }
  archive_.load(*storage.entry);
  if (!storage.checked) archive_.verify(*storage.entry);
  storage.checked = true;
  return archive_.raw(*storage.entry);
}

inline void torch_storages::forget(torch_storage& storage) const {
  const std::lock_guard<std::mutex> alone(storage.guard);
  storage.inflated = {};
  archive_.forget(*storage.entry);
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
