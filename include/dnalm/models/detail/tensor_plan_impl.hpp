// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/tensor_plan.hpp: one plan for all families of encoders, from their names
/// (tensor_names.hpp).
#pragma once

#include <variant>

#include <dnalm/models/caduceus_tensors.hpp>
#include <dnalm/models/detail/plan_convnet.hpp>
#include <dnalm/models/detail/plan_layers.hpp>
#include <dnalm/models/detail/plan_writer.hpp>
#include <dnalm/models/detail/tensor_names.hpp>
#include <dnalm/models/hyena_tensors.hpp>
#include <dnalm/models/tensor_plan.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

inline void plan_embeddings(const encoder_config& c, const tensor_names& n, plan_writer& plan) {
  plan.add(n.words + ".weight", {c.vocabulary, c.width}, tensor_role::words);
  const bool esm =
      c.family == architecture::nt_v2 || c.family == architecture::esm2 || c.family == architecture::nt_v1;
  if (c.position == position_kind::learned_pad_offset || c.position == position_kind::learned) {
    plan.add(n.positions + ".weight", {c.positions, c.width}, tensor_role::positions);
  } else if (esm && c.positions > 0) {  // in the files of rotary models, dead
    plan.unused(n.positions + ".weight", {c.positions, c.width}, true);
  }
  if (!n.position_ids.empty() && c.positions > 0) {
    plan.unused(n.position_ids, {1, c.positions}, false, tensor_kind::buffer);
  }
  if (c.token_types > 0) plan.add(n.types + ".weight", {c.token_types, c.width}, tensor_role::types);
  if (c.embedding_norm) {
    plan.norm(n.embedding_norm, c.width, tensor_role::embedding_norm_weight,
              tensor_role::embedding_norm_bias);
  }
}

inline void plan_attention(const encoder_config& c, const tensor_names& n, plan_writer& plan) {
  using role = tensor_role;
  const index_t d = c.width;
  if (c.fused_qkv) {
    plan.linear(n.qkv, 3 * d, d, role::qkv_weight, role::qkv_bias, c.qkv_bias);
  } else {
    plan.linear(n.query, d, d, role::query_weight, role::query_bias, c.qkv_bias);
    plan.linear(n.key, d, d, role::key_weight, role::key_bias, c.qkv_bias);
    plan.linear(n.value, d, d, role::value_weight, role::value_bias, c.qkv_bias);
  }
  if (c.position == position_kind::rotary) {
    planned_tensor& stored =
        plan.add(n.frequencies, {c.rotated_channels() / 2}, role::rotary_frequencies, tensor_kind::buffer);
    stored.required = false;
    stored.counted = false;
  }
  plan.linear(n.attention_output, d, d, role::attention_output_weight, role::attention_output_bias,
              c.output_bias);
}

inline void plan_feed_forward(const encoder_config& c, const tensor_names& n, plan_writer& plan) {
  using role = tensor_role;
  const bool apart = c.gated && !n.gate.empty();
  plan.linear(n.feed_forward1, c.gated && !apart ? 2 * c.feed_forward : c.feed_forward, c.width,
              role::feed_forward1_weight, role::feed_forward1_bias, c.feed_forward_bias1);
  if (apart) {
    plan.linear(n.gate, c.feed_forward, c.width, role::gate_weight, role::gate_bias, c.feed_forward_bias1);
  }
  if (c.gate_beta) plan.add(n.gate_beta, {1}, role::gate_beta, tensor_kind::norm_weight);
  plan.linear(n.feed_forward2, c.width, c.feed_forward, role::feed_forward2_weight, role::feed_forward2_bias,
              c.feed_forward_bias2);
}

inline void plan_block(const encoder_config& c, const tensor_names& n, index_t layer, plan_writer& plan) {
  using role = tensor_role;
  plan.within(n.block + std::to_string(layer) + ".", layer);
  const bool post = c.norm == norm_placement::post;
  const auto attention_norm = [&] {
    if (layer == 0 && !c.first_attention_norm) return;
    plan.norm(n.attention_norm, c.width, role::attention_norm_weight, role::attention_norm_bias);
  };
  const auto feed_forward_norm = [&] {
    plan.norm(n.feed_forward_norm, c.width, role::feed_forward_norm_weight, role::feed_forward_norm_bias);
  };
  if (!post) attention_norm();
  plan_attention(c, n, plan);
  if (post) attention_norm();
  if (!post) feed_forward_norm();
  plan_feed_forward(c, n, plan);
  if (post) feed_forward_norm();
}

