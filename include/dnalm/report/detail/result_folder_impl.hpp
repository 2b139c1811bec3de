// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/result_folder.hpp.
#pragma once

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/detail/write_lock.hpp>
#include <dnalm/report/detail/leftover_folders.hpp>
#include <dnalm/report/detail/user_paths.hpp>
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

/// Exchanges two names at once; false where system or file system cannot.
DNALM_INLINE bool exchange_names(const std::filesystem::path& a, const std::filesystem::path& b) {
#ifdef SYS_renameat2
  constexpr unsigned exchange = 2;  // RENAME_EXCHANGE
  return ::syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), exchange) == 0;
#else
  static_cast<void>(a);
  static_cast<void>(b);
  return false;
#endif
}

}  // namespace detail

DNALM_INLINE result_folder::result_folder(const std::filesystem::path& target) {
  namespace fs = std::filesystem;
  std::error_code reason;
  target_ = fs::weakly_canonical(fs::absolute(target, reason), reason);
  if (!reason && !target_.has_filename()) target_ = target_.parent_path();
  if (reason) detail::folder_failed("the output folder cannot be named", target, reason);
  if (!target_.has_filename()) detail::refuse_folder(target_, "the root folder");
  detail::remove_leftover_folders(target_);
  detail::check_replaceable(target_);
  make_parents();
  make_partial();
}

DNALM_INLINE void result_folder::make_partial() {
  namespace fs = std::filesystem;
  partial_ = detail::beside(target_, "partial");
  std::error_code reason;
  bool made = false;
  while (!made) {
    if (!fs::create_directory(partial_, reason)) {
      if (!reason) reason = std::make_error_code(std::errc::file_exists);
      remove_made_parents();
      detail::folder_failed("the output folder cannot be made", target_, reason);
    }
    lock_ = ::open(partial_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    made = lock_ < 0 ? errno != ENOENT : io::detail::lock_as_writer(lock_);
    if (!made && lock_ >= 0) ::close(std::exchange(lock_, -1));
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
  if (!committed_) {
    std::error_code ignored;
    std::filesystem::remove_all(partial_, ignored);
    remove_made_parents();
  }
  if (lock_ >= 0) ::close(lock_);
}

DNALM_INLINE error result_folder::explain(const error& problem) const {
  return detail::with_path(problem, partial_.string(), target_.string());
}

DNALM_INLINE std::filesystem::path result_folder::file(const std::filesystem::path& inside) const {
  const std::filesystem::path full = partial_ / inside;
  std::error_code reason;
  std::filesystem::create_directories(full.parent_path(), reason);
  if (reason) {
    detail::folder_failed("a folder of the results cannot be made", (target_ / inside).parent_path(), reason);
  }
  return full;
}

DNALM_INLINE void result_folder::write_text(const std::filesystem::path& inside,
                                            std::string_view text) const {
  try {
    io::atomic_file out(file(inside));
    out.write(text);
    out.commit();
  } catch (const error& problem) {
    throw explain(problem);
  }
}

/// In two steps: a kill between them leaves the earlier results aside, and the next writer puts them back.
DNALM_INLINE void result_folder::replace_target() {
  namespace fs = std::filesystem;
  std::error_code reason;
  const fs::path old = detail::beside(target_, "old");
  const int lock = ::open(target_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock >= 0) static_cast<void>(io::detail::lock_as_writer(lock));
  fs::rename(target_, old, reason);
  if (reason) {
    if (lock >= 0) ::close(lock);
    detail::folder_failed("the earlier results cannot be replaced", target_, reason);
  }
  fs::rename(partial_, target_, reason);
  std::error_code ignored;
  if (reason) fs::rename(old, target_, ignored);  // put the earlier results back
  if (lock >= 0) ::close(lock);
  if (reason) detail::folder_failed("the output folder cannot be put in its place", target_, reason);
  fs::remove_all(old, ignored);
}

DNALM_INLINE void result_folder::commit() {
  namespace fs = std::filesystem;
  detail::check_replaceable(target_);  // something may have appeared meanwhile
  std::error_code reason;
  if (!fs::exists(target_, reason)) {
    fs::rename(partial_, target_, reason);
    if (reason) detail::folder_failed("the output folder cannot be put in its place", target_, reason);
  } else if (detail::exchange_names(partial_, target_)) {
    fs::remove_all(partial_, reason);  // now the earlier results
  } else {
    replace_target();
  }
  committed_ = true;
}

}  // namespace report
DNALM_END_NAMESPACE
