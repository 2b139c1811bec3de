// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The weights of a model, whatever files they come in: safetensors, PyTorch or npz, one file or
/// shards.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/mapped_file.hpp>
#include <dnalm/io/stored_tensor.hpp>
#include <dnalm/io/tensor_info.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// Named tensors of one or several mapped files. Copies share the files. Safe to share between threads.
class checkpoint {
 public:
  /// Opens a file (told by its content: safetensors, PyTorch zip, npz; or `*.index.json` of shards), or a
  /// folder. Keras files need an optional library: keras_checkpoint.hpp.
  ///
  /// In a folder the first of these is taken: `model.safetensors`, `model.safetensors.index.json`,
  /// `pytorch_model.bin`, `pytorch_model.bin.index.json`, the only `*.safetensors`, the only `*.bin`, `*.pt`,
  /// `*.pth` or `*.ckpt` (files beside the weights do not count: `training_args.bin`, `optimizer.pt`
  /// and the like of trainers, `tf_gammas.pt`).
  /// \throws error [dnalm.io.280] nothing there, [dnalm.usage.290] several candidates, [dnalm.format.281] to
  /// [dnalm.format.285] shards that do not fit their index, [dnalm.format.289] unknown content; as
  /// safetensors_file, torch_checkpoint and npz_checkpoint.
  [[nodiscard]] static checkpoint open(const std::filesystem::path& file_or_folder,
                                       file_access access = file_access::mapped);

  /// Several files at once, the tensors of file i under the names `<i>/<name>` (one file: under their own):
  /// the members of an ensemble. \throws as open.
  [[nodiscard]] static checkpoint open_members(const std::vector<std::filesystem::path>& files,
                                               file_access access = file_access::mapped);

  /// In the order of the files.
  [[nodiscard]] const std::vector<tensor_info>& tensors() const;
  [[nodiscard]] bool contains(std::string_view name) const;
  /// \throws error [dnalm.format.286] when there is no such tensor.
  [[nodiscard]] const tensor_info& info(std::string_view name) const;
  /// The tensor as it lies in its file; tied tensors have the same bytes. Lives as long as a copy of this
  /// object; its bytes stay in memory until `forget`.
  [[nodiscard]] const stored_tensor& stored(std::string_view name) const;

  /// All elements, row-major in logical order whatever the file's strides, converted. The file's pages are
  /// given back afterwards, so that reading a model tensor by tensor keeps one tensor of the file in memory
  /// (tensors that had to be unpacked stay until `forget`);
  /// with file_access::buffered one thread at a time reads a file.
  /// \throws error [dnalm.format.286] no such tensor, [dnalm.shape.287] `out` has another size,
  /// [dnalm.unsupported.120] 8-bit floats, [dnalm.format.237] damaged data in a PyTorch file.
  void read(std::string_view name, std::span<float> out) const;
  void read(std::string_view name, std::span<double> out) const;
  [[nodiscard]] std::vector<float> read(std::string_view name) const;
  /// Gives the memory behind a tensor back to the system (see mapped_file::forget).
  void forget(std::string_view name) const;

  [[nodiscard]] weight_format format_of(std::string_view name) const;
  /// How the files reach memory.
  [[nodiscard]] file_access access() const;
  /// Whether a tensor is unpacked into memory (compressed or big-endian in its file).
  [[nodiscard]] bool packed(std::string_view name) const;
  /// Members of npz archives that are no weights.
  [[nodiscard]] std::vector<std::string> left_out() const;

  /// What the first file that says something under `key` says beside its tensors (safetensors' metadata, as
  /// `model_config` of Keras); empty: none does.
  [[nodiscard]] std::string metadata(const std::string& key) const;

  /// Row-major index of the tensor's first NaN or infinity, -1 when there is none.
  [[nodiscard]] index_t find_non_finite(std::string_view name) const;
  /// \throws error [dnalm.numeric.288] that names tensor, index and file when an element is NaN or infinite.
  void check_finite(std::string_view name) const;

  /// The files that hold the tensors (without the index), in order.
  [[nodiscard]] const std::vector<std::filesystem::path>& files() const;
  /// The file a tensor lies in.
  [[nodiscard]] const std::filesystem::path& file_of(std::string_view name) const;

 private:
  struct contents;
  explicit checkpoint(std::shared_ptr<const contents> shared) : contents_(std::move(shared)) {}

  std::shared_ptr<const contents> contents_;
};

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/checkpoint_impl.hpp>
#endif
