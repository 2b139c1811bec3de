// SPDX-License-Identifier: Apache-2.0
// LayerNorm and pooled vectors in one pass on the emulated grid: the bits of cuda_layer_norm, and of
// cuda_pool_rows for sequences of up to 32 rows.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include <dnalm/cuda/detail/norm_pool.cuh>
#include <dnalm/cuda/detail/pooling.cuh>
#include <dnalm/tensor/ragged.hpp>
#include <support/catch.hpp>
#include <support/cuda_emulation/guarded.hpp>

using namespace dnalm_test::gpu;
using dnalm::bfloat16;
using dnalm::matrix;
using dnalm::row_reduction;

namespace {

constexpr float eps = 1e-5F;

/// y and the three pooled matrices.
template <class T>
struct norm_pool_result {
  guarded<T> y;
  guarded<float> mean;
  guarded<float> mean_all;
  guarded<float> noted;
};

/// Sequences of some lengths; every third row and all of sequence 2 are left out.
struct norm_pool_case {
  norm_pool_case(const std::vector<index_t>& lengths, index_t columns)
      : parameters(random_matrix(2, columns, 3)), device_parameters(parameters.view(), 4) {
    for (const index_t length : lengths) offsets.append(length);
    x = random_matrix(offsets.rows(), columns, 1);
    for (index_t r = 0; r < offsets.rows(); ++r) {
      left_out.push_back(r % 3 == 0 || (r >= offsets.begin(2) && r < offsets.begin(3)) ? 1 : 0);
      // Large and small numbers by turns: a sum in float would lose the small ones.
      for (index_t c = 0; c < columns; ++c) x(r, c) = 3.0 + x(r, c) * (r % 2 == 0 ? 64.0 : 1.0 / 64.0);
    }
  }

  dnalm::ragged_offsets offsets;
  matrix<double> parameters;
  guarded<float> device_parameters;
  matrix<double> x;
  std::vector<unsigned char> left_out;

