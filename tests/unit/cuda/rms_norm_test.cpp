// SPDX-License-Identifier: Apache-2.0
// RMS norm: the reference by its formula and by differences, the emulated grid against the reference.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>
#include <cmath>

#include <dnalm/cuda/detail/rms_norm.cuh>
#include <dnalm/reference/rms_norm.hpp>
#include <support/adjoint_test.hpp>
#include <support/catch.hpp>
#include <support/cuda_emulation/guarded.hpp>

using namespace dnalm_test::gpu;
using dnalm::bfloat16;
using dnalm::matrix;
using dnalm_test::numbers;

namespace {

constexpr float eps = 1e-5F;

/// Inputs of one case.
struct norm_case {
  norm_case(index_t rows, index_t columns)
      : x(random_matrix(rows, columns, 1)),
        dy(random_matrix(rows, columns, 2)),
        gamma(random_matrix(1, columns, 3)),
        device_gamma(gamma.view(), 4) {}

  matrix<double> x;
  matrix<double> dy;
  matrix<double> gamma;
  guarded<float> device_gamma;

  template <class T>
  guarded<T> forward(index_t first, index_t count, index_t shift) {
    guarded<T> in(rows_of(x, first, count), shift);
    guarded<T> y(count, x.columns(), shift);
    dnalm::cuda_rms_norm<T>({}, in.view(), device_gamma.row(0), eps, y.view());
    CHECK(in.frame_is_whole());
    return y;
  }
  template <class T>
  guarded<T> adjoint(index_t first, index_t count, index_t shift) {
    guarded<T> in(rows_of(x, first, count), shift);
    guarded<T> u(rows_of(dy, first, count), shift);
    guarded<T> dx(count, x.columns(), shift);
    dnalm::cuda_rms_norm_vjp<T>({}, in.view(), device_gamma.row(0), eps, u.view(), dx.view());
    return dx;
  }
};

/// The sum of up to 2060 squares in 32 x 4 chains or more: 17 sums in a row and a tree, 24 roundings of
/// 2^-24; the mean of g h likewise, of terms about 1, which one number of x, up to 5, multiplies.
constexpr double float_bound = 0x1p-17;

}  // namespace

TEST_CASE("RMS norm of the reference: its formula, and the adjoint by differences", "[reference]") {
  matrix<double> x(1, 2);
  x(0, 0) = 3.0;
  x(0, 1) = -4.0;
  const double gamma[] = {1.0, 0.5};
  matrix<double> y(1, 2);
  dnalm::reference_rms_norm(x.view(), {gamma, 2}, 0.0, y.view());
  CHECK(y(0, 0) == Approx(3.0 / std::sqrt(12.5)).epsilon(1e-15));
  CHECK(y(0, 1) == Approx(-2.0 / std::sqrt(12.5)).epsilon(1e-15));
  for (const index_t columns : {1, 2, 5, 16, 33}) {
    const index_t rows = 3;
    const numbers weights = dnalm_test::normal_numbers(columns, 9);
    const auto over = [&](const auto& kernel) {
      numbers result(static_cast<std::size_t>(rows * columns));
      kernel(dnalm::as_matrix(result.data(), rows, columns));
      return result;
    };
    // An eps of the numbers' size: a row of one number would have hardly any gradient otherwise.
    dnalm_test::adjoint_problem problem;
    problem.x = dnalm_test::normal_numbers(rows * columns, 4);
    problem.forward = [&](const numbers& at) {
      return over([&](auto out) {
        dnalm::reference_rms_norm(dnalm::as_matrix(at.data(), rows, columns), {weights.data(), columns}, 0.5,
                                  out);
      });
    };
    problem.vjp = [&](const numbers& at, const numbers& u) {
      return over([&](auto out) {
        dnalm::reference_rms_norm_vjp(dnalm::as_matrix(at.data(), rows, columns), {weights.data(), columns},
                                      0.5, dnalm::as_matrix(u.data(), rows, columns), out);
      });
    };
    dnalm_test::check_adjoint(problem, 11);
    numbers u = dnalm_test::normal_numbers(rows * columns, 5);
    const numbers apart = problem.vjp(problem.x, u);
    const auto both = dnalm::as_matrix(u.data(), rows, columns);
    dnalm::reference_rms_norm_vjp(dnalm::as_matrix(problem.x.data(), rows, columns),
                                  {weights.data(), columns}, 0.5, both, both);
    CHECK(u == apart);  // in place
  }
}

TEMPLATE_TEST_CASE("cuda rms_norm against the reference", "[cuda]", float, bfloat16) {
  for (const index_t columns : row_widths) {
    norm_case c(5, columns);
    INFO("columns " << columns);
    const auto gamma = c.gamma.view().row(0);
    matrix<double> expected(5, columns);
    dnalm::reference_rms_norm(c.x.view(), gamma, static_cast<double>(eps), expected.view());
    CHECK(largest_gap(expected, c.forward<TestType>(0, 5, 0)) <= bound_of<TestType>(float_bound));
    dnalm::reference_rms_norm_vjp(c.x.view(), gamma, static_cast<double>(eps), c.dy.view(), expected.view());
    if (columns > 1) {  // the gradient of one number is zero times 1 / |x|
      CHECK(largest_gap(expected, c.adjoint<TestType>(0, 5, 0)) <= bound_of<TestType>(float_bound));
    }
    check_rows_alone(5, [&](auto... part) { return c.forward<TestType>(part...); });
    check_rows_alone(5, [&](auto... part) { return c.adjoint<TestType>(part...); });
  }
}

TEST_CASE("cuda rms_norm in place, and no rows at all", "[cuda]") {
  norm_case c(3, 40);
  guarded<float> x(c.x.view());
  dnalm::cuda_rms_norm<float>({}, x.view(), c.device_gamma.row(0), eps, x.view());
  guarded<float> dy(c.dy.view());
  guarded<float> again(c.x.view());
  dnalm::cuda_rms_norm_vjp<float>({}, again.view(), c.device_gamma.row(0), eps, dy.view(), dy.view());
  for (index_t r = 0; r < 3; ++r) {
    CHECK(x.same_row(r, c.forward<float>(0, 3, 0), r));
    CHECK(dy.same_row(r, c.adjoint<float>(0, 3, 0), r));
  }
  CHECK(c.forward<float>(0, 0, 0).frame_is_whole());
}
