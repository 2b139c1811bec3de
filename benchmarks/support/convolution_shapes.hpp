// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Configurations and tokenizers of HyenaDNA (the hub's layout) and of GPN.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <dnalm/core/types.hpp>

#include "text_file.hpp"

namespace dnalm_bench {

using dnalm::index_t;

/// config.json alone: the tokenizer is built in.
inline void write_hyena(index_t width, index_t layers, index_t positions, const fs::path& folder) {
  const nlohmann::json config = {{"activation_freq", 10},
                                 {"architectures", {"HyenaDNAForCausalLM"}},
                                 {"d_inner", 4 * width},
                                 {"d_model", width},
                                 {"emb_dim", 5},
                                 {"filter_order", 64},
                                 {"hyena_order", 2},
                                 {"initializer_range", 0.02},
                                 {"layer_norm_epsilon", 1e-5},
                                 {"max_seq_len", positions},
                                 {"model_type", "hyenadna"},
                                 {"n_layer", layers},
                                 {"num_inner_mlps", 2},
                                 {"pad_token_id", 4},
                                 {"pad_vocab_size_multiple", 8},
                                 {"short_filter_order", 3},
                                 {"tie_word_embeddings", false},
                                 {"train_freq", true},
                                 {"vocab_size", 12}};
  write_text(folder / "config.json", config.dump(1));
}

[[nodiscard]] inline bool is_frequency(const std::string& tensor) {
  return tensor.size() >= 5 && tensor.compare(tensor.size() - 5, 5, ".freq") == 0;
}

inline nlohmann::json gpn_tokenizer() {
  const std::vector<std::string> words = {"[PAD]", "[MASK]", "[UNK]", "a", "c", "g", "t"};
  nlohmann::json added = nlohmann::json::array();
  nlohmann::json vocabulary;
  for (std::size_t id = 0; id < words.size(); ++id) {
    vocabulary[words[id]] = id;
    if (id > 2) continue;
    added.push_back({{"id", id},
                     {"content", words[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", {{"type", "Lowercase"}}},
          {"pre_tokenizer", {{"type", "Whitespace"}}},
          {"post_processor", nullptr},
          {"decoder", nullptr},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", "[UNK]"},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"vocab", vocabulary},
            {"merges", nlohmann::json::array()}}}};
}

inline void write_gpn(index_t width, index_t layers, const fs::path& folder) {
  const nlohmann::json config = {{"architectures", {"ConvNetForMaskedLM"}},
                                 {"dilation_base", 2},
                                 {"dilation_cycle", 6},
                                 {"dilation_double_every", 1},
                                 {"dilation_max", 32},
                                 {"hidden_size", width},
                                 {"initializer_range", 0.02},
                                 {"kernel_size", 9},
                                 {"model_type", "ConvNet"},
                                 {"n_aux_features", 0},
                                 {"n_layers", layers},
                                 {"vocab_size", 7}};
  write_text(folder / "config.json", config.dump(1));
  write_text(folder / "tokenizer.json", gpn_tokenizer().dump(1));
  write_text(
      folder / "tokenizer_config.json",
      R"({"mask_token": "[MASK]", "pad_token": "[PAD]", "tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"})");
}

}  // namespace dnalm_bench
