// SPDX-License-Identifier: Apache-2.0
// Work that goes on beside the host: page-locked memory, events, recordings, on streams as late as is
// allowed.
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>
#include <span>
#include <thread>
#include <vector>

#include <support/catch.hpp>
#include <support/cuda_emulation/backend.hpp>

using dnalm::cuda_backend;
using dnalm::index_t;
using dnalm::detail::pinned_memory;
using dnalm::detail::scratch_pool;
using dnalm::detail::upload_staging;
using dnalm::detail::work_stream;
using dnalm_test::error_id_of;
using dnalm_test::gpu::device_memory;
using dnalm_test::gpu::host_memory;
using dnalm_test::gpu::late_streams;
using dnalm_test::gpu::stream_settings;

namespace {

std::shared_ptr<dnalm::detail::device_memory> new_memory() {
  return std::make_shared<dnalm::detail::device_memory>(0, 0);
}

std::vector<float> counted(std::size_t size) {
  std::vector<float> values(size);
  std::iota(values.begin(), values.end(), 1.0F);
  return values;
}

}  // namespace

TEST_CASE("page-locked memory is owned by one object and freed with it", "[cuda]") {
  const index_t before = host_memory().used();
  {
    pinned_memory a(0, 100);
    CHECK(a.size() == 100);
    pinned_memory b(std::move(a));
    CHECK(b.size() == 100);
    CHECK(a.size() == 0);
    CHECK(host_memory().used() == before + 100);
    b = pinned_memory(0, 50);
    CHECK(host_memory().used() == before + 50);
    b = pinned_memory();
    CHECK(host_memory().used() == before);
    b.wait();  // for nothing
    const index_t limit = std::exchange(host_memory().limit, before + 10);
    CHECK(error_id_of([] { pinned_memory(0, 11); }) == "dnalm.memory.611");
    host_memory().limit = limit;
  }
  CHECK(host_memory().used() == before);
}

TEST_CASE("a download is waited for by its own event, not by what stands behind it", "[cuda]") {
  const late_streams late;
  const cuda_backend b;
  const std::vector<float> numbers = counted(12);
  auto x = b.upload(numbers, 3, 4);
  pinned_memory first;
  pinned_memory second;
  b.download_later(x.view(), first);
  b.scale(2.0F, x.view());
  b.download_later(x.view(), second);
  CHECK(std::isnan(*first.as<float>()));  // nothing was done yet
  first.wait();
  CHECK(std::memcmp(first.data(), numbers.data(), 48) == 0);
  CHECK(std::isnan(*second.as<float>()));
  second.wait();
  for (std::size_t i = 0; i < 12; ++i) CHECK(second.as<float>()[i] == 2.0F * numbers[i]);
  // Memory that is large enough is used again.
  const std::byte* place = second.data();
  b.download_later(dnalm::device_matrix<const float>(x.view()).row_block(0, 1), second);
  CHECK(second.data() == place);
  b.download_later(dnalm::device_matrix<const float>(x.view()).row_block(0, 0), second);
}

TEST_CASE("host memory may change as soon as an upload has been put into a stream", "[cuda]") {
  const late_streams late;
  const auto memory = new_memory();
  upload_staging staging(0, memory->stream());
  // 40 pieces and a bit: the 32 of them are used more than once.
  const std::size_t size = 40 * upload_staging::piece_bytes / sizeof(float) + 3;
  dnalm::device_buffer<float> target(memory, static_cast<index_t>(size));
  std::vector<float> numbers = counted(size);
  staging.upload(std::as_bytes(std::span<const float>(numbers)), reinterpret_cast<std::byte*>(target.data()));
  std::fill(numbers.begin(), numbers.end(), -1.0F);
  CHECK(std::isnan(target.data()[size - 1]));  // the last copies are on their way
  dnalm::cuda_synchronize(memory->stream());
  const std::vector<float> expected = counted(size);
  CHECK(std::memcmp(target.data(), expected.data(), size * sizeof(float)) == 0);
}

TEST_CASE("arrays are uploaded without a wait, whatever becomes of the host's", "[cuda]") {
  const late_streams late;
  const auto memory = new_memory();
  dnalm::detail::upload_cache cache(memory, memory->stream(), 1000);
  std::vector<dnalm::detail::shared_bytes> copies;
  for (int i = 0; i < 100; ++i) {
    const std::vector<float> values(8, static_cast<float>(i));
    copies.push_back(cache.find(std::as_bytes(std::span<const float>(values))));
  }
  dnalm::cuda_synchronize(memory->stream());
  for (std::size_t i = 0; i < copies.size(); ++i) {
    CHECK(*reinterpret_cast<const float*>(copies[i]->data()) == static_cast<float>(i));
  }
}

