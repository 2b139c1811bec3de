// SPDX-License-Identifier: Apache-2.0
// Rows of embedding tables on the emulated grid against the double reference.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>
#include <dnalm/cuda/detail/embedding.cuh>
#include <dnalm/reference/embedding.hpp>
#include <support/cuda_emulation/guarded.hpp>

using namespace dnalm_test::gpu;
using dnalm::bfloat16;
using dnalm::matrix;

namespace {

struct table_case {
  explicit table_case(index_t columns, bool with_scale)
      : table(random_matrix(9, columns, 1)), y(random_matrix(7, columns, 2)) {
    if (with_scale) scale = {0.5F, 1.0F, -2.0F, 0.0F, 3.0F, 1.1F, 0.7F};
  }

  std::vector<std::int32_t> ids{8, 0, 3, 3, 1, 8, 5};
  std::vector<float> scale;
  matrix<double> table;
  matrix<double> y;

  dnalm::device_vector<const float> part_of_scale(index_t first, index_t count) const {
    if (scale.empty()) return {};
    return {scale.data() + first, count};
  }
  template <class T>
  guarded<T> embed(index_t first, index_t count, index_t shift) {
    guarded<T> rows(table.view(), shift / 2);
    guarded<T> to(count, table.columns(), shift);
    dnalm::cuda_embed_rows<T>({}, {ids.data() + first, count}, rows.view(), part_of_scale(first, count),
                              to.view());
    CHECK(rows.frame_is_whole());
    return to;
  }
  template <class T>
  guarded<T> add(index_t first, index_t count, index_t shift) {
    guarded<T> rows(table.view(), shift / 2);
    guarded<T> to(rows_of(y, first, count), shift);
    dnalm::cuda_add_rows<T>({}, {ids.data() + first, count}, rows.view(), to.view());
    return to;
  }
  /// In the memory of dy.
  template <class T>
  guarded<T> adjoint(index_t first, index_t count, index_t shift) {
    guarded<T> dy(rows_of(y, first, count), shift);
    dnalm::cuda_embed_rows_vjp<T>({}, part_of_scale(first, count), dy.view(), dy.view());
    return dy;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("cuda embedding rows against the reference", "[cuda]", float, bfloat16) {
  for (const bool with_scale : {false, true}) {
    for (const index_t columns : row_widths) {
      table_case c(columns, with_scale);
      INFO("columns " << columns);
      const std::vector<double> scale(c.scale.begin(), c.scale.end());
      const double bound = bound_of<TestType>(0x1p-24);  // one rounding
      matrix<double> expected(7, columns);
      dnalm::reference_embed_rows(c.ids, c.table.view(), scale, expected.view());
      CHECK(largest_gap(expected, c.embed<TestType>(0, 7, 0)) <= bound);
      dnalm::reference_embed_rows_vjp(scale, c.y.view(), expected.view());
      CHECK(largest_gap(expected, c.adjoint<TestType>(0, 7, 0)) <= bound);
      expected = copy_of(c.y);
      dnalm::reference_add_rows(c.ids, c.table.view(), expected.view());
      CHECK(largest_gap(expected, c.add<TestType>(0, 7, 0)) <= bound);
      check_rows_alone(7, [&](auto... part) { return c.embed<TestType>(part...); });
      check_rows_alone(7, [&](auto... part) { return c.adjoint<TestType>(part...); });
      check_rows_alone(7, [&](auto... part) { return c.add<TestType>(part...); });
    }
  }
}

TEST_CASE("cuda embedding of no rows", "[cuda]") {
  table_case c(5, true);
  CHECK(c.embed<float>(0, 0, 0).frame_is_whole());
  CHECK(c.add<float>(0, 0, 0).frame_is_whole());
}
