// SPDX-License-Identifier: Apache-2.0
// y += x and y *= factor on the emulated grid against the double reference.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>
#include <dnalm/cuda/detail/elementwise.cuh>
#include <dnalm/reference/elementwise.hpp>
#include <support/cuda_emulation/guarded.hpp>

using namespace dnalm_test::gpu;
using dnalm::bfloat16;
using dnalm::matrix;

namespace {

constexpr double factor = 1.625;

struct sum_case {
  sum_case(index_t rows, index_t columns)
      : x(random_matrix(rows, columns, 1)), y(random_matrix(rows, columns, 2)) {}

  matrix<double> x;
  matrix<double> y;

  template <class T>
  guarded<T> add(index_t first, index_t count, index_t shift) {
    guarded<T> from(rows_of(x, first, count), shift / 2);
    guarded<T> to(rows_of(y, first, count), shift);
    dnalm::cuda_add<T>({}, from.view(), to.view());
    CHECK(from.frame_is_whole());
    return to;
  }
  template <class T>
  guarded<T> scale(index_t first, index_t count, index_t shift) {
    guarded<T> to(rows_of(y, first, count), shift);
    dnalm::cuda_scale<T>({}, static_cast<float>(factor), to.view());
    return to;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("cuda add and scale against the reference", "[cuda]", float, bfloat16) {
  for (const index_t columns : row_widths) {
    sum_case c(5, columns);
    INFO("columns " << columns);
    matrix<double> expected = copy_of(c.y);
    dnalm::reference_add(c.x.view(), expected.view());
    CHECK(largest_gap(expected, c.add<TestType>(0, 5, 0)) <= bound_of<TestType>(0x1p-24));  // one rounding
    expected = copy_of(c.y);
    dnalm::reference_scale(factor, expected.view());
    CHECK(largest_gap(expected, c.scale<TestType>(0, 5, 0)) <= bound_of<TestType>(0x1p-24));
    check_rows_alone(5, [&](auto... part) { return c.add<TestType>(part...); });
    check_rows_alone(5, [&](auto... part) { return c.scale<TestType>(part...); });
  }
}

TEST_CASE("cuda add: more rows than a block has warps, no rows, no columns", "[cuda]") {
  sum_case c(13, 3);
  matrix<double> expected = copy_of(c.y);
  dnalm::reference_add(c.x.view(), expected.view());
  CHECK(largest_gap(expected, c.add<float>(0, 13, 0)) <= 0x1p-24);
  CHECK(c.add<float>(0, 0, 0).frame_is_whole());
  sum_case empty(3, 0);
  CHECK(empty.add<float>(0, 3, 0).frame_is_whole());
}
