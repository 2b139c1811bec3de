// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What Caduceus calls its tensors.
#pragma once

#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/caduceus_config.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

inline const std::string caduceus_backbone = "caduceus.backbone.";

/// The word table.
[[nodiscard]] inline std::string caduceus_words(const caduceus_config& config) {
  const std::string name = caduceus_backbone + "embeddings.word_embeddings.";
  return name + (config.two_strands ? "embedding.weight" : "weight");
}
/// The complements that the embedding, and the head, of PS hold.
[[nodiscard]] inline std::string caduceus_complement(bool head) {
  return (head ? "lm_head." : caduceus_backbone + "embeddings.word_embeddings.") +
         std::string("complement_map");
}
[[nodiscard]] inline std::string caduceus_head(const caduceus_config& config) {
  return config.two_strands ? "lm_head.lm_head.weight" : "lm_head.weight";
}
/// The authors' norm that keeps the strands apart by itself, without their fused kernels, has its scale one
/// level deeper.
[[nodiscard]] inline std::string caduceus_norm(const caduceus_config& config) {
  return config.two_strands && !config.exchanges_strands ? "submodule.weight" : "weight";
}
/// A tensor of a block by what stands behind the block's number.
[[nodiscard]] inline std::string caduceus_tensor(index_t layer, const std::string& name) {
  return caduceus_backbone + "layers." + std::to_string(layer) + "." + name;
}
/// The mixer of a direction within a block, with a dot behind it.
[[nodiscard]] inline std::string caduceus_mixer(const caduceus_config& config, bool is_back) {
  return std::string(config.two_strands ? "mixer.submodule." : "mixer.") +
         (is_back ? "mamba_rev." : "mamba_fwd.");
}

}  // namespace detail
DNALM_END_NAMESPACE
