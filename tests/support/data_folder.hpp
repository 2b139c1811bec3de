// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Real data that are not part of the repository: where DNALM_DATA_DIR says, or else the test says
/// that it was skipped.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include <support/catch.hpp>

namespace dnalm_test {

/// `<DNALM_DATA_DIR>/<name>`, or nothing, with a message that begins with `skipped: `.
inline std::optional<std::filesystem::path> data_path(const std::string& name) {
  const char* root = std::getenv("DNALM_DATA_DIR");
  if (root == nullptr || *root == '\0') {
    WARN("skipped: set DNALM_DATA_DIR to a folder that holds " << name);
    return std::nullopt;
  }
  const std::filesystem::path path = std::filesystem::path(root) / name;
  if (std::filesystem::exists(path)) return path;
  WARN("skipped: there is no " << path);
  return std::nullopt;
}

}  // namespace dnalm_test
