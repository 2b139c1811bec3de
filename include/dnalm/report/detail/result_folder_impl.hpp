// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/result_folder.hpp.
#pragma once

#include <unistd.h>

#include <array>
#include <string>
#include <system_error>

#include <dnalm/core/error.hpp>
#include <dnalm/io/atomic_file.hpp>
#include <dnalm/report/result_folder.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

[[noreturn]] DNALM_INLINE void refuse_folder(const std::filesystem::path& folder, const std::string& found) {
  throw error(error_kind::usage, 590,
              "the output folder holds something that is not a result of dnalm-evaluate",
              {.where = folder.string(),
               .expected = "a new or empty folder, or earlier results (with manifest.json)",
               .found = found});
}

[[noreturn]] DNALM_INLINE void folder_failed(const std::string& what, const std::filesystem::path& folder,
                                             const std::error_code& reason) {
  throw error(error_kind::io, 591, what, {.where = folder.string(), .found = reason.message()});
}

/// Whether an evaluation writes an entry of this name.
DNALM_INLINE bool is_result_name(const std::string& name) {
  static const std::array<const char*, 6> names = {"results.tsv",   "predictions.tsv", "report.html",
                                                   "manifest.json", "figures",         "probes"};
  for (const char* known : names) {
    if (name == known) return true;
  }
  return false;
}

/// Throws unless the folder is empty or an earlier result.
DNALM_INLINE void check_replaceable(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code reason;
  const auto status = fs::status(folder, reason);
  if (!fs::exists(status)) return;
  if (!fs::is_directory(status)) refuse_folder(folder, "a file");
  bool empty = true;
  fs::directory_iterator entries(folder, reason);
  if (reason) folder_failed("the output folder cannot be read", folder, reason);
  for (const fs::directory_entry& entry : entries) {
    empty = false;
    const std::string name = entry.path().filename().string();
    if (!is_result_name(name)) refuse_folder(folder, "'" + name + "'");
  }
  if (!empty && !fs::is_regular_file(folder / "manifest.json", reason))
    refuse_folder(folder, "no manifest.json");
}

/// `.<name>.<purpose>-<process>` beside a folder.
DNALM_INLINE std::filesystem::path beside(const std::filesystem::path& folder, const std::string& purpose) {
  return folder.parent_path() /
         ("." + folder.filename().string() + "." + purpose + "-" + std::to_string(::getpid()));
}

}  // namespace detail

DNALM_INLINE result_folder::result_folder(const std::filesystem::path& target) {
  namespace fs = std::filesystem;
  std::error_code reason;
  target_ = fs::weakly_canonical(fs::absolute(target, reason), reason);
  if (!reason && !target_.has_filename()) target_ = target_.parent_path();
  if (reason) detail::folder_failed("the output folder cannot be named", target, reason);
  if (!target_.has_filename()) detail::refuse_folder(target_, "the root folder");
  detail::check_replaceable(target_);
  make_parents();
  partial_ = detail::beside(target_, "partial");
  if (!fs::create_directory(partial_, reason)) {
    if (!reason) reason = std::make_error_code(std::errc::file_exists);
    remove_made_parents();
    detail::folder_failed("the output folder cannot be made", partial_, reason);
  }
}

DNALM_INLINE void result_folder::make_parents() {
  namespace fs = std::filesystem;
  std::vector<fs::path> missing;
  std::error_code reason;
  for (fs::path parent = target_.parent_path(); !fs::exists(parent, reason); parent = parent.parent_path()) {
    missing.push_back(parent);
  }
  for (auto parent = missing.rbegin(); parent != missing.rend(); ++parent) {
    if (!fs::create_directory(*parent, reason) && reason) {
      remove_made_parents();
      detail::folder_failed("the output folder cannot be made", *parent, reason);
    }
    made_parents_.push_back(*parent);
  }
}

DNALM_INLINE void result_folder::remove_made_parents() {
  std::error_code ignored;
  for (auto parent = made_parents_.rbegin(); parent != made_parents_.rend(); ++parent) {
    std::filesystem::remove(*parent, ignored);  // only when empty
  }
}

DNALM_INLINE result_folder::~result_folder() {
  if (committed_) return;
  std::error_code ignored;
  std::filesystem::remove_all(partial_, ignored);
  remove_made_parents();
}

DNALM_INLINE std::filesystem::path result_folder::file(const std::filesystem::path& inside) const {
  const std::filesystem::path full = partial_ / inside;
  std::error_code reason;
  std::filesystem::create_directories(full.parent_path(), reason);
  if (reason) detail::folder_failed("a folder of the results cannot be made", full.parent_path(), reason);
  return full;
}

DNALM_INLINE void result_folder::write_text(const std::filesystem::path& inside,
                                            std::string_view text) const {
  io::atomic_file out(file(inside));
  out.write(text);
  out.commit();
}

DNALM_INLINE void result_folder::commit() {
  namespace fs = std::filesystem;
  detail::check_replaceable(target_);  // something may have appeared meanwhile
  std::error_code reason;
  const fs::path old = detail::beside(target_, "old");
  const bool replaces = fs::exists(target_, reason);
  if (replaces) {
    fs::rename(target_, old, reason);
    if (reason) detail::folder_failed("the earlier results cannot be replaced", target_, reason);
  }
  fs::rename(partial_, target_, reason);
  if (reason) {
    const std::error_code why = reason;
    if (replaces) fs::rename(old, target_, reason);  // put the earlier results back
    detail::folder_failed("the output folder cannot be put in its place", target_, why);
  }
  committed_ = true;
  if (replaces) fs::remove_all(old, reason);
}

}  // namespace report
DNALM_END_NAMESPACE
