// SPDX-License-Identifier: Apache-2.0
// Memory of a GPU, what is kept there of host arrays, and the backend's own memory, on the emulation.
#include <cstring>
#include <numeric>
#include <thread>
#include <vector>

#include <support/catch.hpp>
#include <support/cuda_emulation/backend.hpp>

using dnalm::cuda_backend;
using dnalm::device_buffer;
using dnalm::index_t;
using dnalm::detail::scratch_pool;
using dnalm::detail::upload_cache;
using dnalm_test::error_id_of;
using dnalm_test::gpu::device_memory;
using dnalm_test::gpu::memory_limit;

namespace {

std::shared_ptr<dnalm::detail::device_memory> memory_of(index_t limit = 0) {
  return std::make_shared<dnalm::detail::device_memory>(0, limit);
}

std::span<const std::byte> bytes_of(const std::vector<float>& values) {
  return std::as_bytes(std::span<const float>(values));
}

/// The numbers of a copy on the emulated GPU.
std::vector<float> read(const dnalm::detail::shared_bytes& copy) {
  std::vector<float> values(static_cast<std::size_t>(copy->size()) / sizeof(float));
  std::memcpy(values.data(), copy->data(), static_cast<std::size_t>(copy->size()));
  return values;
}

}  // namespace

TEST_CASE("a GPU is described, and one that is not there is an error", "[cuda]") {
  const cuda_backend b;
  CHECK(b.device().name == "emulation");
  CHECK(dnalm::describe(b.device()) == "emulation, sm_80, 4 GiB, driver for CUDA 13.0, runtime 13.0");
  CHECK(b.name() == "cuda");
  CHECK(error_id_of([] { cuda_backend({.device = 1}); }) == "dnalm.device.606");
  CHECK(error_id_of([] { cuda_backend({.device = -1}); }) == "dnalm.device.606");
  CHECK(error_id_of([] { cuda_backend({.block_rows = 0}); }) == "dnalm.usage.616");
  CHECK(error_id_of([] { cuda_backend({.memory_limit = -1}); }) == "dnalm.usage.616");
}

TEST_CASE("memory of a GPU is owned by one object and freed with it", "[cuda]") {
  const index_t before = device_memory().used();
  const auto memory = memory_of();
  {
    device_buffer<float> a(memory, 10);
    CHECK(a.size() == 10);
    CHECK(memory->used() == 40);
    CHECK(device_memory().used() == before + 40);
    device_buffer<float> b(std::move(a));
    CHECK(a.size() == 0);
    CHECK(a.data() == nullptr);
    device_buffer<float> c(memory, 3);
    c = std::move(b);
    CHECK(c.size() == 10);
    CHECK(memory->used() == 40);
    c = device_buffer<float>();
    CHECK(memory->used() == 0);
    const dnalm::device_tensor<float> t(memory, 3, 5);
    CHECK(t.view().rows == 3);
    CHECK(t.view().stride == 5);
    CHECK(memory->used() == 60);
    const device_buffer<float> none(memory, 0);
    CHECK(none.data() == nullptr);
  }
  CHECK(memory->used() == 0);
  CHECK(device_memory().used() == before);
}

TEST_CASE("a GPU without memory left and a limit are errors that leave nothing behind", "[cuda]") {
  const index_t before = device_memory().used();
  const auto memory = memory_of(1000);
  const device_buffer<float> first(memory, 200);
  CHECK(error_id_of([&] { device_buffer<float>(memory, 51); }) == "dnalm.memory.609");
  CHECK(memory->used() == 800);
  CHECK(device_buffer<float>(memory, 50).size() == 50);
  {
    const memory_limit full(device_memory().used() + 100);
    CHECK(error_id_of([&] { device_buffer<float>(memory, 50); }) == "dnalm.memory.608");
    CHECK(memory->used() == 800);
    CHECK(device_buffer<float>(memory, 25).size() == 25);
  }
  CHECK(error_id_of([&] { device_buffer<float>(memory, -1); }) == "dnalm.shape.101");
  CHECK(error_id_of([&] { device_buffer<float>(memory, index_t{1} << 62); }) == "dnalm.shape.101");
  CHECK(error_id_of([&] { dnalm::device_tensor<float>(memory, index_t{1} << 40, index_t{1} << 40); }) ==
        "dnalm.shape.101");
  // A backend that does not find room for its workspace holds nothing afterwards.
  CHECK(error_id_of([] { cuda_backend({.memory_limit = 1 << 20}); }) == "dnalm.memory.609");
  CHECK(device_memory().used() == before + 800);
}

