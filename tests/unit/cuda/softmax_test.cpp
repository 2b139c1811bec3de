// SPDX-License-Identifier: Apache-2.0
// Softmax of rows on the emulated grid against the double reference.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>
#include <dnalm/cuda/detail/softmax.cuh>
#include <dnalm/reference/softmax.hpp>
#include <support/cuda_emulation/guarded.hpp>

using namespace dnalm_test::gpu;
using dnalm::bfloat16;
using dnalm::matrix;

namespace {

struct softmax_case {
  softmax_case(index_t rows, index_t columns)
      : x(random_matrix(rows, columns, 1, 4.0)), dp(random_matrix(rows, columns, 2)) {}

  matrix<double> x;
  matrix<double> dp;

  template <class T>
  guarded<T> forward(index_t first, index_t count, index_t shift) {
    guarded<T> p(rows_of(x, first, count), shift);
    dnalm::cuda_softmax_rows<T>({}, p.view());
    return p;
  }
  /// Of probabilities that are x itself: the formula asks for no sum of 1.
  template <class T>
  guarded<T> adjoint(index_t first, index_t count, index_t shift) {
    guarded<T> p(rows_of(x, first, count), shift);
    guarded<T> u(rows_of(dp, first, count), shift);
    guarded<T> dx(count, x.columns(), shift);
    dnalm::cuda_softmax_rows_vjp<T>({}, p.view(), u.view(), dx.view());
    CHECK(p.frame_is_whole());
    CHECK(u.frame_is_whole());
    return dx;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("cuda softmax_rows against the reference", "[cuda]", float, bfloat16) {
  for (const index_t columns : row_widths) {
    softmax_case c(5, columns);
    INFO("columns " << columns);
    matrix<double> expected = copy_of(c.x);
    dnalm::reference_softmax_rows(expected.view());
    // Numbers below 1; about 25 additions, two exponentials (an argument of up to 40, exact to 2^-19) and a
    // division.
    CHECK(largest_gap(expected, c.forward<TestType>(0, 5, 0)) <= bound_of<TestType>(0x1p-18));
    dnalm::reference_softmax_rows_vjp(c.x.view(), c.dp.view(), expected.view());
    // The sum of up to 2060 products, each about 4, is about 4 sqrt(2060) = 180 and may be wrong by 25
    // roundings of 2^-24 of it; it multiplies a p up to 16.
    const double sums = 4.0 * std::sqrt(static_cast<double>(columns)) * 16.0;
    CHECK(largest_gap(expected, c.adjoint<TestType>(0, 5, 0)) <= bound_of<TestType>(25.0 * 0x1p-24 * sums));
    check_rows_alone(5, [&](auto... part) { return c.forward<TestType>(part...); });
    check_rows_alone(5, [&](auto... part) { return c.adjoint<TestType>(part...); });
  }
}

TEST_CASE("cuda softmax_rows: masked and missing numbers, no rows", "[cuda]") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  matrix<double> x(4, 3);
  const double values[] = {-infinity, 2, 2, 1, std::nan(""), 1, 1e30, -1e30, 0, std::nan(""), 1, 1};
  std::copy_n(values, 12, x.data());
  guarded<float> p(x.view());
  dnalm::cuda_softmax_rows<float>({}, p.view());
  CHECK(p(0, 0) == 0.0);
  CHECK(p(0, 1) == 0.5);
  CHECK(p(2, 0) == 1.0);
  for (index_t c = 0; c < 3; ++c) {
    CHECK(std::isnan(p(1, c)));
    CHECK(std::isnan(p(3, c)));
  }
  guarded<float> none(0, 5);
  dnalm::cuda_softmax_rows<float>({}, none.view());
  CHECK(none.frame_is_whole());
}

TEST_CASE("cuda softmax_rows_vjp in the memory of dp", "[cuda]") {
  softmax_case c(3, 40);
  guarded<float> p(c.x.view());
  guarded<float> dp(c.dp.view());
  dnalm::cuda_softmax_rows_vjp<float>({}, p.view(), dp.view(), dp.view());
  for (index_t r = 0; r < 3; ++r) CHECK(dp.same_row(r, c.adjoint<float>(0, 3, 0), r));
}
