// SPDX-License-Identifier: Apache-2.0
// LayerNorm on the emulated grid against the double reference.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>
#include <dnalm/cuda/detail/layer_norm.cuh>
#include <dnalm/reference/layer_norm.hpp>
#include <support/cuda_emulation/guarded.hpp>

using namespace dnalm_test::gpu;
using dnalm::bfloat16;
using dnalm::matrix;

namespace {

constexpr float eps = 1e-5F;

/// Rows with a mean of 3 deviations: they lose bits when the mean is subtracted.
matrix<double> rows_beside_zero(index_t rows, index_t columns, std::uint64_t seed) {
  matrix<double> x = random_matrix(rows, columns, seed);
  for (index_t i = 0; i < rows * columns; ++i) {
    x.data()[i] = static_cast<double>(
        dnalm::to_float(dnalm::to_stored<bfloat16>(static_cast<float>(x.data()[i] + 3.0))));
  }
  return x;
}

/// Inputs of one case.
struct norm_case {
  norm_case(index_t rows, index_t columns)
      : x(rows_beside_zero(rows, columns, 1)),
        dy(random_matrix(rows, columns, 2)),
        parameters(random_matrix(2, columns, 3)),
        device_parameters(parameters.view(), 4) {}

  matrix<double> x;
  matrix<double> dy;
  matrix<double> parameters;
  guarded<float> device_parameters;

  template <class T>
  guarded<T> forward(index_t first, index_t count, index_t shift) {
    guarded<T> in(rows_of(x, first, count), shift);
    guarded<T> y(count, x.columns(), shift);
    dnalm::cuda_layer_norm<T>({}, in.view(), device_parameters.row(0), device_parameters.row(1), eps,
                              y.view());
    CHECK(in.frame_is_whole());
    return y;
  }
  template <class T>
  guarded<T> adjoint(index_t first, index_t count, index_t shift) {
    guarded<T> in(rows_of(x, first, count), shift);
    guarded<T> u(rows_of(dy, first, count), shift);
    guarded<T> dx(count, x.columns(), shift);
    dnalm::cuda_layer_norm_vjp<T>({}, in.view(), device_parameters.row(0), eps, u.view(), dx.view());
    return dx;
  }
};

/// Means of up to 2060 numbers in 32 x 4 chains or more: 17 sums in a row and a tree, 20 roundings of 2^-24
/// of numbers about 4; the differences from the mean are about 1. 64 x 2^-24 = 4e-6.
constexpr double float_bound = 0x1p-18;

}  // namespace

TEMPLATE_TEST_CASE("cuda layer_norm against the reference", "[cuda]", float, bfloat16) {
  for (const index_t columns : row_widths) {
    norm_case c(5, columns);
    INFO("columns " << columns);
    const auto gamma = c.parameters.view().row(0);
    const auto beta = c.parameters.view().row(1);
    matrix<double> expected(5, columns);
    dnalm::reference_layer_norm(c.x.view(), gamma, beta, static_cast<double>(eps), expected.view());
    CHECK(largest_gap(expected, c.forward<TestType>(0, 5, 0)) <= bound_of<TestType>(float_bound));
    dnalm::reference_layer_norm_vjp(c.x.view(), gamma, static_cast<double>(eps), c.dy.view(),
                                    expected.view());
    if (columns > 1) {  // the gradient of one number is zero times 1 / sqrt(eps)
      CHECK(largest_gap(expected, c.adjoint<TestType>(0, 5, 0)) <= bound_of<TestType>(float_bound));
    }
    check_rows_alone(5, [&](auto... part) { return c.forward<TestType>(part...); });
    check_rows_alone(5, [&](auto... part) { return c.adjoint<TestType>(part...); });
  }
}

