// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Writes a safetensors file tensor by tensor, so that only one need be in memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/tensor_info.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// A safetensors file that is being written, atomically. Names, types and shapes are given first.
///
/// Tensors are laid out by element size (largest first), then name, so that each is aligned to its element;
/// the data start at a multiple of 64 bytes. Equal input gives equal bytes.
class safetensors_writer {
 public:
  /// Writes the header. \throws error [dnalm.usage.260] for a name used twice or reserved, or text that is
  /// not UTF-8, [dnalm.format.261] for a header beyond 100 MB, which readers refuse; as atomic_file.
  safetensors_writer(const std::filesystem::path& path, const std::vector<tensor_info>& tensors,
                     const std::map<std::string, std::string>& metadata = {});

  /// The order in which the tensors are to be written: numbers into the list given to the constructor.
  [[nodiscard]] const std::vector<std::size_t>& order() const { return order_; }
  /// Writes the next tensor: row-major little-endian bytes.
  /// \throws error [dnalm.usage.263] when they do not fit its shape, or all are written; as atomic_file.
  void write(std::span<const std::byte> bytes);
  /// Flushes and renames. Called once. \throws error [dnalm.usage.263] when tensors are missing.
  void finish();

 private:
  [[noreturn]] void fail(const std::string& expected, const std::string& found) const;

  std::vector<std::size_t> order_;
  std::vector<index_t> sizes_;      // bytes, in that order
  std::vector<std::string> names_;  // likewise
  std::size_t next_ = 0;
  atomic_file file_;
};

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/safetensors_writer_impl.hpp>
#endif
