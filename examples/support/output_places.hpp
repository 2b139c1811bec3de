// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Places of outputs, tried before the long work: what cannot be written at its end is told at once.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/leftovers.hpp>

namespace program {

/// Makes a folder and those above it that are missing; returns these, the innermost first.
/// \throws error [dnalm.io.591]; nothing that was made stays.
inline std::vector<std::filesystem::path> make_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::vector<fs::path> missing;
  for (fs::path each = folder; !each.empty() && !fs::exists(each, ignored); each = each.parent_path()) {
    missing.push_back(each);
  }
  std::error_code reason;
  fs::create_directories(folder, reason);
  if (!reason && fs::is_directory(folder, reason)) return missing;
  for (const fs::path& each : missing) fs::remove(each, ignored);  // only where empty
  if (!reason) reason = std::make_error_code(std::errc::not_a_directory);
  throw dnalm::error(dnalm::error_kind::io, 591, "the output folder cannot be made",
                     {.where = folder.string(), .found = reason.message()});
}

/// Fails now where a file could not be written after the work, and leaves nothing. `-` and an empty path name
/// no file; what is there and no plain file (a pipe) is left alone until then. \throws as io::atomic_file.
inline void try_file(const std::filesystem::path& path) {
  if (path.empty() || path == "-") return;
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  const bool plain = !std::filesystem::exists(status) || std::filesystem::is_regular_file(status) ||
                     std::filesystem::is_directory(status);
  if (!plain) return;
  dnalm::io::remove_leftovers(path);
  const dnalm::io::atomic_file unused(path);
}

/// The same of a folder that files are written into; it is made at once, so that files in it can be tried and
/// written in any order. In the end what was made and holds nothing goes. An empty path names none.
class output_folder {
 public:
  /// \throws error [dnalm.io.591]; as io::atomic_file. Nothing that was made stays.
  explicit output_folder(const std::filesystem::path& folder) {
    if (folder.empty()) return;
    made_ = make_folder(folder);
    try {
      const dnalm::io::atomic_file unused(folder / "0001.svg");
    } catch (const dnalm::error&) {
      remove_made();
      throw;
    }
  }
  ~output_folder() { remove_made(); }
  output_folder(const output_folder&) = delete;
  output_folder& operator=(const output_folder&) = delete;

 private:
  void remove_made() const {
    std::error_code ignored;
    for (const std::filesystem::path& each : made_) std::filesystem::remove(each, ignored);  // where empty
  }

  std::vector<std::filesystem::path> made_ = {};  // the innermost first
};

}  // namespace program
