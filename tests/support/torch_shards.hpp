// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Model folders of any size as PyTorch writes them, made without PyTorch: shards, an index, matrices
/// that may lie column-major. One tensor is in memory at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/zip_writer.hpp>
#include <dnalm/models/tensor_plan.hpp>

namespace dnalm_test {

/// One tensor of float numbers to be written; strides in elements.
struct shard_tensor {
  std::string name = {};
  std::vector<dnalm::index_t> shape = {};
  std::vector<dnalm::index_t> strides = {};
  float shift = 0.0F;  ///< mean of its numbers

  [[nodiscard]] dnalm::index_t size() const { return dnalm::checked_size(shape); }
};

/// Number `place` of a tensor's storage (not of the tensor, whose strides say where its elements lie):
/// uniform within 0.035 of the shift, of deviation 0.02; a hash of name and place.
inline float stored_number(const shard_tensor& tensor, std::uint64_t name_hash, dnalm::index_t place) {
  std::uint64_t state = name_hash + 0x9E3779B97F4A7C15U * static_cast<std::uint64_t>(place + 1);
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9U;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EBU;
  return tensor.shift + 0.07F * (static_cast<float>(state >> 40) * 0x1.0p-24F - 0.5F);
}

/// The pickle of a state dictionary: an OrderedDict of tensors, tensor i on storage `i`; protocol 2.
class state_dict_pickle {
 public:
  [[nodiscard]] static std::string of(const std::vector<shard_tensor>& tensors) {
    state_dict_pickle pickle;
    pickle.text_ = std::string("\x80\x02", 2);
    pickle.empty_ordered_dict();
    pickle.text_ += "(";
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      pickle.put_text(tensors[i].name);
      pickle.put_tensor(tensors[i], i);
    }
    pickle.text_ += "u.";
    return pickle.text_;
  }

 private:
  void put_little(std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) text_ += static_cast<char>(value >> (8 * i));
  }
  void put_text(const std::string& value) {
    text_ += "X";
    put_little(value.size(), 4);
    text_ += value;
  }
  void put_integer(dnalm::index_t value) {
    text_ += "\x8a\x08";  // LONG1 of eight bytes
    put_little(static_cast<std::uint64_t>(value), 8);
  }
  void put_numbers(const std::vector<dnalm::index_t>& values) {
    text_ += "(";
    for (const auto value : values) put_integer(value);
    text_ += "t";
  }
  void empty_ordered_dict() { text_ += "ccollections\nOrderedDict\n)R"; }
  /// _rebuild_tensor_v2(persistent ('storage', FloatStorage, key, 'cpu', count), 0, shape, strides, False,
  /// {})
  void put_tensor(const shard_tensor& tensor, std::size_t key) {
    text_ += "ctorch._utils\n_rebuild_tensor_v2\n((";
    put_text("storage");
    text_ += "ctorch\nFloatStorage\n";
    put_text(std::to_string(key));
    put_text("cpu");
    put_integer(tensor.size());
    text_ += "tQ";
    put_integer(0);
    put_numbers(tensor.shape);
    put_numbers(tensor.strides);
    text_ += "\x89";
    empty_ordered_dict();
    text_ += "tR";
  }

  std::string text_;
};

/// Writes one file as torch.save(state_dict) does: stored members, the pickle first, then the storages.
inline void write_torch_file(const std::filesystem::path& path, const std::vector<shard_tensor>& tensors) {
  const std::string root = path.stem().string() + "/";
  dnalm::io::zip_writer archive(path);
  const auto put = [&](const std::string& name, const std::string& text) {
    archive.add(root + name, std::as_bytes(std::span<const char>(text.data(), text.size())));
  };
  put("data.pkl", state_dict_pickle::of(tensors));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::vector<float> numbers(static_cast<std::size_t>(tensors[i].size()));
    const std::uint64_t hash = dnalm::hash_name(tensors[i].name);
    for (std::size_t n = 0; n < numbers.size(); ++n) {
      numbers[n] = stored_number(tensors[i], hash, static_cast<dnalm::index_t>(n));
    }
    archive.add(root + "data/" + std::to_string(i), std::as_bytes(std::span<const float>(numbers)));
  }
  put("version", "3\n");
  archive.finish();
}

