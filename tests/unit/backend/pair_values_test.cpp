// SPDX-License-Identifier: Apache-2.0
// DeepLIFT's rules of norms, gates and the selective scan, number by number, against their definitions: each
// is taken apart into centring, sums, products of two (m_u = m mean(v)) and functions of one number (slope
// between its two values), written here as plain loops in double.
#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <support/adjoint_test.hpp>
#include <unit/backend/scan_cases.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

using dnalm::index_t;
using dnalm::matrix_view;
using dnalm_test::normal_numbers;
using dnalm_test::numbers;

namespace {

const dnalm::reference_backend paired = dnalm::reference_backend().on_pairs({true, 0});

matrix_view<const double> in(const numbers& x, index_t columns) {
  return {x.data(), static_cast<index_t>(x.size()) / columns, columns, columns};
}
matrix_view<double> out(numbers& x, index_t columns) {
  return {x.data(), static_cast<index_t>(x.size()) / columns, columns, columns};
}

/// `observed` numbers, and as many references that differ from them by 0.3 at least: slopes between them are
/// then right to 1e-15 by their definition alone.
numbers pairs_of(std::size_t observed, std::uint64_t seed) {
  numbers x = normal_numbers(static_cast<index_t>(2 * observed), seed);
  for (std::size_t i = 0; i < observed; ++i) {
    const double step = x[observed + i];
    x[observed + i] = x[i] + step + std::copysign(0.3, step);
  }
  return x;
}
/// Numbers for both sides of a pair.
numbers twice(numbers x) {
  const numbers once = x;
  x.insert(x.end(), once.begin(), once.end());
  return x;
}

double slope(double y, double y0, double x, double x0) {
  return (y - y0) / (x - x0);
}
double mean(double x, double x0) {
  return (x + x0) / 2;
}

/// Both sides have the expected multipliers, to 1e-12 of the largest.
void check_values(const numbers& found, const numbers& expected) {
  REQUIRE(found.size() == 2 * expected.size());
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  CHECK(largest > 0.1);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO("number " << i);
    CHECK(std::abs(found[i] - expected[i]) < 1e-12 * largest);
    CHECK(found[expected.size() + i] == found[i]);
  }
}

/// y = u s gamma, u = x - mean x (RMS norm: x), v = mean u^2 + eps, s = v^(-1/2), of one row and its
/// reference.
numbers norm_multipliers(const double* x, const double* x0, const numbers& gamma, const double* dy,
                         double eps, bool centred) {
  const std::size_t n = gamma.size();
  const auto side = [&](const double* from) {
    numbers u(from, from + n);
    double sum = 0;
    for (const double value : u) sum += value;
    for (double& value : u) value -= centred ? sum / static_cast<double>(n) : 0;
    return u;
  };
  const auto variance = [&](const numbers& u) {
    double sum = 0;
    for (const double value : u) sum += value * value;
    return sum / static_cast<double>(n) + eps;
  };
  const numbers u = side(x);
  const numbers u0 = side(x0);
  const double v = variance(u);
  const double v0 = variance(u0);
  const double s = 1 / std::sqrt(v);
  const double s0 = 1 / std::sqrt(v0);
  numbers m(n);
  double m_s = 0;
  for (std::size_t c = 0; c < n; ++c) {
    m[c] = dy[c] * gamma[c] * mean(s, s0);
    m_s += dy[c] * gamma[c] * mean(u[c], u0[c]);
  }
  const double m_v = m_s * slope(s, s0, v, v0);
  double sum = 0;
  for (std::size_t c = 0; c < n; ++c) {
    m[c] += m_v * 2 * mean(u[c], u0[c]) / static_cast<double>(n);
    sum += m[c];
  }
  for (double& value : m) value -= centred ? sum / static_cast<double>(n) : 0;
  return m;
}

