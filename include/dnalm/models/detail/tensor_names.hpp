// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What each family calls its tensors. The only place that knows names.
#pragma once

#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/encoder_config.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Names without `.weight` and `.bias`; those from `attention_norm` to `feed_forward2` follow `block`, a
/// number and a point.
struct tensor_names {
  std::string words = "bert.embeddings.word_embeddings";
  std::string positions = "bert.embeddings.position_embeddings";
  std::string position_ids = "bert.embeddings.position_ids";
  std::string types = "bert.embeddings.token_type_embeddings";
  std::string embedding_norm = "bert.embeddings.LayerNorm";
  std::string block = "bert.encoder.layer.";
  std::string attention_norm = "attention.output.LayerNorm";
  std::string query = "attention.self.query";
  std::string key = "attention.self.key";
  std::string value = "attention.self.value";
  std::string qkv = "attention.self.Wqkv";
  std::string frequencies = "attention.self.rotary_emb.inv_freq";  ///< whole
  std::string attention_output = "attention.output.dense";
  std::string feed_forward_norm = "output.LayerNorm";
  std::string feed_forward1 = "intermediate.dense";
  std::string gate = {};       ///< empty: in feed_forward1
  std::string gate_beta = {};  ///< whole
  std::string feed_forward2 = "output.dense";
  std::string final_norm = "bert.encoder.last_layer_ln";
  std::string head_dense = "cls.predictions.transform.dense";
  std::string head_norm = "cls.predictions.transform.LayerNorm";
  std::string decoder = "cls.predictions.decoder";
  std::string decoder_bias =
      "cls.predictions.bias";  ///< whole; `decoder`.bias repeats it when that is another
};

[[nodiscard]] inline tensor_names dnabert2_names() {
  tensor_names n;
  n.position_ids.clear();
  n.feed_forward_norm = "mlp.layernorm";
  n.feed_forward1 = "mlp.gated_layers";
  n.feed_forward2 = "mlp.wo";
  n.decoder_bias = "cls.predictions.decoder.bias";
  return n;
}

[[nodiscard]] inline tensor_names gena_names(bool pre_norm) {
  tensor_names n;
  if (!pre_norm) return n;
  n.attention_norm = "pre_attention_ln";
  n.feed_forward_norm = "post_attention_ln";
  return n;
}

[[nodiscard]] inline tensor_names esm_names() {
  tensor_names n;
  n.words = "esm.embeddings.word_embeddings";
  n.positions = "esm.embeddings.position_embeddings";
  n.position_ids = "esm.embeddings.position_ids";
  n.embedding_norm = "esm.embeddings.layer_norm";
  n.block = "esm.encoder.layer.";
  n.attention_norm = "attention.LayerNorm";
  n.frequencies = "attention.self.rotary_embeddings.inv_freq";
  n.feed_forward_norm = "LayerNorm";
  n.final_norm = "esm.encoder.emb_layer_norm_after";
  n.head_dense = "lm_head.dense";
  n.head_norm = "lm_head.layer_norm";
  n.decoder = "lm_head.decoder";
  n.decoder_bias = "lm_head.bias";
  return n;
}

[[nodiscard]] inline tensor_names modernbert_names() {
  tensor_names n;
  n.words = "model.embeddings.tok_embeddings";
  n.position_ids.clear();
  n.embedding_norm = "model.embeddings.norm";
  n.block = "model.layers.";
  n.attention_norm = "attn_norm";
  n.qkv = "attn.Wqkv";
  n.frequencies = "attn.rotary_emb.inv_freq";
  n.attention_output = "attn.Wo";
  n.feed_forward_norm = "mlp_norm";
  n.feed_forward1 = "mlp.Wi";
  n.feed_forward2 = "mlp.Wo";
  n.final_norm = "model.final_norm";
  n.head_dense = "head.dense";
  n.head_norm = "head.norm";
  n.decoder = "decoder";
  n.decoder_bias = "decoder.bias";
  return n;
}

