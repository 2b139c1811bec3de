// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/hyena_tensors.hpp.
#pragma once

#include <string>

#include <dnalm/models/detail/hyena_names.hpp>
#include <dnalm/models/detail/plan_writer.hpp>
#include <dnalm/models/hyena_tensors.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

inline void plan_hyena_filter(const hyena_config& c, plan_writer& plan) {
  constexpr auto used = tensor_role::by_name;
  plan.add("mixer.filter_fn.bias", {c.width}, used);
  plan.unused("mixer.filter_fn.pos_emb.z", {1, c.positions, c.embedding}, false, tensor_kind::buffer).role =
      used;
  plan.unused("mixer.filter_fn.pos_emb.t", {1, c.positions, 1}, false, tensor_kind::buffer).role = used;
  plan.unused("mixer.filter_fn.modulation.deltas", {1, 1, c.width}, false, tensor_kind::buffer).role = used;
  for (index_t i = 0; i <= c.inner_layers; ++i) {
    plan.linear(hyena_filter_product(i), c.filter_order, i == 0 ? c.embedding : c.filter_order, used, used);
    if (!c.learned_frequency) continue;
    planned_tensor& frequency = plan.unused(hyena_frequency(i), {1, c.filter_order}, i == 0);
    frequency.role = used;
    frequency.group = "frequencies of block " + std::to_string(frequency.layer);
    if (i > 0) frequency.same_as = hyena_tensor(frequency.layer, hyena_frequency(0));
  }
  plan.add(hyena_filter_product(c.inner_layers + 1) + ".weight", {c.width, c.filter_order}, used);
}

inline void plan_hyena_block(const hyena_config& c, index_t layer, plan_writer& plan) {
  constexpr auto used = tensor_role::by_name;
  plan.within(hyena_tensor(layer, ""), layer);
  plan.linear("mixer.in_proj", 3 * c.width, c.width, used, used);
  plan.linear("mixer.out_proj", c.width, c.width, used, used);
  plan.add("mixer.short_filter.weight", {3 * c.width, 1, 3}, used);
  plan.add("mixer.short_filter.bias", {3 * c.width}, used, tensor_kind::bias);
  plan_hyena_filter(c, plan);
  plan.norm("norm1", c.width, used, used);
  plan.linear("mlp.fc1", c.feed_forward, c.width, used, used);
  plan.linear("mlp.fc2", c.width, c.feed_forward, used, used);
  plan.norm("norm2", c.width, used, used);
}

}  // namespace detail

DNALM_INLINE std::vector<planned_tensor> plan_tensors(const hyena_config& config) {
  detail::plan_writer plan(true);
  plan.add("backbone.embeddings.word_embeddings.weight", {config.vocabulary, config.width},
           tensor_role::words);
  for (index_t layer = 0; layer < config.layers; ++layer) detail::plan_hyena_block(config, layer, plan);
  plan.within("backbone.");
  plan.norm("ln_f", config.width, tensor_role::final_norm_weight, tensor_role::final_norm_bias);
  plan.within("");
  if (config.tied_head) {
    plan.unused("lm_head.weight", {config.vocabulary, config.width}, false).same_as =
        "backbone.embeddings.word_embeddings.weight";
  } else {
    plan.add("lm_head.weight", {config.vocabulary, config.width}, tensor_role::decoder_weight);
  }
  plan.unused("score.weight", {}, false);
  for (const std::string prefix : {"", "model."}) {
    plan.unused(prefix + "head.output_transform.weight", {}, false);
    plan.unused(prefix + "head.output_transform.bias", {}, false, tensor_kind::bias);
  }
  return plan.take();
}

DNALM_END_NAMESPACE