/// Parts of the published files that serve other purposes.
inline void plan_extras(const encoder_config& c, plan_writer& plan) {
  const index_t d = c.width;
  if (c.naming == tensor_naming::multimolecule) {
    plan.unused_linear("model.pooler.dense", d, d);
    for (const std::string part : {"decoder", "transform.dense", "transform.layer_norm"}) {
      plan.unused("ss_head." + part + ".weight", {}, false);
      plan.unused("ss_head." + part + ".bias", {}, false, tensor_kind::bias);
    }
    plan.unused("ss_head.bias", {}, false, tensor_kind::bias);
    return;
  }
  switch (c.family) {
    case architecture::nt_v1:
    case architecture::nt_v2:
    case architecture::esm2:
      return plan.unused_linear("esm.contact_head.regression", 1, c.layers * c.heads, true);
    case architecture::rnafm: return plan.unused_linear("contact_head.regression", 1, c.layers * c.heads);
    case architecture::bert:
    case architecture::gena:
      plan.unused_linear("bert.pooler.dense", d, d);
      return plan.unused_linear("cls.seq_relationship", 2, d);
    case architecture::big_bird:
      plan.unused_linear("bert.pooler", d, d, true);
      return plan.unused_linear("cls.seq_relationship", 2, d);
    case architecture::dnabert2:
      plan.unused_linear("bert.pooler.dense", d, d);
      plan.unused("classifier.weight", {}, false);
      plan.unused("classifier.bias", {}, false, tensor_kind::bias);
      return;
    case architecture::modernbert:
    case architecture::rinalmo: return;
  }
}

inline void plan_head(const encoder_config& c, const tensor_names& n, plan_writer& plan) {
  using role = tensor_role;
  plan.linear(n.head_dense, c.width, c.width, role::head_dense_weight, role::head_dense_bias,
              c.head_dense_bias);
  plan.norm(n.head_norm, c.width, role::head_norm_weight, role::head_norm_bias);
  if (c.tied_head) {
    plan.unused(n.decoder + ".weight", {c.vocabulary, c.width}, false).same_as = n.words + ".weight";
  } else {
    plan.add(n.decoder + ".weight", {c.vocabulary, c.width}, role::decoder_weight);
  }
  if (!c.decoder_bias) return;
  plan.add(n.decoder_bias, {c.vocabulary}, role::decoder_bias, tensor_kind::bias);
  if (n.decoder_bias == n.decoder + ".bias") return;
  plan.unused(n.decoder + ".bias", {c.vocabulary}, false, tensor_kind::bias).same_as = n.decoder_bias;
}

}  // namespace detail

DNALM_INLINE std::vector<planned_tensor> plan_tensors(const encoder_config& config) {
  const detail::tensor_names names = detail::names_of(config);
  detail::plan_writer plan(config.norm_bias);
  detail::plan_embeddings(config, names, plan);
  for (index_t layer = 0; layer < config.layers; ++layer) detail::plan_block(config, names, layer, plan);
  plan.within("");
  if (config.final_norm) {
    plan.norm(names.final_norm, config.width, tensor_role::final_norm_weight, tensor_role::final_norm_bias);
  }
  detail::plan_extras(config, plan);
  detail::plan_head(config, names, plan);
  return plan.take();
}

DNALM_INLINE std::vector<planned_tensor> plan_tensors(const convnet_config& config) {
  return detail::plan_convnet(config);
}

DNALM_INLINE std::vector<planned_tensor> plan_tensors(const layer_graph& graph) {
  return detail::plan_layers(graph);
}

DNALM_INLINE std::vector<planned_tensor> plan_tensors(const network_config& config) {
  return std::visit([](const auto& kind) { return plan_tensors(kind); }, config);
}

DNALM_INLINE index_t count_parameters(const std::vector<planned_tensor>& plan) {
  index_t count = 0;
  for (const planned_tensor& tensor : plan) {
    if (tensor.counted) count = checked_add(count, checked_size(tensor.shape));
  }
  return count;
}

DNALM_END_NAMESPACE
