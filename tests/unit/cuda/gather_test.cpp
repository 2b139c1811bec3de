// SPDX-License-Identifier: Apache-2.0
// Rows taken out of a matrix, put back and moved on the emulated grid; scores of the rows asked for alone.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>
#include <cstring>
#include <vector>

#include <dnalm/cuda/detail/gather.cuh>
#include <dnalm/cuda/detail/token_scores.cuh>
#include <support/catch.hpp>
#include <support/cuda_emulation/guarded.hpp>

using namespace dnalm_test::gpu;
using dnalm::bfloat16;
using dnalm::matrix;

namespace {

const std::vector<index_t> some{5, 0, 3, 8};  // of nine rows, in an order of their own

dnalm::device_vector<const index_t> view_of(const std::vector<index_t>& rows) {
  return {rows.data(), static_cast<index_t>(rows.size())};
}

}  // namespace

TEMPLATE_TEST_CASE("rows are taken out and put back bit for bit", "[cuda]", float, bfloat16) {
  for (const index_t columns : row_widths) {
    for (const index_t shift : {0, 1, 3}) {
      emulation().seed = static_cast<std::uint64_t>(shift);
      const matrix<double> numbers = random_matrix(9, columns, 1);
      guarded<TestType> x(numbers.view(), shift);
      guarded<TestType> y(4, columns, 2 * shift);
      dnalm::cuda_gather_rows<TestType>({}, x.view(), view_of(some), y.view());
      guarded<TestType> dx(9, columns);
      dnalm::cuda_gather_rows_vjp<TestType>({}, y.view(), view_of(some), dx.view());
      CHECK(x.frame_is_whole());
      CHECK(y.frame_is_whole());
      CHECK(dx.frame_is_whole());
      for (index_t i = 0; i < 4; ++i) {
        CHECK(y.same_row(i, x, some[static_cast<std::size_t>(i)]));
        CHECK(dx.same_row(some[static_cast<std::size_t>(i)], y, i));
      }
      for (const index_t r : {1, 2, 4, 6, 7}) {
        for (index_t c = 0; c < columns; ++c) CHECK(dx(r, c) == 0.0);
      }
    }
  }
  emulation().seed = 0;
}

TEST_CASE("<u, gather t> = <its adjoint of u, t>, exactly", "[cuda]") {
  const matrix<double> t = random_matrix(9, 37, 1);
  const matrix<double> u = random_matrix(4, 37, 2);
  guarded<float> x(t.view());
  guarded<float> y(4, 37);
  guarded<float> gradient(u.view());
  guarded<float> dx(9, 37);
  dnalm::cuda_gather_rows<float>({}, x.view(), view_of(some), y.view());
  dnalm::cuda_gather_rows_vjp<float>({}, gradient.view(), view_of(some), dx.view());
  for (index_t c = 0; c < 37; ++c) {
    double left = 0.0;
    double right = 0.0;
    // Products of bfloat16 numbers have 16 bits: four of them add up in double without a rounding.
    for (index_t i = 0; i < 4; ++i) left += gradient(i, c) * y(i, c);
    for (index_t r = 0; r < 9; ++r) right += dx(r, c) * x(r, c);
    CHECK(left == right);
  }
}

TEST_CASE("rows are moved to others, which is all that changes", "[cuda]") {
  std::vector<double> x(6 * 5);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 1.0 / static_cast<double>(i + 1);
  std::vector<double> y(8 * 5, -1.0);
  const std::vector<index_t> from{4, 1, 4};
  const std::vector<index_t> to{7, 0, 2};
  const dnalm::device_matrix<double> source{x.data(), 6, 5, 5};
  const dnalm::device_matrix<double> target{y.data(), 8, 5, 5};
  dnalm::cuda_move_rows<double>({}, source, view_of(from), view_of(to), target);
  for (index_t r = 0; r < 8; ++r) {
    for (index_t c = 0; c < 5; ++c) {
      const double expected = r == 7 || r == 2 ? source(4, c) : r == 0 ? source(1, c) : -1.0;
      CHECK(target(r, c) == expected);
    }
  }
  dnalm::cuda_move_rows<double>({}, source, {}, {}, target);  // no rows
  CHECK(target(1, 0) == -1.0);
  const std::vector<index_t> two{6, 1};
  dnalm::cuda_move_rows<double>({}, source, {}, view_of(two), target);
  for (index_t c = 0; c < 5; ++c) {
    CHECK(target(6, c) == source(0, c));
    CHECK(target(1, c) == source(1, c));
  }
}

TEST_CASE("a NaN's bits survive", "[cuda]") {
  guarded<float> x(1, 3);
  const std::uint32_t payload = 0x7F812345U;  // a signalling NaN: arithmetic would change it
  for (index_t c = 0; c < 3; ++c) std::memcpy(x.view().row_data(0) + c, &payload, 4);
  guarded<float> y(1, 3);
  const std::vector<index_t> first{0};
  dnalm::cuda_gather_rows<float>({}, x.view(), view_of(first), y.view());
  CHECK(y.same_row(0, x, 0));
}

TEMPLATE_TEST_CASE("scores of some rows are those of all rows, and no other row is needed", "[cuda]", float,
                   bfloat16) {
  const matrix<double> logits = random_matrix(9, 41, 3);
  guarded<TestType> all(logits.view());
  std::vector<float> likelihood(9);
  std::vector<float> entropy(9);
  std::vector<std::int32_t> letters;
  for (std::int32_t r = 0; r < 9; ++r) letters.push_back(r * 5 % 41);
  dnalm::cuda_token_scores<TestType>({}, all.view(), {letters.data(), 9},
                                     {{likelihood.data(), 9}, {entropy.data(), 9}, {}});
  guarded<TestType> few(4, 41);
  dnalm::cuda_gather_rows<TestType>({}, all.view(), view_of(some), few.view());
  std::vector<std::int32_t> few_letters;
  for (const index_t r : some) few_letters.push_back(letters[static_cast<std::size_t>(r)]);
  std::vector<float> few_likelihood(4);
  std::vector<float> few_entropy(4);
  dnalm::cuda_token_scores<TestType>({}, few.view(), {few_letters.data(), 4},
                                     {{few_likelihood.data(), 4}, {few_entropy.data(), 4}, {}});
  for (std::size_t i = 0; i < some.size(); ++i) {
    CHECK(few_likelihood[i] == likelihood[static_cast<std::size_t>(some[i])]);
    CHECK(few_entropy[i] == entropy[static_cast<std::size_t>(some[i])]);
  }
}
