// SPDX-License-Identifier: Apache-2.0
// Second moments on the emulated grid: against the CPU's ridge_statistics and sums in long double, and bit
// for bit whatever blocks the rows come in.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include <dnalm/cuda/cell_moments.hpp>
#include <dnalm/cuda/detail/gather.cuh>
#include <dnalm/cuda/detail/moments.cuh>
#include <dnalm/probe/ridge_on_cuda.hpp>
#include <dnalm/probe/ridge_statistics.hpp>
#include <support/catch.hpp>
#include <support/cuda_emulation/guarded.hpp>
#include <support/cuda_emulation/runtime.hpp>

using namespace dnalm_test::gpu;
using dnalm::cell_moments;
using dnalm::cell_row;
using dnalm::cuda_cell_moments;
using dnalm::cuda_moments_room;
using dnalm::matrix;
using dnalm::ridge_moments;
using dnalm_test::error_id_of;

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// Rows with an offset, labels, parts (every seventh row in none) and weights.
struct moment_case {
  moment_case(index_t rows, index_t features, index_t targets, index_t parts, double offset = 2.0)
      : x(rows, features), y(rows, targets), part_count(parts) {
    const matrix<double> numbers = random_matrix(rows, features + targets + 1, 7);
    for (index_t r = 0; r < rows; ++r) {
      for (index_t c = 0; c < features; ++c) {
        x(r, c) = static_cast<float>(offset + numbers(r, c) * (1.0 + static_cast<double>(c % 3)));
      }
      for (index_t t = 0; t < targets; ++t) y(r, t) = 0.3 + numbers(r, features + t) + 0.25 * numbers(r, 0);
      part.push_back(r % 7 == 6 ? -1 : r * r % parts);
      weight.push_back(0.5 + std::abs(numbers(r, features + targets)));
    }
  }

  matrix<float> x;
  matrix<double> y;
  index_t part_count;
  std::vector<index_t> part;
  std::vector<double> weight;

  /// Rows [first, first + count) into an accumulator.
  void feed(dnalm::ridge_accumulator& to, index_t first, index_t count, bool weighted) const {
    const auto begin = static_cast<std::size_t>(first);
    const auto size = static_cast<std::size_t>(count);
    std::span<const double> weights;
    if (weighted) weights = std::span(weight).subspan(begin, size);
    to.add(x.view().row_block(first, count), y.view().row_block(first, count),
           std::span(part).subspan(begin, size), weights);
  }
};

/// Largest difference of moments: of gram and cross relative to the root of the product of both diagonals
/// (no sum of absolute terms is larger), of means to the deviation.
double largest_gap(const ridge_moments& a, const ridge_moments& b) {
  const auto features = static_cast<std::size_t>(a.features);
  const auto targets = static_cast<std::size_t>(a.targets);
  REQUIRE(a.gram.size() == b.gram.size());
  REQUIRE(a.cross.size() == b.cross.size());
  double worst = std::abs(a.weight - b.weight) / b.weight;
  const auto note = [&](double found, double expected, double size) {
    const double gap = std::abs(found - expected) / size;
    worst = gap <= worst ? worst : gap;  // NaN stays
  };
  const auto deviation = [&](std::size_t c) { return std::sqrt(b.gram[c * features + c]); };
  for (std::size_t i = 0; i < features; ++i) {
    note(a.mean_x[i], b.mean_x[i], deviation(i) / std::sqrt(b.weight) + std::abs(b.mean_x[i]));
    for (std::size_t j = 0; j < features; ++j) {
      note(a.gram[i * features + j], b.gram[i * features + j], deviation(i) * deviation(j));
    }
  }
  for (std::size_t t = 0; t < targets; ++t) {
    note(a.yy[t], b.yy[t], b.yy[t]);
    note(a.mean_y[t], b.mean_y[t], std::sqrt(b.yy[t] / b.weight) + std::abs(b.mean_y[t]));
    for (std::size_t i = 0; i < features; ++i) {
      note(a.cross[t * features + i], b.cross[t * features + i], deviation(i) * std::sqrt(b.yy[t]));
    }
  }
  return worst;
}