TEST_CASE("cuda layer_norm of float rows to bfloat16 rounds what it gives in float", "[cuda]") {
  for (const index_t columns : row_widths) {
    norm_case c(5, columns);
    INFO("columns " << columns);
    matrix<double> expected(5, columns);
    dnalm::reference_layer_norm(c.x.view(), c.parameters.view().row(0), c.parameters.view().row(1),
                                static_cast<double>(eps), expected.view());
    const auto run = [&](index_t first, index_t count, index_t shift) {
      guarded<float> in(rows_of(c.x, first, count), shift);
      guarded<bfloat16> y(count, columns, shift + 1);
      dnalm::cuda_layer_norm<bfloat16, float>({}, in.view(), c.device_parameters.row(0),
                                              c.device_parameters.row(1), eps, y.view());
      CHECK(in.frame_is_whole());
      return y;
    };
    const guarded<bfloat16> found = run(0, 5, 0);
    CHECK(largest_gap(expected, found) <= bound_of<bfloat16>(float_bound));
    const guarded<float> floats = c.forward<float>(0, 5, 0);
    matrix<double> rounded(5, columns);
    for (index_t r = 0; r < 5; ++r) {
      for (index_t i = 0; i < columns; ++i) {
        rounded(r, i) = static_cast<double>(
            dnalm::to_float(dnalm::to_stored<bfloat16>(static_cast<float>(floats(r, i)))));
      }
    }
    CHECK(largest_gap(rounded, found) == 0.0);
    check_rows_alone(5, run);

    guarded<float> both(c.x.view(), 1);  // in place
    guarded<bfloat16> rows(5, columns, 1);
    dnalm::cuda_layer_norm_both<bfloat16>({}, both.view(), c.device_parameters.row(0),
                                          c.device_parameters.row(1), eps, both.view(), rows.view());
    CHECK(both.frame_is_whole());
    CHECK(rows.frame_is_whole());
    for (index_t r = 0; r < 5; ++r) {
      CHECK(both.same_row(r, floats, r));
      CHECK(rows.same_row(r, found, r));
    }
  }
}

TEST_CASE("cuda layer_norm in place, and no rows at all", "[cuda]") {
  norm_case c(3, 40);
  guarded<float> x(c.x.view());
  dnalm::cuda_layer_norm<float>({}, x.view(), c.device_parameters.row(0), c.device_parameters.row(1), eps,
                                x.view());
  guarded<float> dy(c.dy.view());
  guarded<float> again(c.x.view());
  dnalm::cuda_layer_norm_vjp<float>({}, again.view(), c.device_parameters.row(0), eps, dy.view(), dy.view());
  for (index_t r = 0; r < 3; ++r) {
    CHECK(x.same_row(r, c.forward<float>(0, 3, 0), r));
    CHECK(dy.same_row(r, c.adjoint<float>(0, 3, 0), r));
  }
  CHECK(c.forward<float>(0, 0, 0).frame_is_whole());
}

TEST_CASE("cuda layer_norm: rows far from zero keep their accuracy", "[cuda]") {
  for (const double mean : {1000.0, 1048576.0}) {
    norm_case c(2, 768);
    for (index_t i = 0; i < 2 * 768; ++i) {
      c.x.data()[i] = static_cast<double>(static_cast<float>(mean + c.x.data()[i]));
    }
    matrix<double> expected(2, 768);
    dnalm::reference_layer_norm(c.x.view(), c.parameters.view().row(0), c.parameters.view().row(1),
                                static_cast<double>(eps), expected.view());
    // The mean itself is known to 2^-15 or 2^-5; what it lacks is known as well as the differences are, which
    // are exact.
    CHECK(largest_gap(expected, c.forward<float>(0, 2, 0)) <= float_bound);
  }
}

TEST_CASE("Rows too long for 32-bit column numbers are refused", "[cuda]") {
  const dnalm::device_matrix<float> x{nullptr, 1, index_t{1} << 30, index_t{1} << 30};
  CHECK(dnalm_test::error_id_of([&] { dnalm::cuda_layer_norm_vjp<float>({}, x, {}, eps, x, x); }) ==
        "dnalm.device.602");
}
