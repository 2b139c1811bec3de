// SPDX-License-Identifier: Apache-2.0
// Ridge statistics of pooled vectors that stay on the emulated GPU: the bits of vectors that go to the host
// and back, and no copy of them.
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/embed/detail/embed_job.hpp>
#include <support/cuda_emulation/backend.hpp>
#include <unit/cuda/device_rows_runs.hpp>

using dnalm_test::found_run;
using dnalm_test::gathered;
using dnalm_test::index_t;
using dnalm_test::nt_v2_on_gpu;
using dnalm_test::require_same;
using dnalm_test::run_wish;
using dnalm_test::sequences;
using dnalm_test::some_layers;
using dnalm_test::gpu::device_memory;

TEST_CASE("vectors that stay on the GPU give the statistics of vectors that go to the host and back",
          "[cuda][moments]") {
  const dnalm::model network = nt_v2_on_gpu();
  CHECK(network.prefers().device == 0);
  const std::vector<index_t> kept{0, 3, 4, 40, 57, 89};
  const found_run copied = gathered(network, {false, kept, some_layers(0, 1)});
  REQUIRE(copied.moments.size() == 4);
  REQUIRE(copied.stored.front().size() == 6 * dnalm_test::width);
  for (const auto& [batch, threads] : {std::pair<index_t, int>{0, 1}, {7, 2}, {40, 2}}) {
    INFO("batches of " << batch << ", threads " << threads);
    require_same(gathered(network, {true, kept, some_layers(batch, threads)}), copied);
  }
  std::vector<index_t> all(static_cast<std::size_t>(sequences));  // as for a second probe
  std::iota(all.begin(), all.end(), index_t{0});
  require_same(gathered(network, {true, all, some_layers(40, 1)}),
               gathered(network, {false, all, some_layers(40, 1)}));
  {
    INFO("work as late as is allowed");
    const dnalm_test::gpu::late_streams late;
    require_same(gathered(network, {true, kept, some_layers(7, 2)}), copied);
  }
}

TEST_CASE("of vectors that stay on the GPU none is copied but those that are kept", "[cuda][moments]") {
  const dnalm::model network = nt_v2_on_gpu();
  constexpr index_t row = dnalm_test::width * static_cast<index_t>(sizeof(float));
  constexpr index_t slots = 4;
  struct copied_bytes {
    index_t down = 0;
    index_t up = 0;
  };
  const auto bytes_of = [&](bool stays, const std::vector<index_t>& kept) {
    const copied_bytes before{device_memory().downloaded(), device_memory().uploaded()};
    copied_bytes found;
    const auto count = [&] {
      found = {device_memory().downloaded() - before.down, device_memory().uploaded() - before.up};
    };
    static_cast<void>(gathered(network, {stays, kept, some_layers(30, 1), count}));
    return found;
  };
  static_cast<void>(bytes_of(true, {}));  // arrays of the batches are uploaded once
  const copied_bytes stay = bytes_of(true, {});
  CHECK(stay.down == sequences * row);  // where numbers are not finite
  const copied_bytes go = bytes_of(false, {});
  CHECK(go.down == sequences * row * (1 + slots));
  CHECK(go.up - stay.up == sequences * row * slots);
  CHECK(bytes_of(true, {2, 3, 70}).down == stay.down + 3 * slots * row);
}

TEST_CASE("vectors of nothing but special tokens go to the host, where a mean of none is told", "[cuda]") {
  struct sink_of_device final : dnalm::embedding_sink {
    void begin(const dnalm::embedding_shape&) override {}
    void consume(index_t, const dnalm::embedding_block& block) override {
      stayed += block.on_device.size();
      means.push_back(block.values[0].rows() > 1 ? block.values[0](1, 0) : 0.0F);
    }
    [[nodiscard]] std::optional<int> device() const override { return 0; }
    std::size_t stayed = 0;
    std::vector<float> means = {};
  };
  const dnalm::model network = nt_v2_on_gpu({}, {.unknown = dnalm::unknown_policy::literal});
  for (const char* second : {"ACG", "<mask>"}) {
    const bool masked = second[0] == '<';
    const std::vector<dnalm::io::sequence_record> records{{.name = "a", .sequence = "ACGTAC"},
                                                          {.name = "b", .sequence = second}};
    sink_of_device sink;
    dnalm::embed(network, records, {.layers = dnalm::layer_selection({1})}, sink);
    CHECK(sink.stayed == (masked ? 0U : 1U));
    CHECK(std::isnan(sink.means.at(0)) == masked);
  }
}

TEST_CASE("what a pass takes of the GPU's memory is not in the host's budget", "[cuda]") {
  const dnalm::model network = nt_v2_on_gpu();
  const auto records = dnalm_test::labelled_records();  // of 6 letters and more: CLS and 2 tokens at least
  dnalm::embed_options options = some_layers(0, 1);
  const index_t vectors = 4 * dnalm_test::width * static_cast<index_t>(sizeof(float));
  const auto tokens_with = [&](index_t fitting) {
    options.memory = 3 * fitting * vectors;
    struct : dnalm::embedding_sink {
      void begin(const dnalm::embedding_shape&) override {}
      void consume(index_t, const dnalm::embedding_block&) override {}
    } sink;
    const auto job = dnalm::detail::prepare_job(network, records, options, sink);
    return dnalm::detail::choose_limits(job, dnalm::detail::sequence_loads(job), options, 1).tokens;
  };
  CHECK(tokens_with(4224 / 3) == 4224);
  CHECK(tokens_with(4224 / 3 - 1) == 2112);
}

TEST_CASE("windows go to the host: a stream of rows from both places has the same statistics",
          "[cuda][moments]") {
  const dnalm::model network = nt_v2_on_gpu();
  run_wish wish{.kept = {1, 5}, .options = some_layers(0, 1)};
  wish.options.window = {.tokens = 3, .overlap = 0};  // of the sequences of 18 letters, two windows
  const found_run both = gathered(network, wish);
  wish.stays = false;
  require_same(both, gathered(network, wish));
}

TEST_CASE("in fast mode vectors of halves of a batch stay on the GPU too", "[cuda][moments]") {
  const run_wish wish{true, {10, 80}, some_layers(0, 1)};
  const found_run whole = gathered(nt_v2_on_gpu(), wish);
  /// How it ends with so much memory for statistics and batches.
  const auto failure_with = [&](index_t bytes, bool deterministic, found_run& found) {
    const dnalm::model network = nt_v2_on_gpu({.deterministic = deterministic});
    const dnalm_test::gpu::memory_limit little(device_memory().used() + bytes);
    return dnalm_test::error_id_of([&] { found = gathered(network, wish); });
  };
  found_run found;
  index_t bytes = index_t{2} << 20;
  while (failure_with(bytes, true, found).empty()) bytes -= bytes / 8;
  CHECK(failure_with(bytes, true, found) == "dnalm.memory.608");
  REQUIRE(failure_with(bytes, false, found).empty());
  require_same(found, whole);
}