/// fairseq's names, without what stands before them (`encoder.`, `encoder.sentence_encoder.`).
[[nodiscard]] inline tensor_names rnafm_names() {
  tensor_names n;
  n.words = "embed_tokens";
  n.positions = "embed_positions";
  n.position_ids.clear();
  n.embedding_norm = "emb_layer_norm_before";
  n.block = "layers.";
  n.attention_norm = "self_attn_layer_norm";
  n.query = "self_attn.q_proj";
  n.key = "self_attn.k_proj";
  n.value = "self_attn.v_proj";
  n.attention_output = "self_attn.out_proj";
  n.feed_forward_norm = "final_layer_norm";
  n.feed_forward1 = "fc1";
  n.feed_forward2 = "fc2";
  n.final_norm = "emb_layer_norm_after";
  n.head_dense = "lm_head.dense";
  n.head_norm = "lm_head.layer_norm";
  n.decoder = "lm_head";
  n.decoder_bias = "lm_head.bias";
  return n;
}

[[nodiscard]] inline tensor_names rinalmo_names() {
  tensor_names n;
  n.words = "embedding";
  n.position_ids.clear();
  n.block = "transformer.blocks.";
  n.attention_norm = "attn_layer_norm";
  n.qkv = "mh_attn.Wqkv";
  n.frequencies = "mh_attn.rotary_emb.inv_freq";
  n.attention_output = "mh_attn.out_proj";
  n.feed_forward_norm = "out_layer_norm";
  n.feed_forward1 = "transition.0.linear";
  n.gate = "transition.0.linear_gate";
  n.gate_beta = "transition.0.beta";
  n.feed_forward2 = "transition.2";
  n.final_norm = "transformer.final_layer_norm";
  n.head_dense = "lm_mask_head.linear1";
  n.head_norm = "lm_mask_head.layer_norm";
  n.decoder = "lm_mask_head.linear2";
  n.decoder_bias = "lm_mask_head.linear2.bias";
  return n;
}

/// MultiMolecule calls all its models' tensors alike.
[[nodiscard]] inline tensor_names multimolecule_names(architecture family) {
  tensor_names n;
  n.words = "model.embeddings.word_embeddings";
  n.positions = "model.embeddings.position_embeddings";
  n.position_ids = "model.embeddings.position_ids";
  n.types = "model.embeddings.token_type_embeddings";
  n.embedding_norm = "model.embeddings.layer_norm";
  n.block = "model.encoder.layer.";
  n.attention_norm = "attention.output.layer_norm";
  n.frequencies = "attention.self.rotary_embeddings.inv_freq";
  n.feed_forward_norm = "output.layer_norm";
  n.final_norm = "model.encoder.layer_norm";
  n.head_dense = "lm_head.transform.dense";
  n.head_norm = "lm_head.transform.layer_norm";
  n.decoder = "lm_head.decoder";
  n.decoder_bias = "lm_head.bias";
  if (family == architecture::bert) return n;
  n.attention_norm = "attention.layer_norm";
  n.feed_forward_norm = "layer_norm";
  if (family == architecture::rnafm) return n;
  n.feed_forward1 = "intermediate.linear";
  n.gate = "intermediate.linear_gate";
  n.gate_beta = "intermediate.bias";
  return n;
}

[[nodiscard]] inline tensor_names names_of(const encoder_config& config) {
  if (config.naming == tensor_naming::multimolecule) return multimolecule_names(config.family);
  switch (config.family) {
    case architecture::nt_v1:
    case architecture::nt_v2:
    case architecture::esm2: return esm_names();
    case architecture::dnabert2: return dnabert2_names();
    case architecture::gena: return gena_names(config.norm == norm_placement::pre);
    case architecture::modernbert: return modernbert_names();
    case architecture::rnafm: return rnafm_names();
    case architecture::rinalmo: return rinalmo_names();
    case architecture::bert:
    case architecture::big_bird: break;
  }
  return {};
}

}  // namespace detail
DNALM_END_NAMESPACE
