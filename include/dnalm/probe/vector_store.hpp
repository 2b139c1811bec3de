// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Pooled vectors of several representations, kept in memory or spilled to a temporary file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Where pooled vectors go.
struct vector_store_options {
  index_t memory = 0;                    ///< bytes to keep in memory; more goes to a file; 0: no limit
  std::filesystem::path directory = {};  ///< of the temporary file; empty: the system's temporary directory
};

/// For each slot (a layer and pooling) a (rows, width) float matrix, appended in blocks and read back whole.
///
/// When all slots together exceed the budget, they live in one file that has no name any more (removed right
/// after it was made, so nothing stays behind however the program ends). Values come back bit for bit either
/// way. Move-only. Not to be appended to from several threads; reading is safe from several.
class vector_store {
 public:
  /// \throws error [dnalm.io.531] when the temporary file cannot be made, [dnalm.shape.101].
  vector_store(index_t rows, std::vector<index_t> widths, const vector_store_options& options = {});
  ~vector_store();
  vector_store(vector_store&& other) noexcept;
  vector_store& operator=(vector_store&& other) noexcept;

  [[nodiscard]] index_t rows() const { return rows_; }
  [[nodiscard]] index_t slots() const { return static_cast<index_t>(widths_.size()); }
  [[nodiscard]] index_t width(index_t slot) const { return widths_[static_cast<std::size_t>(slot)]; }
  [[nodiscard]] bool spilled() const { return file_ >= 0; }

  /// Adds the next rows of a slot. \throws error [dnalm.shape.533] for a wrong slot, width or too many rows,
  /// [dnalm.io.531] when the file cannot be written (disk full).
  void append(index_t slot, matrix_view<const float> block);

  /// The rows of a slot: a view of the store's memory, or of `scratch` after reading the file into it.
  /// \throws error [dnalm.shape.533] when rows are missing, [dnalm.io.532] when the file cannot be read.
  [[nodiscard]] matrix_view<const float> read(index_t slot, matrix<float>& scratch) const;

 private:
  void open_file(const std::filesystem::path& directory);
  void check_slot(index_t slot) const;

  index_t rows_ = 0;
  std::vector<index_t> widths_;
  std::vector<index_t> starts_;  // first float of each slot in the file
  std::vector<index_t> filled_;  // rows appended so far
  std::vector<matrix<float>> kept_;
  int file_ = -1;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/probe/detail/vector_store_impl.hpp>
#endif
