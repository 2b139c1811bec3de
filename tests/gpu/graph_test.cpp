// SPDX-License-Identifier: Apache-2.0
// Batches that come again are replayed as graphs on a real GPU: the bits of plain starts.
#include <string>
#include <vector>

#include <unit/cuda/graph_runs.hpp>

using dnalm::index_t;
using dnalm::pooling;

TEST_CASE("gpu: recorded batches have the bits of plain ones, whatever comes between them",
          "[gpu][models][sanitize]") {
  dnalm_test::both_ways both;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    both.check({40, 40, 40}, seed);
    both.check({7, 61}, seed);
    both.check({40, 40, 40}, seed, {.layers = {1, 3}, .kinds = {pooling::cls}});
  }
  both.check(std::vector<index_t>(64, 90), 1);  // the workspace moves
  for (std::uint64_t seed = 0; seed < 4; ++seed) both.check({40, 40, 40}, seed);
}

TEST_CASE("gpu: embed with graphs and two workers delivers what it delivers without", "[gpu][models]") {
  const std::vector<std::string> sequences = dnalm_test::random_texts(400, 300);
  const dnalm::embed_options options{
      .poolings = {pooling::mean, pooling::max}, .threads = 2, .batch_sequences = 8};
  const dnalm::embeddings plain = dnalm::embed(dnalm_test::graph_model(false), sequences, options);
  for (int round = 0; round < 3; ++round) {
    dnalm_test::check_embed_with_graphs(sequences, plain, options);
  }
}
