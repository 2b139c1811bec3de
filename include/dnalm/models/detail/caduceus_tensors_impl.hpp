// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/caduceus_tensors.hpp.
#pragma once

#include <string>

#include <dnalm/models/caduceus_tensors.hpp>
#include <dnalm/models/detail/caduceus_names.hpp>
#include <dnalm/models/detail/plan_writer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A projection under the name of one direction; that of `ahead` counts as the parameter.
inline void plan_shared_projection(const caduceus_config& c, bool is_back, const std::string& name,
                                   std::vector<index_t> shape, index_t layer, plan_writer& plan) {
  planned_tensor& tensor = plan.unused(caduceus_mixer(c, is_back) + name, std::move(shape), !is_back);
  tensor.role = tensor_role::by_name;
  tensor.group = name + " of block " + std::to_string(layer);
  if (is_back) tensor.same_as = caduceus_tensor(layer, caduceus_mixer(c, false) + name);
}

inline void plan_caduceus_direction(const caduceus_config& c, bool is_back, index_t layer,
                                    plan_writer& plan) {
  constexpr auto role = tensor_role::by_name;
  const std::string mixer = caduceus_mixer(c, is_back);
  plan_shared_projection(c, is_back, "in_proj.weight", {2 * c.inner, c.channels}, layer, plan);
  plan.add(mixer + "conv1d.weight", {c.inner, 1, c.taps}, role);
  if (c.convolution_bias) plan.add(mixer + "conv1d.bias", {c.inner}, role, tensor_kind::bias);
  plan.linear(mixer + "x_proj", c.rank + 2 * c.states, c.inner, role, role, false);
  plan.linear(mixer + "dt_proj", c.inner, c.rank, role, role);
  plan.add(mixer + "A_log", {c.inner, c.states}, role);
  plan.add(mixer + "D", {c.inner}, role, tensor_kind::norm_weight);
  plan_shared_projection(c, is_back, "out_proj.weight", {c.channels, c.inner}, layer, plan);
}

}  // namespace detail

DNALM_INLINE std::vector<planned_tensor> plan_tensors(const caduceus_config& config) {
  const std::vector<index_t> table{config.vocabulary, config.channels};
  detail::plan_writer plan(false);
  planned_tensor& words = plan.add(detail::caduceus_words(config), table, tensor_role::words);
  if (config.tied_head) {
    words.required = false;
    words.group = "word table";
  }
  for (index_t layer = 0; layer < config.layers; ++layer) {
    plan.within(detail::caduceus_tensor(layer, ""), layer);
    plan.add("norm." + detail::caduceus_norm(config), {config.channels}, tensor_role::by_name,
             tensor_kind::norm_weight);
    for (const bool is_back : {false, true}) {
      detail::plan_caduceus_direction(config, is_back, layer, plan);
    }
  }
  plan.within("");
  plan.add(detail::caduceus_backbone + "norm_f." + detail::caduceus_norm(config), {config.channels},
           tensor_role::final_norm_weight, tensor_kind::norm_weight);
  if (config.tied_head) {
    planned_tensor& head = plan.add(detail::caduceus_head(config), table, tensor_role::decoder_weight);
    head.required = head.counted = false;
    head.group = "word table";
    head.same_as = detail::caduceus_words(config);
  } else {
    plan.add(detail::caduceus_head(config), table, tensor_role::decoder_weight);
  }
  if (config.two_strands) {
    for (const bool head : {false, true}) {
      plan.unused(detail::caduceus_complement(head), {config.vocabulary}, false, tensor_kind::buffer);
    }
  }
  plan.unused("score.weight", {}, false);
  return plan.take();
}

DNALM_END_NAMESPACE
