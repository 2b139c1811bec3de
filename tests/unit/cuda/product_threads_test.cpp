// SPDX-License-Identifier: Apache-2.0
// Products that several threads ask for at once: they share a workspace, so they enter the stream one by one.
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include <support/catch.hpp>
#include <support/cuda_emulation/backend.hpp>

namespace {

using dnalm::cuda_backend;
using dnalm::index_t;

/// How many are at one place at the same time. Who is alone there waits a little for others to come.
class visitors {
 public:
  void visit() {
    const int now = ++here_;
    for (int seen = most_; seen < now && !most_.compare_exchange_weak(seen, now);) {
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
    while (here_ < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    --here_;
    ++all_;
  }
  [[nodiscard]] int most() const { return most_; }
  [[nodiscard]] int all() const { return all_; }

 private:
  std::atomic<int> here_ = 0;
  std::atomic<int> most_ = 0;
  std::atomic<int> all_ = 0;
};

/// Calls `visit` in every product and before every replay of the emulated GPU, in the current scope.
class watched_products {
 public:
  explicit watched_products(const std::function<void()>& visit) {
    dnalm_test::gpu::matmul_settings().inside = visit;
    dnalm_test::gpu::stream_settings().at_replay = visit;
  }
  watched_products(const watched_products&) = delete;
  watched_products& operator=(const watched_products&) = delete;
  ~watched_products() {
    dnalm_test::gpu::matmul_settings().inside = {};
    dnalm_test::gpu::stream_settings().at_replay = {};
  }
};

std::vector<float> numbers(index_t count, int seed) {
  std::vector<float> made;
  for (index_t i = 0; i < count; ++i) made.push_back(static_cast<float>((i * 7 + seed) % 11 - 5));
  return made;
}

/// y = x W^T of 6 rows, with memory of its own.
struct product {
  product(const cuda_backend& gpu, index_t outputs, index_t inputs)
      : b(gpu),
        w(gpu.pack({numbers(outputs * inputs, 1).data(), outputs, inputs, inputs})),
        x(gpu.upload(numbers(6 * inputs, 2), 6, inputs)),
        y(gpu.allocate(6 * outputs)) {}
  [[nodiscard]] dnalm::device_matrix<float> rows() { return {y.data(), 6, w.outputs, w.outputs}; }
  void run() { b.linear(x.view(), w, {}, {}, rows()); }
  [[nodiscard]] std::vector<float> result() {
    std::vector<float> found(static_cast<std::size_t>(y.size()));
    b.download(rows(), {found.data(), 6, w.outputs, w.outputs});
    return found;
  }

  const cuda_backend& b;
  dnalm::cuda_weight w;
  dnalm::device_tensor<float> x;
  dnalm::device_buffer<float> y;
};

}  // namespace

TEST_CASE("equal and different products of several threads, and replays, enter the stream one by one",
          "[cuda]") {
  const cuda_backend gpu;
  product first(gpu, 8, 16);
  product same(gpu, 8, 16);
  product other(gpu, 24, 8);
  product recorded(gpu, 16, 8);
  const auto graph = gpu.capture([&] { recorded.run(); });
  for (product* p : {&first, &same, &other}) p->run();
  gpu.replay(graph);
  std::vector<std::vector<float>> alone;
  for (product* p : {&first, &same, &other, &recorded}) alone.push_back(p->result());
  CHECK(alone[0] == alone[1]);

  visitors crowd;
  {
    const watched_products watch([&crowd] { crowd.visit(); });
    constexpr int times = 10;
    const auto repeat = [](const std::function<void()>& work) {
      for (int i = 0; i < times; ++i) work();
    };
    std::vector<std::jthread> threads;
    for (product* p : {&first, &same, &other})
      threads.emplace_back([&repeat, p] { repeat([p] { p->run(); }); });
    threads.emplace_back([&] { repeat([&] { gpu.replay(graph); }); });
    threads.clear();
    CHECK(crowd.all() == 4 * times);
  }
  CHECK(crowd.most() == 1);
  std::size_t i = 0;
  for (product* p : {&first, &same, &other, &recorded}) CHECK(p->result() == alone[i++]);
}