/// One sequence of a scan and its side's values on the way, all from the definition.
struct scan_side {
  numbers d, w, a, h;  // (T, E), (T, E), (T, N, E), (T, N, E)
};
scan_side run_side(const dnalm_test::scan_problem& p, const double* x, const double* delta,
                   const double* parts, const std::vector<std::size_t>& order) {
  const auto e = static_cast<std::size_t>(p.channels);
  const auto n = static_cast<std::size_t>(p.states);
  const numbers rates = p.rates();
  scan_side side{numbers(order.size() * e), numbers(order.size() * e), numbers(order.size() * n * e),
                 numbers(order.size() * n * e)};
  numbers state(n * e);
  for (const std::size_t t : order) {
    for (std::size_t c = 0; c < e; ++c) {
      const double d = side.d[t * e + c] = std::log1p(std::exp(delta[t * e + c]));
      const double w = side.w[t * e + c] = d * x[t * e + c];
      for (std::size_t k = 0; k < n; ++k) {
        const std::size_t at = (t * n + k) * e + c;
        side.a[at] = std::exp(d * rates[k * e + c]);
        side.h[at] = state[k * e + c] = side.a[at] * state[k * e + c] + w * parts[t * 2 * n + k];
      }
    }
  }
  return side;
}

/// Multipliers by x, delta and [B | C] of one pair of sequences, from y = sum of C h + D x and
/// h_t = a_t h_(t-1) + w_t B_t back to the first row of the order.
std::array<numbers, 3> scan_multipliers(const dnalm_test::scan_problem& p, const std::array<numbers, 3>& side,
                                        const std::array<numbers, 3>& other, const numbers& dy,
                                        const std::vector<std::size_t>& order) {
  const auto e = static_cast<std::size_t>(p.channels);
  const auto n = static_cast<std::size_t>(p.states);
  const numbers rates = p.rates();
  const numbers skip = p.skip();
  const auto& [x, delta, parts] = side;
  const auto& [x0, delta0, parts0] = other;
  const scan_side s = run_side(p, x.data(), delta.data(), parts.data(), order);
  const scan_side s0 = run_side(p, x0.data(), delta0.data(), parts0.data(), order);
  std::array<numbers, 3> m = {numbers(x.size()), numbers(delta.size()), numbers(parts.size())};
  numbers carried(n * e);  // mean(a) of the row behind times its lambda
  for (std::size_t i = order.size(); i-- > 0;) {
    const std::size_t t = order[i];
    for (std::size_t c = 0; c < e; ++c) {
      const std::size_t at = t * e + c;
      double m_w = 0;
      double m_d = 0;
      for (std::size_t k = 0; k < n; ++k) {
        const std::size_t state = (t * n + k) * e + c;
        const std::size_t b = t * 2 * n + k;
        const double lambda = carried[k * e + c] + dy[at] * mean(parts[b + n], parts0[b + n]);
        const std::size_t before = i == 0 ? 0 : (order[i - 1] * n + k) * e + c;
        const double m_a = i == 0 ? 0.0 : lambda * mean(s.h[before], s0.h[before]);
        m[2][b] += lambda * mean(s.w[at], s0.w[at]);
        m[2][b + n] += dy[at] * mean(s.h[state], s0.h[state]);
        m_w += lambda * mean(parts[b], parts0[b]);
        m_d += m_a * slope(s.a[state], s0.a[state], s.d[at], s0.d[at]);
        carried[k * e + c] = lambda * mean(s.a[state], s0.a[state]);
      }
      m[0][at] = m_w * mean(s.d[at], s0.d[at]) + dy[at] * skip[c];
      m_d += m_w * mean(x[at], x0[at]);
      m[1][at] = m_d * slope(s.d[at], s0.d[at], delta[at], delta0[at]);
    }
  }
  return m;
}

}  // namespace

