// SPDX-License-Identifier: Apache-2.0
#include <dnalm/core/philox.hpp>

#include <support/catch.hpp>

TEST_CASE("philox reproduces the authors' known-answer vectors", "[core]") {
  // Random123 kat_vectors, philox4x32 10.
  using block = std::array<std::uint32_t, 4>;
  REQUIRE(dnalm::philox_block({0, 0, 0, 0}, {0, 0}) == block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  REQUIRE(dnalm::philox_block({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}) ==
          block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  REQUIRE(dnalm::philox_block({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("philox streams are independent of each other and repeatable", "[core]") {
  dnalm::philox a(1, 2);
  dnalm::philox b(1, 2);
  dnalm::philox c(1, 3);
  for (int i = 0; i < 100; ++i) {
    const auto draw = a.next_u64();
    REQUIRE(draw == b.next_u64());
    REQUIRE(draw != c.next_u64());
  }
}

TEST_CASE("philox normal draws have mean 0 and variance 1", "[core]") {
  dnalm::philox random(7);
  double sum = 0;
  double squares = 0;
  const int draws = 200000;
  for (int i = 0; i < draws; ++i) {
    const double x = random.normal();
    sum += x;
    squares += x * x;
  }
  REQUIRE(std::abs(sum / draws) < 0.01);             // 4.5 standard errors
  REQUIRE(std::abs(squares / draws - 1.0) < 0.015);  // 4.7 standard errors
}
