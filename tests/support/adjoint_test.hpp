// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The generic test of adjoints: <u, J t> = <J^T u, t>, for kernels, layers and whole models.
///
/// J t comes from the forward function itself, in double, by central differences of order 8; J^T u from the
/// vector-Jacobian product under test. An adjoint that forgets a term, a factor or a transpose cannot pass: a
/// random u and t see all of J. Inputs and outputs are flat vectors of double whatever the backend computes
/// in.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/view.hpp>
#include <support/catch.hpp>

namespace dnalm_test {

using numbers = std::vector<double>;

/// Standard normal numbers times `scale`, rounded to float so that every backend sees the same ones.
inline numbers normal_numbers(dnalm::index_t count, std::uint64_t seed, double scale = 1.0) {
  dnalm::philox random(seed, dnalm::hash_name("adjoint_test"));
  numbers values(static_cast<std::size_t>(count));
  for (double& value : values) value = static_cast<double>(static_cast<float>(scale * random.normal()));
  return values;
}

/// A matrix inside larger memory. Around it stands a NaN of a bit pattern that no arithmetic makes: whoever
/// reads the frame gets NaN, whoever writes it is found by frame_is_whole(). The matrix itself begins as NaN
/// too, so that an output that is read or not written shows.
template <class T>
class poisoned {
  using bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  static constexpr bits mark = sizeof(T) == 4 ? bits{0x7FE5A5A5U} : static_cast<bits>(0x7FFC5A5A5A5A5A5AULL);

 public:
  poisoned(dnalm::index_t rows, dnalm::index_t columns) : memory_(rows + 2, columns + 37) {
    std::fill_n(memory_.data(), memory_.rows() * memory_.columns(), std::bit_cast<T>(mark));
    view_ = memory_.view().row_block(1, rows).column_block(5, columns);
    for (dnalm::index_t r = 0; r < rows; ++r) {
      std::fill_n(view_.row_data(r), columns, std::numeric_limits<T>::quiet_NaN());
    }
  }
  /// Filled with rows * columns numbers.
  poisoned(dnalm::index_t rows, dnalm::index_t columns, const double* values) : poisoned(rows, columns) {
    for (dnalm::index_t r = 0; r < rows; ++r) {
      for (dnalm::index_t c = 0; c < columns; ++c) view_(r, c) = static_cast<T>(values[r * columns + c]);
    }
  }
  [[nodiscard]] dnalm::matrix_view<T> view() { return view_; }
  [[nodiscard]] dnalm::matrix_view<const T> view() const { return view_; }
  [[nodiscard]] bool frame_is_whole() const {
    for (dnalm::index_t r = 0; r < memory_.rows(); ++r) {
      for (dnalm::index_t c = 0; c < memory_.columns(); ++c) {
        const bool inside = r >= 1 && r < memory_.rows() - 1 && c >= 5 && c < 5 + view_.columns;
        if (!inside && std::bit_cast<bits>(memory_(r, c)) != mark) return false;
      }
    }
    return true;
  }

 private:
  dnalm::matrix<T> memory_;
  dnalm::matrix_view<T> view_;
};

/// Scratch memory full of NaN, between two marks.
template <class T>
class poisoned_scratch {
 public:
  explicit poisoned_scratch(dnalm::index_t size) : memory_(1, size) {}
  [[nodiscard]] dnalm::vector_view<T> view() { return memory_.view().row(0); }
  [[nodiscard]] bool frame_is_whole() const { return memory_.frame_is_whole(); }

