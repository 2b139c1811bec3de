// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What is in a model folder, without loading the weights.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/mapped_file.hpp>
#include <dnalm/io/tensor_info.hpp>
#include <dnalm/models/network_config.hpp>

DNALM_BEGIN_NAMESPACE

/// What a tensor of a file is to the model.
enum class tensor_status {
  used,      ///< its numbers enter the forward pass
  unused,    ///< the published files carry it, the forward pass does not need it
  surplus,   ///< the model does not know it: loading is refused
  bad_shape  ///< known, of another shape: loading is refused
};

[[nodiscard]] constexpr std::string_view to_string(tensor_status status) {
  switch (status) {
    case tensor_status::used: return "used";
    case tensor_status::unused: return "unused";
    case tensor_status::surplus: return "surplus";
    case tensor_status::bad_shape: return "bad shape";
  }
  return "?";
}

/// A tensor of the checkpoint.
struct inspected_tensor {
  io::tensor_info info = {};
  tensor_status status = tensor_status::used;
  std::vector<index_t> expected_shape = {};  ///< empty for surplus tensors
};

/// The contents of a model folder.
struct model_inspection {
  std::filesystem::path folder = {};
  network_config config = {};
  std::vector<config_entry> settings = {};        ///< what the configuration means, in words
  std::vector<config_entry> configuration = {};   ///< config.json as it stands
  std::vector<std::filesystem::path> files = {};  ///< that hold the weights
  std::vector<inspected_tensor> tensors = {};     ///< in the order of the files
  std::vector<io::tensor_info> missing = {};      ///< needed, not there
  index_t parameters = 0;                         ///< as model_description::parameters
  std::string tokenizer = {};                     ///< one line, or "" when there are no tokenizer files
  index_t tokenizer_vocabulary = 0;
  index_t max_tokens = 0;  ///< as model_description::max_tokens

  [[nodiscard]] bool loadable() const;
  [[nodiscard]] std::vector<std::string> surplus() const;
};

/// Reads headers only. Problems with tensors are reported in the result, not thrown.
/// \throws as read_network_config, checkpoint::open and load_tokenizer.
[[nodiscard]] model_inspection inspect_model(const std::filesystem::path& folder,
                                             io::file_access access = io::file_access::mapped);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/inspect_impl.hpp>
#endif
