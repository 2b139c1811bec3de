// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief `load_model(folder, on_cuda())`: a published model folder on a GPU.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/cuda_backend.hpp>
#include <dnalm/models/detail/encoder_impl.hpp>
#include <dnalm/models/device_model_of.hpp>
#include <dnalm/models/load_model.hpp>

DNALM_BEGIN_NAMESPACE

/// Options of load_model and random_twin for a GPU; those of `options` that concern the CPU do not count.
///
/// Who calls it links the device code: one source that includes dnalm/cuda.cuh, which the CMake function
/// dnalm_add_cuda(target) makes. Embeddings pool on the GPU; gradients are not computed there. The model
/// keeps the backend, and its memory, as long as it or a twin lives. \throws as cuda_backend: no GPU is
/// [dnalm.device.603], a driver that is too old 604, a GPU that is too old 605, no GPU of that number 606.
[[nodiscard]] inline load_options on_cuda(const cuda_options& where = {}, load_options options = {}) {
  const cuda_backend backend(where);
  options.maker.name = std::string(backend.name());
  options.maker.make = [backend](const encoder_config& config, const weight_source& source, int threads) {
    return std::make_shared<const device_model_of<cuda_backend>>(
        encoder<cuda_backend>(backend, config, source, threads));
  };
  return options;
}

DNALM_END_NAMESPACE
