// SPDX-License-Identifier: Apache-2.0
// Batches that come again are replayed: the same bits, whatever comes between them.
#include <string>
#include <vector>

#include <support/cuda_emulation/backend.hpp>
#include <unit/cuda/graph_runs.hpp>

namespace {

using dnalm::index_t;
using dnalm::pooling;
using dnalm_test::both_ways;
using dnalm_test::bundled_model;
using dnalm_test::error_id_of;
using dnalm_test::graph_model;
using dnalm_test::pooled;
using dnalm_test::random_batch;
using dnalm_test::require_same;
using dnalm_test::gpu::device_memory;
using dnalm_test::gpu::host_memory;
using dnalm_test::gpu::late_streams;
using dnalm_test::gpu::memory_limit;
using dnalm_test::gpu::stream_settings;

/// Recordings and replays in the current scope.
struct counted_work {
  index_t recordings = stream_settings().recordings;
  index_t replays = stream_settings().replays;
  [[nodiscard]] std::vector<index_t> now() const {
    return {stream_settings().recordings - recordings, stream_settings().replays - replays};
  }
};

}  // namespace

TEST_CASE("a batch is recorded when its lengths come again, and replayed with other ids", "[cuda]") {
  both_ways both;
  const counted_work work;
  const std::vector<index_t> lengths{4, 4, 4};
  both.check(lengths, 1);
  CHECK(work.now() == std::vector<index_t>{0, 0});
  both.check(lengths, 2);
  CHECK(work.now() == std::vector<index_t>{1, 1});
  for (std::uint64_t seed = 3; seed < 6; ++seed) both.check(lengths, seed);
  CHECK(work.now() == std::vector<index_t>{1, 4});
  // A replay is one piece of work beside those of the embedding and the copy.
  const random_batch batch(lengths, 9);
  const index_t starts = stream_settings().starts;
  static_cast<void>(pooled(both.with, batch, {}, both.space));
  CHECK(stream_settings().starts - starts < 5);
}

TEST_CASE("other lengths, layers, poolings and special tokens are other graphs", "[cuda]") {
  both_ways both;
  const counted_work work;
  const dnalm_test::pool_wish mean{.layers = {4}, .kinds = {pooling::mean}};
  const dnalm_test::pool_wish all{.layers = {4}, .kinds = {pooling::mean_all}};
  const dnalm_test::pool_wish layers{.layers = {1, 4}, .kinds = {pooling::mean}};
  both.check({5, 5, 5, 5}, 1, layers);  // the largest first: memory does not move
  for (std::uint64_t round = 0; round < 3; ++round) {
    both.check({3, 3}, round, mean);
    both.check({2, 4}, round, mean);
    both.check({3, 3}, round, all);
    both.check({3, 3}, round, layers);
  }
  CHECK(work.now() == std::vector<index_t>{4, 8});
  random_batch plain({3, 3}, 11);
  random_batch marked = plain;
  marked.special[1] = 1;
  for (const auto& batch : {plain, marked, plain, marked}) {
    require_same(pooled(both.with, batch, mean, both.space), pooled(both.without, batch, mean, both.other));
  }
}

TEST_CASE("of many shapes the last few stay recorded", "[cuda]") {
  both_ways both;
  const counted_work work;
  const dnalm_test::pool_wish last{.layers = {4}, .kinds = {pooling::cls}};
  both.check({12, 12}, 0, last);
  for (std::uint64_t round = 0; round < 2; ++round) {
    for (index_t length = 1; length <= 12; ++length) both.check({length}, round, last);
  }
  CHECK(work.now() == std::vector<index_t>{0, 0});  // each was forgotten before it came again
  for (std::uint64_t round = 0; round < 3; ++round) {
    for (index_t length = 1; length <= 4; ++length) both.check({length}, round, last);
  }
  CHECK(work.now() == std::vector<index_t>{4, 8});
}

TEST_CASE("a graph is not replayed when its workspace has moved", "[cuda]") {
  both_ways both;
  const counted_work work;
  for (std::uint64_t seed = 0; seed < 3; ++seed) both.check({3, 3}, seed);
  CHECK(work.now() == std::vector<index_t>{1, 2});
  both.check({30, 30, 30}, 5);
  for (std::uint64_t seed = 0; seed < 3; ++seed) both.check({3, 3}, seed);
  CHECK(work.now()[0] >= 1);
  CHECK(work.now()[1] >= 4);
}

