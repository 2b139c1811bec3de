// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Model folders of published shapes, with random weights, and sequences to run through them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/io/safetensors_writer.hpp>
#include <dnalm/models/encoder_config.hpp>
#include <dnalm/models/random_source.hpp>
#include <dnalm/models/tensor_plan.hpp>

namespace dnalm_bench {

namespace fs = std::filesystem;
using dnalm::index_t;

/// The sizes of a model.
struct model_shape {
  std::string name = {};
  bool dnabert2 = false;  ///< else NT-v2
  int kmer = 6;           ///< of NT-v2
  index_t width = 0;
  index_t layers = 0;
  index_t heads = 0;
  index_t feed_forward = 0;
  bool nt_v1 = false;  ///< learned positions, no gates
};

/// The published sizes, and three small ones for tests of the bench.
inline const std::vector<model_shape>& model_shapes() {
  static const std::vector<model_shape> shapes = {
      {"nt_v2_100m", false, 6, 512, 22, 16, 2048},     {"nt_v2_500m", false, 6, 1024, 29, 16, 4096},
      {"nt_2b5", false, 6, 2560, 32, 20, 10240, true}, {"dnabert2", true, 6, 768, 12, 12, 3072},
      {"nt_v2_tiny", false, 3, 64, 2, 4, 96},          {"nt_v1_tiny", false, 3, 64, 2, 4, 96, true},
      {"dnabert2_tiny", true, 6, 48, 2, 4, 80}};
  return shapes;
}

inline model_shape find_shape(const std::string& name) {
  std::string known;
  for (const model_shape& shape : model_shapes()) {
    if (shape.name == name) return shape;
    known += " " + shape.name;
  }
  throw std::invalid_argument("unknown shape '" + name + "'; known:" + known);
}

inline void write_text(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

/// The k-mer vocabulary in the order of the published files.
inline std::vector<std::string> kmer_words(int k) {
  std::vector<std::string> words = {""};
  for (int i = 0; i < k; ++i) {
    std::vector<std::string> longer;
    for (const std::string& word : words) {
      for (const char letter : {'A', 'T', 'C', 'G'}) longer.push_back(word + letter);
    }
    words = std::move(longer);
  }
  return words;
}

inline void write_nt(const model_shape& shape, const fs::path& folder) {
  std::vector<std::string> words = {"<unk>", "<pad>", "<mask>", "<cls>", "<eos>", "<bos>"};
  for (const std::string& word : kmer_words(shape.kmer)) words.push_back(word);
  for (const char* word : {"A", "T", "C", "G", "N"}) words.emplace_back(word);
  std::string vocabulary;
  for (const std::string& word : words) vocabulary += (vocabulary.empty() ? "" : "\n") + word;
  nlohmann::json config = {{"architectures", {"EsmForMaskedLM"}},
                           {"emb_layer_norm_before", false},
                           {"hidden_size", shape.width},
                           {"initializer_range", 0.02},
                           {"intermediate_size", shape.feed_forward},
                           {"layer_norm_eps", 1e-12},
                           {"mask_token_id", 2},
                           {"max_position_embeddings", shape.nt_v1 ? 1002 : 2050},
                           {"model_type", "esm"},
                           {"num_attention_heads", shape.heads},
                           {"num_hidden_layers", shape.layers},
                           {"pad_token_id", 1},
                           {"position_embedding_type", shape.nt_v1 ? "absolute" : "rotary"},
                           {"tie_word_embeddings", false},
                           {"token_dropout", shape.nt_v1},
                           {"vocab_size", words.size()}};
  if (!shape.nt_v1) {
    config["add_bias_fnn"] = false;
    config["auto_map"] = {{"AutoModelForMaskedLM", "modeling_esm.EsmForMaskedLM"}};
  }
  write_text(folder / "config.json", config.dump(1));
  write_text(folder / "vocab.txt", vocabulary);
  write_text(folder / "tokenizer_config.json",
             R"({"eos_token": null, "model_max_length": 2048, "tokenizer_class": "EsmTokenizer"})");
  write_text(folder / "special_tokens_map.json",
             R"({"cls_token": "<cls>", "mask_token": "<mask>", "pad_token": "<pad>", "unk_token": "<unk>"})");
}

/// `tokenizer`: the folder of the published tokenizer.json and tokenizer_config.json.
inline void write_dnabert2(const model_shape& shape, const fs::path& tokenizer, const fs::path& folder) {
  const nlohmann::json config = {{"architectures", {"BertForMaskedLM"}},
                                 {"alibi_starting_size", 512},
                                 {"auto_map",
                                  {{"AutoConfig", "configuration_bert.BertConfig"},
                                   {"AutoModelForMaskedLM", "bert_layers.BertForMaskedLM"}}},
                                 {"hidden_act", "gelu"},
                                 {"hidden_size", shape.width},
                                 {"initializer_range", 0.02},
                                 {"intermediate_size", shape.feed_forward},
                                 {"layer_norm_eps", 1e-12},
                                 {"max_position_embeddings", 512},
                                 {"model_type", "bert"},
                                 {"num_attention_heads", shape.heads},
                                 {"num_hidden_layers", shape.layers},
                                 {"position_embedding_type", "absolute"},
                                 {"type_vocab_size", 2},
                                 {"vocab_size", 4096}};
  write_text(folder / "config.json", config.dump(1));
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
    fs::copy_file(tokenizer / name, folder / name, fs::copy_options::overwrite_existing);
  }
}

/// model.safetensors with the numbers of random_twin(folder, seed).
inline void write_weights(const fs::path& folder, std::uint64_t seed) {
  const dnalm::encoder_config config = dnalm::read_encoder_config(folder);
  const dnalm::random_source source(seed, config.initializer_range);
  std::vector<dnalm::planned_tensor> stored;
  std::vector<dnalm::io::tensor_info> infos;
  for (const dnalm::planned_tensor& tensor : dnalm::plan_tensors(config)) {
    if (!tensor.required || tensor.role == dnalm::tensor_role::unused) continue;
    stored.push_back(tensor);
    infos.push_back({tensor.name, dnalm::dtype::f32, tensor.shape});
  }
  dnalm::io::safetensors_writer file(folder / "model.safetensors", infos, {{"format", "pt"}});
  std::vector<float> values;
  for (const std::size_t i : file.order()) {
    values.resize(static_cast<std::size_t>(infos[i].size()));
    source.read(stored[i], std::span<float>(values));
    file.write(std::as_bytes(std::span<const float>(values)));
  }
  file.finish();
}

/// A whole folder, or one without weights. Nothing is done where model.safetensors is there already: it is
/// written last.
inline void write_model_folder(const model_shape& shape, const fs::path& tokenizer, const fs::path& folder,
                               bool weights = true) {
  if (fs::exists(folder / "model.safetensors")) return;
  fs::create_directories(folder);
  if (shape.dnabert2) {
    write_dnabert2(shape, tokenizer, folder);
  } else {
    write_nt(shape, folder);
  }
  if (weights) write_weights(folder, 1);
}

/// `count` random sequences with lengths from `shortest` to `longest`, log-uniform; one a line.
inline void write_sequences(const fs::path& file, index_t count, index_t shortest, index_t longest) {
  dnalm::philox random(7, dnalm::hash_name("sequences"));
  std::string text;
  for (index_t s = 0; s < count; ++s) {
    const double ratio = static_cast<double>(longest) / static_cast<double>(shortest);
    const auto length =
        static_cast<index_t>(std::llround(static_cast<double>(shortest) * std::pow(ratio, random.uniform())));
    for (index_t i = 0; i < length; ++i) {
      text += "ACGT"[std::min<std::size_t>(static_cast<std::size_t>(random.uniform() * 4), 3)];
    }
    text += '\n';
  }
  write_text(file, text);
}

/// The first `limit` lines of a file; all for 0.
inline std::vector<std::string> read_sequences(const fs::path& file, index_t limit) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (limit > 0 && static_cast<index_t>(lines.size()) == limit) break;
    lines.push_back(line);
  }
  if (lines.empty()) throw std::runtime_error("no sequences in " + file.string());
  return lines;
}

/// Numbers in the matrices of all blocks.
inline double block_weights(const dnalm::encoder_config& c) {
  const auto d = static_cast<double>(c.width);
  const auto f = static_cast<double>(c.feed_forward);
  return static_cast<double>(c.layers) * (4 * d * d + (c.gated ? 3 : 2) * d * f);
}

/// Operations of a forward pass: 2 x block weights per token, and 4 D L per token and layer.
inline double forward_flops(const dnalm::encoder_config& c, double tokens) {
  return tokens *
         (2 * block_weights(c) + 4 * static_cast<double>(c.width) * tokens * static_cast<double>(c.layers));
}

}  // namespace dnalm_bench
