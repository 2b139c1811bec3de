// SPDX-License-Identifier: Apache-2.0
#include <dnalm/probe/ridge_statistics.hpp>

#include <support/catch.hpp>
#include <unit/probe/probe_data.hpp>

#include <limits>

#include <dnalm/core/parallel.hpp>

using namespace dnalm_test;
using dnalm::ridge_moments;
using dnalm::ridge_statistics;

namespace {

/// Adds rows in blocks of a given size.
ridge_statistics add_in_blocks(const table& x, const table& y, const std::vector<index_t>& part,
                               index_t parts, index_t block) {
  ridge_statistics statistics(x.columns, y.columns, parts);
  for (index_t first = 0; first < x.rows; first += block) {
    const index_t count = std::min(block, x.rows - first);
    statistics.add(x.view().row_block(first, count), y.view().row_block(first, count),
                   std::span(part).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
  }
  return statistics;
}

bool same_bits(const ridge_moments& a, const ridge_moments& b) {
  return a.rows == b.rows && a.weight == b.weight && a.mean_x == b.mean_x && a.mean_y == b.mean_y &&
         a.gram == b.gram && a.cross == b.cross && a.yy == b.yy;
}

/// Two-pass moments of rows.
ridge_moments direct_moments(const table& x, const table& y) {
  auto moments = dnalm::make_moments(x.columns, y.columns);
  moments.rows = x.rows;
  moments.weight = static_cast<double>(x.rows);
  const auto mean = [](const table& m, index_t c) {
    double sum = 0;
    for (index_t r = 0; r < m.rows; ++r) sum += m(r, c);
    return sum / static_cast<double>(m.rows);
  };
  for (index_t c = 0; c < x.columns; ++c) moments.mean_x[static_cast<std::size_t>(c)] = mean(x, c);
  for (index_t t = 0; t < y.columns; ++t) moments.mean_y[static_cast<std::size_t>(t)] = mean(y, t);
  for (index_t r = 0; r < x.rows; ++r) {
    for (index_t i = 0; i < x.columns; ++i) {
      const double dx = x(r, i) - moments.mean_x[static_cast<std::size_t>(i)];
      for (index_t j = 0; j < x.columns; ++j) {
        moments.gram[static_cast<std::size_t>(i * x.columns + j)] +=
            dx * (x(r, j) - moments.mean_x[static_cast<std::size_t>(j)]);
      }
      for (index_t t = 0; t < y.columns; ++t) {
        moments.cross[static_cast<std::size_t>(t * x.columns + i)] +=
            dx * (y(r, t) - moments.mean_y[static_cast<std::size_t>(t)]);
      }
    }
    for (index_t t = 0; t < y.columns; ++t) {
      moments.yy[static_cast<std::size_t>(t)] +=
          std::pow(y(r, t) - moments.mean_y[static_cast<std::size_t>(t)], 2);
    }
  }
  return moments;
}

double moment_gap(const ridge_moments& a, const ridge_moments& b) {
  return std::max({relative_gap(a.mean_x, b.mean_x), relative_gap(a.mean_y, b.mean_y),
                   relative_gap(a.gram, b.gram), relative_gap(a.cross, b.cross), relative_gap(a.yy, b.yy)});
}

}  // namespace

TEST_CASE("statistics do not depend on how the stream is cut, bit for bit", "[probe]") {
  const auto x = random_features(1, 500, 13);
  const auto y = random_labels(2, x, 2);
  std::vector<index_t> part;
  for (index_t r = 0; r < 500; ++r) part.push_back(r % 7 == 0 ? -1 : r % 3);
  const auto whole = add_in_blocks(x, y, part, 3, 500);
  for (const index_t block : {1, 7, 64, 65, 200}) {
    const auto cut = add_in_blocks(x, y, part, 3, block);
    for (index_t p = 0; p < 3; ++p) {
      REQUIRE(same_bits(cut.moments({{p}}), whole.moments({{p}})));
    }
  }
}

TEST_CASE("statistics of many representations do not depend on threads, bit for bit", "[probe]") {
  const auto y = random_labels(5, random_features(4, 300, 11), 1);
  const std::vector<index_t> part(300, 0);
  std::vector<ridge_moments> alone(8);
  std::vector<ridge_moments> together(8);
  const auto run = [&](std::vector<ridge_moments>& out, int threads) {
    dnalm::parallel_for(8, threads, [&](index_t layer, int) {
      const auto x = random_features(static_cast<std::uint64_t>(layer), 300, 11);
      out[static_cast<std::size_t>(layer)] = add_in_blocks(x, y, part, 1, 1 + layer).moments({{0}});
    });
  };
  run(alone, 1);
  run(together, 4);
  for (std::size_t layer = 0; layer < 8; ++layer) REQUIRE(same_bits(alone[layer], together[layer]));
}

TEST_CASE("a part's bits do not depend on the rows of other parts", "[probe]") {
  const auto x = random_features(1, 200, 5);
  const auto y = random_labels(2, x, 1);
  std::vector<index_t> part;
  std::vector<index_t> rows;
  for (index_t r = 0; r < 200; ++r) {
    part.push_back(r % 3 == 1 ? 1 : 0);
    if (part.back() == 1) rows.push_back(r);
  }
  const auto mixed = add_in_blocks(x, y, part, 2, 50).moments({{1}});
  const auto alone =
      add_in_blocks(take_rows(x, rows), take_rows(y, rows), std::vector<index_t>(rows.size(), 0), 1, 9);
  REQUIRE(same_bits(mixed, alone.moments({{0}})));
}

TEST_CASE("statistics equal the two-pass moments, at large offsets too", "[probe]") {
  auto x = random_features(3, 333, 9);
  const auto y = random_labels(4, x, 3);
  const std::vector<index_t> part(333, 0);
  REQUIRE(moment_gap(add_in_blocks(x, y, part, 1, 100).moments({{0}}), direct_moments(x, y)) < 1e-13);
  for (index_t r = 0; r < 333; ++r) x(r, 2) += 1e6 + (r > 150 ? 5e3 : 0.0);  // an offset and a drift
  const auto found = add_in_blocks(x, y, part, 1, 100).moments({{0}});
  const auto expected = direct_moments(x, y);
  REQUIRE(relative_gap(found.gram, expected.gram) < 1e-11);
  REQUIRE(relative_gap(found.cross, expected.cross) < 1e-9);
}

TEST_CASE("moments of parts add up to the moments of their union", "[probe]") {
  const auto x = random_features(3, 250, 6);
  const auto y = random_labels(4, x, 2);
  std::vector<index_t> part;
  for (index_t r = 0; r < 250; ++r) part.push_back(r % 4);
  const auto statistics = add_in_blocks(x, y, part, 5, 250);
  REQUIRE(statistics.rows(1) == 63);
  REQUIRE(statistics.rows(4) == 0);
  REQUIRE(moment_gap(statistics.moments({{0, 1, 2, 3, 4}}), direct_moments(x, y)) < 1e-13);
  REQUIRE(statistics.moments({{4}}).rows == 0);
  REQUIRE(moment_gap(statistics.moments({{3, 0, 2, 1}}), direct_moments(x, y)) < 1e-13);
}

TEST_CASE("weights equal repeated rows", "[probe]") {
  const auto x = random_features(3, 90, 4);
  const auto y = random_labels(4, x, 1);
  dnalm::philox random(9);
  std::vector<double> weight;
  std::vector<index_t> repeated;
  for (index_t r = 0; r < 90; ++r) {
    weight.push_back(static_cast<double>(1 + random.below(3)));
    for (int copy = 0; copy < weight.back(); ++copy) repeated.push_back(r);
  }
  ridge_statistics weighted(4, 1, 1);
  weighted.add(x.view(), y.view(), std::vector<index_t>(90, 0), weight);
  const auto expected = direct_moments(take_rows(x, repeated), take_rows(y, repeated));
  const auto found = weighted.moments({{0}});
  REQUIRE(found.rows == 90);
  REQUIRE(found.weight == expected.weight);
  REQUIRE(moment_gap(found, expected) < 1e-13);
}

TEST_CASE("float and double features of equal value give equal bits", "[probe]") {
  const auto x = random_features(3, 70, 4);
  const auto floats = to_float(x);
  table rounded(70, 4, std::vector<double>(floats.begin(), floats.end()));
  const auto y = random_labels(4, x, 1);
  const std::vector<index_t> part(70, 0);
  ridge_statistics from_float(4, 1, 1);
  from_float.add(dnalm::as_matrix(floats.data(), 70, 4), y.view(), part);
  REQUIRE(same_bits(from_float.moments({{0}}), add_in_blocks(rounded, y, part, 1, 70).moments({{0}})));
}

TEST_CASE("targets that miss different rows have statistics of their own rows", "[probe]") {
  const double missing = std::numeric_limits<double>::quiet_NaN();
  const auto x = random_features(3, 150, 5);
  auto y = random_labels(4, x, 4);
  std::vector<index_t> labelled_1;
  for (index_t r = 0; r < 150; ++r) {
    if (r % 3 == 0) y(r, 1) = y(r, 3) = missing;
    if (r % 5 == 0) y(r, 2) = missing;
    if (r % 3 != 0) labelled_1.push_back(r);
  }
  const auto groups = dnalm::missingness_groups(y.view());
  REQUIRE(groups == std::vector<index_t>{0, 1, 2, 1});
  ridge_statistics statistics(5, 4, 1, groups);
  statistics.add(x.view(), y.view(), std::vector<index_t>(150, 0));
  REQUIRE(statistics.groups() == 3);
  REQUIRE(statistics.group_targets(1) == std::vector<index_t>{1, 3});
  REQUIRE(statistics.rows(0, 0) == 150);
  REQUIRE(statistics.rows(0, 2) == 120);
  table own(static_cast<index_t>(labelled_1.size()), 2);
  for (std::size_t i = 0; i < labelled_1.size(); ++i) {
    own(static_cast<index_t>(i), 0) = y(labelled_1[i], 1);
    own(static_cast<index_t>(i), 1) = y(labelled_1[i], 3);
  }
  REQUIRE(moment_gap(statistics.moments({{0}}, 1), direct_moments(take_rows(x, labelled_1), own)) < 1e-13);
}

TEST_CASE("statistics refuse rows they cannot use", "[probe]") {
  const double missing = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<index_t> part{0, 0};
  const auto id = [&](std::vector<double> x, std::vector<double> y, std::vector<index_t> parts,
                      std::vector<double> weight = {}) {
    ridge_statistics statistics(2, 1, 1);
    return error_id_of([&] { statistics.add(table(2, 2, x).view(), table(2, 1, y).view(), parts, weight); });
  };
  REQUIRE(id({1, 2, 3, 4}, {1, 2}, part).empty());
  REQUIRE(id({1, 2, 3, missing}, {1, 2}, part) == "dnalm.numeric.521");
  REQUIRE(id({1, infinity, 3, 4}, {1, 2}, {-1, 0}) == "dnalm.numeric.521");
  REQUIRE(id({1, 2, 3, 4}, {1, infinity}, part) == "dnalm.input.536");
  REQUIRE(id({1, 2, 3, 4}, {1, missing}, part).empty());
  REQUIRE(id({1, 2, 3, 4}, {1, 2}, {0, 1}) == "dnalm.shape.520");
  REQUIRE(id({1, 2, 3, 4}, {1, 2}, {0}) == "dnalm.shape.520");
  REQUIRE(id({1, 2, 3, 4}, {1, 2}, part, {1, 0}) == "dnalm.usage.541");
  REQUIRE(id({1, 2, 3, 4}, {1, 2}, part, {1, infinity}) == "dnalm.usage.541");
  REQUIRE(error_id_of([] { ridge_statistics(0, 1, 1); }) == "dnalm.shape.520");
  REQUIRE(error_id_of([] { ridge_statistics(2, 2, 1, {0, 2}); }) == "dnalm.shape.520");
  ridge_statistics two(2, 2, 1);  // both targets said to be labelled in the same rows
  REQUIRE(error_id_of([&] {
            two.add(table(1, 2, {1, 2}).view(), table(1, 2, {1, missing}).view(), {{0}});
          }) == "dnalm.input.536");
  REQUIRE(error_id_of([&] { (void)two.moments({{1}}); }) == "dnalm.shape.520");
  CHECK_FALSE(two.device().has_value());
  REQUIRE(error_id_of([&] { two.add_on_device({}, {}, {}); }) == "dnalm.internal.661");
  auto small = dnalm::make_moments(2, 1);
  REQUIRE(error_id_of([&] { dnalm::merge_moments(small, dnalm::make_moments(3, 1)); }) == "dnalm.shape.520");
}
