// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/tensor_plan.hpp: the names of ESM and of MosaicBERT.
#pragma once

#include <utility>

#include <dnalm/models/tensor_plan.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Collects planned tensors; `within(prefix, layer)` sets what the following names begin with.
class plan_writer {
 public:
  void within(std::string prefix, index_t layer = -1) {
    prefix_ = std::move(prefix);
    layer_ = layer;
  }
  planned_tensor& add(const std::string& name, std::vector<index_t> shape, tensor_role role,
                      tensor_kind kind = tensor_kind::matrix) {
    planned_tensor tensor;
    tensor.name = prefix_ + name;
    tensor.shape = std::move(shape);
    tensor.role = role;
    tensor.kind = kind;
    tensor.layer = layer_;
    plan_.push_back(std::move(tensor));
    return plan_.back();
  }
  /// `name`.weight (out, in), and `name`.bias (out) when there is one.
  void linear(const std::string& name, index_t out, index_t in, tensor_role weight, tensor_role bias,
              bool has_bias = true) {
    add(name + ".weight", {out, in}, weight);
    if (has_bias) add(name + ".bias", {out}, bias, tensor_kind::bias);
  }
  void norm(const std::string& name, index_t width, tensor_role weight, tensor_role bias) {
    add(name + ".weight", {width}, weight, tensor_kind::norm_weight);
    add(name + ".bias", {width}, bias, tensor_kind::bias);
  }
  /// A tensor that files may carry and the forward pass does not need.
  planned_tensor& unused(const std::string& name, std::vector<index_t> shape, bool counted,
                         tensor_kind kind = tensor_kind::matrix) {
    planned_tensor& tensor = add(name, std::move(shape), tensor_role::unused, kind);
    tensor.required = false;
    tensor.counted = counted;
    return tensor;
  }
  [[nodiscard]] std::vector<planned_tensor> take() { return std::move(plan_); }

 private:
  std::vector<planned_tensor> plan_;
  std::string prefix_;
  index_t layer_ = -1;
};

inline void plan_esm_embeddings(const encoder_config& c, plan_writer& plan) {
  plan.within("esm.embeddings.");
  plan.add("word_embeddings.weight", {c.vocabulary, c.width}, tensor_role::words);
  if (c.position == position_kind::learned_pad_offset) {
    plan.add("position_embeddings.weight", {c.positions, c.width}, tensor_role::positions);
  } else if (c.positions > 0) {
    plan.unused("position_embeddings.weight", {c.positions, c.width}, true);
  }
  if (c.positions > 0) plan.unused("position_ids", {1, c.positions}, false, tensor_kind::buffer);
  if (c.embedding_norm) {
    plan.norm("layer_norm", c.width, tensor_role::embedding_norm_weight, tensor_role::embedding_norm_bias);
  }
}

inline void plan_esm_layer(const encoder_config& c, index_t layer, plan_writer& plan) {
  using role = tensor_role;
  const index_t d = c.width;
  plan.within("esm.encoder.layer." + std::to_string(layer) + ".", layer);
  plan.norm("attention.LayerNorm", d, role::attention_norm_weight, role::attention_norm_bias);
  plan.linear("attention.self.query", d, d, role::query_weight, role::query_bias);
  plan.linear("attention.self.key", d, d, role::key_weight, role::key_bias);
  plan.linear("attention.self.value", d, d, role::value_weight, role::value_bias);
  if (c.position == position_kind::rotary) {
    planned_tensor& stored = plan.add("attention.self.rotary_embeddings.inv_freq", {c.head_width() / 2},
                                      role::rotary_frequencies, tensor_kind::buffer);
    stored.required = false;
    stored.counted = false;
  }
  plan.linear("attention.output.dense", d, d, role::attention_output_weight, role::attention_output_bias);
  plan.norm("LayerNorm", d, role::feed_forward_norm_weight, role::feed_forward_norm_bias);
  plan.linear("intermediate.dense", c.gated ? 2 * c.feed_forward : c.feed_forward, d,
              role::feed_forward1_weight, role::feed_forward1_bias, c.feed_forward_bias1);
  plan.linear("output.dense", d, c.feed_forward, role::feed_forward2_weight, role::feed_forward2_bias,
              c.feed_forward_bias2);
}

