// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/stored_tensor.hpp>

#include <bit>
#include <cstdint>
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
