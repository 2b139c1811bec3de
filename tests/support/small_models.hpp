// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Model folders without weights, written for a test: the random twin of such a folder is a model.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <support/temporary_folder.hpp>

namespace dnalm_test {

inline void write_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

/// All words of `letters` bases, one a line.
inline std::string all_words(int letters) {
  std::vector<std::string> words = {""};
  for (int place = 0; place < letters; ++place) {
    std::vector<std::string> longer;
    for (const std::string& word : words) {
      for (const char base : {'A', 'T', 'C', 'G'}) longer.push_back(word + base);
    }
    words = std::move(longer);
  }
  std::string text;
  for (const std::string& word : words) text += word + "\n";
  return text;
}

/// NT-v2 with k-mers (3: 75 tokens): width 48, 4 heads, 2 blocks, rotary positions.
inline void write_nt_v2_folder(const std::filesystem::path& folder, int letters = 3) {
  const std::string words = all_words(letters);
  const auto tokens = 11 + std::count(words.begin(), words.end(), '\n');
  write_text(folder / "config.json",
             R"({"add_bias_fnn": false, "architectures": ["EsmForMaskedLM"], "emb_layer_norm_before": false,
 "hidden_size": 48, "initializer_range": 0.3, "intermediate_size": 56, "layer_norm_eps": 1e-12, "mask_token_id": 2,
 "max_position_embeddings": 514, "num_attention_heads": 4, "num_hidden_layers": 2, "pad_token_id": 1,
 "position_embedding_type": "rotary", "tie_word_embeddings": false, "token_dropout": false, "vocab_size": )" +
                 std::to_string(tokens) + "}");
  write_text(folder / "vocab.txt", "<unk>\n<pad>\n<mask>\n<cls>\n<eos>\n<bos>\n" + words + "A\nT\nC\nG\nN");
  write_text(folder / "tokenizer_config.json",
             R"({"eos_token": null, "model_max_length": 512, "tokenizer_class": "EsmTokenizer"})");
  write_text(folder / "special_tokens_map.json",
             R"({"cls_token": "<cls>", "mask_token": "<mask>", "pad_token": "<pad>", "unk_token": "<unk>"})");
}

/// DNABERT-2 with its own tokenizer (4096 tokens), width 24, 3 heads, 1 block.
inline void write_dnabert2_folder(const std::filesystem::path& folder) {
  write_text(folder / "config.json",
             R"({"architectures": ["BertForMaskedLM"], "alibi_starting_size": 512, "hidden_act": "gelu",
 "auto_map": {"AutoConfig": "configuration_bert.BertConfig", "AutoModelForMaskedLM": "bert_layers.BertForMaskedLM"},
 "hidden_size": 24, "initializer_range": 0.3, "intermediate_size": 40, "layer_norm_eps": 1e-12,
 "max_position_embeddings": 512, "model_type": "bert", "num_attention_heads": 3, "num_hidden_layers": 1,
 "position_embedding_type": "absolute", "type_vocab_size": 2, "vocab_size": 4096})");
  const std::filesystem::path golden = std::filesystem::path(DNALM_GOLDEN_DIR) / "third_party" / "dnabert2";
  std::filesystem::copy_file(golden / "tokenizer.json", folder / "tokenizer.json");
  std::filesystem::copy_file(golden / "tokenizer_config.json", folder / "tokenizer_config.json");
}

/// DNABERT with 3-mers (69 tokens): width 24, 3 heads, 2 blocks, 32 positions.
inline void write_dnabert_folder(const std::filesystem::path& folder) {
  write_text(folder / "config.json",
             R"({"architectures": ["BertForMaskedLM"], "hidden_act": "gelu", "hidden_size": 24,
 "initializer_range": 0.3, "intermediate_size": 40, "max_position_embeddings": 32, "num_attention_heads": 3,
 "num_hidden_layers": 2, "type_vocab_size": 2, "vocab_size": 69})");
  write_text(folder / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n" + all_words(3));
  write_text(folder / "tokenizer_config.json", R"({"do_lower_case": true, "max_len": 512})");
}

}  // namespace dnalm_test