bool same_bits(const ridge_moments& a, const ridge_moments& b) {
  return a.rows == b.rows && a.weight == b.weight && a.mean_x == b.mean_x && a.mean_y == b.mean_y &&
         a.gram == b.gram && a.cross == b.cross && a.yy == b.yy;
}

std::vector<index_t> all_parts(index_t count) {
  std::vector<index_t> parts(static_cast<std::size_t>(count));
  std::iota(parts.begin(), parts.end(), index_t{0});
  return parts;
}

std::shared_ptr<cuda_moments_room> room(index_t limit = 0) {
  return std::make_shared<cuda_moments_room>(0, limit);
}

}  // namespace

TEST_CASE("moments on a GPU are those of ridge_statistics", "[cuda][moments]") {
  struct size {
    index_t rows, features, targets, parts;
  };
  // Leaves of 256 that fill up once, never and several times; tiles of 64 that end anywhere.
  for (const size s : {size{900, 5, 2, 3}, size{1, 3, 1, 1}, size{600, 64, 1, 1}, size{600, 65, 3, 2},
                       size{256, 31, 33, 1}, size{300, 130, 1, 1}}) {
    for (const bool weighted : {false, true}) {
      INFO("rows " << s.rows << ", features " << s.features << ", weighted " << weighted);
      const moment_case c(s.rows, s.features, s.targets, s.parts);
      dnalm::ridge_statistics cpu(s.features, s.targets, s.parts);
      dnalm::cuda_ridge_statistics gpu(room(), {s.features, s.targets, s.parts});
      c.feed(cpu, 0, s.rows, weighted);
      c.feed(gpu, 0, s.rows, weighted);
      // A chain has at most 257 roundings, then a few leaves follow; a mean is off by 256 roundings of
      // itself, 2 to 3 deviations large, and enters the merge of two leaves twice: below 2000 x 2^-53.
      for (index_t p = 0; p < s.parts; ++p) {
        CHECK(gpu.rows(p) == cpu.rows(p));
        const std::vector<index_t> one{p};
        if (cpu.rows(p) > 1) CHECK(largest_gap(gpu.moments(one), cpu.moments(one)) < 1e-12);
      }
      if (s.rows > 1) {
        const auto parts = all_parts(s.parts);
        CHECK(largest_gap(gpu.moments(parts), cpu.moments(parts)) < 1e-12);
      }
    }
  }
}

TEST_CASE("a mean of 10,000 deviations does not spoil the moments on a GPU", "[cuda][moments]") {
  const moment_case c(700, 6, 1, 1, 16384.0);
  dnalm::cuda_ridge_statistics gpu(room(), {6, 1, 1});
  c.feed(gpu, 0, 700, false);
  const std::vector<index_t> one{0};
  const ridge_moments found = gpu.moments(one);
  for (index_t i = 0; i < 6; ++i) {
    for (index_t j = 0; j < 6; ++j) {
      long double mean_i = 0;
      long double mean_j = 0;
      long double sum = 0;
      long double rows = 0;
      for (index_t r = 0; r < 700; ++r) {
        if (c.part[static_cast<std::size_t>(r)] < 0) continue;
        mean_i += static_cast<long double>(c.x(r, i));
        mean_j += static_cast<long double>(c.x(r, j));
        rows += 1;
      }
      for (index_t r = 0; r < 700; ++r) {
        if (c.part[static_cast<std::size_t>(r)] < 0) continue;
        sum += (static_cast<long double>(c.x(r, i)) - mean_i / rows) *
               (static_cast<long double>(c.x(r, j)) - mean_j / rows);
      }
      // Sums of squares without centring would be off by 600 x 16384^2 x 2^-53 x some roundings: 1e-5 and
      // more.
      const auto at = static_cast<std::size_t>(6 * i + j);
      CHECK(std::abs(found.gram[at] - static_cast<double>(sum)) < 600 * 256 * 0x1p-53 * 16384.0);
    }
  }
}

