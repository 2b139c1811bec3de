// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The tensors of GPN's ConvNet, as ConvNetForMaskedLM stores them. There is no embedding among them.
#pragma once

#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/convnet_config.hpp>
#include <dnalm/models/detail/plan_writer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

[[nodiscard]] inline std::vector<planned_tensor> plan_convnet(const convnet_config& c) {
  using role = tensor_role;
  plan_writer plan(true);
  for (index_t layer = 0; layer < c.layers; ++layer) {
    plan.within("model.encoder." + std::to_string(layer) + ".", layer);
    plan.add("conv.1.weight", {c.width, c.width, c.taps}, role::convolution_weight);
    plan.add("conv.1.bias", {c.width}, role::convolution_bias, tensor_kind::bias);
    plan.norm("conv.4", c.width, role::convolution_norm_weight, role::convolution_norm_bias);
    plan.linear("ffn.0", c.width, c.width, role::feed_forward1_weight, role::feed_forward1_bias);
    plan.norm("ffn.2", c.width, role::feed_forward_norm_weight, role::feed_forward_norm_bias);
  }
  plan.within("cls.decoder.");
  plan.linear("0", c.width, c.width, role::head_dense_weight, role::head_dense_bias);
  plan.norm("2", c.width, role::head_norm_weight, role::head_norm_bias);
  plan.linear("3", c.vocabulary, c.width, role::decoder_weight, role::decoder_bias);
  return plan.take();
}

}  // namespace detail
DNALM_END_NAMESPACE