TEST_CASE("multipliers of norms are those of centring, mean square, inverse root and product",
          "[backend][deep_lift]") {
  const std::size_t rows = 3;
  const std::size_t width = 7;
  const numbers x = pairs_of(rows * width, 61);
  const numbers gamma = normal_numbers(width, 62);
  const numbers once = normal_numbers(rows * width, 63);
  const numbers dy = twice(once);
  for (const bool centred : {true, false}) {
    INFO((centred ? "layer norm" : "RMS norm"));
    numbers expected;
    for (std::size_t r = 0; r < rows; ++r) {
      const numbers row = norm_multipliers(x.data() + r * width, x.data() + (rows + r) * width, gamma,
                                           once.data() + r * width, 1e-5, centred);
      expected.insert(expected.end(), row.begin(), row.end());
    }
    numbers found(x.size());
    const dnalm::vector_view<const double> scale{gamma.data(), static_cast<index_t>(width)};
    if (centred) {
      paired.layer_norm_vjp(in(x, width), scale, 1e-5, in(dy, width), out(found, width));
    } else {
      paired.rms_norm_vjp(in(x, width), scale, 1e-5, in(dy, width), out(found, width));
    }
    check_values(found, expected);
  }
}

TEST_CASE("multipliers of a gate are the other factor's mean, times the function's slope",
          "[backend][deep_lift]") {
  const std::size_t rows = 4;
  const std::size_t width = 5;
  const numbers x = pairs_of(rows * 2 * width, 64);  // [a | b], y = a sigmoid(a) b
  const numbers once = normal_numbers(rows * width, 65);
  const numbers dy = twice(once);
  const auto silu = [](double z) { return z / (1 + std::exp(-z)); };
  numbers expected(rows * 2 * width);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < width; ++c) {
      const std::size_t a = r * 2 * width + c;
      const std::size_t b = a + width;
      const std::size_t far = rows * 2 * width;
      const double m = once[r * width + c];
      expected[a] = m * mean(x[b], x[far + b]) * slope(silu(x[a]), silu(x[far + a]), x[a], x[far + a]);
      expected[b] = m * mean(silu(x[a]), silu(x[far + a]));
    }
  }
  numbers found(x.size());
  paired.gated_vjp(in(x, 2 * width), dnalm::activation::silu, in(dy, width), out(found, 2 * width));
  check_values(found, expected);
}

TEST_CASE("multipliers of the selective scan are those of its recurrence with means",
          "[backend][deep_lift]") {
  for (const dnalm::scan_order order : {dnalm::scan_order::forward, dnalm::scan_order::backward}) {
    const dnalm_test::scan_problem p{{12, 12}, 5, 3, order};
    const std::size_t length = 12;
    const std::array<std::size_t, 3> columns = {5, 5, 6};
    std::vector<std::size_t> rows(length);
    for (std::size_t t = 0; t < length; ++t) {
      rows[t] = order == dnalm::scan_order::forward ? t : length - 1 - t;
    }
    numbers all;
    std::array<numbers, 3> side;
    std::array<numbers, 3> other;
    for (std::size_t part = 0; part < 3; ++part) {
      const numbers pair = pairs_of(length * columns[part], 66 + part);
      const auto half = pair.begin() + static_cast<std::ptrdiff_t>(pair.size() / 2);
      side[part] = numbers(pair.begin(), half);
      other[part] = numbers(half, pair.end());
      all.insert(all.end(), pair.begin(), pair.end());
    }
    const numbers once = normal_numbers(static_cast<index_t>(length) * p.channels, 69);
    const numbers found = dnalm_test::run_scan_vjp(paired, p, all, twice(once));
    const std::array<numbers, 3> expected = scan_multipliers(p, side, other, once, rows);
    std::size_t first = 0;
    for (std::size_t part = 0; part < 3; ++part) {
      INFO("input " << part);
      const std::size_t size = 2 * expected[part].size();
      const auto from = found.begin() + static_cast<std::ptrdiff_t>(first);
      check_values(numbers(from, from + static_cast<std::ptrdiff_t>(size)), expected[part]);
      first += size;
    }
    CHECK(first == found.size());
  }
}