TEST_CASE("bits of moments on a GPU depend on the order of a part's rows alone", "[cuda][moments]") {
  const index_t rows = 700;
  const moment_case c(rows, 37, 2, 2);
  const auto gather = [&](index_t block, std::uint64_t seed) {
    emulation().seed = seed;
    dnalm::cuda_ridge_statistics gpu(room(), {37, 2, 2});
    for (index_t first = 0; first < rows; first += block) {
      c.feed(gpu, first, std::min(block, rows - first), true);
    }
    auto result = std::vector{gpu.moments(std::vector<index_t>{0}), gpu.moments(std::vector<index_t>{1})};
    CHECK(same_bits(gpu.moments(std::vector<index_t>{1}), result[1]));  // asking changes nothing
    emulation().seed = 0;
    return result;
  };
  const auto together = gather(rows, 0);
  for (const index_t block : {19, 256, 511}) {
    const auto apart = gather(block, static_cast<std::uint64_t>(block));
    CHECK(same_bits(apart[0], together[0]));
    CHECK(same_bits(apart[1], together[1]));
  }
  dnalm::cuda_ridge_statistics alone(room(), {37, 2, 2});  // without the other part
  moment_case only_one(rows, 37, 2, 2);
  for (index_t& p : only_one.part) p = p == 1 ? 1 : -1;
  only_one.feed(alone, 0, rows, true);
  CHECK(same_bits(alone.moments(std::vector<index_t>{1}), together[1]));
  CHECK(alone.moments(std::vector<index_t>{0}).rows == 0);
}

TEST_CASE("targets that miss rows have moments of their own on a GPU", "[cuda][moments]") {
  moment_case c(600, 9, 4, 2);
  for (index_t r = 0; r < 600; r += 3) c.y(r, 1) = c.y(r, 3) = none;
  for (index_t r = 0; r < 600; r += 4) c.y(r, 2) = none;
  const std::vector<index_t> groups = dnalm::missingness_groups(c.y.view());
  CHECK(groups == std::vector<index_t>{0, 1, 2, 1});
  dnalm::ridge_statistics cpu(9, 4, 2, groups);
  dnalm::cuda_ridge_statistics gpu(room(), {9, 4, 2, groups});
  c.feed(cpu, 0, 600, false);
  c.feed(gpu, 0, 600, false);
  for (index_t group = 0; group < 3; ++group) {
    CHECK(gpu.group_targets(group) == cpu.group_targets(group));
    for (index_t p = 0; p < 2; ++p) {
      CHECK(gpu.rows(p, group) == cpu.rows(p, group));
      const std::vector<index_t> one{p};
      CHECK(largest_gap(gpu.moments(one, group), cpu.moments(one, group)) < 1e-12);
    }
  }
}

TEST_CASE("rows on the GPU give the bits of rows on the host, and wide blocks of columns too",
          "[cuda][moments]") {
  const moment_case c(300, 12, 1, 1);
  const auto shared = room();
  cuda_cell_moments from_host(shared, 12, {1, 0});
  cuda_cell_moments from_device(shared, 12, {1, 0});
  std::vector<cell_row> rows;
  for (index_t r = 0; r < 300; ++r) rows.push_back({299 - r, r % 5 == 0 ? 1 : 0, 1.0});
  matrix<double> labels(300, 1);
  for (index_t r = 0; r < 300; ++r) labels(r, 0) = c.y(299 - r, 0);
  from_host.add(c.x.view(), rows, labels.view());
  guarded<float> x(300, 12, 1);
  for (index_t r = 0; r < 300; ++r) std::copy_n(c.x.view().row_data(r), 12, x.view().row_data(r));
  from_device.add(dnalm::device_matrix<const float>(x.view()), rows, labels.view());
  for (const index_t cell : {0, 1}) {
    const cell_moments a = from_host.read(cell);
    const cell_moments b = from_device.read(cell);
    CHECK(a.rows == (cell == 0 ? 240 : 60));
    CHECK(a.rows == b.rows);
    CHECK(a.mean == b.mean);
    CHECK(a.squares == b.squares);
    CHECK(a.squares.size() == (cell == 0 ? 1U : 0U));
    for (index_t i = 0; i < 12 + 1 - cell; ++i) {
      for (index_t j = 0; j <= std::min<index_t>(i, 11); ++j) {
        CHECK(a.products[static_cast<std::size_t>(12 * i + j)] ==
              b.products[static_cast<std::size_t>(12 * i + j)]);
      }
    }
  }
}

