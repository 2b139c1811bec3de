// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A folder of results that appears complete or not at all.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

/// Files are written into a hidden folder beside the target; commit() renames it. Without commit() nothing
/// stays.
///
/// The target may be absent, an empty folder, or an earlier folder of results (it has a manifest.json and
/// nothing but what an evaluation writes), which commit() replaces as a whole: where the system can exchange
/// two names at once, at no moment is there no folder. Anything else is refused, so no file of yours is ever
/// removed. Missing parent folders are made (and removed again if nothing is committed). A process that is
/// killed leaves its hidden folder; the next result_folder of the same target removes it (and puts earlier
/// results back that were taken aside), told from those of living writers by a lock. Move: no.
class result_folder {
 public:
  /// \throws error [dnalm.usage.590] when the target holds something else, [dnalm.io.591] when the system
  /// refuses.
  explicit result_folder(const std::filesystem::path& target);
  result_folder(const result_folder&) = delete;
  result_folder& operator=(const result_folder&) = delete;
  ~result_folder();

  /// Where a file of the results is to be written; folders in between are made.
  /// \throws error [dnalm.io.591].
  [[nodiscard]] std::filesystem::path file(const std::filesystem::path& inside) const;
  /// Writes a whole text file. \throws error [dnalm.io.*] as io::atomic_file.
  void write_text(const std::filesystem::path& inside, std::string_view text) const;
  /// Puts the folder in its place. \throws error [dnalm.io.591].
  void commit();
  /// The target.
  [[nodiscard]] const std::filesystem::path& target() const { return target_; }
  /// The same error with the target's path wherever the hidden folder's stands: what a user should read.
  [[nodiscard]] error explain(const error& problem) const;

 private:
  void make_parents();
  void remove_made_parents();
  void make_partial();
  void replace_target();

  std::filesystem::path target_;
  std::filesystem::path partial_;
  std::vector<std::filesystem::path> made_parents_;
  int lock_ = -1;  // of the hidden folder, open as long as it may be taken for a leftover
  bool committed_ = false;
};

}  // namespace report
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/report/detail/result_folder_impl.hpp>
#endif
