// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Small random data and plain dense algebra that the probe tests compare with.
#pragma once

#include <cmath>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/tensor/view.hpp>

namespace dnalm_test {

using dnalm::index_t;

/// A row-major matrix of doubles.
struct table {
  index_t rows = 0;
  index_t columns = 0;
  std::vector<double> values;

  table() = default;
  table(index_t r, index_t c) : rows(r), columns(c), values(static_cast<std::size_t>(r * c), 0.0) {}
  table(index_t r, index_t c, std::vector<double> v) : rows(r), columns(c), values(std::move(v)) {}
  double& operator()(index_t r, index_t c) { return values[static_cast<std::size_t>(r * columns + c)]; }
  double operator()(index_t r, index_t c) const { return values[static_cast<std::size_t>(r * columns + c)]; }
  [[nodiscard]] dnalm::matrix_view<const double> view() const {
    return {values.data(), rows, columns, columns};
  }
};

/// Correlated columns of different scale and offset.
inline table random_features(std::uint64_t seed, index_t rows, index_t columns) {
  dnalm::philox random(seed);
  table x(rows, columns);
  for (index_t r = 0; r < rows; ++r) {
    const double shared = random.normal();
    for (index_t c = 0; c < columns; ++c) {
      x(r, c) =
          (random.normal() + 0.5 * shared) * (1 + static_cast<double>(c % 5)) + static_cast<double>(c % 3);
    }
  }
  return x;
}

/// Linear labels with noise.
inline table random_labels(std::uint64_t seed, const table& x, index_t targets, double noise = 0.8) {
  dnalm::philox random(seed);
  table y(x.rows, targets);
  for (index_t t = 0; t < targets; ++t) {
    std::vector<double> w;
    for (index_t c = 0; c < x.columns; ++c) w.push_back(random.normal() / (1 + static_cast<double>(c % 5)));
    for (index_t r = 0; r < x.rows; ++r) {
      for (index_t c = 0; c < x.columns; ++c) y(r, t) += w[static_cast<std::size_t>(c)] * x(r, c);
      y(r, t) += noise * random.normal() + 0.3;
    }
  }
  return y;
}

/// Solves a x = b by Gauss elimination with pivoting; b has any number of columns.
inline table solve_dense(table a, table b) {
  const index_t n = a.rows;
  for (index_t i = 0; i < n; ++i) {
    index_t pivot = i;
    for (index_t r = i + 1; r < n; ++r) {
      if (std::abs(a(r, i)) > std::abs(a(pivot, i))) pivot = r;
    }
    for (index_t c = 0; c < n; ++c) std::swap(a(i, c), a(pivot, c));
    for (index_t c = 0; c < b.columns; ++c) std::swap(b(i, c), b(pivot, c));
    for (index_t r = 0; r < n; ++r) {
      if (r == i) continue;
      const double factor = a(r, i) / a(i, i);
      for (index_t c = i; c < n; ++c) a(r, c) -= factor * a(i, c);
      for (index_t c = 0; c < b.columns; ++c) b(r, c) -= factor * b(i, c);
    }
  }
  for (index_t i = 0; i < n; ++i) {
    for (index_t c = 0; c < b.columns; ++c) b(i, c) /= a(i, i);
  }
  return b;
}

/// Ridge with a free intercept by its normal equations on the raw features: (D + 1, T), intercept last.
inline table ridge_by_normal_equations(const table& x, const table& y, double lambda) {
  const index_t d = x.columns;
  table a(d + 1, d + 1);
  table b(d + 1, y.columns);
  const auto entry = [&](index_t r, index_t c) { return c < d ? x(r, c) : 1.0; };
  for (index_t r = 0; r < x.rows; ++r) {
    for (index_t i = 0; i <= d; ++i) {
      for (index_t j = 0; j <= d; ++j) a(i, j) += entry(r, i) * entry(r, j);
      for (index_t t = 0; t < y.columns; ++t) b(i, t) += entry(r, i) * y(r, t);
    }
  }
  for (index_t i = 0; i < d; ++i) a(i, i) += lambda;
  return solve_dense(a, b);
}

/// Rows of a table by number.
inline table take_rows(const table& from, const std::vector<index_t>& rows) {
  table out(static_cast<index_t>(rows.size()), from.columns);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (index_t c = 0; c < from.columns; ++c) out(static_cast<index_t>(i), c) = from(rows[i], c);
  }
  return out;
}

/// Largest difference relative to the largest size of `expected`.
inline double relative_gap(const std::vector<double>& found, const std::vector<double>& expected) {
  if (found.size() != expected.size()) return 1e300;
  double gap = 0;
  double size = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double difference = std::abs(found[i] - expected[i]);
    gap = std::isfinite(difference) ? std::max(gap, difference) : 1e300;
    size = std::max(size, std::abs(expected[i]));
  }
  return size > 0 ? gap / size : gap;
}

/// Features as floats.
inline std::vector<float> to_float(const table& x) {
  return {x.values.begin(), x.values.end()};
}

}  // namespace dnalm_test
