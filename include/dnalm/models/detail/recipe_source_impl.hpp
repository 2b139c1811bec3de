// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/recipe_source.hpp.
#pragma once

#include <string>
#include <system_error>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/models/recipe_source.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE std::vector<std::filesystem::path> member_files(const std::filesystem::path& folder,
                                                             const std::vector<std::string>& files) {
  std::vector<std::filesystem::path> paths;
  for (const std::string& name : files) {
    const std::filesystem::path file(name);
    std::error_code failure;
    const bool plain = !name.empty() && file.filename() == file && name != "." && name != "..";
    if (!plain || !std::filesystem::is_regular_file(folder / file, failure)) {
      throw error(error_kind::config, 435, "config.json names a file that is not in the folder",
                  {.where = folder.string(), .expected = "names of files in it", .found = "'" + name + "'"});
    }
    paths.push_back(folder / file);
  }
  return paths;
}

DNALM_END_NAMESPACE
