// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of leftovers.hpp.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

#include <dnalm/io/detail/output.hpp>
#include <dnalm/io/detail/write_lock.hpp>
#include <dnalm/io/leftovers.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// Whether `name` is a temporary name (see temporary_beside) of a target called `target`.
[[nodiscard]] inline bool is_temporary_name(std::string_view name, std::string_view target) noexcept {
  constexpr std::string_view ending = ".part";
  if (name.size() < target.size() + 2 || name[0] != '.' || name.substr(1, target.size()) != target)
    return false;
  name.remove_prefix(1 + target.size());
  if (!name.starts_with('.') || !name.ends_with(ending)) return false;
  name = name.substr(1, name.size() - 1 - ending.size());
  const std::size_t point = name.find('.');
  return point != std::string_view::npos && is_number_text(name.substr(0, point)) &&
         is_number_text(name.substr(point + 1));
}

}  // namespace detail

DNALM_INLINE index_t remove_leftovers(const std::filesystem::path& target) noexcept {
  index_t removed = 0;
  try {
    namespace fs = std::filesystem;
    const fs::path place = detail::follow_links(target);
    const std::string name = place.filename().string();
    const fs::path folder = place.has_parent_path() ? place.parent_path() : fs::path(".");
    std::error_code failure;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
         entry.increment(failure)) {
      std::error_code ignored;
      if (!detail::is_temporary_name(entry->path().filename().string(), name)) continue;
      if (!entry->is_regular_file(ignored)) continue;
      const detail::leftover_lock lock(entry->path());
      if (lock.held() && fs::remove(entry->path(), ignored)) ++removed;
    }
  } catch (...) {  // for want of memory; what is left stays left
  }
  return removed;
}

}  // namespace io
DNALM_END_NAMESPACE