TEST_CASE("graphs on streams that do their work late give the same bits", "[cuda]") {
  const late_streams late;
  both_ways both;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    both.check({4, 4}, seed);
    both.check({7}, seed);
  }
}

TEST_CASE("embed with graphs and two workers delivers what it delivers without", "[cuda]") {
  const std::vector<std::string> sequences = dnalm_test::random_texts(24, 18);
  const dnalm::embed_options options{
      .poolings = {pooling::mean, pooling::max}, .threads = 2, .batch_sequences = 2};
  const dnalm::embeddings plain = dnalm::embed(graph_model(false), sequences, options);
  for (const bool late : {false, true}) {
    stream_settings().late = late;
    const counted_work work;
    dnalm_test::check_embed_with_graphs(sequences, plain, options);
    stream_settings().late = false;
    CHECK(work.now()[0] >= 1);
    CHECK(work.now()[1] >= 8);
  }
}

TEST_CASE("a recording that fails once is done without, twice is an error", "[cuda]") {
  both_ways both;
  const std::vector<index_t> lengths{4, 4};
  both.check(lengths, 1);
  const counted_work work;
  stream_settings().failing_recordings = 2;
  both.check(lengths, 2);
  CHECK(work.now() == std::vector<index_t>{0, 0});
  const random_batch batch(lengths, 3);
  CHECK(error_id_of([&] { static_cast<void>(pooled(both.with, batch, {}, both.space)); }) ==
        "dnalm.device.600");
  CHECK(stream_settings().failing_recordings == 0);
  both.check(lengths, 4);
  CHECK(work.now() == std::vector<index_t>{1, 1});
}

TEST_CASE("without memory for a graph passes go on without one", "[cuda]") {
  both_ways both;
  const std::vector<index_t> lengths{9, 9, 9};
  both.check(lengths, 1);
  const counted_work work;
  {
    const memory_limit full(device_memory().used() + 4096);  // the ids of these batches fit
    for (std::uint64_t seed = 2; seed < 5; ++seed) both.check(lengths, seed);
  }
  CHECK(work.now() == std::vector<index_t>{0, 0});
}

TEST_CASE("graphs give their memory back to a batch that needs it", "[cuda]") {
  // The smallest limit in which a large batch runs after three small ones, to the next 16 KiB.
  const auto smallest = [](bool graphs) {
    index_t low = 0;
    index_t high = index_t{1} << 30;
    while (high - low > 16 * 1024) {
      const index_t limit = (low + high) / 2;
      const std::string failure = error_id_of([&] {
        const dnalm::model network =
            dnalm::load_model(bundled_model, dnalm_test::on_gpu({.graphs = graphs, .memory_limit = limit}));
        dnalm::forward_workspace space;
        const dnalm_test::pool_wish mean{.layers = {4}, .kinds = {pooling::mean}};
        for (std::uint64_t seed = 0; seed < 3; ++seed) {
          static_cast<void>(pooled(network, random_batch({6, 6}, seed), mean, space));
        }
        static_cast<void>(pooled(network, random_batch({12, 12}, 4), mean, space));
      });
      (failure.empty() ? high : low) = limit;
    }
    return high;
  };
  CHECK(smallest(true) <= smallest(false) + 16 * 1024);
}

TEST_CASE("graphs leave nothing behind, and a workspace may outlive its model", "[cuda]") {
  const index_t device = device_memory().used();
  const index_t host = host_memory().used();
  {
    dnalm::forward_workspace space;
    {
      const dnalm::model network = graph_model(true);
      for (std::uint64_t seed = 0; seed < 3; ++seed) {
        static_cast<void>(pooled(network, random_batch({5, 5}, seed), {}, space));
      }
    }
    const dnalm::model next = graph_model(true);
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      static_cast<void>(pooled(next, random_batch({5, 5}, seed), {}, space));
    }
  }
  CHECK(device_memory().used() == device);
  CHECK(host_memory().used() == host);
}
