// SPDX-License-Identifier: Apache-2.0
// The kernels of Mamba's mixer in double: adjoints by differences, and values that can be worked out by hand.
#include <unit/backend/scan_cases.hpp>

#include <dnalm/reference/reference_backend.hpp>

using dnalm::index_t;
using dnalm::scan_order;
using dnalm_test::normal_numbers;
using dnalm_test::numbers;
using dnalm_test::scan_problem;

namespace {

const dnalm::reference_backend reference;

}  // namespace

TEST_CASE("adjoint of the selective scan", "[reference][adjoint]") {
  for (const scan_order order : {scan_order::forward, scan_order::backward}) {
    const scan_problem p{{1, 5, 12}, 3, 4, order};
    dnalm_test::adjoint_problem problem;
    problem.x = normal_numbers(p.size(), 1);
    problem.forward = [&](const numbers& x) { return dnalm_test::run_scan(reference, p, x); };
    problem.vjp = [&](const numbers& x, const numbers& u) {
      const numbers g = dnalm_test::run_scan_vjp(reference, p, x, u);
      CHECK(dnalm_test::same_numbers(g, dnalm_test::run_scan_vjp(reference, p, x, u, true)));
      return g;
    };
    problem.step = 0x1p-7;
    dnalm_test::check_adjoint(problem, 2);
  }
}

TEST_CASE("the selective scan of constant steps is a geometric sum", "[reference]") {
  // softplus(delta) = ln 2 at 0, A = -1: every state halves, s = ln 2 (1 + 1/2 + 1/4 + ...).
  const double delta[] = {0, 0, 0};
  const double x[] = {1, 1, 1};
  const double parts[] = {1, 10, 1, 10, 1, 10};
  const double rate[] = {-1};
  const double skip[] = {0.5};
  double state[1];
  double y[3];
  dnalm::ragged_offsets offsets;
  offsets.append(3);
  dnalm::scan_input<double> in{dnalm::as_matrix(x, 3, 1),
                               dnalm::as_matrix(delta, 3, 1),
                               dnalm::as_matrix(parts, 3, 2),
                               dnalm::as_matrix(rate, 1, 1),
                               {skip, 1}};
  reference.selective_scan(in, offsets, {state, 1}, dnalm::as_matrix(y, 3, 1));
  const double ln2 = std::log(2.0);
  for (const auto& [row, sum] : {std::pair{0, 1.0}, {1, 1.5}, {2, 1.75}}) {
    CHECK(std::abs(y[row] - (10 * ln2 * sum + 0.5)) < 1e-14);
  }
  in.order = scan_order::backward;
  reference.selective_scan(in, offsets, {state, 1}, dnalm::as_matrix(y, 3, 1));
  CHECK(std::abs(y[0] - (10 * ln2 * 1.75 + 0.5)) < 1e-14);
}

TEST_CASE("a scan from the other end is the scan of the sequence turned round", "[reference]") {
  scan_problem p{{4, 9}, 5, 2};
  const auto offsets = p.offsets();
  const numbers x = normal_numbers(p.rows() * 5, 3);
  const numbers delta = normal_numbers(p.rows() * 5, 4);
  const numbers parts = normal_numbers(p.rows() * 4, 5);
  const auto joined = [](numbers a, const numbers& b, const numbers& c) {
    a.insert(a.end(), b.begin(), b.end());
    a.insert(a.end(), c.begin(), c.end());
    return a;
  };
  const numbers ahead = dnalm_test::run_scan(reference, p, joined(x, delta, parts));
  p.order = scan_order::backward;
  const auto turned = [&](const numbers& rows, index_t columns) {
    return dnalm_test::turned_round(rows, offsets, columns);
  };
  const numbers back =
      dnalm_test::run_scan(reference, p, joined(turned(x, 5), turned(delta, 5), turned(parts, 4)));
  CHECK(dnalm_test::same_numbers(turned(back, 5), ahead));
}

TEST_CASE("adjoint of the short convolution from the other end", "[reference][adjoint]") {
  const scan_problem p{{1, 2, 6}, 3, 1};
  for (const index_t taps : {1, 4}) {
    dnalm_test::adjoint_problem problem;
    problem.x = normal_numbers(p.rows() * 3, 6);
    problem.forward = [&](const numbers& x) {
      return dnalm_test::run_short_back(reference, p, taps, x, false);
    };
    problem.vjp = [&](const numbers&, const numbers& u) {
      return dnalm_test::run_short_back(reference, p, taps, u, true);
    };
    dnalm_test::check_adjoint(problem, 3);
  }
}

TEST_CASE("strands: folding is a permutation, unfolding its inverse and adjoint", "[reference][adjoint]") {
  const numbers x = normal_numbers(4 * 6, 7);
  for (const bool exchanged : {false, true}) {
    const numbers y = dnalm_test::run_strands(reference, 4, 3, x, exchanged, false);
    CHECK(dnalm_test::same_numbers(dnalm_test::run_strands(reference, 4, 3, y, exchanged, true), x));
    CHECK(y[0] == x[exchanged ? 3 : 0]);
    CHECK(y[12] == x[exchanged ? 2 : 5]);
    dnalm_test::adjoint_problem problem;
    problem.x = x;
    problem.forward = [&](const numbers& at) {
      return dnalm_test::run_strands(reference, 4, 3, at, exchanged, false);
    };
    problem.vjp = [&](const numbers&, const numbers& u) {
      return dnalm_test::run_strands(reference, 4, 3, u, exchanged, true);
    };
    dnalm_test::check_adjoint(problem, 4);
  }
}