/// The tensors of a plan that count as parameters; matrices whose name `column_major` accepts get strides (1,
/// out).
inline std::vector<shard_tensor> shard_tensors(const std::vector<dnalm::planned_tensor>& plan,
                                               const std::function<bool(const std::string&)>& column_major) {
  std::vector<shard_tensor> tensors;
  for (const auto& planned : plan) {
    if (!planned.counted) continue;
    shard_tensor tensor{
        planned.name, planned.shape, {}, planned.kind == dnalm::tensor_kind::norm_weight ? 1.0F : 0.0F};
    tensor.strides.assign(planned.shape.size(), 1);
    if (planned.shape.size() == 2) {
      const bool down = column_major(planned.name);
      tensor.strides = down ? std::vector<dnalm::index_t>{1, planned.shape[0]}
                            : std::vector<dnalm::index_t>{planned.shape[1], 1};
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

/// Writes `pytorch_model-0000k-of-00002.bin` and the index; the first file holds about `share` of the bytes.
inline void write_two_shards(const std::filesystem::path& folder, const std::vector<shard_tensor>& tensors,
                             double share) {
  dnalm::index_t total = 0;
  for (const auto& tensor : tensors) total += 4 * tensor.size();
  std::vector<shard_tensor> parts[2];
  std::string map;
  dnalm::index_t written = 0;
  for (const auto& tensor : tensors) {
    const int part = static_cast<double>(written) < share * static_cast<double>(total) ? 0 : 1;
    written += 4 * tensor.size();
    parts[part].push_back(tensor);
    map += (map.empty() ? "" : ",\n    ") + std::string("\"") + tensor.name + "\": \"pytorch_model-0000" +
           std::to_string(part + 1) + "-of-00002.bin\"";
  }
  write_torch_file(folder / "pytorch_model-00001-of-00002.bin", parts[0]);
  write_torch_file(folder / "pytorch_model-00002-of-00002.bin", parts[1]);
  dnalm::io::write_file(folder / "pytorch_model.bin.index.json",
                        "{\n  \"metadata\": {\"total_size\": " + std::to_string(total) +
                            "},\n  \"weight_map\": {\n    " + map + "\n  }\n}\n");
}

/// The configuration of a Nucleotide Transformer of the first kind (learnt positions, GELU, CLS without EOS).
inline std::string nt_v1_config(dnalm::index_t layers, dnalm::index_t width, dnalm::index_t heads,
                                dnalm::index_t feed_forward, dnalm::index_t vocabulary,
                                dnalm::index_t positions) {
  const auto field = [](const std::string& name, dnalm::index_t value) {
    return "\"" + name + "\": " + std::to_string(value) + ", ";
  };
  return "{\"architectures\": [\"EsmForMaskedLM\"], \"emb_layer_norm_before\": false, " +
         field("hidden_size", width) + "\"initializer_range\": 0.02, " +
         field("intermediate_size", feed_forward) + "\"layer_norm_eps\": 1e-12, " +
         field("mask_token_id", 2) + field("max_position_embeddings", positions) +
         "\"model_type\": \"esm\", " + field("num_attention_heads", heads) +
         field("num_hidden_layers", layers) + field("pad_token_id", 1) +
         "\"position_embedding_type\": \"absolute\", \"tie_word_embeddings\": false, \"token_dropout\": "
         "true, " +
         field("vocab_size", vocabulary) + "\"torch_dtype\": \"float32\"}\n";
}

/// Whether the published 2.5B files hold this matrix column-major: the products of the blocks and of the
/// head.
inline bool is_column_major(const std::string& name) {
  return name.find("dense.weight") != std::string::npos || name.find(".self.") != std::string::npos ||
         name == "lm_head.decoder.weight";
}

}  // namespace dnalm_test
