// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief GPN's ConvNet and HyenaDNA through load_model(folder, on_cuda()): for the emulated GPU and a real
/// one.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <dnalm/embed.hpp>
#include <dnalm/models.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>
#include <unit/cuda/on_gpu.hpp>
#include <unit/models/golden_runs.hpp>
#include <unit/models/hyena_runs.hpp>

namespace dnalm_test {

using dnalm::index_t;

inline const std::filesystem::path golden_convnets = std::filesystem::path(DNALM_GOLDEN_DIR) / "convnets";

/// All hidden states and the logits of a batch, one matrix (R, columns) behind the other.
inline std::vector<dnalm::matrix<float>> outputs_of(const dnalm::model& model, const packed_batch& batch) {
  std::vector<dnalm::matrix<float>> outputs;
  dnalm::forward_workspace workspace;
  const auto take = [&](dnalm::matrix_view<const float> x) {
    outputs.emplace_back(x.rows, x.columns);
    for (index_t r = 0; r < x.rows; ++r)
      std::copy_n(x.row_data(r), x.columns, outputs.back().view().row_data(r));
  };
  model.forward(
      {batch.ids, batch.offsets}, [&](index_t, dnalm::matrix_view<const float> x) { take(x); },
      [&](dnalm::matrix_view<const float> x) { take(x); }, workspace);
  return outputs;
}

/// The numbers of one sequence.
inline std::span<const float> part_of(const dnalm::matrix<float>& x, const packed_batch& batch,
                                      index_t sequence) {
  return std::span<const float>(x.data() + batch.offsets.begin(sequence) * x.columns(),
                                static_cast<std::size_t>(batch.offsets.length(sequence) * x.columns()));
}

inline dnalm::model loaded_on_gpu(const std::filesystem::path& folder,
                                  const dnalm::cuda_options& where = {}) {
  return dnalm::load_model(folder, on_gpu(where));
}

/// Three sequences of random tokens.
inline packed_batch random_tokens(const std::vector<index_t>& lengths, std::uint64_t vocabulary) {
  dnalm::philox random(5, dnalm::hash_name("three"));
  packed_batch batch;
  for (const index_t length : lengths) {
    batch.offsets.append(length);
    for (index_t i = 0; i < length; ++i)
      batch.ids.push_back(static_cast<std::int32_t>(random.below(vocabulary)));
  }
  return batch;
}

inline void check_alone(const dnalm::model& model, const packed_batch& batch) {
  const auto together = outputs_of(model, batch);
  for (index_t s = 0; s < batch.offsets.sequences(); ++s) {
    packed_batch alone;
    alone.offsets.append(batch.offsets.length(s));
    alone.ids.assign(batch.ids.begin() + batch.offsets.begin(s),
                     batch.ids.begin() + batch.offsets.begin(s + 1));
    const auto own = outputs_of(model, alone);
    REQUIRE(together.size() == own.size());
    for (std::size_t o = 0; o < own.size(); ++o) {
      CHECK(same_bits(part_of(together[o], batch, s), part_of(own[o], alone, 0)));
    }
  }
}

/// Largest difference of two models' mean and max poolings of all layers, as a part of the largest number.
inline double pooled_gap(const dnalm::model& a, const dnalm::model& b,
                         const std::vector<std::string>& sequences) {
  const dnalm::embed_options options{.poolings = {dnalm::pooling::mean, dnalm::pooling::max}};
  const auto x = dnalm::embed(a, std::span<const std::string>(sequences), options);
  const auto y = dnalm::embed(b, std::span<const std::string>(sequences), options);
  double gap = 0.0;
  double largest = 0.0;
  for (const auto kind : options.poolings) {
    for (const index_t layer : x.layers) {
      for (std::size_t s = 0; s < sequences.size(); ++s) {
        for (std::size_t c = 0; c < x.at(kind, layer).shape(1); ++c) {
          const auto expected = static_cast<double>(y.at(kind, layer)(s, c));
          gap = std::max(gap, std::abs(static_cast<double>(x.at(kind, layer)(s, c)) - expected));
          largest = std::max(largest, std::abs(expected));
        }
      }
    }
  }
  return gap / largest;
}

/// Hidden states and logits of a golden case of GPN within 1e-4.
inline void check_gpn_golden(const std::string& name) {
  const dnalm::cuda_backend gpu;
  dnalm::buffer<float> copy;
  const auto download = [&](dnalm::device_matrix<const float> x) -> dnalm::matrix_view<const float> {
    copy = dnalm::buffer<float>(x.rows * x.columns);
    gpu.download(x, {copy.data(), x.rows, x.columns, x.columns});
    return {copy.data(), x.rows, x.columns, x.columns};
  };
  INFO(name);
  CHECK(worst_of_network<dnalm::convnet>(golden_convnets / name, 3, gpu, download).absolute < 1e-4);
}

inline void check_gaps(const std::vector<gradient_gap>& gaps) {
  CHECK(gaps.size() >= 2);
  for (const auto& one : gaps) {
    INFO(one.key << ": " << one.gap << ", PyTorch " << one.pytorch_float_gap);
    CHECK(one.gap < std::max(1e-4, 4.0 * one.pytorch_float_gap));
  }
}

/// Its gradients: 1e-4 of the largest number, or four times PyTorch's own error in float.
inline void check_gpn_gradients(const std::string& name) {
  const auto folder = golden_convnets / name;
  const auto model = loaded_on_gpu(folder);
  dnalm::forward_workspace workspace;
  INFO(name);
  check_gaps(compare_stored<float>(
      folder, folder / "gradients.safetensors",
      [&](const dnalm::token_batch& batch, const dnalm::gradient_request& request, const auto& receive) {
        model.input_gradients(batch, request, receive, workspace);
      }));
}

/// The same of HyenaDNA.
inline void check_hyena_golden(const std::string& name) {
  INFO(name);
  CHECK(worst_of_loaded({golden_hyena, name}, loaded_on_gpu(golden_hyena / name), false) < 1e-4);
}
inline void check_hyena_gradients(const std::string& name) {
  INFO(name);
  check_gaps(gradients_of_loaded({golden_hyena, name}, loaded_on_gpu(golden_hyena / name)));
}

inline void check_batches() {
  check_alone(loaded_on_gpu(golden_convnets / "gpn_even"), random_tokens({21, 1, 30}, 16));
  check_alone(loaded_on_gpu(golden_hyena / "hub_tied"), random_tokens({30, 1, 17}, 12));
}

inline void check_gpn_poolings() {
  const std::vector<std::string> sequences{"ACGTACGTTGCA", "TTTACGAAGATTACACC", "GATTACA"};
  const auto folder = golden_convnets / "gpn_6_bin";
  const auto cpu = dnalm::load_model(folder);
  const auto gpu = loaded_on_gpu(folder);
  for (int time = 0; time < 3; ++time) CHECK(pooled_gap(gpu, cpu, sequences) < 1e-4);
}

inline void check_half_networks() {
  // As of the encoders: 30 roundings of 2^-9 one after another.
  const std::vector<std::string> sequences{"ACGTACGTTGCA", "TTTACGAAGATTACACC"};
  const auto folder = golden_convnets / "gpn_6_bin";
  const auto half = loaded_on_gpu(folder, {.precision = dnalm::cuda_precision::bf16});
  const double gap = pooled_gap(half, dnalm::load_model(folder), sequences);
  CHECK(gap < 30 * 0x1p-9);
  CHECK(gap > 0x1p-16);  // it is another arithmetic than float's
  const auto hyena = loaded_on_gpu(golden_hyena / "hub_tied", {.precision = dnalm::cuda_precision::bf16});
  CHECK(worst_of_loaded({golden_hyena, "hub_tied"}, hyena, false) < 0.1);
}

inline void check_network_twins() {
  const packed_batch batch = random_tokens({5, 9}, 6);
  for (const auto& folder : {golden_convnets / "gpn_even", golden_hyena / "hub_tied"}) {
    const auto original = loaded_on_gpu(folder);
    const auto twin = outputs_of(dnalm::random_twin(original, 3), batch);
    const auto again = outputs_of(dnalm::random_twin(folder, 3, on_gpu()), batch);
    REQUIRE(twin.size() == again.size());
    for (std::size_t o = 0; o < twin.size(); ++o)
      CHECK(same_bits(part_of(twin[o], batch, 1), part_of(again[o], batch, 1)));
    CHECK_FALSE(
        same_bits(part_of(twin.back(), batch, 1), part_of(outputs_of(original, batch).back(), batch, 1)));
    const auto encoder = dnalm::read_network_config(golden_models / "nt_v2_d8");
    CHECK(error_id_of([&] {
            static_cast<void>(original.remade(encoder, dnalm::random_source(1, 0.02), 1));
          }) == "dnalm.unsupported.440");
  }
}

}  // namespace dnalm_test
