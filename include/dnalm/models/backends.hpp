// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The networks that the library ships ready-made: on the CPU, and on the reference backend.
///
/// With dnalm::compiled they are instantiated once, in the library.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/models/caduceus_network.hpp>
#include <dnalm/models/convnet.hpp>
#include <dnalm/models/encoder.hpp>
#include <dnalm/models/hyena_network.hpp>
#include <dnalm/models/layer_network.hpp>
#include <dnalm/models/model_of.hpp>
#include <dnalm/reference/reference_backend.hpp>

DNALM_BEGIN_NAMESPACE

#if !DNALM_WITH_BODIES
extern template class encoder<cpu_backend>;
extern template class encoder<reference_backend>;
extern template class convnet<cpu_backend>;
extern template class convnet<reference_backend>;
extern template class hyena_network<cpu_backend>;
extern template class hyena_network<reference_backend>;
extern template class layer_network<cpu_backend>;
extern template class layer_network<reference_backend>;
extern template class caduceus_network<cpu_backend>;
extern template class caduceus_network<reference_backend>;
#endif

namespace detail {

/// The class of a kind of network on a backend.
template <class Config, class B>
struct network_class;
template <class B>
struct network_class<encoder_config, B> {
  using type = encoder<B>;
};
template <class B>
struct network_class<convnet_config, B> {
  using type = convnet<B>;
};
template <class B>
struct network_class<hyena_config, B> {
  using type = hyena_network<B>;
};
template <class B>
struct network_class<layer_graph, B> {
  using type = layer_network<B>;
};
template <class B>
struct network_class<caduceus_config, B> {
  using type = caduceus_network<B>;
};

}  // namespace detail

/// The network of a configuration type on a backend.
template <class Config, class B>
using network_of = typename detail::network_class<Config, B>::type;

using cpu_encoder = encoder<cpu_backend>;
using reference_encoder = encoder<reference_backend>;
using cpu_convnet = convnet<cpu_backend>;
using reference_convnet = convnet<reference_backend>;
using cpu_hyena = hyena_network<cpu_backend>;
using reference_hyena = hyena_network<reference_backend>;
using cpu_layers = layer_network<cpu_backend>;
using reference_layers = layer_network<reference_backend>;
using cpu_caduceus = caduceus_network<cpu_backend>;
using reference_caduceus = caduceus_network<reference_backend>;

DNALM_END_NAMESPACE
