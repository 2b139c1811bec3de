// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The tensors of an architecture. The only place that knows names.
#pragma once

#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/network_config.hpp>
#include <dnalm/models/planned_tensor.hpp>

DNALM_BEGIN_NAMESPACE

/// All tensors of a configuration, in the order of the published files.
[[nodiscard]] std::vector<planned_tensor> plan_tensors(const encoder_config& config);
[[nodiscard]] std::vector<planned_tensor> plan_tensors(const convnet_config& config);
[[nodiscard]] std::vector<planned_tensor> plan_tensors(const hyena_config& config);
[[nodiscard]] std::vector<planned_tensor> plan_tensors(const layer_graph& graph);
[[nodiscard]] std::vector<planned_tensor> plan_tensors(const caduceus_config& config);
[[nodiscard]] std::vector<planned_tensor> plan_tensors(const network_config& config);

/// Parameters of the reference implementation's masked-language model: tied ones once, buffers not, unused
/// ones (contact head, an unused position table) included. \throws error [dnalm.shape.101] on overflow.
[[nodiscard]] index_t count_parameters(const std::vector<planned_tensor>& plan);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/tensor_plan_impl.hpp>
#endif
