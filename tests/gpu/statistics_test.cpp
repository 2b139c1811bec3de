// SPDX-License-Identifier: Apache-2.0
// On a real GPU: moments of rows against the CPU's, random numbers against philox, rows taken out, norm and
// pooling in one pass against both apart.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include <dnalm/cuda/gather.hpp>
#include <dnalm/cuda/norm_pool.hpp>
#include <dnalm/cuda/pooling.hpp>
#include <dnalm/cuda/random.hpp>
#include <dnalm/probe/ridge_on_cuda.hpp>
#include <dnalm/probe/ridge_statistics.hpp>
#include <gpu/row_kernels.hpp>

using dnalm::matrix;
using dnalm_test::gpu_copy;
using dnalm_test::gpu_place;
using dnalm_test::index_t;
using dnalm_test::stored_normals;

namespace {

gpu_place first_gpu() {
  dnalm::cuda_select_device(0);
  return {std::make_shared<dnalm::detail::device_memory>(0, 0), {}};
}

/// Numbers of a kernel that fills an array.
template <class T, class Fill>
std::vector<T> filled(std::size_t count, const Fill& fill) {
  gpu_copy<T> memory(first_gpu(), std::vector<T>(count, T{0}));
  fill(dnalm::device_vector<T>{memory.data(), static_cast<index_t>(count)});
  return memory.now();
}

template <class T>
std::vector<T> numbers_of(const matrix<double>& x) {
  std::vector<T> values;
  for (index_t i = 0; i < x.rows() * x.columns(); ++i) values.push_back(static_cast<T>(x.data()[i]));
  return values;
}

}  // namespace