  [[nodiscard]] dnalm::norm_pool_batch batch(bool all) const {
    index_t longest = 0;
    for (index_t s = 0; s < offsets.sequences(); ++s) longest = std::max(longest, offsets.length(s));
    return {{offsets.offsets.data(), offsets.sequences() + 1},
            {left_out.data(), all ? 0 : static_cast<index_t>(left_out.size())},
            longest};
  }
  template <class T>
  norm_pool_result<T> run(bool all, index_t shift = 0) {
    const index_t sequences = offsets.sequences();
    const index_t columns = x.columns();
    guarded<float> in(x.view(), shift);
    norm_pool_result<T> result{guarded<T>(x.rows(), columns, shift),
                               guarded<float>(sequences, columns, shift), guarded<float>(sequences, columns),
                               guarded<float>(sequences, columns, shift)};
    for (index_t s = 0; s < sequences; ++s) std::fill_n(result.noted.view().row_data(s), columns, 0.0F);
    std::vector<double> scratch(
        static_cast<std::size_t>(dnalm::cuda_norm_pool_scratch(x.rows(), sequences, columns)),
        std::numeric_limits<double>::quiet_NaN());
    dnalm::cuda_norm_pool<T>({}, in.view(), device_parameters.row(0), device_parameters.row(1), eps,
                             batch(all), {scratch.data(), static_cast<index_t>(scratch.size())},
                             result.y.view(),
                             {result.mean.view(), result.mean_all.view(), result.noted.view()});
    CHECK(in.frame_is_whole());
    CHECK(result.y.frame_is_whole());
    CHECK(result.mean.frame_is_whole());
    CHECK(result.mean_all.frame_is_whole());
    CHECK(result.noted.frame_is_whole());
    return result;
  }
  [[nodiscard]] guarded<float> pooled(bool all) {
    guarded<float> in(x.view());
    guarded<float> y(offsets.sequences(), x.columns());
    dnalm::cuda_pool_rows<float>({}, in.view(),
                                 {.offsets = batch(all).offsets, .left_out = batch(all).left_out}, y.view());
    return y;
  }
};

bool same_or_nan(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

}  // namespace

TEMPLATE_TEST_CASE("norm and pooling in one pass: the norm has the bits of cuda_layer_norm", "[cuda]", float,
                   bfloat16) {
  for (const index_t columns : {1, 7, 33, 264, 1025, 1100}) {
    INFO("columns " << columns);
    norm_pool_case c({3, 0, 1, 71, 2, 32}, columns);
    guarded<float> in(c.x.view());
    guarded<float> expected(c.x.rows(), columns);
    dnalm::cuda_layer_norm<float>({}, in.view(), c.device_parameters.row(0), c.device_parameters.row(1), eps,
                                  expected.view());
    for (const index_t shift : {0, 3}) {
      emulation().seed = static_cast<std::uint64_t>(shift);
      const auto found = c.run<TestType>(false, shift);
      bool same = true;
      for (index_t r = 0; r < c.x.rows(); ++r) {
        for (index_t d = 0; d < columns; ++d) {
          const auto rounded = dnalm::to_stored<TestType>(static_cast<float>(expected(r, d)));
          same = same && found.y(r, d) == static_cast<double>(dnalm::to_float(rounded));
        }
      }
      CHECK(same);
    }
    emulation().seed = 0;
  }
}

TEST_CASE("norm and pooling in one pass: the means of sequences of up to 32 rows are those of cuda_pool_rows",
          "[cuda]") {
  for (const index_t columns : {1, 130, 300}) {
    norm_pool_case c({3, 0, 5, 32, 1, 31, 29}, columns);
    for (const bool all : {false, true}) {
      const auto found = c.run<float>(all);
      const guarded<float> expected = c.pooled(all);
      const guarded<float> expected_all = c.pooled(true);
      for (index_t s = 0; s < c.offsets.sequences(); ++s) {
        for (index_t d = 0; d < columns; ++d) {
          CHECK(same_or_nan(found.mean(s, d), expected(s, d)));
          CHECK(same_or_nan(found.mean_all(s, d), expected_all(s, d)));
          CHECK(found.noted(s, d) == 0.0);
        }
      }
      CHECK(std::isnan(found.mean(1, 0)));          // no rows
      CHECK(std::isnan(found.mean(2, 0)) == !all);  // none that counts
      CHECK(std::isnan(found.mean_all(2, 0)) == false);
    }
  }
}

TEST_CASE("norm and pooling in one pass: the means of longer sequences", "[cuda]") {
  norm_pool_case c({33, 64, 65, 200, 97}, 40);
  const auto found = c.run<float>(false);
  const guarded<float> expected = c.pooled(false);
  const guarded<float> expected_all = c.pooled(true);
  for (index_t s = 0; s < c.offsets.sequences(); ++s) {
    for (index_t d = 0; d < 40; ++d) {
      double size = 0.0;
      double counted = 0.0;
      double rows = 0.0;
      for (index_t r = c.offsets.begin(s); r < c.offsets.begin(s + 1); ++r) {
        const bool counts = c.left_out[static_cast<std::size_t>(r)] == 0;
        size += std::abs(c.x(r, d));
        counted += counts ? std::abs(c.x(r, d)) : 0.0;
        rows += counts ? 1.0 : 0.0;
      }
      const auto n = static_cast<double>(c.offsets.length(s));
      // Both sums in double are off by n 2^-53 of the sum of sizes; each result by 2^-24 of itself.
      const double of_sum = 2 * n * 0x1p-53;
      CHECK(std::abs(found.mean_all(s, d) - expected_all(s, d)) <=
            of_sum * size / n + 0x1p-23 * std::abs(expected_all(s, d)));
      if (rows > 0) {
        CHECK(std::abs(found.mean(s, d) - expected(s, d)) <=
              of_sum * counted / rows + 0x1p-23 * std::abs(expected(s, d)));
      }
    }
  }
}

TEST_CASE("norm and pooling in one pass: a sequence's bits do not depend on the batch", "[cuda]") {
  const std::vector<index_t> lengths{33, 7, 65, 200, 97};
  norm_pool_case together(lengths, 45);
  const auto all = together.run<float>(false);
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    norm_pool_case alone({lengths[s], 0, 0, 0}, 45);
    const auto number = static_cast<index_t>(s);
    alone.left_out.assign(together.left_out.begin() + together.offsets.begin(number),
                          together.left_out.begin() + together.offsets.begin(number + 1));
    for (index_t r = 0; r < lengths[s]; ++r) {
      for (index_t c = 0; c < 45; ++c) alone.x(r, c) = together.x(together.offsets.begin(number) + r, c);
    }
    emulation().seed = s + 1;
    const auto one = alone.run<float>(false, 5);
    emulation().seed = 0;
    for (index_t c = 0; c < 45; ++c) {
      CHECK(same_or_nan(one.mean(0, c), all.mean(number, c)));
      CHECK(one.mean_all(0, c) == all.mean_all(number, c));
    }
    for (index_t r = 0; r < lengths[s]; ++r) {
      CHECK(one.y.same_row(r, all.y, together.offsets.begin(number) + r));
    }
  }
}