 private:
  poisoned<T> memory_;
};

template <class T>
void append_numbers(dnalm::matrix_view<T> x, numbers& to) {
  for (dnalm::index_t r = 0; r < x.rows; ++r) {
    for (dnalm::index_t c = 0; c < x.columns; ++c) to.push_back(static_cast<double>(x(r, c)));
  }
}

[[nodiscard]] inline bool same_numbers(const numbers& a, const numbers& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

/// J t by central differences of order 8: sum over m = 1..4 of w_m (f(x + m h t) - f(x - m h t)) / h, w =
/// 4/5, -1/5, 4/105, -1/280. The formula leaves out h^8 / 630 times the ninth derivative along t.
inline numbers directional_derivative(const std::function<numbers(const numbers&)>& forward, const numbers& x,
                                      const numbers& t, double step) {
  const double weights[4] = {4.0 / 5.0, -1.0 / 5.0, 4.0 / 105.0, -1.0 / 280.0};
  numbers result;
  numbers moved(x.size());
  for (int m = 1; m <= 4; ++m) {
    for (const double sign : {1.0, -1.0}) {
      for (std::size_t i = 0; i < x.size(); ++i) moved[i] = x[i] + sign * m * step * t[i];
      const numbers y = forward(moved);
      result.resize(y.size());
      for (std::size_t j = 0; j < y.size(); ++j) result[j] += sign * weights[m - 1] * y[j] / step;
    }
  }
  return result;
}

/// A function, its point, and the adjoint under test.
struct adjoint_problem {
  numbers x;
  std::function<numbers(const numbers& x)> forward;                ///< in double
  std::function<numbers(const numbers& x, const numbers& u)> vjp;  ///< J^T u; any backend
  std::function<numbers(const numbers& x, const numbers& u)>
      bound;             ///< of its errors; empty: exact to double
  double step = 0x1p-6;  ///< of the differences, along t of standard normal numbers
};

/// <u, J t> = <J^T u, t> for random u and a few random t.
///
/// Allowed: 1e-9 of sqrt(sum (u_j (J t)_j)^2) + sqrt(sum (g_i t_i)^2), the size of the two sums, and 1e-12 of
/// sqrt(sum u_j^2) where the gradient happens to be near 0 (the left-out term of the differences is 5.7e-18
/// times a ninth derivative along t, which is of size 1e5 for the functions here, of arguments of size 1);
/// plus the rounding of the differences, 2.1 / h times 16 units of rounding of each |u_j y_j| (the value) and
/// each |g_i x_i| (the moved point); plus, in float, the error bound of each g_i times |t_i|.
inline void check_adjoint(const adjoint_problem& problem, std::uint64_t seed, int directions = 2) {
  const numbers y = problem.forward(problem.x);
  const numbers u = normal_numbers(static_cast<dnalm::index_t>(y.size()), 1000 * seed + 1);
  const numbers g = problem.vjp(problem.x, u);
  REQUIRE(g.size() == problem.x.size());
  const numbers bound = problem.bound ? problem.bound(problem.x, u) : numbers(g.size(), 0.0);
  REQUIRE(bound.size() == g.size());
  for (int d = 0; d < directions; ++d) {
    const numbers t = normal_numbers(static_cast<dnalm::index_t>(g.size()),
                                     1000 * seed + 2 + static_cast<std::uint64_t>(d));
    const numbers jt = directional_derivative(problem.forward, problem.x, t, problem.step);
    double difference = 0.0;
    double left = 0.0;
    double right = 0.0;
    double size_of_u = 0.0;
    double rounding = 0.0;
    double allowed = 0.0;
    for (std::size_t j = 0; j < y.size(); ++j) {
      difference += u[j] * jt[j];
      left += u[j] * jt[j] * u[j] * jt[j];
      size_of_u += u[j] * u[j];
      rounding += std::abs(u[j] * y[j]);
    }
    for (std::size_t i = 0; i < g.size(); ++i) {
      difference -= g[i] * t[i];
      right += g[i] * t[i] * g[i] * t[i];
      rounding += std::abs(g[i] * problem.x[i]);
      allowed += bound[i] * std::abs(t[i]);
    }
    allowed += 1e-9 * (std::sqrt(left) + std::sqrt(right)) + 1e-12 * std::sqrt(size_of_u) +
               2.1 / problem.step * 16 * 0x1p-53 * rounding;
    INFO("seed " << seed << " direction " << d << ": difference " << difference << ", allowed " << allowed);
    CHECK(std::abs(difference) <= allowed);  // false for NaN too
  }
}

/// |g_i - exact_i| <= bound_i for every element.
inline void check_within(const numbers& exact, const numbers& g, const numbers& bound) {
  REQUIRE(exact.size() == g.size());
  REQUIRE(bound.size() == g.size());
  double worst = 0.0;
  for (std::size_t i = 0; i < g.size(); ++i) {
    const double gap = std::abs(g[i] - exact[i]);
    if (gap <= bound[i]) continue;
    worst = std::isnan(gap) ? std::numeric_limits<double>::infinity() : std::max(worst, gap / bound[i]);
  }
  INFO("largest error in units of its bound: " << worst);
  CHECK(worst == 0.0);
}

}  // namespace dnalm_test
