// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Folders of supervised networks with random weights: their shapes are those of the tensors, so these
/// are written by name.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/safetensors_writer.hpp>

#include "text_file.hpp"

namespace dnalm_bench {

using dnalm::index_t;

/// Names and shapes of a file to write.
class tensor_list {
 public:
  void add(const std::string& name, std::vector<index_t> shape) {
    infos_.push_back({name, dnalm::dtype::f32, std::move(shape)});
  }
  /// PyTorch's convolution or dense layer with a bias.
  void add_module(const std::string& name, std::vector<index_t> shape) {
    const index_t outputs = shape.front();
    add(name + ".weight", std::move(shape));
    add(name + ".bias", {outputs});
  }
  /// Keras' convolution, and its batch norm.
  void add_keras(const std::string& layer, index_t taps, index_t inputs, index_t outputs) {
    add(layer + "/kernel", {taps, inputs, outputs});
    add(layer + "/bias", {outputs});
  }
  void add_norm(const std::string& layer, index_t channels) {
    for (const char* part : {"gamma", "beta", "moving_mean", "moving_var"})
      add(layer + "/" + part, {channels});
  }
  /// Weights normal with the variance 2 / (numbers of a sum), so that values neither vanish nor grow; scales
  /// and variances around 1, the rest small.
  void write(const fs::path& file) const {
    dnalm::io::safetensors_writer out(file, infos_, {{"format", "pt"}});
    std::vector<float> values;
    for (const std::size_t i : out.order()) {
      values.resize(static_cast<std::size_t>(infos_[i].size()));
      fill(infos_[i], values);
      out.write(std::as_bytes(std::span<const float>(values)));
    }
    out.finish();
  }

 private:
  static void fill(const dnalm::io::tensor_info& tensor, std::vector<float>& values) {
    dnalm::philox random(1, dnalm::hash_name(tensor.name));
    const bool keras = tensor.name.find("/kernel") != std::string::npos;
    const index_t outputs = keras ? tensor.shape.back() : tensor.shape.front();
    const auto fan = static_cast<double>(tensor.size() / outputs);
    const bool one = tensor.name.ends_with("/gamma") || tensor.name.ends_with("/moving_var");
    for (float& value : values) {
      const double drawn = random.normal();
      const double number = one                        ? std::exp(0.1 * drawn)
                            : tensor.shape.size() == 1 ? 0.05 * drawn
                                                       : drawn * std::sqrt(2.0 / fan);
      value = static_cast<float>(number);
    }
  }

  std::vector<dnalm::io::tensor_info> infos_;
};

/// Sei's trunk: 4,096 bases, `width` channels in the first stage (480), 4/3 and twice as many in the others.
/// No classifier: the embedding is the output.
inline void write_sei(index_t width, bool weights, const fs::path& folder) {
  write_text(folder / "config.json", R"({"model_type": "sei", "predictions": false})");
  if (!weights) return;
  constexpr index_t taps = 9;
  tensor_list tensors;
  const index_t widths[] = {4, width, width * 4 / 3, 2 * width};
  for (int stage = 1; stage <= 3; ++stage) {
    const std::string linear = "lconv" + std::to_string(stage);
    const std::string curved = "conv" + std::to_string(stage);
    const int first = stage == 1 ? 0 : 2;  // a max pool and a dropout before, a ReLU between the others
    const index_t w = widths[stage];
    const int second = stage == 1 ? 0 : 1;
    tensors.add_module(linear + "." + std::to_string(first), {w, widths[stage - 1], taps});
    tensors.add_module(linear + "." + std::to_string(first + 1), {w, w, taps});
    tensors.add_module(curved + "." + std::to_string(second), {w, w, taps});
    tensors.add_module(curved + "." + std::to_string(second + 2), {w, w, taps});
  }
  for (int i = 1; i <= 5; ++i) {
    tensors.add_module("dconv" + std::to_string(i) + ".1", {widths[3], widths[3], 5});
  }
  tensors.write(folder / "model.safetensors");
}

/// One model of SpliceAI with `width` channels (32) and four groups of blocks: 5,000 bases on either side of
/// those that it predicts, which are part of the sequence.
inline void write_spliceai(index_t width, bool weights, const fs::path& folder) {
  write_text(folder / "config.json", R"({"model_type": "spliceai", "flanks": "sequence"})");
  if (!weights) return;
  tensor_list tensors;
  auto convolution = [&, next = 1](index_t taps, index_t inputs, index_t outputs) mutable {
    tensors.add_keras("conv1d_" + std::to_string(next++), taps, inputs, outputs);
  };
  convolution(1, 4, width);
  convolution(1, width, width);
  int norm = 1;
  for (const index_t taps : {11, 11, 21, 41}) {
    for (int i = 0; i < 8; ++i) {
      convolution(taps, width, width);
      tensors.add_norm("batch_normalization_" + std::to_string(norm++), width);
    }
    convolution(1, width, width);
  }
  convolution(1, width, 3);
  tensors.write(folder / "model.safetensors");
}

}  // namespace dnalm_bench
