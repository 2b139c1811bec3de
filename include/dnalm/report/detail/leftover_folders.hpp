// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Hidden folders beside a target: their names, and what killed writers left of them.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/detail/write_lock.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

/// `.<name>.<purpose>-<process>` beside a folder.
[[nodiscard]] inline std::filesystem::path beside(const std::filesystem::path& folder,
                                                  const std::string& purpose) {
  return folder.parent_path() /
         ("." + folder.filename().string() + "." + purpose + "-" + std::to_string(::getpid()));
}

/// Whether `name` is such a name of a folder called `folder`.
[[nodiscard]] inline bool is_beside_name(std::string_view name, const std::string& folder,
                                         const std::string& purpose) {
  const std::string head = "." + folder + "." + purpose + "-";
  return name.starts_with(head) && io::detail::is_number_text(name.substr(head.size()));
}

/// Removes the hidden folders of writers that are gone. Earlier results that such a writer had taken aside go
/// back when the target is missing. What cannot be locked or removed stays.
inline void remove_leftover_folders(const std::filesystem::path& target) {
  namespace fs = std::filesystem;
  const std::string name = target.filename().string();
  std::error_code failure;
  for (fs::directory_iterator entry(target.parent_path(), failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string found = entry->path().filename().string();
    const bool aside = is_beside_name(found, name, "old");
    std::error_code ignored;
    if (!aside && !is_beside_name(found, name, "partial")) continue;
    if (!fs::is_directory(entry->symlink_status(ignored))) continue;
    const io::detail::leftover_lock lock(entry->path());
    if (!lock.held()) continue;
    if (aside && !fs::exists(target, ignored)) {
      fs::rename(entry->path(), target, ignored);
    } else {
      fs::remove_all(entry->path(), ignored);
    }
  }
}

}  // namespace detail
}  // namespace report
DNALM_END_NAMESPACE