TEST_CASE("recorded work is done when it is replayed, as often as it is", "[cuda]") {
  for (const bool late : {false, true}) {
    stream_settings().late = late;
    const cuda_backend b;
    auto x = b.upload(std::vector<float>{1.0F, 2.0F}, 1, 2);
    const auto twice = b.capture([&] { b.scale(2.0F, x.view()); });
    std::vector<float> found(2);
    const auto look = [&] { b.download(x.view(), {found.data(), 1, 2, 2}); };
    look();
    CHECK(found == std::vector<float>{1.0F, 2.0F});
    b.replay(twice);
    b.replay(twice);
    look();
    CHECK(found == std::vector<float>{4.0F, 8.0F});
    stream_settings().late = false;
  }
}

TEST_CASE("what fails while it is recorded leaves nothing behind", "[cuda]") {
  const cuda_backend b;
  auto x = b.upload(std::vector<float>{1.0F, 2.0F}, 1, 2);
  const auto scale = [&] { b.scale(2.0F, x.view()); };
  const auto fail = [&] {
    scale();
    throw dnalm::error(dnalm::error_kind::device, 600, "a failure in the middle");
  };
  CHECK(error_id_of([&] { static_cast<void>(b.capture(fail)); }) == "dnalm.device.600");
  stream_settings().failing_recordings = 1;
  CHECK(error_id_of([&] { static_cast<void>(b.capture(scale)); }) == "dnalm.device.600");
  scale();  // not recorded
  std::vector<float> found(2);
  b.download(x.view(), {found.data(), 1, 2, 2});
  CHECK(found == std::vector<float>{2.0F, 4.0F});
  b.replay(b.capture(scale));
  b.download(x.view(), {found.data(), 1, 2, 2});
  CHECK(found == std::vector<float>{4.0F, 8.0F});
}

TEST_CASE("other threads work on while one records", "[cuda]") {
  const cuda_backend b;
  auto x = b.upload(std::vector<float>{1.0F, 1.0F}, 1, 2);
  auto y = b.upload(std::vector<float>{1.0F, 1.0F}, 1, 2);
  const auto recorded = b.capture([&] {
    b.scale(3.0F, x.view());
    std::thread([&] { b.scale(5.0F, y.view()); }).join();
  });
  std::vector<float> found(2);
  b.download(y.view(), {found.data(), 1, 2, 2});
  CHECK(found == std::vector<float>{5.0F, 5.0F});
  b.replay(recorded);
  b.download(x.view(), {found.data(), 1, 2, 2});
  CHECK(found == std::vector<float>{3.0F, 3.0F});
  b.download(y.view(), {found.data(), 1, 2, 2});
  CHECK(found == std::vector<float>{5.0F, 5.0F});
}

TEST_CASE("scratch memory of recorded work is lent to recordings only, and owned by them", "[cuda]") {
  const auto memory = new_memory();
  work_stream order(0, memory->stream());
  scratch_pool pool(memory, &order);
  const auto lent_address = [&](index_t bytes) {
    auto lent = pool.lend(bytes);
    return lent.data();
  };
  const std::byte* first = nullptr;
  const std::byte* second = nullptr;
  auto one = order.record([&] { first = lent_address(100); });
  auto other = order.record([&] { second = lent_address(100); });
  CHECK(first == second);
  CHECK(memory->used() == 100);
  CHECK(lent_address(100) != first);
  CHECK(memory->used() == 200);
  // Nobody's need takes it away.
  CHECK(lent_address(150) != first);
  pool.trim();
  CHECK(memory->used() == 100);
  auto third = order.record([&] { CHECK(lent_address(200) != first); });
  CHECK(memory->used() == 300);
  for (const auto* work : {&one, &other, &third}) dnalm::cuda_destroy_graph(0, work->graph);
  one.held.clear();
  pool.trim_recorded();
  CHECK(memory->used() == 300);
  other.held.clear();
  pool.trim_recorded();
  CHECK(memory->used() == 200);
  third.held.clear();
  pool.trim_recorded();
  CHECK(memory->used() == 0);
}

TEST_CASE("a graph keeps the backend that it was recorded on", "[cuda]") {
  const index_t before = device_memory().used();
  {
    cuda_backend::graph kept;
    {
      const cuda_backend b;
      const std::vector<float> weights(64, 0.5F);
      const auto w = b.pack_gated({weights.data(), 8, 8, 8});
      auto x = b.allocate(64);
      auto y = b.allocate(32);
      kept = b.capture([&] { b.linear_gated({x.data(), 8, 8, 8}, w, {}, {}, {y.data(), 8, 4, 4}); });
    }
    CHECK(device_memory().used() > before);
  }
  CHECK(device_memory().used() == before);
}
