// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief `load_model(folder, on_cuda())`: a published model folder on a GPU.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include <dnalm/backend/weight_format.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/cuda_backend.hpp>
#include <dnalm/cuda/cuda_bf16_backend.hpp>
#include <dnalm/models/caduceus_network.hpp>
#include <dnalm/models/convnet.hpp>
#include <dnalm/models/detail/caduceus_gradient_impl.hpp>
#include <dnalm/models/detail/caduceus_network_impl.hpp>
#include <dnalm/models/detail/convnet_gradient_impl.hpp>
#include <dnalm/models/detail/convnet_impl.hpp>
#include <dnalm/models/detail/encoder_gradient_impl.hpp>
#include <dnalm/models/detail/encoder_impl.hpp>
#include <dnalm/models/detail/hyena_gradient_impl.hpp>
#include <dnalm/models/detail/hyena_network_impl.hpp>
#include <dnalm/models/detail/layer_network_gradient_impl.hpp>
#include <dnalm/models/detail/layer_network_impl.hpp>
#include <dnalm/models/device_model_of.hpp>
#include <dnalm/models/hyena_network.hpp>
#include <dnalm/models/layer_network.hpp>
#include <dnalm/models/load_model.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// How a description tells the precisions that weight_format has no word for.
[[nodiscard]] inline std::string suffix_of(cuda_precision precision) {
  if (precision == cuda_precision::f16) return " f16";
  return precision == cuda_precision::tf32 ? " tf32" : "";
}

/// A network of each kind on a GPU. Those that are no encoders keep rows in float with every precision of
/// the weights.
template <class B>
[[nodiscard]] std::shared_ptr<const model_base> network_on(const B& backend, const encoder_config& config,
                                                           const weight_source& source, int threads) {
  return std::make_shared<const device_model_of<B>>(encoder<B>(backend, config, source, threads));
}
[[nodiscard]] inline std::shared_ptr<const model_base> network_on(const cuda_backend& backend,
                                                                  const convnet_config& config,
                                                                  const weight_source& source, int threads) {
  using built = convnet<cuda_backend>;
  return std::make_shared<const device_model_of<cuda_backend, built>>(
      built(backend, config, source, threads));
}
[[nodiscard]] inline std::shared_ptr<const model_base> network_on(const cuda_backend& backend,
                                                                  const hyena_config& config,
                                                                  const weight_source& source, int threads) {
  using built = hyena_network<cuda_backend>;
  return std::make_shared<const device_model_of<cuda_backend, built>>(
      built(backend, config, source, threads));
}
[[nodiscard]] inline std::shared_ptr<const model_base> network_on(const cuda_backend& backend,
                                                                  const layer_graph& config,
                                                                  const weight_source& source, int threads) {
  using built = layer_network<cuda_backend>;
  return std::make_shared<const device_model_of<cuda_backend, built>>(
      built(backend, config, source, threads));
}

[[nodiscard]] inline std::shared_ptr<const model_base> network_on(const cuda_backend& backend,
                                                                  const caduceus_config& config,
                                                                  const weight_source& source, int threads) {
  using built = caduceus_network<cuda_backend>;
  return std::make_shared<const device_model_of<cuda_backend, built>>(
      built(backend, config, source, threads));
}

/// Makes networks on a backend.
template <class B>
[[nodiscard]] auto maker_on(B backend) {
  return [backend = std::move(backend)](const network_config& config, const weight_source& source,
                                        int threads) -> std::shared_ptr<const model_base> {
    return std::visit([&](const auto& kind) { return network_on(backend, kind, source, threads); }, config);
  };
}

}  // namespace detail

/// Options of load_model and random_twin for a GPU; those of `options` that concern the CPU do not count.
///
/// Who calls it links the device code: one source that includes dnalm/cuda.cuh, which the CMake function
/// dnalm_add_cuda(target) makes. With precision bf16 the rows of encoders between kernels are bfloat16 too
/// (cuda_bf16_backend), those of gradients among them. Embeddings pool on the GPU. The model keeps the
/// backend, and its memory, as long as it or a twin lives. \throws as cuda_backend: no GPU is
/// [dnalm.device.603], a driver that is too old 604, a GPU that is too old 605, no GPU of that number 606.
[[nodiscard]] inline load_options on_cuda(const cuda_options& where = {}, load_options options = {}) {
  const cuda_backend backend(where);
  const bool half = where.precision == cuda_precision::bf16;
  options.weights = half ? weight_format::bf16 : weight_format::f32;
  options.maker.name = std::string(backend.name()) + detail::suffix_of(where.precision);
  if (half) {
    options.maker.make = detail::maker_on(cuda_bf16_backend(backend));
  } else {
    options.maker.make = detail::maker_on(backend);
  }
  return options;
}

DNALM_END_NAMESPACE