TEST_CASE("rows on the GPU are kept until they have been read", "[cuda][moments]") {
  const moment_case c(40, 5, 1, 2);
  const std::vector<index_t> one{1};
  dnalm::cuda_ridge_statistics copied(room(), {5, 1, 2});
  c.feed(copied, 0, 40, true);
  CHECK(copied.device() == 0);
  CHECK(dnalm::cuda_ridge_maker().device() == 0);
  const late_streams late;
  std::weak_ptr<const void> first;
  std::weak_ptr<const void> second;
  {
    dnalm::cuda_ridge_statistics stays(room(), {5, 1, 2});
    for (const index_t begin : {0, 20}) {
      const auto at = static_cast<std::size_t>(begin);
      // Memory that is written over as soon as nobody keeps it.
      const auto poison = [](matrix<float>* x) {
        std::fill_n(x->data(), x->rows() * x->columns(), 1e30F);
        delete x;
      };
      const std::shared_ptr<matrix<float>> owner(new matrix<float>(20, 5), poison);
      std::copy_n(c.x.view().row_data(begin), 100, owner->data());
      (begin == 0 ? first : second) = owner;
      stays.add_on_device({{owner->data(), 20, 5, 5}, owner}, c.y.view().row_block(begin, 20),
                          std::span(c.part).subspan(at, 20), std::span(c.weight).subspan(at, 20));
    }
    CHECK(first.expired());
    CHECK_FALSE(second.expired());
    CHECK(same_bits(stays.moments(one), copied.moments(one)));
    const matrix<double> y(20, 1);
    CHECK(error_id_of([&] {
            stays.add_on_device({{nullptr, 20, 4, 4}, nullptr}, y.view(), std::span(c.part).first(20));
          }) == "dnalm.shape.520");
  }
  CHECK(second.expired());
}

TEST_CASE("a leaf's kernels write what they name and nothing beside it", "[cuda][moments]") {
  const matrix<double> x = random_matrix(20, 70, 1);
  const matrix<double> y = random_matrix(20, 3, 2);
  guarded<float> rows(x.view(), 3);
  matrix<double> labels(20, 3);
  for (index_t r = 0; r < 20; ++r) {
    labels(r, 0) = 1.0;
    labels(r, 1) = y(r, 0);
    labels(r, 2) = y(r, 1);
  }
  constexpr double mark = 3.25;
  std::vector<double> sums(72 + 72 * 80 + 2, mark);
  std::vector<double> scratch(2 * 72);
  const dnalm::device_moments<double> to{
      {sums.data(), 72}, {sums.data() + 72, 72, 70, 80}, {sums.data() + 72 + 72 * 80, 2}};
  dnalm::cuda_add_leaf({}, {rows.view(), {labels.data(), 20, 3, 3}}, dnalm::share_of_leaf(0, 20), {},
                       {scratch.data(), 2, 72, 72}, to);
  CHECK(rows.frame_is_whole());
  for (index_t i = 0; i < 72; ++i) {
    CHECK(to.mean[i] != mark);
    for (index_t j = 0; j < 80; ++j)
      CHECK((sums[static_cast<std::size_t>(72 + 80 * i + j)] == mark) == (j > i || j >= 70));
  }
}

