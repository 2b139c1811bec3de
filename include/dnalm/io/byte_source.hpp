// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bytes of a file or of standard input, gzip told by the first bytes and unpacked.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// A stream of bytes; several gzip members in a row (bgzip) are one stream. Move-only.
///
/// \throws error [dnalm.io.170] when the file cannot be opened, [dnalm.unsupported.173] for another
/// compression (zip, bzip2, xz, zstd).
class byte_source {
 public:
  /// `file` is a path, or `-` for standard input.
  explicit byte_source(const std::filesystem::path& file);
  ~byte_source();
  byte_source(byte_source&&) noexcept;
  byte_source& operator=(byte_source&&) noexcept;

  /// Fills `out` from its start; returns the number of bytes, 0 only at the end.
  /// \throws error [dnalm.io.171] when reading fails, [dnalm.format.172] for a damaged or cut gzip stream.
  [[nodiscard]] std::size_t read(std::span<char> out);
  /// Whether the bytes come out of gzip.
  [[nodiscard]] bool compressed() const;
  /// The path, or `standard input`.
  [[nodiscard]] const std::string& name() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/byte_source_impl.hpp>
#endif
