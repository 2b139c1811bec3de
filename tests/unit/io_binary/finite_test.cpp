// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/stored_tensor.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include <support/catch.hpp>

using dnalm::index_t;

TEST_CASE("the first NaN or infinity of a block is found wherever it stands", "[io]") {
  const float infinity = std::numeric_limits<float>::infinity();
  const float odd_nan = std::bit_cast<float>(std::uint32_t{0xFF800001U});
  for (const std::size_t size : {1U, 2U, 3U, 4095U, 4096U, 4097U, 8193U}) {
    std::vector<float> values(size, -std::numeric_limits<float>::max());
    for (std::size_t i = 0; i < size; i += 3) values[i] = std::numeric_limits<float>::denorm_min();
    REQUIRE(dnalm::io::find_non_finite(values) == -1);
    for (std::size_t i = 0; i<size; i += size> 100 ? 61 : 1) {
      for (const float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN(), odd_nan}) {
        const float before = values[i];
        const float last = values[size - 1];
        values[size - 1] = infinity;
        values[i] = bad;
        REQUIRE(dnalm::io::find_non_finite(values) == static_cast<index_t>(i));
        values[size - 1] = last;
        values[i] = before;
      }
    }
    values[size - 1] = odd_nan;
    REQUIRE(dnalm::io::find_non_finite(values) == static_cast<index_t>(size - 1));
  }
  REQUIRE(dnalm::io::find_non_finite(std::span<const float>{}) == -1);
}

TEST_CASE("the first NaN or infinity of a stored tensor is found in every type of float", "[io]") {
  struct kind {
    dnalm::dtype type;
    std::uint64_t largest;  // the bits of the largest finite number
    std::uint64_t infinity;
    std::uint64_t sign;
  };
  for (const kind k : {kind{dnalm::dtype::f64, 0x7FEFFFFFFFFFFFFFU, 0x7FF0000000000000U, 0x8000000000000000U},
                       {dnalm::dtype::f32, 0x7F7FFFFFU, 0x7F800000U, 0x80000000U},
                       {dnalm::dtype::f16, 0x7BFFU, 0x7C00U, 0x8000U},
                       {dnalm::dtype::bf16, 0x7F7FU, 0x7F80U, 0x8000U}}) {
    const auto width = static_cast<std::size_t>(dnalm::size_of(k.type));
    for (const index_t columns : {1, 2, 3, 5, 8, 13}) {
      std::vector<std::byte> bytes(static_cast<std::size_t>(3 * columns) * width);
      const auto set = [&](index_t i, std::uint64_t bits) {
        std::memcpy(bytes.data() + static_cast<std::size_t>(i) * width, &bits, width);  // little-endian
      };
      for (index_t i = 0; i < 3 * columns; ++i) set(i, i % 2 == 0 ? k.largest : k.largest | k.sign);
      dnalm::io::stored_tensor tensor{
          {.name = "x", .type = k.type, .shape = {3, columns}}, {columns, 1}, bytes};
      INFO("bytes " << width << " columns " << columns);
      REQUIRE(dnalm::io::find_non_finite(tensor) == -1);
      for (index_t i = 0; i < 3 * columns; ++i) {
        for (const std::uint64_t bad : {k.infinity, k.infinity | k.sign, k.infinity | 1U}) {
          set(i, bad);
          set(3 * columns - 1, bad);
          CHECK(dnalm::io::find_non_finite(tensor) == i);
          // The same memory read by columns.
          const dnalm::io::stored_tensor turned{
              {.name = "x", .type = k.type, .shape = {columns, 3}}, {1, columns}, bytes};
          CHECK(dnalm::io::find_non_finite(turned) >= 0);
          set(3 * columns - 1, k.largest);
          CHECK(dnalm::io::find_non_finite(turned) ==
                (i == 3 * columns - 1 ? -1 : i % columns * 3 + i / columns));
          set(i, k.largest);
        }
      }
    }
  }
}