TEST_CASE("rows for moments on a GPU that do not fit are refused, and nothing is added", "[cuda][moments]") {
  const auto shared = room();
  CHECK(error_id_of([&] { cuda_cell_moments(shared, 0, {1}); }) == "dnalm.usage.653");
  CHECK(error_id_of([&] { cuda_cell_moments(shared, 2, {}); }) == "dnalm.usage.653");
  CHECK(error_id_of([&] { cuda_cell_moments(shared, 2, {-1}); }) == "dnalm.usage.653");
  cuda_cell_moments moments(shared, 2, {1, 2});
  matrix<float> x(3, 2);
  std::fill_n(x.data(), 6, 1.5F);
  matrix<double> y(1, 1);
  y(0, 0) = 1.0;
  const auto refused = [&](const cell_row& row) {
    const std::vector<cell_row> good_and_bad{{0, 0, 1.0}, row};
    matrix<double> labels(2, 1);
    return error_id_of([&] { moments.add(x.view(), good_and_bad, labels.view()); }) == "dnalm.usage.653" &&
           moments.rows(0) == 0;
  };
  CHECK(refused({3, 0, 1.0}));
  CHECK(refused({-1, 0, 1.0}));
  CHECK(refused({0, 2, 1.0}));
  CHECK(refused({0, -1, 1.0}));
  CHECK(refused({0, 1, 1.0}));  // two targets, one column of y
  CHECK(refused({0, 0, 0.0}));
  CHECK(refused({0, 0, none}));
  const std::vector<cell_row> two{{0, 0, 1.0}, {1, 0, 1.0}};
  CHECK(error_id_of([&] { moments.add(x.view(), two, y.view()); }) == "dnalm.usage.653");
  CHECK(error_id_of([&] { moments.add(x.view().column_block(0, 1), {}, {}); }) == "dnalm.usage.653");
  CHECK(error_id_of([&] { (void)moments.read(2); }) == "dnalm.usage.653");
  CHECK(moments.read(1).weight == 0.0);
}

TEST_CASE("a row that is not finite is told when moments on a GPU are read", "[cuda][moments]") {
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    cuda_cell_moments moments(room(), 3, {0, 0});
    matrix<float> x(300, 3);
    std::fill_n(x.data(), 900, 2.0F);
    x(100, 1) = bad;
    std::vector<cell_row> rows;
    for (index_t r = 0; r < 300; ++r) rows.push_back({r, r == 299 ? 1 : 0, 1.0});
    moments.add(x.view(), rows, matrix<double>(300, 0).view());
    CHECK_THROWS_WITH(moments.read(0), Catch::Contains("dnalm.numeric.654") && Catch::Contains("column 1"));
    CHECK(moments.read(1).mean[1] == 2.0);
    dnalm::cuda_ridge_statistics named(room(), {3, 1, 1});
    const std::vector<index_t> parts(300, -1);
    CHECK(error_id_of([&] { named.add(x.view(), matrix<double>(300, 1).view(), parts); }) ==
          "dnalm.numeric.521");
  }
}

TEST_CASE("moments on a GPU do not depend on when the stream does its work", "[cuda][moments]") {
  const auto moments_of = [] {
    cuda_cell_moments moments(room(), 4, {1});
    for (const index_t count : {40, 300, 900}) {  // scratch that is too small goes
      matrix<float> x(count, 4);
      matrix<double> y(count, 1);
      std::vector<cell_row> rows;
      for (index_t r = 0; r < count; ++r) {
        for (index_t c = 0; c < 4; ++c) x(r, c) = static_cast<float>((r * 7 + c * 3) % 11);
        y(r, 0) = static_cast<double>(r % 5);
        rows.push_back({r, 0, 1.0});
      }
      moments.add(x.view(), rows, y.view());
    }
    return moments.read(0);
  };
  const dnalm::cell_moments now = moments_of();
  const dnalm_test::gpu::late_streams late;
  const dnalm::cell_moments then = moments_of();
  CHECK(now.mean == then.mean);
  CHECK(now.products == then.products);
}

