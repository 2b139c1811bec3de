// SPDX-License-Identifier: Apache-2.0
// A checkpoint of the shape of NT-v2-500M with random weights: written, loaded, run. Hidden: it takes 2 GB of
// disk and 4 GB of memory; run it with the tag [slow].
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/models/tensor_plan.hpp>
#include <support/catch.hpp>
#include <support/small_models.hpp>

namespace {

using dnalm::index_t;

/// Cheap uniform numbers of deviation 0.02; what they are does not matter here.
void fill(std::vector<float>& values, std::uint64_t state, float shift) {
  for (float& value : values) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    value = shift + 0.07F * (static_cast<float>(state >> 40) * 0x1.0p-24F - 0.5F);
  }
}

void write_checkpoint(const std::filesystem::path& folder) {
  dnalm_test::write_text(folder / "config.json",
                         R"({"add_bias_fnn": false, "emb_layer_norm_before": false, "hidden_size": 1024,
 "intermediate_size": 4096, "layer_norm_eps": 1e-12, "mask_token_id": 2, "max_position_embeddings": 2050,
 "num_attention_heads": 16, "num_hidden_layers": 29, "pad_token_id": 1, "position_embedding_type": "rotary",
 "tie_word_embeddings": false, "token_dropout": false, "vocab_size": 4107})");
  std::vector<std::vector<float>> numbers;
  std::vector<dnalm::io::tensor_to_write> tensors;
  for (const auto& tensor : dnalm::plan_tensors(dnalm::read_encoder_config(folder))) {
    if (!tensor.counted) continue;
    numbers.emplace_back(static_cast<std::size_t>(dnalm::checked_size(tensor.shape)));
    fill(numbers.back(), numbers.size(), tensor.kind == dnalm::tensor_kind::norm_weight ? 1.0F : 0.0F);
    tensors.push_back(dnalm::io::make_tensor(tensor.name, numbers.back(), tensor.shape));
  }
  dnalm::io::write_safetensors(folder / "model.safetensors", tensors);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("a model of the size of NT-v2-500M loads and runs", "[.][slow]") {
  const dnalm_test::temporary_folder folder("large");
  write_checkpoint(folder.path());
  const auto start = std::chrono::steady_clock::now();
  const auto network = dnalm::load_model(folder.path());
  const double load_seconds = seconds_since(start);
  CHECK(network.describe().parameters == 498345436);

  std::vector<std::int32_t> ids(168, 6);
  ids[0] = 3;
  for (std::size_t i = 1; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(6 + (i * 1237) % 4096);
  dnalm::ragged_offsets offsets;
  offsets.append(168);
  dnalm::forward_workspace workspace;
  const auto run_start = std::chrono::steady_clock::now();
  index_t layers = 0;
  double sum = 0.0;
  network.forward(
      {ids, offsets}, [&](index_t, dnalm::matrix_view<const float>) { ++layers; },
      [&](dnalm::matrix_view<const float> x) {
        for (index_t c = 0; c < x.columns; ++c) sum += static_cast<double>(std::abs(x(167, c)));
      },
      workspace);
  const double run_seconds = seconds_since(run_start);
  CHECK(layers == 30);
  CHECK(std::isfinite(sum));
  CHECK(sum > 0.0);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  WARN("load " << load_seconds << " s, 168 tokens " << run_seconds << " s, peak " << usage.ru_maxrss / 1024
               << " MiB");
}
