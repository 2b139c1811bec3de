// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/embed/detail/chunk_plan.hpp>
#include <support/catch.hpp>

namespace {

using dnalm::index_t;
using dnalm::detail::plan_chunks;
using dnalm::detail::plan_even_chunks;
using dnalm::detail::sequence_chunk;
using dnalm::detail::sequence_load;

std::vector<sequence_load> loads_of(const std::vector<index_t>& tokens) {
  std::vector<sequence_load> loads;
  for (const index_t count : tokens) loads.push_back({count, 0});
  return loads;
}

/// That chunks hold each sequence once, in order, and count their tokens.
void check_cover(const std::vector<sequence_chunk>& chunks, const std::vector<sequence_load>& loads) {
  index_t next = 0;
  for (const sequence_chunk& chunk : chunks) {
    REQUIRE(chunk.first == next);
    REQUIRE(chunk.count > 0);
    index_t tokens = 0;
    for (index_t s = 0; s < chunk.count; ++s) tokens += loads[static_cast<std::size_t>(next + s)].tokens;
    CHECK(chunk.tokens == tokens);
    next += chunk.count;
  }
  CHECK(next == static_cast<index_t>(loads.size()));
}

TEST_CASE("Even chunks give each worker as many, of nearly equal tokens") {
  const auto loads = loads_of(std::vector<index_t>(50, 171));
  REQUIRE(plan_chunks(loads, {.tokens = 536}).size() == 17);  // one worker would wait for three sequences
  const auto chunks = plan_even_chunks(loads, {.tokens = 536}, 2);
  check_cover(chunks, loads);
  REQUIRE(chunks.size() == 18);
  for (const sequence_chunk& chunk : chunks) CHECK((chunk.count == 2 || chunk.count == 3));
}

TEST_CASE("Even chunks stay within the limits, or are those that fill them") {
  for (const int workers : {1, 2, 3, 7}) {
    for (const index_t limit : {1, 9, 40, 1000}) {
      std::vector<index_t> tokens;
      for (index_t s = 0; s < 60; ++s) tokens.push_back((s * 37) % 23);  // lengths from none to 22
      const auto loads = loads_of(tokens);
      const auto chunks = plan_even_chunks(loads, {.tokens = limit}, workers);
      check_cover(chunks, loads);
      for (const sequence_chunk& chunk : chunks) CHECK((chunk.count == 1 || chunk.tokens <= limit));
    }
  }
}

TEST_CASE("Even chunks hold no more sequences than the limits allow") {
  // Shares of equal tokens would put the 40 short sequences into one chunk.
  std::vector<index_t> tokens(40, 1);
  tokens.insert(tokens.end(), 2, 60);
  const auto loads = loads_of(tokens);
  for (const int workers : {2, 3, 8}) {
    const auto chunks = plan_even_chunks(loads, {.tokens = 64, .sequences = 13}, workers);
    check_cover(chunks, loads);
    for (const sequence_chunk& chunk : chunks) CHECK(chunk.count <= 13);
  }
}

TEST_CASE("Sequences with windows are cut as those that fill the limits") {
  auto loads = loads_of({8, 8, 8});
  loads[1] = {8, 5};
  const auto expected = plan_chunks(loads, {.tokens = 16});
  const auto chunks = plan_even_chunks(loads, {.tokens = 16}, 4);
  REQUIRE(chunks.size() == expected.size());
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    CHECK(chunks[i].windows == expected[i].windows);
    CHECK(chunks[i].first_window == expected[i].first_window);
    CHECK(chunks[i].first == expected[i].first);
  }
}

TEST_CASE("Tokens that no count holds are an error") {
  const auto loads =
      loads_of({std::numeric_limits<index_t>::max() / 2 + 1, 9, std::numeric_limits<index_t>::max() / 2 + 1});
  CHECK_THROWS_AS((void)plan_even_chunks(loads, {.tokens = 1}, 2), dnalm::error);
}

TEST_CASE("Even chunks of nothing, and of sequences without tokens") {
  CHECK(plan_even_chunks({}, {}, 4).empty());
  const auto loads = loads_of({0, 0, 0});
  check_cover(plan_even_chunks(loads, {}, 2), loads);
}

}  // namespace