TEST_CASE("gpu moments are those of ridge_statistics, the same in any blocks", "[kernels][sanitize]") {
  const index_t rows = 1000;
  const index_t width = 130;
  const std::vector<float> x = numbers_of<float>(stored_normals(rows, width, 1));
  std::vector<double> y = numbers_of<double>(stored_normals(rows, 2, 2));
  std::vector<index_t> part;
  for (index_t r = 0; r < rows; ++r) part.push_back(r % 9 == 8 ? -1 : r % 2);
  const auto room = std::make_shared<dnalm::cuda_moments_room>();
  dnalm::ridge_statistics cpu(width, 2, 2);
  dnalm::cuda_ridge_statistics gpu(room, {width, 2, 2});
  dnalm::cuda_ridge_statistics in_blocks(room, {width, 2, 2});
  const auto feed = [&](dnalm::ridge_accumulator& to, index_t first, index_t count) {
    to.add(dnalm::as_matrix(x.data() + first * width, count, width),
           dnalm::as_matrix(std::as_const(y).data() + first * 2, count, 2),
           std::span(part).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
  };
  feed(cpu, 0, rows);
  feed(gpu, 0, rows);
  for (index_t first = 0; first < rows; first += 77)
    feed(in_blocks, first, std::min<index_t>(77, rows - first));
  for (const index_t p : {0, 1}) {
    const std::vector<index_t> one{p};
    const auto expected = cpu.moments(one);
    const auto found = gpu.moments(one);
    const auto again = in_blocks.moments(one);
    CHECK(found.gram == again.gram);
    CHECK(found.cross == again.cross);
    CHECK(found.mean_x == again.mean_x);
    CHECK(found.yy == again.yy);
    // Diagonals are about 444, means near 0: 1e-12 of them, as argued in tests/unit/cuda/moments_test.cpp.
    for (std::size_t i = 0; i < found.gram.size(); ++i) {
      CHECK(std::abs(found.gram[i] - expected.gram[i]) <= 1e-12 * 600);
    }
    for (std::size_t i = 0; i < found.cross.size(); ++i) {
      CHECK(std::abs(found.cross[i] - expected.cross[i]) <= 1e-12 * 600);
    }
  }
}

TEST_CASE("gpu random numbers are those of philox", "[kernels][sanitize]") {
  const dnalm::random_numbers from{5, dnalm::hash_name("gpu"), 2};
  const auto uniform = filled<double>(100000, [&](auto y) { dnalm::cuda_fill_uniform({}, from, y); });
  const auto normal =
      filled<double>(100000, [&](auto y) { dnalm::cuda_fill_normal<double>({}, from, 1.0, y); });
  const auto letters =
      filled<std::int32_t>(100000, [&](auto y) { dnalm::cuda_fill_below({}, from, 4107, y); });
  dnalm::philox of_uniform(from.seed, from.stream);
  dnalm::philox of_normal(from.seed, from.stream);
  for (int i = 0; i < 2; ++i) {
    static_cast<void>(of_uniform.uniform());
    static_cast<void>(of_normal.normal());
  }
  bool same_uniform = true;
  bool same_letters = true;
  double worst = 0.0;
  for (std::size_t i = 0; i < uniform.size(); ++i) {
    same_uniform = same_uniform && uniform[i] == of_uniform.uniform();
    const auto letter = dnalm::philox(from.seed, from.stream + from.offset + i).below(4107);
    same_letters = same_letters && static_cast<std::uint64_t>(letters[i]) == letter;
    const double expected = of_normal.normal();
    worst = std::max(worst, std::abs(normal[i] - expected) / std::abs(expected));
  }
  CHECK(same_uniform);
  CHECK(same_letters);
  CHECK(worst <= 8 * 0x1p-52);
}

TEST_CASE("gpu rows are taken out and put back bit for bit", "[kernels][sanitize]") {
  for (const index_t width : {7, 64, 1100}) {
    const gpu_place place = first_gpu();
    gpu_copy<float> x(place, numbers_of<float>(stored_normals(9, width, 1)));
    gpu_copy<index_t> rows(place, {5, 0, 8});
    gpu_copy<float> y(place, std::vector<float>(static_cast<std::size_t>(3 * width), 1.0F));
    gpu_copy<float> back(place, std::vector<float>(static_cast<std::size_t>(9 * width), 1.0F));
    dnalm::cuda_gather_rows<float>({}, dnalm::device_matrix<const float>{x.data(), 9, width, width},
                                   {rows.data(), 3}, {y.data(), 3, width, width});
    dnalm::cuda_gather_rows_vjp<float>({}, dnalm::device_matrix<const float>{y.data(), 3, width, width},
                                       {rows.data(), 3}, {back.data(), 9, width, width});
    const auto found = back.now();
    for (index_t r = 0; r < 9; ++r) {
      const bool named = r == 5 || r == 0 || r == 8;
      for (index_t c = 0; c < width; ++c) {
        const auto at = static_cast<std::size_t>(r * width + c);
        CHECK(found[at] == (named ? x.before()[at] : 0.0F));
      }
    }
  }
}

TEST_CASE("gpu norm and pooling in one pass have the bits of both apart", "[kernels][sanitize]") {
  for (const index_t width : {7, 160, 1100}) {
    const std::vector<index_t> offsets{0, 3, 35, 36, 60};
    std::vector<unsigned char> left_out(60, 0);
    for (std::size_t r = 0; r < 60; r += 3) left_out[r] = 1;
    const gpu_place place = first_gpu();
    gpu_copy<float> x(place, numbers_of<float>(stored_normals(60, width, 1)));
    gpu_copy<float> weights(place, numbers_of<float>(stored_normals(2, width, 2)));
    gpu_copy<index_t> places(place, offsets);
    gpu_copy<unsigned char> flags(place, left_out);
    const auto zeros = [&](index_t rows) {
      return std::vector<float>(static_cast<std::size_t>(rows * width), 0.0F);
    };
    gpu_copy<float> y(place, zeros(60));
    gpu_copy<float> y_apart(place, zeros(60));
    gpu_copy<float> mean(place, zeros(4));
    gpu_copy<float> mean_apart(place, zeros(4));
    gpu_copy<float> noted(place, zeros(4));
    const index_t numbers = dnalm::cuda_norm_pool_scratch(60, 4, width);
    gpu_copy<double> scratch(place, std::vector<double>(static_cast<std::size_t>(numbers), 0.0));
    const dnalm::device_matrix<const float> rows{x.data(), 60, width, width};
    const dnalm::device_vector<const float> gamma{weights.data(), width};
    const dnalm::device_vector<const float> beta{weights.data() + width, width};
    const auto pooled = [&](gpu_copy<float>& m) {
      return dnalm::device_matrix<float>{m.data(), 4, width, width};
    };
    dnalm::cuda_norm_pool<float>({}, rows, gamma, beta, 1e-5F, {{places.data(), 5}, {flags.data(), 60}, 32},
                                 {scratch.data(), numbers}, {y.data(), 60, width, width},
                                 {.mean = pooled(mean), .noted = pooled(noted)});
    dnalm::cuda_layer_norm<float>({}, rows, gamma, beta, 1e-5F, {y_apart.data(), 60, width, width});
    dnalm::cuda_pool_rows<float>({}, rows, {{places.data(), 5}, {flags.data(), 60}}, pooled(mean_apart));
    CHECK(y.now() == y_apart.now());
    const auto a = mean.now();
    const auto b = mean_apart.now();
    CHECK(std::equal(a.begin(), a.end(), b.begin(),
                     [](float p, float q) { return dnalm_test::same_bits(p, q); }));
    CHECK(noted.now() == zeros(4));
  }
}