TEST_CASE("moments on a GPU go on after a lack of memory as if nothing had been added", "[cuda][moments]") {
  cuda_cell_moments moments(room(), 4, {1, 1});
  const auto put = [&](index_t count, index_t cell, float value) {
    matrix<float> x(count, 4);
    std::fill_n(x.data(), count * 4, value);
    matrix<double> y(count, 1);
    std::vector<cell_row> rows;
    for (index_t r = 0; r < count; ++r) rows.push_back({r, cell, 1.0});
    moments.add(x.view(), rows, y.view());
  };
  put(255, 0, 1.0F);
  put(10, 1, 1000.0F);
  {
    const dnalm_test::gpu::memory_limit full(dnalm_test::gpu::device_memory().used());
    CHECK(error_id_of([&] { put(1, 0, 1.0F); }) == "dnalm.memory.608");
  }
  CHECK(moments.rows(0) == 255);
  put(1, 0, 1.0F);
  const dnalm::cell_moments found = moments.read(0);
  CHECK(found.rows == 256);
  CHECK(found.mean == std::vector<double>{1, 1, 1, 1, 0});
}

TEST_CASE("moments on a GPU: what ridge_statistics refuses is refused", "[cuda][moments]") {
  CHECK(error_id_of([] { dnalm::cuda_ridge_statistics(room(), {2, 2, 1, {0, 2}}); }) == "dnalm.shape.520");
  CHECK(error_id_of([] { dnalm::cuda_ridge_statistics(room(), {0, 1, 1}); }) == "dnalm.shape.520");
  dnalm::cuda_ridge_statistics gpu(room(), {2, 2, 1});
  const std::vector<float> x{1, 2};
  const auto add = [&](std::vector<double> y, index_t part, double weight) {
    return error_id_of([&] {
      gpu.add(dnalm::as_matrix(x.data(), 1, 2), dnalm::as_matrix(std::as_const(y).data(), 1, 2), {&part, 1},
              {&weight, 1});
    });
  };
  CHECK(add({1, none}, 0, 1.0) == "dnalm.input.536");
  CHECK(add({1, 2}, 1, 1.0) == "dnalm.shape.520");
  CHECK(add({1, 2}, 0, -1.0) == "dnalm.usage.541");
  CHECK(gpu.rows(0) == 0);
  CHECK(error_id_of([&] { (void)gpu.rows(1); }) == "dnalm.shape.520");
  CHECK(error_id_of([&] { (void)gpu.moments(std::vector<index_t>{0}, 1); }) == "dnalm.shape.520");
}

TEST_CASE("moments on a GPU hold the memory they say, and give it back", "[cuda][moments]") {
  const index_t before = device_memory().used();
  {
    const auto shared = room();
    const std::vector<index_t> targets{2, 1};
    const moment_case c(600, 20, 2, 2);
    cuda_cell_moments moments(shared, 20, targets);
    std::vector<cell_row> rows;
    for (index_t r = 0; r < 600; ++r) rows.push_back({r, r % 2, 1.0});
    moments.add(c.x.view(), rows, c.y.view());
    // Beside it scratch: the block's rows and labels, their places, means of a leaf.
    const index_t scratch = 600 * (20 * 4 + 3 * 8 + 16) + 2 * 22 * 8;
    CHECK(shared->memory()->used() <= cuda_cell_moments::bytes(20, targets) + scratch);
    CHECK(shared->memory()->used() >= cuda_cell_moments::bytes(20, targets));
  }
  CHECK(device_memory().used() == before);
  CHECK(error_id_of([] { cuda_cell_moments(room(1000), 20, {1}); }) == "dnalm.memory.609");
  const dnalm::cuda_ridge_maker maker(0, index_t{1} << 20);
  CHECK(maker.fits({20, 1, 1}, 1));
  CHECK_FALSE(maker.fits({20, 1, 1}, 100));
  CHECK(maker.make({20, 1, 2})->parts() == 2);
}
