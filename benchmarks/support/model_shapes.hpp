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
#include <variant>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/io/safetensors_writer.hpp>
#include <dnalm/models/network_config.hpp>
#include <dnalm/models/random_source.hpp>
#include <dnalm/models/tensor_plan.hpp>

#include "convolution_shapes.hpp"
#include "supervised_shapes.hpp"
#include "text_file.hpp"

namespace dnalm_bench {

/// Whose format a folder has.
enum class shape_family { nt, dnabert2, hyena, gpn, caduceus_ph, caduceus_ps, sei, spliceai };

/// The sizes of a model.
struct model_shape {
  std::string name = {};
  shape_family family = shape_family::nt;
  int kmer = 6;  ///< of NT-v2
  index_t width = 0;
  index_t layers = 0;
  index_t heads = 0;         ///< of transformers
  index_t feed_forward = 0;  ///< of transformers; 4 widths for HyenaDNA, one for GPN
  index_t positions = 0;     ///< of HyenaDNA
  bool nt_v1 = false;        ///< of NT: learned positions, no gates
};

/// The published sizes, and small ones for tests of the bench. HyenaDNA tiny has the positions of small-32k,
/// so that one folder serves 1 kb and 32 kb.
inline const std::vector<model_shape>& model_shapes() {
  using enum shape_family;
  static const std::vector<model_shape> shapes = {{"nt_v2_100m", nt, 6, 512, 22, 16, 2048},
                                                  {"nt_v2_500m", nt, 6, 1024, 29, 16, 4096},
                                                  {"nt_2b5", nt, 6, 2560, 32, 20, 10240, 0, true},
                                                  {"dnabert2", dnabert2, 6, 768, 12, 12, 3072},
                                                  {"nt_v2_tiny", nt, 3, 64, 2, 4, 96},
                                                  {"nt_v1_tiny", nt, 3, 64, 2, 4, 96, 0, true},
                                                  {"dnabert2_tiny", dnabert2, 6, 48, 2, 4, 80},
                                                  {"hyena_d128", hyena, 1, 128, 2, 0, 512, 32770},
                                                  {"hyena_d256", hyena, 1, 256, 2, 0, 1024, 32770},
                                                  {"hyena_medium", hyena, 1, 256, 8, 0, 1024, 160002},
                                                  {"hyena_test", hyena, 1, 24, 2, 0, 96, 1026},
                                                  {"gpn", gpn, 1, 512, 25, 0, 512},
                                                  {"gpn_test", gpn, 1, 24, 7, 0, 24},
                                                  {"caduceus_ph_d256", caduceus_ph, 1, 256, 4},
                                                  {"caduceus_ps_d256", caduceus_ps, 1, 256, 4},
                                                  {"caduceus_ps_tiny", caduceus_ps, 1, 24, 2},
                                                  {"sei", sei, 1, 480},
                                                  {"sei_tiny", sei, 1, 6},
                                                  {"spliceai", spliceai, 1, 32},
                                                  {"spliceai_tiny", spliceai, 1, 4}};
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

inline void write_caduceus(index_t width, index_t layers, bool strands, const fs::path& folder) {
  nlohmann::json complements;
  for (int token = 0; token < 16; ++token) {
    complements[std::to_string(token)] = token >= 7 && token <= 10 ? 17 - token : token;
  }
  const nlohmann::json config = {{"architectures", {"CaduceusForMaskedLM"}},
                                 {"bidirectional", true},
                                 {"bidirectional_strategy", "add"},
                                 {"bidirectional_weight_tie", true},
                                 {"complement_map", complements},
                                 {"d_model", width},
                                 {"fused_add_norm", true},
                                 {"model_type", "caduceus"},
                                 {"n_layer", layers},
                                 {"norm_epsilon", 1e-5},
                                 {"pad_vocab_size_multiple", 8},
                                 {"rcps", strands},
                                 {"rms_norm", true},
                                 {"ssm_cfg", {{"d_state", 16}, {"d_conv", 4}, {"expand", 2}}},
                                 {"vocab_size", 16}};
  write_text(folder / "config.json", config.dump(1));
  write_text(folder / "tokenizer_config.json",
             R"({"model_max_length": 131072, "tokenizer_class": "CaduceusTokenizer"})");
}

/// Whether a random folder holds a tensor: what is required, and of tensors that may have several names the
/// first.
inline bool is_stored(const dnalm::planned_tensor& tensor) {
  if (tensor.role == dnalm::tensor_role::unused) return false;
  return tensor.required || (tensor.same_as.empty() && (is_frequency(tensor.name) || !tensor.group.empty()));
}

/// model.safetensors with the numbers of random_twin(folder, seed), but for the frequencies of HyenaDNA's
/// sines: as training begins, so that the filter is no constant.
inline void write_weights(const fs::path& folder, std::uint64_t seed) {
  const dnalm::network_config config = dnalm::read_network_config(folder);
  const dnalm::random_source source(seed, dnalm::summary_of(config).initializer_range);
  std::vector<dnalm::planned_tensor> stored;
  std::vector<dnalm::io::tensor_info> infos;
  for (const dnalm::planned_tensor& tensor : dnalm::plan_tensors(config)) {
    if (!is_stored(tensor)) continue;
    stored.push_back(tensor);
    infos.push_back({tensor.name, dnalm::dtype::f32, tensor.shape});
  }
  dnalm::io::safetensors_writer file(folder / "model.safetensors", infos, {{"format", "pt"}});
  std::vector<float> values;
  for (const std::size_t i : file.order()) {
    values.resize(static_cast<std::size_t>(infos[i].size()));
    source.read(stored[i], std::span<float>(values));
    if (is_frequency(stored[i].name)) std::fill(values.begin(), values.end(), 10.0F);
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
  switch (shape.family) {
    case shape_family::nt: write_nt(shape, folder); break;
    case shape_family::dnabert2: write_dnabert2(shape, tokenizer, folder); break;
    case shape_family::hyena: write_hyena(shape.width, shape.layers, shape.positions, folder); break;
    case shape_family::gpn: write_gpn(shape.width, shape.layers, folder); break;
    case shape_family::caduceus_ph: write_caduceus(shape.width, shape.layers, false, folder); break;
    case shape_family::caduceus_ps: write_caduceus(shape.width, shape.layers, true, folder); break;
    case shape_family::sei: return write_sei(shape.width, weights, folder);
    case shape_family::spliceai: return write_spliceai(shape.width, weights, folder);
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

}  // namespace dnalm_bench
