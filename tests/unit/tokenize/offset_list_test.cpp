// SPDX-License-Identifier: Apache-2.0
#include <dnalm/tokenize/offset_list.hpp>

#include <cstdint>
#include <random>
#include <vector>

#include <support/catch.hpp>

using dnalm::index_t;
using dnalm::offset_list;

namespace {

/// Appends the same to both.
struct both {
  offset_list list;
  std::vector<index_t> plain;
  void push(index_t value) {
    list.push_back(value);
    plain.push_back(value);
  }
  void run(index_t first, index_t step, std::size_t count) {
    list.append_run(first, step, count);
    for (std::size_t i = 0; i < count; ++i) plain.push_back(first + step * static_cast<index_t>(i));
  }
};

}  // namespace

TEST_CASE("a list of offsets holds what a vector would hold", "[tokenize]") {
  std::mt19937_64 random(1);
  for (int trial = 0; trial < 400; ++trial) {
    both b;
    const int pieces = static_cast<int>(random() % 60);
    if (trial % 3 == 0) b.list.reserve(random() % 100);
    for (int i = 0; i < pieces; ++i) {
      const auto value = static_cast<index_t>(random() % 7) - 2;
      if (trial % 2 == 0 && random() % 2 == 0) {
        b.run(value, static_cast<index_t>(random() % 4), random() % (trial % 5 == 0 ? 300 : 5));
      } else {
        b.push(random() % 3 == 0 ? value : (b.plain.empty() ? 0 : b.plain.back() + 1));
      }
    }
    REQUIRE(b.list.size() == b.plain.size());
    REQUIRE(b.list.empty() == b.plain.empty());
    for (std::size_t i = 0; i < b.plain.size(); ++i) REQUIRE(b.list[i] == b.plain[i]);
    if (!b.plain.empty()) REQUIRE(b.list.back() == b.plain.back());
    REQUIRE(b.list == b.plain);
    b.plain.push_back(0);
    REQUIRE_FALSE(b.list == b.plain);
    b.list.push_back(1);
    REQUIRE_FALSE(b.list == b.plain);
  }
}

TEST_CASE("offsets that follow a rule take no memory a token", "[tokenize]") {
  offset_list list;
  list.push_back(0);
  list.append_run(0, 1, 1000000);
  list.push_back(1000000);
  REQUIRE(list.runs() <= 3);
  REQUIRE(list[1] == 0);
  REQUIRE(list[500001] == 500000);
  REQUIRE(list.back() == 1000000);
  offset_list single;
  for (index_t i = 0; i < 100000; ++i) single.push_back(6 * i);
  REQUIRE(single.runs() == 1);
}

TEST_CASE("offsets without a rule become a plain vector", "[tokenize]") {
  both b;
  for (index_t i = 0; i < 1000; ++i) b.push(i * i);
  REQUIRE(b.list.runs() == 0);
  REQUIRE(b.list == b.plain);
  b.run(5, 3, 10);
  REQUIRE(b.list == b.plain);
  const offset_list taken(std::vector<index_t>{4, 9});
  REQUIRE(taken == std::vector<index_t>{4, 9});
}