TEST_CASE("a backend runs out of memory in the middle and goes on", "[cuda]") {
  const index_t before = device_memory().used();
  {
    const cuda_backend b({.memory_limit = (index_t{32} << 20) + 4096});
    const std::vector<float> weights(8 * 8, 1.0F);
    const auto w = b.pack_gated({weights.data(), 8, 8, 8});
    auto x = b.allocate(64 * 8);
    auto y = b.allocate(64 * 4);
    const dnalm::device_matrix<float> in{x.data(), 64, 8, 8};
    const dnalm::device_matrix<float> out{y.data(), 64, 4, 4};
    b.upload_rows({weights.data(), 8, 8, 8}, in.row_block(0, 8));
    // 64 rows of 8 floats do not fit beside the others, 16 do.
    CHECK(error_id_of([&] { b.linear_gated(in, w, {}, {}, out); }) == "dnalm.memory.609");
    const index_t used = b.memory_used();
    b.linear_gated(in.row_block(0, 8), w, {}, {}, out.row_block(0, 8));
    std::vector<float> result(8 * 4);
    b.download(out.row_block(0, 8), {result.data(), 8, 4, 4});
    for (const float value : result) CHECK(value == 64.0F);
    CHECK(b.memory_used() == used + 8 * 8 * 4);  // kept for the next product
    b.linear_gated(in.row_block(0, 4), w, {}, {}, out.row_block(0, 4));
    CHECK(b.memory_used() == used + 8 * 8 * 4);
  }
  CHECK(device_memory().used() == before);
}

TEST_CASE("rows travel to a GPU and back, whatever their strides", "[cuda]") {
  const cuda_backend b;
  std::vector<float> numbers(60);
  std::iota(numbers.begin(), numbers.end(), 1.0F);
  auto memory = b.upload(numbers);
  const dnalm::device_matrix<float> rows{memory.data(), 6, 7, 10};
  std::vector<float> found(6 * 8, -1.0F);
  b.download(rows, {found.data(), 6, 7, 8});
  for (std::size_t r = 0; r < 6; ++r) {
    for (std::size_t c = 0; c < 7; ++c) CHECK(found[8 * r + c] == numbers[10 * r + c]);
    CHECK(found[8 * r + 7] == -1.0F);
  }
  b.upload_rows({found.data(), 6, 3, 8}, rows.column_block(4, 3));
  b.download(rows, {found.data(), 6, 7, 8});
  CHECK(found[4] == 1.0F);
  CHECK(found[8 * 5 + 6] == numbers[10 * 5 + 2]);
  CHECK(found[8 * 5 + 3] == numbers[10 * 5 + 3]);
  b.download(rows.row_block(0, 0), {found.data(), 0, 7, 8});
  b.synchronize();
}

TEST_CASE("host arrays are copied to a GPU once and found by what they hold", "[cuda]") {
  const auto memory = memory_of();
  upload_cache cache(memory, {}, 1000);
  const index_t uploads = device_memory().uploads();
  std::vector<float> a{1.0F, 2.0F, 3.0F};
  const auto first = cache.find(bytes_of(a));
  CHECK(cache.find(bytes_of(std::vector<float>(a))) == first);
  CHECK(device_memory().uploads() == uploads + 1);
  a[1] = 5.0F;  // the same array with other numbers
  const auto second = cache.find(bytes_of(a));
  CHECK(second != first);
  CHECK(read(first) == std::vector<float>{1.0F, 2.0F, 3.0F});
  CHECK(read(second) == std::vector<float>{1.0F, 5.0F, 3.0F});
  a.pop_back();  // the beginning of another
  CHECK(read(cache.find(bytes_of(a))) == std::vector<float>{1.0F, 5.0F});
  CHECK(cache.size() == 3);
  // Tables by their number: the contents are not looked at again.
  const std::vector<float> c{1.0F, 2.0F};
  const std::vector<float> s{3.0F, 4.0F};
  const auto table = cache.find(7, bytes_of(c), bytes_of(s));
  CHECK(read(table) == std::vector<float>{1.0F, 2.0F, 3.0F, 4.0F});
  CHECK(cache.find(7, bytes_of(s), bytes_of(c)) == table);
  CHECK(cache.find(8, bytes_of(s), bytes_of(c)) != table);
  CHECK(cache.size() == 5);
}

