// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Weights of Keras in HDF5 files (.h5, .weights.h5). Needs the HDF5 library: link dnalm::hdf5.
///
/// Without DNALM_WITH_HDF5 (which dnalm::hdf5 defines) only is_hdf5 is declared.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// Whether a regular file is HDF5: its signature stands at byte 0, 512, 1024, 2048, ... up to 1 MiB.
[[nodiscard]] inline bool is_hdf5(const std::filesystem::path& path) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(path, failure)) return false;
  std::ifstream in(path, std::ios::binary);
  for (index_t offset = 0; offset <= (index_t{1} << 20); offset = std::max<index_t>(512, 2 * offset)) {
    std::string first(8, '\0');
    if (!in.seekg(offset) || !in.read(first.data(), 8)) return false;
    if (first == "\x89HDF\r\n\x1a\n") return true;
  }
  return false;
}

}  // namespace io
DNALM_END_NAMESPACE

#if defined(DNALM_WITH_HDF5)

#include <memory>
#include <string_view>
#include <vector>

#include <dnalm/io/mapped_file.hpp>
#include <dnalm/io/stored_tensor.hpp>
#include <dnalm/io/tensor_info.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// What a Keras file says beside the weights; empty where it says nothing. Text as it stands in the file.
struct keras_description {
  std::string model_config = {};  ///< JSON
  std::string keras_version = {};
  std::string backend = {};
};

/// The weights of a Keras HDF5 file. Safe to share between threads for reading.
///
/// Names are paths: with the attributes `layer_names` and `weight_names` (Keras 1 and 2; under
/// `model_weights` when the whole model was saved) `<layer>/<weight>` in their order, as
/// `conv1d_1/conv1d_1/kernel:0`; without them (Keras 3, other writers) the path of every dataset, sorted. The
/// optimiser's weights are left out with the former. Shapes and values are as in the file: kernels of Conv1D
/// are (width, in, out), of Dense (in, out).
///
/// The HDF5 library runs in child processes with limits on memory, time and open files, for it has crashed on
/// hostile files before; it only tells where datasets lie, and unpacks those that are compressed, chunked or
/// big-endian. Contiguous little-endian ones are mapped. No other file is ever opened: external and soft
/// links, external and virtual datasets, and filters other than deflate, shuffle and Fletcher32 are refused.
class keras_checkpoint {
 public:
  /// \throws error [dnalm.io.291] no child process, [dnalm.format.292] not HDF5 or damaged,
  /// [dnalm.format.293] the HDF5 library crashed or broke a limit, [dnalm.unsupported.294] links, storage or
  /// filters that are refused, [dnalm.format.295] names that lead nowhere or twice to one place,
  /// [dnalm.unsupported.296] an element type that is not read, [dnalm.format.297] data that leave the file or
  /// unpack to more than they can, [dnalm.format.298] no tensors; as mapped_file.
  explicit keras_checkpoint(const std::filesystem::path& path, file_access access = file_access::mapped);
  keras_checkpoint(keras_checkpoint&&) noexcept;
  keras_checkpoint& operator=(keras_checkpoint&&) noexcept;
  ~keras_checkpoint();

  [[nodiscard]] const std::vector<tensor_info>& tensors() const;
  [[nodiscard]] bool contains(std::string_view name) const;
  /// One tensor. \throws error [dnalm.format.286] no such tensor, [dnalm.format.292] or [dnalm.format.293]
  /// damaged data.
  [[nodiscard]] const stored_tensor& tensor(std::string_view name) const;
  /// Gives the memory behind a tensor back; `tensor` brings it again. While another thread reads a packed or
  /// buffered tensor, it must not be forgotten.
  void forget(std::string_view name) const;
  /// Whether a tensor is unpacked into memory: it is compressed, chunked, compact or big-endian.
  [[nodiscard]] bool packed(std::string_view name) const;
  [[nodiscard]] const keras_description& description() const;

 private:
  struct contents;
  std::unique_ptr<contents> contents_;
};

}  // namespace io
DNALM_END_NAMESPACE

#include <dnalm/io/detail/keras_checkpoint_impl.hpp>

#endif
