// SPDX-License-Identifier: Apache-2.0
// Gated units and activations on the emulated grid against the double reference.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>
#include <dnalm/cuda/detail/gated.cuh>
#include <dnalm/reference/gated.hpp>
#include <support/cuda_emulation/guarded.hpp>

using namespace dnalm_test::gpu;
using dnalm::activation;
using dnalm::bfloat16;
using dnalm::matrix;

namespace {

constexpr activation functions[] = {activation::none, activation::gelu_erf, activation::gelu_tanh,
                                    activation::silu};

struct gated_case {
  gated_case(index_t rows, index_t columns, activation f)
      : function(f), x(random_matrix(rows, 2 * columns, 1, 2.0)), dy(random_matrix(rows, columns, 2)) {}

  activation function;
  matrix<double> x;
  matrix<double> dy;

  template <class T>
  guarded<T> forward(index_t first, index_t count, index_t shift) {
    guarded<T> in(rows_of(x, first, count), shift);
    guarded<T> y(count, dy.columns(), shift / 2);
    dnalm::cuda_gated<T>({}, in.view(), function, y.view());
    CHECK(in.frame_is_whole());
    return y;
  }
  /// In the memory of x.
  template <class T>
  guarded<T> adjoint(index_t first, index_t count, index_t shift) {
    guarded<T> in(rows_of(x, first, count), shift);
    guarded<T> u(rows_of(dy, first, count), shift / 2);
    dnalm::cuda_gated_vjp<T>({}, in.view(), function, u.view(), in.view());
    CHECK(u.frame_is_whole());
    return in;
  }
  template <class T>
  guarded<T> activated(index_t first, index_t count, index_t shift) {
    guarded<T> in(rows_of(x, first, count), shift);
    guarded<T> y(count, x.columns(), shift);
    dnalm::cuda_activate<T>({}, in.view(), function, y.view());
    return y;
  }
  /// Of z, the first half of x; in the memory of dy.
  template <class T>
  guarded<T> activation_adjoint(index_t first, index_t count, index_t shift) {
    guarded<T> z(rows_of(x, first, count).column_block(0, dy.columns()), shift);
    guarded<T> u(rows_of(dy, first, count), shift / 2);
    dnalm::cuda_activation_vjp<T>({}, z.view(), function, u.view(), u.view());
    return u;
  }
};

/// Functions and derivatives of |x| < 10 are exact to a few 2^-24 of their value (or of 1); they multiply
/// numbers below 10, and largest_gap allows for the size of the result only from 1 on.
constexpr double float_bound = 0x1p-19;

}  // namespace

TEMPLATE_TEST_CASE("cuda gated units and activations against the reference", "[cuda]", float, bfloat16) {
  for (const activation function : functions) {
    for (const index_t columns : {1, 7, 33, 132, 1028}) {
      INFO(dnalm::to_string(function) << ", columns " << columns);
      gated_case c(3, columns, function);
      const double bound = bound_of<TestType>(float_bound);
      matrix<double> narrow(3, columns);
      matrix<double> wide(3, 2 * columns);
      dnalm::reference_gated(c.x.view(), function, narrow.view());
      CHECK(largest_gap(narrow, c.forward<TestType>(0, 3, 0)) <= bound);
      dnalm::reference_gated_vjp(c.x.view(), function, c.dy.view(), wide.view());
      CHECK(largest_gap(wide, c.adjoint<TestType>(0, 3, 0)) <= bound);
      dnalm::reference_activate(c.x.view(), function, wide.view());
      CHECK(largest_gap(wide, c.activated<TestType>(0, 3, 0)) <= bound);
      dnalm::reference_activation_vjp(c.x.view().column_block(0, columns), function, c.dy.view(),
                                      narrow.view());
      CHECK(largest_gap(narrow, c.activation_adjoint<TestType>(0, 3, 0)) <= bound);
      check_rows_alone(3, [&](auto... part) { return c.forward<TestType>(part...); });
      check_rows_alone(3, [&](auto... part) { return c.adjoint<TestType>(part...); });
      check_rows_alone(3, [&](auto... part) { return c.activated<TestType>(part...); });
      check_rows_alone(3, [&](auto... part) { return c.activation_adjoint<TestType>(part...); });
    }
  }
}

TEST_CASE("cuda activations in place, of large numbers, of no rows", "[cuda]") {
  for (const activation function : {activation::gelu_erf, activation::gelu_tanh, activation::silu}) {
    matrix<double> x(1, 4);
    const double values[] = {-200.0, 200.0, std::nan(""), 0.0};
    std::copy_n(values, 4, x.data());
    guarded<float> y(x.view());
    dnalm::cuda_activate<float>({}, y.view(), function, y.view());
    CHECK(y(0, 0) == 0.0);
    CHECK(y(0, 1) == 200.0);
    CHECK(std::isnan(y(0, 2)));
    CHECK(y(0, 3) == 0.0);
    CHECK(y.frame_is_whole());
  }
  gated_case none(3, 8, activation::silu);
  CHECK(none.forward<float>(0, 0, 0).frame_is_whole());
  CHECK(none.adjoint<float>(0, 0, 0).frame_is_whole());
}
