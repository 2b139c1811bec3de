// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Packed weight matrices of a model in a file of their own, which loading maps instead of packing.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <dnalm/backend/pack_store.hpp>
#include <dnalm/backend/weight_format.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/packed_weight.hpp>
#include <dnalm/io/mapped_file.hpp>
#include <dnalm/io/safetensors.hpp>

DNALM_BEGIN_NAMESPACE

/// What tells one state of some files from another: their names, sizes, times of last change, and the SHA-256
/// of up to 64 evenly spaced parts of 4 KiB of each. 64 hexadecimal digits. \throws as io::mapped_file.
[[nodiscard]] std::string files_fingerprint(const std::vector<std::filesystem::path>& files);

/// One cache file: the packed matrices of one model folder in one format.
///
/// It is a safetensors file (panels as packed_weight lays them out, scales of int8), written beside its place
/// and renamed. It counts only while the fingerprint of the model's files is the one it was made from; a file
/// that is stale, damaged, or holds NaN or infinity is packed anew and replaced. All members but `save` may
/// be called from several threads.
class pack_cache final : public pack_store<packed_weight> {
 public:
  /// `folder` is where cache files lie; it is made when missing, and one file in it belongs to
  /// `model_folder`, whose files with weights and configuration are `sources`. \throws error [dnalm.io.222]
  /// when the folder cannot be made; as files_fingerprint.
  pack_cache(const std::filesystem::path& folder, const std::filesystem::path& model_folder,
             const std::vector<std::filesystem::path>& sources, weight_format format,
             io::file_access access = io::file_access::mapped);

  /// The matrix of a name, mapped, if the file has it with this shape; else what `pack` makes, which must
  /// stay alive until `save`.
  [[nodiscard]] packed_weight find_or_pack(const std::string& name, index_t outputs, index_t inputs,
                                           bool gated, const std::function<packed_weight()>& pack) override;
  /// Writes the file if any matrix had to be packed. Called while the matrices are alive.
  /// \throws as io::safetensors_writer. Cost: one write of the packed weights.
  void save();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  /// One matrix as the file shall have it; the bytes belong to the packed_weight.
  struct entry {
    io::tensor_info info = {};
    std::span<const std::byte> bytes = {};
  };

  void open(io::file_access access);
  [[nodiscard]] std::optional<packed_weight> find(const std::string& name, const packed_weight& wanted) const;
  void remember(const std::string& name, const packed_weight& weight);

  std::filesystem::path path_;
  weight_format format_;
  std::map<std::string, std::string> metadata_;
  std::shared_ptr<const io::safetensors_file> file_;  // null: none that counts
  std::mutex guard_;
  std::map<std::string, entry> entries_;
  bool changed_ = false;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/pack_cache_impl.hpp>
#endif
