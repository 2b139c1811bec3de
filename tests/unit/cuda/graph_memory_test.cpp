// SPDX-License-Identifier: Apache-2.0
// Graphs give their memory back to whatever pass needs it.
#include <functional>
#include <string>
#include <vector>

#include <support/cuda_emulation/backend.hpp>
#include <unit/cuda/graph_runs.hpp>

namespace {

using dnalm::index_t;
using dnalm_test::error_id_of;
using dnalm_test::graph_model;
using dnalm_test::pooled;
using dnalm_test::random_batch;
using dnalm_test::gpu::device_memory;
using dnalm_test::gpu::memory_limit;

using pass = std::function<void(const dnalm::model&, dnalm::forward_workspace&)>;

/// The fewest bytes of a GPU in which a pass runs behind three pooled ones of another size, to the next 16
/// KiB.
index_t smallest(bool graphs, const pass& run) {
  const dnalm::model network = graph_model(graphs);
  index_t low = device_memory().used();
  index_t high = low + (index_t{8} << 20);
  while (high - low > 16 * 1024) {
    const index_t limit = (low + high) / 2;
    dnalm::forward_workspace space;
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      static_cast<void>(pooled(network, random_batch({20, 20}, seed), {}, space));
    }
    const memory_limit full(limit);
    (error_id_of([&] { run(network, space); }).empty() ? high : low) = limit;
  }
  return high;
}

const random_batch& large_batch() {
  static const random_batch batch({40, 40}, 7);
  return batch;
}

}  // namespace

TEST_CASE("graphs give their memory back to hidden states: each is shown once", "[cuda]") {
  const pass run = [](const dnalm::model& network, dnalm::forward_workspace& space) {
    index_t next = 0;
    network.forward(
        {large_batch().ids, large_batch().offsets},
        [&](index_t layer, dnalm::matrix_view<const float>) { REQUIRE(layer == next++); }, space);
    REQUIRE(next == 5);
  };
  CHECK(smallest(true, run) <= smallest(false, run) + 16 * 1024);
}

TEST_CASE("graphs give their memory back to a gradient", "[cuda]") {
  const pass run = [](const dnalm::model& network, dnalm::forward_workspace& space) {
    int called = 0;
    dnalm::gradient_request request{.layers = {4}};
    request.hidden = [&](index_t, dnalm::matrix_view<const float> x, dnalm::matrix_view<float> g) {
      g(0, 0) = x(0, 0);
      ++called;
    };
    network.input_gradients(
        {large_batch().ids, large_batch().offsets}, request, [](const dnalm::input_gradient&) {}, space);
    REQUIRE(called == 1);
  };
  CHECK(smallest(true, run) <= smallest(false, run) + 64 * 1024);
}

TEST_CASE("uploads and weights get what the scratch pool has to spare", "[cuda]") {
  const dnalm::cuda_backend gpu({.precision = dnalm::cuda_precision::bf16});
  const std::vector<float> numbers(256 * 256, 0.5F);
  const dnalm::matrix_view<const float> host{numbers.data(), 256, 256, 256};
  const auto w = gpu.pack(host);
  const auto x = gpu.upload(numbers, 256, 256);
  auto y = gpu.allocate(256 * 256);
  for (const bool weights : {false, true}) {
    gpu.linear(x.view(), w, {}, {}, {y.data(), 256, 256, 256});  // rounds x in scratch: 128 KiB
    const memory_limit full(device_memory().used() + 4096);
    const std::vector<float> some(128 * 128, 0.5F);  // 64 KiB, as a weight 32
    if (weights) {
      CHECK(gpu.pack({some.data(), 128, 128, 128}).outputs == 128);
    } else {
      CHECK(gpu.upload(some, 128, 128).rows() == 128);
    }
  }
}
