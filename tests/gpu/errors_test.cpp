// SPDX-License-Identifier: Apache-2.0
// What goes wrong with a real GPU is the documented error, and the GPU works on afterwards.
#include <string>
#include <vector>

#include <dnalm/embed.hpp>
#include <dnalm/models.hpp>
#include <dnalm/models/on_cuda.hpp>
#include <support/catch.hpp>
#include <support/random_sequences.hpp>

namespace {

using dnalm::index_t;
using dnalm_test::error_id_of;

const std::filesystem::path bundled =
    std::filesystem::path(DNALM_SOURCE_DIR) / "examples/data/models/dnalm-yeast-human-nt2";

dnalm::model on_gpu(const dnalm::cuda_options& where) {
  return dnalm::load_model(bundled, dnalm::on_cuda(where, {.unknown = dnalm::unknown_policy::n}));
}

}  // namespace

TEST_CASE("gpu: a number that no GPU has, and options that make no sense", "[gpu][errors]") {
  for (const int number : {1000, -1}) {
    INFO(number);
    CHECK(error_id_of([&] { dnalm::cuda_backend({.device = number}); }) == "dnalm.device.606");
  }
  CHECK(error_id_of([] { dnalm::cuda_backend({.memory_limit = -1}); }) == "dnalm.usage.616");
  CHECK(error_id_of([] { dnalm::cuda_backend({.block_rows = 0}); }) == "dnalm.usage.616");
}

TEST_CASE("gpu: more memory than the limit, or than there is", "[gpu][errors]") {
  CHECK(error_id_of([] { dnalm::cuda_backend({.memory_limit = 1 << 20}); }) == "dnalm.memory.609");
  const dnalm::cuda_backend gpu;
  const index_t before = gpu.memory_used();
  const index_t too_many = 2 * gpu.device().memory / static_cast<index_t>(sizeof(float));
  CHECK(error_id_of([&] { static_cast<void>(gpu.allocate(too_many)); }) == "dnalm.memory.608");
  CHECK(gpu.memory_used() == before);
  // The error stays behind it.
  const std::vector<float> values{1.0F, 2.0F, 3.0F};
  const auto kept = gpu.upload(values, 1, 3);
  std::vector<float> found(3);
  gpu.download(kept.view(), {found.data(), 1, 3, 3});
  CHECK(found == values);
}

TEST_CASE("gpu: a batch that needs more memory than the limit leaves a model that works", "[gpu][errors]") {
  const std::vector<std::string> few{dnalm_test::random_sequence(1, 60)};
  std::vector<std::string> many;
  for (std::uint64_t i = 0; i < 24; ++i) many.push_back(dnalm_test::random_sequence(i, 1000));
  const auto embed = [](const dnalm::model& network, const std::vector<std::string>& sequences) {
    return dnalm::embed(network, sequences, {.layers = dnalm::layer_selection({4})});
  };
  // The least limit, to 2 MiB, under which the model loads and embeds a short sequence.
  index_t limit = index_t{32} << 20;
  std::string id = "dnalm.memory.609";
  while (id == "dnalm.memory.609" && limit < index_t{256} << 20) {
    limit += index_t{2} << 20;
    id = error_id_of([&] { static_cast<void>(embed(on_gpu({.memory_limit = limit}), few)); });
  }
  REQUIRE(id == "");
  const dnalm::model gpu = on_gpu({.memory_limit = limit});
  const dnalm::embeddings before = embed(gpu, few);
  CHECK(error_id_of([&] { static_cast<void>(embed(gpu, many)); }) == "dnalm.memory.609");
  const dnalm::embeddings after = embed(gpu, few);
  CHECK((before.at(dnalm::pooling::mean, 4) == after.at(dnalm::pooling::mean, 4)));
}
