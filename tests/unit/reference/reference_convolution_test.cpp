// SPDX-License-Identifier: Apache-2.0
// The convolutions of the reference backend: small ones by hand, and adjoints against differences.
#include <unit/backend/convolution_cases.hpp>

using dnalm::index_t;
using dnalm_test::convolution_problem;
using dnalm_test::normal_numbers;
using dnalm_test::numbers;

TEST_CASE("the reference convolutions of three rows are what the formulas say", "[reference]") {
  const dnalm::reference_backend b;
  dnalm::ragged_offsets offsets;
  offsets.append(3);
  offsets.append(1);
  const numbers x{1, 10, 100, 1000};
  const numbers w{2, 3, 5};
  const numbers bias{7};
  numbers y(4);
  b.short_convolution(dnalm::as_matrix(x.data(), 4, 1), dnalm::as_matrix(w.data(), 3, 1), {bias.data(), 1},
                      offsets, dnalm::as_matrix(y.data(), 4, 1));
  CHECK(y == numbers{7 + 5, 7 + 50 + 3, 7 + 500 + 30 + 2, 7 + 5000});

  const numbers taps{2, 3, 5, 9};
  const dnalm::matrix<double> filter = b.make_filter(dnalm::as_matrix(taps.data(), 4, 1));
  const dnalm::matrix<double>* filters[] = {&filter, &filter};
  numbers scratch(1);
  b.long_convolution(dnalm::as_matrix(x.data(), 4, 1), filters, {bias.data(), 1}, offsets,
                     {scratch.data(), 1}, dnalm::as_matrix(y.data(), 4, 1));
  CHECK(y == numbers{2 + 7, 20 + 3 + 70, 200 + 30 + 5 + 700, 2000 + 7000});
  CHECK(b.filter_taps(1) == 1);
  CHECK(b.filter_taps(5) == 8);
}

TEST_CASE("adjoints of the reference convolutions agree with differences", "[reference][adjoint]") {
  const dnalm::reference_backend b;
  const convolution_problem problem{{5, 1, 12, 2}, 3};
  for (const bool in_place : {false, true}) {
    dnalm_test::adjoint_problem long_one;
    long_one.x = normal_numbers(problem.rows() * problem.width, 5);
    long_one.forward = [&](const numbers& x) { return dnalm_test::run_long(b, problem, x, false, in_place); };
    long_one.vjp = [&](const numbers&, const numbers& u) {
      return dnalm_test::run_long(b, problem, u, true, in_place);
    };
    dnalm_test::check_adjoint(long_one, 1);
  }
  for (const index_t taps : {1, 3, 4}) {
    dnalm_test::adjoint_problem short_one;
    short_one.x = normal_numbers(problem.rows() * problem.width, 6);
    short_one.forward = [&](const numbers& x) { return dnalm_test::run_short(b, problem, taps, x, false); };
    short_one.vjp = [&](const numbers&, const numbers& u) {
      return dnalm_test::run_short(b, problem, taps, u, true);
    };
    dnalm_test::check_adjoint(short_one, 2);
  }
}

TEST_CASE("the adjoint of a product by elements agrees with differences", "[reference][adjoint]") {
  const dnalm::reference_backend b;
  dnalm_test::adjoint_problem problem;  // f(a, b) = a b
  problem.x = normal_numbers(2 * 15, 9);
  problem.forward = [&](const numbers& x) {
    numbers y(15);
    b.multiply(dnalm::as_matrix(x.data(), 5, 3), dnalm::as_matrix(x.data() + 15, 5, 3),
               dnalm::as_matrix(y.data(), 5, 3));
    return y;
  };
  problem.vjp = [&](const numbers& x, const numbers& u) {
    numbers g(30);
    b.multiply_vjp(dnalm::as_matrix(x.data(), 5, 3), dnalm::as_matrix(x.data() + 15, 5, 3),
                   dnalm::as_matrix(u.data(), 5, 3), dnalm::as_matrix(g.data(), 5, 3),
                   dnalm::as_matrix(g.data() + 15, 5, 3));
    return g;
  };
  dnalm_test::check_adjoint(problem, 3);
}
