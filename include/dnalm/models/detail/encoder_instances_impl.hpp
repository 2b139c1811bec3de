// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All bodies of networks that are written for any backend, and the instances that dnalm::compiled
/// holds (models/backends.hpp). A program that runs the networks on a backend of its own includes this file.
#pragma once

#include <dnalm/models/backends.hpp>
#include <dnalm/models/detail/caduceus_gradient_impl.hpp>
#include <dnalm/models/detail/caduceus_network_impl.hpp>
#include <dnalm/models/detail/convnet_edits_impl.hpp>
#include <dnalm/models/detail/convnet_gradient_impl.hpp>
#include <dnalm/models/detail/convnet_impl.hpp>
#include <dnalm/models/detail/encoder_attention_impl.hpp>
#include <dnalm/models/detail/encoder_gradient_impl.hpp>
#include <dnalm/models/detail/encoder_impl.hpp>
#include <dnalm/models/detail/hyena_edits_impl.hpp>
#include <dnalm/models/detail/hyena_gradient_impl.hpp>
#include <dnalm/models/detail/hyena_network_impl.hpp>
#include <dnalm/models/detail/layer_network_edits_impl.hpp>
#include <dnalm/models/detail/layer_network_gradient_impl.hpp>
#include <dnalm/models/detail/layer_network_impl.hpp>

#if defined(DNALM_COMPILED_SOURCE)
DNALM_BEGIN_NAMESPACE

template class encoder<cpu_backend>;
template class encoder<reference_backend>;
template class convnet<cpu_backend>;
template class convnet<reference_backend>;
template class hyena_network<cpu_backend>;
template class hyena_network<reference_backend>;
template class layer_network<cpu_backend>;
template class layer_network<reference_backend>;
template class caduceus_network<cpu_backend>;
template class caduceus_network<reference_backend>;

DNALM_END_NAMESPACE
#endif