TEST_CASE("the least recently used copies go, but not under their user", "[cuda]") {
  const auto memory = memory_of();
  upload_cache cache(memory, {}, 100);
  const auto numbers = [](float value) { return std::vector<float>(10, value); };  // 40 bytes
  const auto first = cache.find(bytes_of(numbers(1.0F)));
  static_cast<void>(cache.find(bytes_of(numbers(2.0F))));
  CHECK(cache.find(bytes_of(numbers(1.0F))) == first);  // now 2 is the one that was used longest ago
  static_cast<void>(cache.find(bytes_of(numbers(3.0F))));
  CHECK(cache.size() == 2);
  const index_t uploads = device_memory().uploads();
  CHECK(cache.find(bytes_of(numbers(1.0F))) == first);
  CHECK(device_memory().uploads() == uploads);
  static_cast<void>(cache.find(bytes_of(numbers(4.0F))));
  static_cast<void>(cache.find(bytes_of(numbers(5.0F))));
  CHECK(cache.find(bytes_of(numbers(1.0F))) != first);
  CHECK(read(first) == numbers(1.0F));
  // One that is larger than all room is still made, alone.
  static_cast<void>(cache.find(bytes_of(std::vector<float>(100, 6.0F))));
  CHECK(cache.size() == 1);
  for (int i = 0; i < 100; ++i) static_cast<void>(cache.find(bytes_of({static_cast<float>(i)})));
  CHECK(cache.size() <= 64);
}

TEST_CASE("copies of one batch after another need no new memory", "[cuda]") {
  const auto memory = memory_of();
  upload_cache cache(memory, {}, 4000);
  index_t used = 0;
  for (int batch = 0; batch < 50; ++batch) {
    for (int array = 0; array < 4; ++array) {
      const std::vector<float> values(static_cast<std::size_t>(100 + (7 * batch + array) % 28),
                                      static_cast<float>(batch + 100 * array));
      CHECK(read(cache.find(bytes_of(values))) == values);
    }
    if (batch == 9) used = memory->used();
  }
  CHECK(used > 0);
  CHECK(memory->used() == used);
}

TEST_CASE("threads share copies on a GPU", "[cuda]") {
  const auto memory = memory_of();
  upload_cache cache(memory, {}, 200);
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) {
        const std::vector<float> values(10, static_cast<float>(i * static_cast<int>(t + 1) % 9));
        const auto copy = cache.find(bytes_of(values));
        if (read(copy) != values) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
  CHECK(cache.size() <= 5);
  // At most 5 kept copies and one that each thread holds or makes, in 256 bytes each.
  CHECK(memory->used() <= 9 * 256);
}

TEST_CASE("scratch memory is lent again when it has come back", "[cuda]") {
  const auto memory = memory_of();
  scratch_pool pool(memory);
  float* first = nullptr;
  {
    auto a = pool.lend_rows<float>(4, 8);
    auto b = pool.lend_rows<float>(4, 8);
    first = a.as<float>();
    CHECK(b.as<float>() != first);
    CHECK(memory->used() == 256);
  }
  {
    auto c = pool.lend(100);  // the smallest that is large enough
    auto d = pool.lend(128);
    CHECK(c.as<float>() != d.as<float>());
    CHECK(memory->used() == 256);
  }
  {
    auto e = pool.lend(200);  // larger than all: they go
    CHECK(memory->used() == 200);
    auto moved = std::move(e);
    auto f = pool.lend(10);
    CHECK(memory->used() == 210);
    CHECK(f.as<float>() != moved.as<float>());
  }
  CHECK(memory->used() == 210);
}

TEST_CASE("a backend uploads what the layers of a batch share once", "[cuda]") {
  const cuda_backend b;
  dnalm::ragged_offsets offsets;
  offsets.append(2);
  offsets.append(1);
  const auto table = dnalm::make_rotary_table<float>(std::vector<float>{1.0F, 0.5F}, 2);
  const std::vector<float> zeros(3 * 4, 0.0F);
  auto x = b.upload(zeros, 3, 4);
  b.rotary(table, offsets, 1, x.view());
  const index_t uploads = device_memory().uploads();
  b.rotary(table, offsets, 1, x.view());
  dnalm::ragged_offsets same = offsets;
  b.rotary_vjp(table, same, 1, x.view());
  CHECK(device_memory().uploads() == uploads);
  const auto other = dnalm::make_rotary_table<float>(std::vector<float>{1.0F, 0.5F}, 2);
  CHECK(other.identity != table.identity);
  b.rotary(other, offsets, 1, x.view());
  CHECK(device_memory().uploads() == uploads + 2);
  // A table that was made by hand is found by its numbers.
  dnalm::rotary_table<float> plain{dnalm::matrix<float>(2, 2), dnalm::matrix<float>(2, 2)};
  for (index_t i = 0; i < 4; ++i) plain.cosine.data()[i] = 2.0F;
  const std::vector<float> ones(3 * 4, 1.0F);
  auto y = b.upload(ones, 3, 4);
  b.rotary(plain, offsets, 1, y.view());
  plain.cosine(0, 0) = 3.0F;
  b.rotary(plain, offsets, 1, y.view());
  std::vector<float> found(12);
  b.download(y.view(), {found.data(), 3, 4, 4});
  CHECK(found == std::vector<float>{6.0F, 4.0F, 6.0F, 4.0F, 4.0F, 4.0F, 4.0F, 4.0F, 6.0F, 4.0F, 6.0F, 4.0F});
}