TEST_CASE("norm and pooling in one pass: in place, with outputs left out, and what is not finite", "[cuda]") {
  norm_pool_case c({40, 3, 2, 70}, 33);
  const auto apart = c.run<float>(false);
  guarded<float> x(c.x.view());
  std::vector<double> scratch(static_cast<std::size_t>(dnalm::cuda_norm_pool_scratch(115, 4, 33)));
  const dnalm::device_vector<double> numbers{scratch.data(), static_cast<index_t>(scratch.size())};
  guarded<float> mean(4, 33);
  dnalm::cuda_norm_pool<float>({}, x.view(), c.device_parameters.row(0), c.device_parameters.row(1), eps,
                               c.batch(false), numbers, x.view(), {.mean = mean.view()});
  for (index_t r = 0; r < 115; ++r) CHECK(x.same_row(r, apart.y, r));
  for (index_t s = 0; s < 4; ++s) {
    for (index_t d = 0; d < 33; ++d) CHECK(same_or_nan(mean(s, d), apart.mean(s, d)));
  }
  c.x(39, 32) = std::numeric_limits<double>::infinity();   // a last row, in the second part
  c.x(45, 0) = -std::numeric_limits<double>::infinity();   // a first row, left out
  c.x(114, 7) = std::numeric_limits<double>::quiet_NaN();  // the last one
  const auto found = c.run<float>(false);
  for (index_t s = 0; s < 4; ++s) {
    for (index_t d = 0; d < 33; ++d) {
      const bool bad = (s == 0 && d == 32) || (s == 3 && d == 0) || (s == 3 && d == 7);
      CHECK(std::isnan(found.noted(s, d)) == bad);
    }
  }
}

TEST_CASE("norm and pooling of no sequences, and of rows that are too long", "[cuda]") {
  guarded<float> x(0, 4);
  guarded<float> parameters(2, 4);
  const index_t start = 0;
  std::vector<double> scratch(static_cast<std::size_t>(dnalm::cuda_norm_pool_scratch(0, 0, 4)));
  const dnalm::device_vector<double> numbers{scratch.data(), static_cast<index_t>(scratch.size())};
  dnalm::cuda_norm_pool<float>({}, x.view(), parameters.row(0), parameters.row(1), eps, {{&start, 1}, {}, 0},
                               numbers, x.view(), {});
  CHECK(x.frame_is_whole());
  const dnalm::device_matrix<float> wide{nullptr, 1, index_t{1} << 30, index_t{1} << 30};
  CHECK(dnalm_test::error_id_of([&] {
          dnalm::cuda_norm_pool<float>({}, wide, {}, {}, eps, {}, {}, wide, {});
        }) == "dnalm.device.602");
}
