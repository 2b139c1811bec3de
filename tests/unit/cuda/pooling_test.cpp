// SPDX-License-Identifier: Apache-2.0
// Sums, means and largest of the rows of sequences on the emulated grid: for float the bits of
// pool_sequences.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>
#include <dnalm/cuda/detail/pooling.cuh>
#include <dnalm/embed/pooling.hpp>
#include <support/cuda_emulation/guarded.hpp>

using namespace dnalm_test::gpu;
using dnalm::bfloat16;
using dnalm::matrix;
using dnalm::row_reduction;

namespace {

/// Sequences of 3, 0, 1, 37 and 2 rows; every third row and all of the third sequence (row 3) are left out.
struct pooling_case {
  explicit pooling_case(index_t columns) {
    for (const index_t length : {3, 0, 1, 37, 2}) offsets.append(length);
    x = random_matrix(offsets.rows(), columns, 1);
    dy = random_matrix(offsets.sequences(), columns, 2);
    for (index_t r = 0; r < offsets.rows(); ++r) {
      left_out.push_back(r % 3 == 0 ? 1 : 0);
      // Large and small numbers by turns: a sum in float would lose the small ones.
      for (index_t c = 0; c < columns; ++c) x(r, c) *= r % 2 == 0 ? 4096.0 : 1.0 / 4096.0;
    }
  }

  dnalm::ragged_offsets offsets;
  matrix<double> x;
  matrix<double> dy;
  std::vector<unsigned char> left_out;

