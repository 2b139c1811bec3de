// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Writing tab-separated tables that appear complete or not at all.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// The shortest decimal text that reads back as the same number; `nan`, `inf` and `-inf` for those.
[[nodiscard]] std::string format_number(double value);
[[nodiscard]] std::string format_number(float value);

/// Writes a table: remarks (each behind `# `), the header, rows. Nothing is visible at the target before
/// commit(). Move-only.
class table_writer {
 public:
  /// `file` is a path, or `-` for standard output (written as it comes).
  /// \throws error [dnalm.usage.197] for a column name that cannot stand in a table, [dnalm.io.*] as
  /// atomic_file.
  table_writer(const std::filesystem::path& file, const std::vector<std::string>& columns,
               const std::vector<std::string>& remarks = {});
  ~table_writer();
  table_writer(table_writer&&) noexcept;
  table_writer& operator=(table_writer&&) noexcept;

  /// Writes one row.
  /// \throws error [dnalm.usage.197] when a field holds a tab, a line end or another control character, or
  /// the number of fields is not that of the columns; [dnalm.input.199] when the line would be read as a
  /// remark or as nothing (a first field that begins with #).
  void row(std::span<const std::string> fields);
  void row(std::initializer_list<std::string> fields) {
    row(std::span<const std::string>(fields.begin(), fields.size()));
  }
  /// Writes what is left and puts the file in its place. Further rows are an error.
  /// \throws error [dnalm.io.198] when standard output cannot be written, and as atomic_file.
  void commit();

 private:
  struct state;
  void write_line(std::span<const std::string> fields);
  std::unique_ptr<state> state_;
};

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/table_writer_impl.hpp>
#endif
