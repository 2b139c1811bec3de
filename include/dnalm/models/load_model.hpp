// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief `load_model(folder)`: a published model folder as it stands, on the backend of choice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <dnalm/backend/weight_format.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/io/mapped_file.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/models/weight_source.hpp>
#include <dnalm/sequence/alphabet.hpp>

DNALM_BEGIN_NAMESPACE

/// Where a model runs.
enum class backend_kind {
  cpu,       ///< float, packed weights, kernels chosen by the CPU's features
  reference  ///< double, naive loops: the readable specification and oracle
};

[[nodiscard]] constexpr std::string_view to_string(backend_kind kind) {
  return kind == backend_kind::cpu ? "cpu" : "reference";
}

/// A backend that comes from elsewhere than the two above: what it calls itself, and how it builds a network
/// of a configuration's weights on `threads` threads (as in load_options).
struct backend_maker {
  std::string name = {};
  std::function<std::shared_ptr<const model_base>(const network_config&, const weight_source&, int threads)>
      make = {};
};

/// How a model is loaded.
struct load_options {
  backend_kind backend = backend_kind::cpu;
  unknown_policy unknown = unknown_policy::error;  ///< of the tokenizer
  /// How the cpu backend keeps weight matrices; embeddings, norms, softmax and sums stay float. With another
  /// format than f32 attention rounds what it multiplies where the CPU has AVX512-BF16.
  weight_format weights = weight_format::f32;
  /// Of the weights. `buffered` where another process may shorten the files: an error, not SIGBUS.
  io::file_access access = io::file_access::mapped;
  /// Of the cpu backend: a folder where packed weights are kept in a file, which the next load maps instead
  /// of packing them anew (pack_cache). Empty: none.
  std::filesystem::path pack_cache = {};
  /// When it has a function: the backend, in the place of `backend` and `weights` (for a GPU:
  /// dnalm/models/on_cuda.hpp).
  backend_maker maker = {};
  int threads = 0;  ///< that read and pack weights, the calling one among them, at most 4; 0: all cores
};

/// Loads a model folder: config.json, weights (safetensors or PyTorch, one file or shards), tokenizer files.
///
/// Every tensor of the configuration must be there with its shape, and nothing else but the tensors that the
/// published files are known to carry unused (position_ids, contact_head, pooler, an unused position table).
/// A folder without tokenizer files gives a model that takes token numbers only. \throws error [dnalm.io.419]
/// no such folder, [dnalm.unsupported.416] bf16 or int8 on the reference backend, [dnalm.config.410] missing
/// tensors, [dnalm.config.411] surplus tensors, [dnalm.shape.412] a tensor of another shape,
/// [dnalm.config.413] a tied tensor that differs, [dnalm.config.414] vocabularies that differ,
/// [dnalm.numeric.415] NaN or infinite weights; as read_network_config, checkpoint::open and load_tokenizer,
/// and with a pack_cache as that and its `save`.
/// Cost: one read of the weights. Memory: the packed weights and, for each thread, a few copies of the
/// largest tensor; pages of the file are given back tensor by tensor.
[[nodiscard]] model load_model(const std::filesystem::path& folder, const load_options& options = {});

/// The same configuration and tokenizer with random weights: matrices and embeddings normal(0,
/// initializer_range), biases 0, LayerNorm 1 and 0, from philox(seed, hash_name(tensor name)). The folder
/// needs no weights. The same seed gives the same numbers on every backend. \throws as load_model.
[[nodiscard]] model random_twin(const std::filesystem::path& folder, std::uint64_t seed,
                                const load_options& options = {});
/// The random twin of a loaded model, on its backend, its weights kept alike. `threads` as in load_options.
[[nodiscard]] model random_twin(const model& original, std::uint64_t seed, int threads = 0);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/load_model_impl.hpp>
#endif