  [[nodiscard]] dnalm::device_pooling pooling(row_reduction how, bool all) const {
    const auto rows = static_cast<index_t>(left_out.size());
    return {.offsets = {offsets.offsets.data(), offsets.sequences() + 1},
            .left_out = {left_out.data(), all ? 0 : rows},
            .how = how};
  }
  template <class T>
  guarded<float> forward(row_reduction how, bool all, index_t shift = 0) {
    guarded<T> rows(x.view(), shift);
    guarded<float> y(offsets.sequences(), x.columns(), shift);
    dnalm::cuda_pool_rows<T>({}, rows.view(), pooling(how, all), y.view());
    CHECK(y.frame_is_whole());
    return y;
  }
  template <class T>
  guarded<T> adjoint(row_reduction how, bool all) {
    guarded<float> u(dy.view());
    guarded<T> dx(offsets.rows(), x.columns());
    dnalm::cuda_pool_rows_vjp<T>({}, u.view(), pooling(how, all), dx.view());
    CHECK(dx.frame_is_whole());
    return dx;
  }
  [[nodiscard]] bool counts(index_t r, bool all) const {
    return all || left_out[static_cast<std::size_t>(r)] == 0;
  }
  [[nodiscard]] index_t counted(index_t s, bool all) const {
    index_t n = 0;
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) n += counts(r, all) ? 1 : 0;
    return n;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("cuda means are those of pool_sequences, bit for bit", "[cuda]", float, bfloat16) {
  for (const index_t columns : {1, 31, 128, 300}) {
    for (const bool all : {false, true}) {
      pooling_case c(columns);
      guarded<float> x(c.x.view());
      matrix<float> expected(5, columns);
      dnalm::matrix_view<const float> host{x.view().data, x.rows(), columns, x.view().stride};
      dnalm::pool_sequences(all ? dnalm::pooling::mean_all : dnalm::pooling::mean, host, c.offsets,
                            {c.left_out.data(), x.rows()}, 0, expected.view());
      for (const std::uint64_t seed : {0U, 5U}) {
        emulation().seed = seed;
        const guarded<float> y = c.forward<TestType>(row_reduction::mean, all, static_cast<index_t>(seed));
        for (index_t s = 0; s < 5; ++s) {
          for (index_t d = 0; d < columns; ++d) {
            if (c.counted(s, all) == 0) {
              CHECK(std::isnan(y(s, d)));
            } else {
              CHECK(y(s, d) == static_cast<double>(expected(s, d)));
            }
          }
        }
      }
      emulation().seed = 0;
    }
  }
}

TEMPLATE_TEST_CASE("cuda sums of rows, and the adjoints of both", "[cuda]", float, bfloat16) {
  for (const bool all : {false, true}) {
    pooling_case c(40);
    const guarded<float> sums = c.forward<TestType>(row_reduction::sum, all);
    const guarded<TestType> of_sum = c.adjoint<TestType>(row_reduction::sum, all);
    const guarded<TestType> of_mean = c.adjoint<TestType>(row_reduction::mean, all);
    for (index_t s = 0; s < 5; ++s) {
      const auto n = static_cast<double>(c.counted(s, all));
      for (index_t d = 0; d < 40; ++d) {
        double sum = 0.0;
        for (index_t r = c.offsets.begin(s); r < c.offsets.begin(s + 1); ++r) {
          if (c.counts(r, all)) sum += c.x(r, d);
          const double u = c.counts(r, all) ? c.dy(s, d) : 0.0;
          CHECK(of_sum(r, d) == u);
          // One division, and its rounding to the storage type.
          CHECK(std::abs(of_mean(r, d) - u / std::max(1.0, n)) <= bound_of<TestType>(0x1p-24) * std::abs(u));
        }
        CHECK(sums(s, d) == static_cast<double>(static_cast<float>(sum)));
      }
    }
  }
}

TEMPLATE_TEST_CASE("the largest of rows and the first one are those of pool_sequences", "[cuda]", float,
                   bfloat16) {
  for (const index_t columns : {1, 31, 128, 300}) {
    pooling_case c(columns);
    c.x(5, 0) = std::numeric_limits<double>::quiet_NaN();  // beside larger ones
    guarded<float> x(c.x.view());
    dnalm::matrix_view<const float> host{x.view().data, x.rows(), columns, x.view().stride};
    matrix<float> largest(5, columns);
    dnalm::pool_sequences(dnalm::pooling::max, host, c.offsets, {c.left_out.data(), x.rows()}, 0,
                          largest.view());
    const guarded<float> y = c.forward<TestType>(row_reduction::largest, false, 3);
    const guarded<float> first = c.forward<TestType>(row_reduction::first, false, 3);
    const guarded<TestType> of_first = c.adjoint<TestType>(row_reduction::first, false);
    for (index_t s = 0; s < 5; ++s) {
      const bool empty = c.offsets.length(s) == 0;
      for (index_t d = 0; d < columns; ++d) {
        CHECK((y(s, d) == static_cast<double>(largest(s, d)) ||
               (std::isnan(y(s, d)) && std::isnan(largest(s, d)))));
        CHECK((empty ? std::isnan(first(s, d)) : first(s, d) == c.x(c.offsets.begin(s), d)));
        for (index_t r = c.offsets.begin(s); r < c.offsets.begin(s + 1); ++r) {
          CHECK(of_first(r, d) == (r == c.offsets.begin(s) ? c.dy(s, d) : 0.0));
        }
      }
    }
    CHECK_THROWS_WITH(c.adjoint<TestType>(row_reduction::largest, false),
                      Catch::Contains("dnalm.unsupported.640"));
  }
}

TEMPLATE_TEST_CASE("NaN and infinities are noted in their sequence and channel, and stay noted", "[cuda]",
                   float, bfloat16) {
  pooling_case c(130);
  guarded<float> y(5, 130);
  for (index_t s = 0; s < 5; ++s) std::fill_n(y.view().row_data(s), 130, 0.0F);
  const auto note = [&] {
    guarded<TestType> x(c.x.view());
    dnalm::cuda_note_non_finite<TestType>({}, x.view(), c.pooling(row_reduction::sum, true).offsets,
                                          y.view());
    CHECK(y.frame_is_whole());
  };
  note();
  for (index_t s = 0; s < 5; ++s) {
    for (index_t d = 0; d < 130; ++d) CHECK(y(s, d) == 0.0);
  }
  c.x(2, 129) = std::numeric_limits<double>::infinity();  // the last row of sequence 0
  note();
  c.x(2, 129) = 1.0;
  c.x(41, 0) = std::numeric_limits<double>::quiet_NaN();  // the first of the last sequence
  note();
  for (index_t s = 0; s < 5; ++s) {
    for (index_t d = 0; d < 130; ++d) {
      CHECK(std::isnan(y(s, d)) == ((s == 0 && d == 129) || (s == 4 && d == 0)));
    }
  }
}

TEST_CASE("cuda pooling of no sequences", "[cuda]") {
  guarded<float> x(0, 4);
  guarded<float> y(0, 4);
  const index_t start = 0;
  dnalm::cuda_pool_rows<float>({}, x.view(), {.offsets = {&start, 1}}, y.view());
  dnalm::cuda_pool_rows<float>({}, x.view(), {}, y.view());
  dnalm::cuda_pool_rows_vjp<float>({}, y.view(), {}, x.view());
  CHECK(x.frame_is_whole());
  CHECK(y.frame_is_whole());
}
