// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Nodes and weights of Gauss-Legendre quadrature on [0, 1].
#pragma once

#include <cmath>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

struct quadrature {
  std::vector<double> nodes = {};    ///< increasing
  std::vector<double> weights = {};  ///< sum 1
};

/// P_n(x) and its derivative by the recurrence of Legendre polynomials.
struct legendre_value {
  double value = 0;
  double slope = 0;
};
[[nodiscard]] inline legendre_value legendre(index_t n, double x) {
  double before = 1;
  double now = x;
  for (index_t k = 2; k <= n; ++k) {
    const auto order = static_cast<double>(k);
    const double next = ((2 * order - 1) * x * now - (order - 1) * before) / order;
    before = now;
    now = next;
  }
  return {now, static_cast<double>(n) * (x * now - before) / (x * x - 1)};
}

/// n >= 1 nodes: exact for polynomials of degree 2 n - 1. Roots by Newton's method from Tricomi's estimate.
/// Cost: O(n^2).
[[nodiscard]] inline quadrature gauss_legendre(index_t n) {
  quadrature rule{.nodes = std::vector<double>(static_cast<std::size_t>(n)),
                  .weights = std::vector<double>(static_cast<std::size_t>(n))};
  constexpr double pi = 3.14159265358979323846;
  for (index_t i = 0; i < (n + 1) / 2; ++i) {
    double x = std::cos(pi * (static_cast<double>(i) + 0.75) / (static_cast<double>(n) + 0.5));
    for (int round = 0; round < 100; ++round) {
      const legendre_value p = legendre(n, x);
      const double step = p.value / p.slope;
      x -= step;
      if (std::abs(step) < 1e-15) break;
    }
    if (2 * i + 1 == n) x = 0;
    const double slope = legendre(n, x).slope;
    const double weight = 1 / ((1 - x * x) * slope * slope);  // half of that on [-1, 1]
    const auto low = static_cast<std::size_t>(i);
    const auto high = static_cast<std::size_t>(n - 1 - i);
    rule.nodes[low] = (1 - x) / 2;
    rule.nodes[high] = (1 + x) / 2;
    rule.weights[low] = weight;
    rule.weights[high] = weight;
  }
  return rule;
}

}  // namespace detail
DNALM_END_NAMESPACE
