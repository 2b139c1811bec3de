// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Real files that the repository does not carry: found by DNALM_SHARED_DATA, else skipped and said
/// so.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include <support/catch.hpp>

namespace dnalm_test {

/// A file or folder of the shared data, or nothing.
inline std::optional<std::filesystem::path> shared_data(const std::string& name) {
  const char* root = std::getenv("DNALM_SHARED_DATA");
  if (root == nullptr || *root == '\0') {
    WARN("skipped: set DNALM_SHARED_DATA to the folder that holds " << name);
    return std::nullopt;
  }
  const std::filesystem::path path = std::filesystem::path(root) / name;
  if (!std::filesystem::exists(path)) {
    WARN("skipped: no " << path);
    return std::nullopt;
  }
  return path;
}

}  // namespace dnalm_test
