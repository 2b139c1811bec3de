// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Tensors of a PyTorch file (`torch.save` since version 1.6: a ZIP archive with a pickle), mapped.
///
/// Nothing in the file is executed: see pickle.hpp. Only the calls that rebuild tensors, parameters and
/// ordered dictionaries mean something; everything else (the configuration, paths, loops and callbacks of a
/// Lightning .ckpt, NumPy numbers, classes of any kind) stays an opaque object without tensors.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/stored_tensor.hpp>
#include <dnalm/io/tensor_info.hpp>
#include <dnalm/io/zip_reader.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// Which tensors of a PyTorch file are taken.
enum class torch_selection {
  state_dict,  ///< the model's: the saved dictionary when it holds tensors itself; else the first of its
               ///< entries `state_dict`, `model_state_dict`, `model`, `module`, `net`, `weights` that leads
               ///< to tensors; else everything
  everything   ///< all in nested dictionaries, lists and tuples
};

/// The tensors of a PyTorch file. Safe to share between threads for reading.
///
/// Keys of nested dictionaries are joined by dots, elements of lists are named by their number, a bare tensor
/// has the empty name. Other Python objects are not searched.
class torch_checkpoint {
 public:
  /// \throws error [dnalm.unsupported.270] the format before PyTorch 1.6, [dnalm.format.271] no pickle
  /// inside, [dnalm.format.272] a storage is missing or has another size, [dnalm.format.273] a tensor record
  /// that is malformed or leaves its storage, [dnalm.unsupported.274] quantised, sparse or complex tensors,
  /// [dnalm.format.275] no tensors, [dnalm.unsupported.276] TorchScript or big-endian files,
  /// [dnalm.format.279] a name twice; as zip_reader and parse_pickle.
  explicit torch_checkpoint(const std::filesystem::path& path,
                            torch_selection selection = torch_selection::state_dict,
                            file_access access = file_access::mapped);
  torch_checkpoint(torch_checkpoint&&) noexcept;
  torch_checkpoint& operator=(torch_checkpoint&&) noexcept;
  ~torch_checkpoint();

  /// In the order of the file.
  [[nodiscard]] const std::vector<tensor_info>& tensors() const;
  [[nodiscard]] bool contains(std::string_view name) const;
  /// One tensor, without a copy when the archive stores it uncompressed. Checks the CRC of its storage the
  /// first time; torch.save may leave CRCs out (set_crc32_options(False)), then there is nothing to check.
  /// \throws error [dnalm.format.286] no such tensor, [dnalm.format.237] damaged data.
  [[nodiscard]] const stored_tensor& tensor(std::string_view name) const;
  /// Gives the memory behind a tensor's storage back (mapped_file::forget); `tensor` brings it again. While
  /// another thread reads a tensor of a packed or buffered storage, it must not be forgotten.
  void forget(std::string_view name) const;
  /// Whether the archive compresses the tensor's storage (torch.save never does): `tensor` then unpacks it.
  [[nodiscard]] bool packed(std::string_view name) const;

 private:
  struct contents;
  std::unique_ptr<contents> contents_;
};

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/torch_checkpoint_impl.hpp>
#endif