inline void plan_esm_head(const encoder_config& c, plan_writer& plan) {
  using role = tensor_role;
  plan.within("esm.");
  plan.norm("encoder.emb_layer_norm_after", c.width, role::final_norm_weight, role::final_norm_bias);
  plan.unused("contact_head.regression.weight", {1, c.layers * c.heads}, true);
  plan.unused("contact_head.regression.bias", {1}, true, tensor_kind::bias);
  plan.within("lm_head.");
  plan.linear("dense", c.width, c.width, role::head_dense_weight, role::head_dense_bias);
  plan.norm("layer_norm", c.width, role::head_norm_weight, role::head_norm_bias);
  if (c.tied_head) {
    plan.unused("decoder.weight", {c.vocabulary, c.width}, false).same_as =
        "esm.embeddings.word_embeddings.weight";
  } else {
    plan.add("decoder.weight", {c.vocabulary, c.width}, role::decoder_weight);
  }
  plan.add("bias", {c.vocabulary}, role::decoder_bias, tensor_kind::bias);
  plan.unused("decoder.bias", {c.vocabulary}, false, tensor_kind::bias).same_as = "lm_head.bias";
}

inline std::vector<planned_tensor> plan_esm(const encoder_config& c) {
  plan_writer plan;
  plan_esm_embeddings(c, plan);
  for (index_t layer = 0; layer < c.layers; ++layer) plan_esm_layer(c, layer, plan);
  plan_esm_head(c, plan);
  return plan.take();
}

inline void plan_dnabert2_layer(const encoder_config& c, index_t layer, plan_writer& plan) {
  using role = tensor_role;
  const index_t d = c.width;
  plan.within("bert.encoder.layer." + std::to_string(layer) + ".", layer);
  plan.linear("attention.self.Wqkv", 3 * d, d, role::qkv_weight, role::qkv_bias);
  plan.linear("attention.output.dense", d, d, role::attention_output_weight, role::attention_output_bias);
  plan.norm("attention.output.LayerNorm", d, role::attention_norm_weight, role::attention_norm_bias);
  plan.linear("mlp.gated_layers", 2 * c.feed_forward, d, role::feed_forward1_weight, role::feed_forward1_bias,
              c.feed_forward_bias1);
  plan.linear("mlp.wo", d, c.feed_forward, role::feed_forward2_weight, role::feed_forward2_bias,
              c.feed_forward_bias2);
  plan.norm("mlp.layernorm", d, role::feed_forward_norm_weight, role::feed_forward_norm_bias);
}

inline std::vector<planned_tensor> plan_dnabert2(const encoder_config& c) {
  using role = tensor_role;
  plan_writer plan;
  plan.within("bert.embeddings.");
  plan.add("word_embeddings.weight", {c.vocabulary, c.width}, role::words);
  plan.add("token_type_embeddings.weight", {c.token_types, c.width}, role::types);
  plan.norm("LayerNorm", c.width, role::embedding_norm_weight, role::embedding_norm_bias);
  for (index_t layer = 0; layer < c.layers; ++layer) plan_dnabert2_layer(c, layer, plan);
  plan.within("");
  plan.unused("bert.pooler.dense.weight", {c.width, c.width}, false);
  plan.unused("bert.pooler.dense.bias", {c.width}, false, tensor_kind::bias);
  plan.unused("classifier.weight", {}, false);
  plan.unused("classifier.bias", {}, false, tensor_kind::bias);
  plan.within("cls.predictions.");
  plan.linear("transform.dense", c.width, c.width, role::head_dense_weight, role::head_dense_bias);
  plan.norm("transform.LayerNorm", c.width, role::head_norm_weight, role::head_norm_bias);
  plan.unused("decoder.weight", {c.vocabulary, c.width}, false).same_as =
      "bert.embeddings.word_embeddings.weight";
  plan.add("decoder.bias", {c.vocabulary}, role::decoder_bias, tensor_kind::bias);
  return plan.take();
}

}  // namespace detail

DNALM_INLINE std::vector<planned_tensor> plan_tensors(const encoder_config& config) {
  return config.family == architecture::dnabert2 ? detail::plan_dnabert2(config) : detail::plan_esm(config);
}

DNALM_INLINE index_t count_parameters(const std::vector<planned_tensor>& plan) {
  index_t count = 0;
  for (const planned_tensor& tensor : plan) {
    if (tensor.counted) count = checked_add(count, checked_size(tensor.shape));
  }
  return count;
}

DNALM_END_NAMESPACE
