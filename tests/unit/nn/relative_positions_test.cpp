// SPDX-License-Identifier: Apache-2.0
// Enformer's features of a distance: numbers printed by the original code, and what the formulas imply.
#include <cmath>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include <dnalm/io/safetensors.hpp>
#include <dnalm/nn/relative_positions.hpp>
#include <support/catch.hpp>

using dnalm::index_t;

namespace {
/// The printed numbers are sums and powers in float: a few units of rounding of numbers up to 1.
constexpr double printed = 4 * 0x1p-24;
}  // namespace

TEST_CASE("features of six positions are the original's", "[nn][relative]") {
  const dnalm::matrix<double> x = dnalm::relative_position_features(6, 12);
  REQUIRE(x.rows() == 11);
  const double far[] = {.6484198, .5612311, 0.0, 0.0, .2861819, 1.0};
  const double near[] = {.9170041, .8908987, 0.0, 1.0, .4742085, 1.4462644e-6};
  const double here[] = {1.0, 1.0, 1.0, 1.0, 3.4152691e-8, 4.0461586e-8};
  for (index_t c = 0; c < 6; ++c) {
    INFO("feature " << c);
    CHECK(std::abs(x(0, c) - far[c]) <= printed);
    CHECK(std::abs(x(4, c) - near[c]) <= printed);
    CHECK(std::abs(x(5, c) - here[c]) <= printed);
    CHECK(std::abs(x(5, c) / here[c] - 1.0) <= 1e-6);
    for (index_t r = 0; r < 11; ++r) {
      CHECK(x(r, 6 + c) == (r < 5 ? -x(r, c) : r > 5 ? x(r, c) : 0.0));
      CHECK(x(r, c) == x(10 - r, c));
    }
  }
}

TEST_CASE("features of the published length", "[nn][relative]") {
  const index_t length = 1536;
  const dnalm::matrix<double> x = dnalm::relative_position_features(length, 192);
  const auto at = [&](index_t distance, index_t column) { return x(distance + length - 1, column); };
  const double one[] = {.9170040, .9294823, .9995489};
  const double many[] = {.0035820, .0086233, .9710937};
  const index_t functions[] = {0, 1, 31};
  for (int i = 0; i < 3; ++i) {
    CHECK(std::abs(at(1, functions[i]) - one[i]) <= printed);
    CHECK(std::abs(at(-65, functions[i]) - many[i]) <= printed);
  }
  const auto ones = [&](index_t distance) {
    index_t count = 0;
    for (index_t k = 32; k < 64; ++k) count += at(distance, k) == 1.0 ? 1 : 0;
    return count;
  };
  CHECK(ones(0) == 32);
  CHECK(ones(1) == 31);
  CHECK(ones(3) == 30);
  CHECK(ones(1535) == 22);
  // TensorFlow's table in float: .525156, .489353, 3.96617e-4, 1; it is within 2.5e-3 of the formula.
  CHECK(std::abs(at(65, 64) - .525156) <= 2.5e-3);
  CHECK(std::abs(at(65, 65) - .489353) <= 2.5e-3);
  CHECK(std::abs(at(1, 64) - 3.96617e-4) <= 1e-6);
  CHECK(at(1535, 95) == 1.0);
  for (index_t k = 64; k < 96; ++k) {
    double largest = 0.0;
    for (index_t d = 0; d < length; ++d) largest = std::max(largest, at(d, k));
    CHECK(largest == 1.0);
    CHECK(at(0, k) > 5e-7);
    CHECK(at(0, k) < 7e-7);
  }
}

// TensorFlow adds up five floats of up to 3e4, whose neighbours are 2^-9 apart, and takes the exponential:
// five roundings of at most 2^-10.
TEST_CASE("exact gamma densities are TensorFlow's table within its own roundings", "[nn][relative]") {
  const dnalm::io::safetensors_file table(std::filesystem::path(DNALM_GOLDEN_DIR) /
                                          "supervised/expected/tf_gammas.safetensors");
  const auto numbers = [&](const char* name) {
    const auto& stored = table.tensor(name);
    std::vector<double> all(static_cast<std::size_t>(stored.info.size()));
    dnalm::io::read_stored(stored, std::span<double>(all));
    return all;
  };
  const std::vector<double> distances = numbers("distances");
  const std::vector<double> gammas = numbers("gammas");
  const dnalm::matrix<double> x = dnalm::relative_position_features(1536, 192);
  REQUIRE(distances.size() == 51);
  REQUIRE(gammas.size() == 51 * 32);
  double worst = 0.0;
  for (std::size_t i = 0; i < distances.size(); ++i) {
    const auto distance = static_cast<index_t>(distances[i]);
    for (std::size_t k = 0; k < 32; ++k) {
      const double exact = x(1535 + distance, static_cast<index_t>(64 + k));
      worst = std::max(worst, std::abs(gammas[32 * i + k] / exact - 1.0));
    }
  }
  CHECK(worst <= 5 * 0x1p-10);
  CHECK(worst >= 1e-3);  // it is not TensorFlow's table
}

TEST_CASE("a table of gamma densities stands in place of those of its length and number", "[nn][relative]") {
  dnalm::gamma_table table{std::vector<double>(11 * 2), 2};
  for (std::size_t i = 0; i < table.numbers.size(); ++i) table.numbers[i] = 0.125 * static_cast<double>(i);
  const auto features = [](index_t length, index_t count, const dnalm::gamma_table* given) {
    return dnalm::relative_position_features(length, count, dnalm::gamma_scale::positions, given);
  };
  const dnalm::matrix<double> x = features(6, 12, &table);
  const dnalm::matrix<double> usual = features(6, 12, nullptr);
  for (index_t r = 0; r < 11; ++r) {
    const double sign = r < 5 ? -1.0 : r > 5 ? 1.0 : 0.0;
    for (index_t c = 0; c < 12; ++c) {
      const bool gamma = c % 6 >= 4;
      const double given = table.numbers[static_cast<std::size_t>(2 * r + c % 2)];
      CHECK(x(r, c) == (!gamma ? usual(r, c) : c < 6 ? given : sign * given));
    }
  }
  for (const auto& [length, count] : {std::pair<index_t, index_t>{7, 12}, {6, 18}}) {
    const dnalm::matrix<double> other = features(length, count, &table);
    const dnalm::matrix<double> formula = features(length, count, nullptr);
    for (index_t i = 0; i < other.rows() * count; ++i) CHECK(other.data()[i] == formula.data()[i]);
  }
}

TEST_CASE("the other scale makes every distance's largest density one", "[nn][relative]") {
  const dnalm::matrix<double> x = dnalm::relative_position_features(20, 24, dnalm::gamma_scale::functions);
  const dnalm::matrix<double> usual = dnalm::relative_position_features(20, 24);
  for (index_t r = 0; r < 39; ++r) {
    double largest = 0.0;
    for (index_t c = 8; c < 12; ++c) largest = std::max(largest, x(r, c));
    CHECK(largest == 1.0);
    for (index_t c = 0; c < 8; ++c) CHECK(x(r, c) == usual(r, c));
  }
  CHECK(x(19, 8) == 1.0);  // at distance 0 all densities are 0: 1e-8 of each
}

TEST_CASE("impossible features", "[nn][relative]") {
  const auto number = [](index_t length, index_t count) {
    try {
      static_cast<void>(dnalm::relative_position_features(length, count));
    } catch (const dnalm::error& e) {
      return e.number();
    }
    return 0;
  };
  CHECK(number(0, 12) == 356);
  CHECK(number(6, 0) == 356);
  CHECK(number(6, 13) == 356);
  CHECK(number(1, 6) == 0);
}
