// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <string>
#include <vector>

#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/attribution/sequence_function.hpp>
#include <dnalm/core/error.hpp>
#include <support/catch.hpp>

namespace {

TEST_CASE("one-hot columns have the order A, C, G, T, and N has none") {
  const dnalm::nucleotide_map map = dnalm::one_hot_map("acGTN");
  REQUIRE(map.length == 5);
  for (dnalm::index_t letter = 0; letter < 4; ++letter) {
    for (dnalm::index_t i = 0; i < 5; ++i) CHECK(map(letter, i) == (letter == i ? 1.0 : 0.0));
  }
}

TEST_CASE("a function of sequences names the sequence whose value is not finite") {
  dnalm::sequence_function f{
      .outputs = 2, .evaluate = [](std::span<const std::string> sequences, std::span<double> values) {
        for (std::size_t i = 0; i < sequences.size(); ++i) {
          values[2 * i] = static_cast<double>(sequences[i].size());
          values[2 * i + 1] = sequences[i] == "N" ? std::numeric_limits<double>::quiet_NaN() : 0.0;
        }
      }};
  const std::vector<std::string> good = {"A", "AC"};
  CHECK(f(good) == std::vector<double>{1, 0, 2, 0});
  CHECK(f({}).empty());
  const std::vector<std::string> bad = {"A", "N"};
  CHECK_THROWS_WITH(f(bad), Catch::Contains("dnalm.numeric.801") && Catch::Contains("sequence 2: output 1"));
  f.outputs = 0;
  CHECK_THROWS_WITH(f(good), Catch::Contains("dnalm.usage.800"));
}

}  // namespace
