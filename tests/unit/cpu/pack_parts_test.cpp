// SPDX-License-Identifier: Apache-2.0
#include <dnalm/core/philox.hpp>
#include <dnalm/cpu/packed_weight.hpp>

#include <algorithm>
#include <cstring>
#include <vector>

#include <support/catch.hpp>

using dnalm::index_t;

namespace {

dnalm::matrix<float> random_matrix(index_t rows, index_t columns) {
  dnalm::matrix<float> w(rows, columns);
  dnalm::philox random(31);
  for (index_t i = 0; i < rows * columns; ++i) w.data()[i] = static_cast<float>(random.normal());
  return w;
}

template <class T>
bool same_bytes(const dnalm::buffer<T>& a, const dnalm::buffer<T>& b) {
  return a.size() == b.size() &&
         (a.size() == 0 ||
          std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(T)) == 0);
}

}  // namespace

TEST_CASE("weights in parts are packed as the weight they make", "[cpu]") {
  const dnalm::matrix<float> w = random_matrix(118, 37);
  const dnalm::matrix_view<const float> all = w.view();
  for (const auto format :
       {dnalm::weight_format::f32, dnalm::weight_format::bf16, dnalm::weight_format::int8}) {
    for (const bool gated : {false, true}) {
      const auto expected = dnalm::pack_weight(all, format, gated);
      for (const index_t cut : {0, 1, 16, 59, 118}) {
        const std::vector<dnalm::matrix_view<const float>> parts = {
            all.row_block(0, cut), all.row_block(cut, 0), all.row_block(cut, 118 - cut)};
        const auto packed = dnalm::pack_weight(parts, format, gated);
        REQUIRE(packed.outputs == 118);
        REQUIRE(packed.inputs == 37);
        REQUIRE(same_bytes(packed.panels, expected.panels));
        REQUIRE(same_bytes(packed.scales, expected.scales));
      }
    }
  }
}

TEST_CASE("weights in parts of unequal width are refused", "[cpu]") {
  const dnalm::matrix<float> w = random_matrix(8, 6);
  const std::vector<dnalm::matrix_view<const float>> parts = {w.view(), w.view().column_block(0, 5)};
  REQUIRE_THROWS_WITH(dnalm::pack_weight(parts), Catch::Contains("dnalm.shape.353"));
}
