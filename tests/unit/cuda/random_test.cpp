// SPDX-License-Identifier: Apache-2.0
// Random numbers on the emulated grid are those of dnalm::philox, whatever part of an array is filled.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>
#include <cstdint>
#include <limits>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/cuda/detail/random.cuh>
#include <support/catch.hpp>
#include <support/cuda_emulation/guarded.hpp>

using namespace dnalm_test::gpu;
using dnalm::philox;
using dnalm::random_numbers;

namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

/// y[i] for i < count, between two numbers that must stay.
template <class T, class Fill>
std::vector<T> filled(index_t count, const Fill& fill) {
  std::vector<T> memory(static_cast<std::size_t>(count) + 2, T{77});
  fill(dnalm::device_vector<T>{memory.data() + 1, count});
  CHECK(memory.front() == T{77});
  CHECK(memory.back() == T{77});
  return {memory.begin() + 1, memory.end() - 1};
}

}  // namespace

TEST_CASE("uniform and normal numbers of a GPU are those of philox, bit for bit", "[cuda][random]") {
  for (const random_numbers from :
       {random_numbers{1, 0, 0}, random_numbers{most, dnalm::hash_name("chr1"), 0},
        random_numbers{7, most, 3}}) {
    for (const index_t count : {0, 1, 255, 256, 700}) {
      emulation().seed = static_cast<std::uint64_t>(count);
      const auto uniform = filled<double>(count, [&](auto y) { dnalm::cuda_fill_uniform({}, from, y); });
      const auto normal =
          filled<double>(count, [&](auto y) { dnalm::cuda_fill_normal<double>({}, from, 1.0, y); });
      const auto weights =
          filled<float>(count, [&](auto y) { dnalm::cuda_fill_normal<float>({}, from, 0.02, y); });
      philox of_uniform(from.seed, from.stream);
      philox of_normal(from.seed, from.stream);
      for (std::uint64_t i = 0; i < from.offset; ++i) {
        static_cast<void>(of_uniform.uniform());
        static_cast<void>(of_normal.normal());
      }
      for (std::size_t i = 0; i < uniform.size(); ++i) {
        CHECK(uniform[i] == of_uniform.uniform());
        const double number = of_normal.normal();
        CHECK(normal[i] == number);
        CHECK(weights[i] == static_cast<float>(0.02 * number));
      }
    }
  }
  emulation().seed = 0;
}

TEST_CASE("random letters of a GPU are those of philox, a stream for each place", "[cuda][random]") {
  for (const std::uint64_t bound : {std::uint64_t{1}, std::uint64_t{4}, std::uint64_t{4107},
                                    (std::uint64_t{1} << 31) - 1, std::uint64_t{1} << 31}) {
    const random_numbers from{3, most - 100, 9};  // the numbers of streams wrap
    const auto letters =
        filled<std::int32_t>(300, [&](auto y) { dnalm::cuda_fill_below({}, from, bound, y); });
    for (std::uint64_t i = 0; i < 300; ++i) {
      CHECK(static_cast<std::uint64_t>(static_cast<std::uint32_t>(letters[i])) ==
            philox(from.seed, from.stream + from.offset + i).below(bound));
    }
  }
  const auto four = filled<std::int32_t>(4000, [&](auto y) { dnalm::cuda_fill_below({}, {5, 6, 0}, 4, y); });
  index_t counts[4] = {};
  for (const std::int32_t letter : four) ++counts[letter];
  // 1000 of each expected, with a deviation of 27: six of them.
  for (const index_t count : counts) CHECK(std::abs(count - 1000) < 165);
}

TEST_CASE("a draw that philox rejects is rejected on a GPU", "[cuda][random]") {
  // Bounds of 31 bits reject one draw in 2^33: here a limit that rejects half of them.
  const dnalm::detail::gpu::bounded_numbers numbers{{2, 50, 0}, 10, std::uint64_t{1} << 63};
  for (std::uint64_t i = 0; i < 100; ++i) {
    philox random(2, 50 + i);
    std::uint64_t draw = random.next_u64();
    while (draw >= std::uint64_t{1} << 63) draw = random.next_u64();
    CHECK(numbers(i) == draw % 10);
  }
}

TEST_CASE("random integers below no bound, or one of more than 31 bits, are refused", "[cuda][random]") {
  for (const std::uint64_t bound : {std::uint64_t{0}, (std::uint64_t{1} << 31) + 1, most}) {
    CHECK(dnalm_test::error_id_of([&] { dnalm::cuda_fill_below({}, {}, bound, {}); }) == "dnalm.usage.652");
  }
}
