// SPDX-License-Identifier: Apache-2.0
// DeepLIFT's rules kernel by kernel: over every pair the multipliers give the difference of the outputs.
#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/backend/secant.hpp>
#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <support/adjoint_test.hpp>
#include <unit/backend/scan_cases.hpp>

#include <cmath>
#include <functional>

using dnalm::activation;
using dnalm::index_t;
using dnalm::matrix_view;
using dnalm_test::normal_numbers;
using dnalm_test::numbers;

namespace {

constexpr activation all_functions[] = {
    activation::none,        activation::gelu_erf, activation::gelu_tanh, activation::gelu_sigmoid,
    activation::silu,        activation::relu,     activation::sigmoid,   activation::tanh,
    activation::exponential, activation::softplus};

const dnalm::reference_backend plain;
const dnalm::reference_backend paired = plain.on_pairs({true, 0});

matrix_view<const double> in(const numbers& x, index_t rows) {
  const auto columns = static_cast<index_t>(x.size()) / rows;
  return {x.data(), rows, columns, columns};
}
matrix_view<double> out(numbers& x, index_t rows) {
  const auto columns = static_cast<index_t>(x.size()) / rows;
  return {x.data(), rows, columns, columns};
}

/// Copies the first half of the numbers over the second.
numbers twice(numbers x) {
  std::copy_n(x.begin(), x.size() / 2, x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2));
  return x;
}
/// Sum of m (x - x') over the pairs.
double over_pairs(const numbers& m, const numbers& x) {
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size() / 2; ++i) sum += m[i] * (x[i] - x[i + x.size() / 2]);
  return sum;
}

using function = std::function<numbers(const numbers&)>;
using rule = std::function<numbers(const numbers&, const numbers&)>;

/// |sum of dx D x - sum of dy D y|, for random dy, divided by 1 or the larger sum.
double residual(const numbers& x, const function& forward, const rule& vjp) {
  const numbers y = forward(x);
  const numbers dy = twice(normal_numbers(static_cast<index_t>(y.size()), 99));
  const numbers dx = vjp(x, dy);
  REQUIRE(dx.size() == x.size());
  for (std::size_t i = 0; i < dx.size() / 2; ++i) CHECK(dx[i] == dx[i + dx.size() / 2]);
  const double made = over_pairs(dx, x);
  const double wanted = over_pairs(dy, y);
  CHECK(std::abs(wanted) > 1e-3);
  return std::abs(made - wanted) / std::max(1.0, std::abs(wanted));
}

dnalm::ragged_offsets rows_of(std::initializer_list<index_t> lengths) {
  dnalm::ragged_offsets offsets;
  for (int side = 0; side < 2; ++side) {
    for (const index_t length : lengths) offsets.append(length);
  }
  return offsets;
}

/// Several matrices one behind the other.
numbers joined(const numbers& a, const numbers& b) {
  numbers all = a;
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

}  // namespace

TEST_CASE("secants of activations are the exact slope at every distance, in double and in float",
          "[backend][deep_lift]") {
  for (const activation f : all_functions) {
    for (const double r : {-30.0, -6.0, -2.5, -0.7, -1e-9, 0.0, 0.3, 1.7, 9.0, 40.0}) {
      for (const double d : {0.0, 1e-13, 1e-7, 1e-3, 0.1, 0.13, 0.5, 1.1, 3.0, 20.0}) {
        const double x = r + d;
        INFO(dnalm::to_string(f) << " from " << r << " over " << d);
        const auto wide = static_cast<long double>(x) - static_cast<long double>(r);
        const long double y = dnalm::apply_activation(f, static_cast<long double>(x));
        const long double y0 = dnalm::apply_activation(f, static_cast<long double>(r));
        // Below 1e-6 the difference of two values is too rough even in long double: the derivative
        // between. (Of relu it is exact.)
        const bool near = wide == 0.0L || (wide < 1e-6L && f != activation::relu);
        const double exact =
            near ? dnalm::activation_derivative(f, r + d / 2) : static_cast<double>((y - y0) / wide);
        const double size = std::max({1.0, std::abs(exact), static_cast<double>(y) / std::max(d, 0.125)});
        CHECK(std::abs(dnalm::activation_secant(f, x, r) - exact) <= (d < 1e-6 ? 1e-9 : 1e-14) * size);
        CHECK(dnalm::activation_secant(f, x, r) == Approx(dnalm::activation_secant(f, r, x)).epsilon(1e-13));
        const auto xf = static_cast<float>(x);
        const auto rf = static_cast<float>(r);
        const double same = dnalm::activation_secant(f, static_cast<double>(xf), static_cast<double>(rf));
        CHECK(std::abs(static_cast<double>(dnalm::activation_secant(f, xf, rf)) - same) <= 4e-6 * size);
      }
    }
  }
}

TEST_CASE("the secant of exp keeps its accuracy where the points nearly meet and where they are far apart",
          "[backend][deep_lift]") {
  for (const double x : {-700.0, -20.0, 0.0, 1.0, 300.0}) {
    for (const double d : {1e-300, 1e-16, 1e-8, 1e-2, 1.0, 5.0, 600.0}) {
      const long double exact =
          std::exp(static_cast<long double>(x)) * (d < 1e-2 ? 1.0L - d / 2 + d * d / 6 - d * d * d / 24
                                                            : -std::expm1(-static_cast<long double>(d)) / d);
      const double found = dnalm::exp_secant(x, x - d);
      INFO(x << " " << d);
      CHECK(found == Approx(static_cast<double>(exact)).epsilon(1e-9));
      CHECK(std::isfinite(found));
    }
  }
  CHECK(dnalm::exp_secant(2.0, 2.0) == std::exp(2.0));
}

TEST_CASE("row rules are complete to 1e-13 in double", "[backend][deep_lift]") {
  const index_t rows = 6;
  const index_t width = 8;
  const numbers x = normal_numbers(rows * width, 1, 1.5);
  const numbers gamma = normal_numbers(width, 2);
  const numbers beta = normal_numbers(width, 3);
  const dnalm::vector_view<const double> g{gamma.data(), width};
  const dnalm::vector_view<const double> b{beta.data(), width};
  const auto unary = [&](auto&& forward, auto&& vjp) {
    return residual(
        x,
        [&](const numbers& from) {
          numbers y(from.size());
          forward(in(from, rows), out(y, rows));
          return y;
        },
        [&](const numbers& from, const numbers& dy) {
          numbers dx(from.size());
          vjp(in(from, rows), in(dy, rows), out(dx, rows));
          return dx;
        });
  };
  CHECK(unary([&](auto from, auto y) { plain.layer_norm(from, g, b, 1e-5, y); },
              [&](auto from, auto dy, auto dx) { paired.layer_norm_vjp(from, g, 1e-5, dy, dx); }) < 1e-13);
  CHECK(unary([&](auto from, auto y) { plain.rms_norm(from, g, 1e-5, y); },
              [&](auto from, auto dy, auto dx) { paired.rms_norm_vjp(from, g, 1e-5, dy, dx); }) < 1e-13);
  CHECK(unary(
            [&](auto from, auto y) {
              plain.copy_matrix(from, y);
              plain.softmax_rows(y);
            },
            [&](auto from, auto dy, auto dx) { paired.softmax_pair_vjp(from, dy, dx); }) < 1e-13);
  CHECK(unary([&](auto from, auto y) { plain.threshold_rows(from, 0.3, 0.3, y); },
              [&](auto from, auto dy, auto dx) { paired.threshold_pair_vjp(from, 0.3, 0.3, dy, dx); }) <
        1e-13);
  for (const activation f : all_functions) {
    INFO(dnalm::to_string(f));
    CHECK(unary([&](auto from, auto y) { plain.activate(from, f, y); },
                [&](auto from, auto dy, auto dx) { paired.activation_vjp(from, f, dy, dx); }) < 1e-13);
    const auto gated = [&](const numbers& from) {
      numbers y(from.size() / 2);
      plain.gated(in(from, rows), f, out(y, rows));
      return y;
    };
    const auto gated_vjp = [&](const numbers& from, const numbers& dy) {
      numbers dx(from);
      paired.gated_vjp(in(dx, rows), f, in(dy, rows), out(dx, rows));  // in place
      return dx;
    };
    CHECK(residual(x, gated, gated_vjp) < 1e-13);
  }
}

TEST_CASE("a product's multipliers are the means of its factors", "[backend][deep_lift]") {
  const numbers a{2, 3, 5, 7};
  const numbers b{1, 10, 3, 4};
  const numbers dy{1, -1, 1, -1};
  numbers da(4);
  numbers db(4);
  paired.multiply_vjp(in(a, 2), in(b, 2), in(dy, 2), out(da, 2), out(db, 2));
  CHECK(da == numbers{2, -7, 2, -7});
  CHECK(db == numbers{3.5, -5, 3.5, -5});
  numbers alone(4);
  paired.factor_vjp(in(b, 2), in(dy, 2), out(alone, 2));
  CHECK(alone == da);
}

TEST_CASE("softmax's rule does not see a constant that observed and reference logits differ by",
          "[backend][deep_lift]") {
  const numbers x{0.3, -1.2, 2.0, 0.3 + 40, -1.2 + 40, 2.0 + 40};
  const numbers dy{1, 2, -1, 1, 2, -1};
  numbers p{0.3, -1.2, 2.0};
  plain.softmax_rows(out(p, 1));
  numbers gradient(3);
  const numbers one{1, 2, -1};
  plain.softmax_rows_vjp(in(p, 1), in(one, 1), out(gradient, 1));
  numbers dx(6);
  paired.softmax_pair_vjp(in(x, 2), in(dy, 2), out(dx, 2));
  for (std::size_t i = 0; i < 3; ++i) CHECK(std::abs(dx[i] - gradient[i]) < 1e-13);
}

TEST_CASE("attention's rule is complete, with windows and distance biases", "[backend][deep_lift]") {
  const index_t width = 6;
  const dnalm::ragged_offsets offsets = rows_of({4, 1, 7});
  const index_t rows = offsets.rows();
  const float slopes[] = {0.5F, 0.0625F};
  for (const index_t window : {index_t{0}, index_t{2}}) {
    for (const index_t biased : {index_t{0}, index_t{2}}) {
      const dnalm::attention_options<double> options{2, 0.7, {slopes, biased}, window};
      const numbers x = normal_numbers(rows * 3 * width, 5, 1.2);
      const auto part = [&](auto all, index_t which) { return all.column_block(which * width, width); };
      numbers scratch(100);
      const auto forward = [&](const numbers& from) {
        numbers y(static_cast<std::size_t>(rows * width));
        const auto all = in(from, rows);
        plain.attention(part(all, 0), part(all, 1), part(all, 2), offsets, options, {scratch.data(), 100},
                        out(y, rows));
        return y;
      };
      const auto vjp = [&](const numbers& from, const numbers& dy) {
        numbers dx(from.size());
        const auto all = in(from, rows);
        const auto d = out(dx, rows);
        paired.attention_vjp(part(all, 0), part(all, 1), part(all, 2), offsets, options, in(dy, rows), {},
                             part(d, 0), part(d, 1), part(d, 2));
        return dx;
      };
      CHECK(residual(x, forward, vjp) < 1e-13);
    }
  }
}

TEST_CASE("the rule of attention with keys of distances is complete", "[backend][deep_lift]") {
  const index_t length = 5;
  const numbers positions = normal_numbers((2 * length - 1) * 6, 11, 0.5);
  const numbers content = normal_numbers(6, 12);
  const numbers position = normal_numbers(6, 13);
  const dnalm::relative_attention_weights<double> weights{
      in(positions, 2 * length - 1), {content.data(), 6}, {position.data(), 6}, 2, 0.6};
  const dnalm::ragged_offsets offsets = rows_of({length});
  const numbers x = normal_numbers(2 * length * (6 + 6 + 8), 14);
  const auto q = [](auto all) { return all.column_block(0, 6); };
  const auto k = [](auto all) { return all.column_block(6, 6); };
  const auto v = [](auto all) { return all.column_block(12, 8); };
  numbers scratch(1000);
  const auto forward = [&](const numbers& from) {
    numbers y(static_cast<std::size_t>(2 * length * 8));
    const auto all = in(from, 2 * length);
    plain.relative_attention(q(all), k(all), v(all), weights, offsets, {scratch.data(), 1000},
                             out(y, 2 * length));
    return y;
  };
  const auto vjp = [&](const numbers& from, const numbers& dy) {
    numbers dx(from.size());
    const auto all = in(from, 2 * length);
    const auto d = out(dx, 2 * length);
    const auto own = [&](auto m) { return m.row_block(0, length); };
    const auto other = [&](auto m) { return m.row_block(length, length); };
    paired.relative_attention_pair_vjp({own(q(all)), own(k(all)), own(v(all))},
                                       {other(q(all)), other(k(all)), other(v(all))}, weights,
                                       own(in(dy, 2 * length)), own(q(d)), own(k(d)), own(v(d)));
    return twice(dx);
  };
  CHECK(residual(x, forward, vjp) < 1e-13);
}

TEST_CASE("the selective scan's rule is complete in both orders, over 50 steps and more than 16 channels",
          "[backend][deep_lift]") {
  for (const dnalm::scan_order order : {dnalm::scan_order::forward, dnalm::scan_order::backward}) {
    const dnalm_test::scan_problem p{{50, 3, 50, 3}, 19, 4, order};
    const numbers all = normal_numbers(p.size(), 21);
    const numbers y = dnalm_test::run_scan(plain, p, all);
    const numbers dy = twice(normal_numbers(static_cast<index_t>(y.size()), 22));
    const numbers dx = dnalm_test::run_scan_vjp(paired, p, all, dy);
    CHECK(dnalm_test::same_numbers(dx, dnalm_test::run_scan_vjp(paired, p, all, dy, true)));
    // x, steps and [B | C] stand one behind the other, each a block of pairs.
    const auto rows = static_cast<std::ptrdiff_t>(p.rows());
    const auto part = [&](const numbers& from, std::ptrdiff_t first, std::ptrdiff_t columns) {
      return numbers(from.begin() + rows * first, from.begin() + rows * (first + columns));
    };
    double made = 0.0;
    for (const auto& [first, columns] : {std::pair{0, 19}, {19, 19}, {38, 8}}) {
      made += over_pairs(part(dx, first, columns), part(all, first, columns));
    }
    CHECK(std::abs(made - over_pairs(dy, y)) < 1e-13 * std::max(1.0, std::abs(over_pairs(dy, y))));
  }
}

TEST_CASE("max-pool's rule adds up the windows that a row wins", "[backend][deep_lift]") {
  const numbers x{0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const numbers dy(6, 1.0);
  numbers dx(16);
  dnalm::row_window window;
  window.size = 4;
  window.stride = 2;
  const dnalm::ragged_offsets from = rows_of({8});
  const dnalm::ragged_offsets to = rows_of({3});
  paired.max_pool_rows_vjp(in(x, 16), from, window, in(dy, 6), to, out(dx, 16));
  CHECK(dx == numbers{0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0});
}

TEST_CASE("poolings that choose or weigh are complete", "[backend][deep_lift]") {
  const index_t width = 3;
  const dnalm::ragged_offsets from = rows_of({9, 5});
  const dnalm::ragged_offsets to = rows_of({5, 3});
  const index_t rows = from.rows();
  const numbers x = normal_numbers(rows * width, 31, 2.0);
  dnalm::row_window window;
  window.size = 3;
  window.stride = 2;
  window.before = 1;
  const auto run = [&](index_t rows_of_y, auto&& forward, auto&& vjp) {
    return residual(
        x,
        [&](const numbers& all) {
          numbers y(static_cast<std::size_t>(rows_of_y * width));
          forward(in(all, rows), out(y, rows_of_y));
          return y;
        },
        [&](const numbers& all, const numbers& dy) {
          numbers dx(all.size());
          vjp(in(all, rows), in(dy, rows_of_y), out(dx, rows));
          return dx;
        });
  };
  CHECK(run(
            to.rows(), [&](auto all, auto y) { plain.max_pool_rows(all, from, window, to, y); },
            [&](auto all, auto dy, auto dx) { paired.max_pool_rows_vjp(all, from, window, dy, to, dx); }) <
        1e-13);
  CHECK(run(
            4, [&](auto all, auto y) { plain.sequence_max(all, from, y); },
            [&](auto all, auto dy, auto dx) { paired.sequence_max_vjp(all, from, dy, dx); }) < 1e-13);

  // Two inputs: a row of x, and beside it what weighs it.
  const numbers both = joined(x, normal_numbers(rows * width, 32));
  const auto first = [&](auto all) { return all.column_block(0, width); };
  const auto second = [&](auto all) { return all.column_block(width, width); };
  numbers wide(both.size());
  for (index_t r = 0; r < rows; ++r) {
    for (index_t c = 0; c < width; ++c) {
      out(wide, rows)(r, c) = in(x, rows)(r, c);
      out(wide, rows)(r, width + c) = std::abs(both[x.size() + static_cast<std::size_t>(r * width + c)]);
    }
  }
  const auto run_two = [&](index_t rows_of_y, auto&& forward, auto&& vjp) {
    return residual(
        wide,
        [&](const numbers& all) {
          numbers y(static_cast<std::size_t>(rows_of_y * width));
          forward(first(in(all, rows)), second(in(all, rows)), out(y, rows_of_y));
          return y;
        },
        [&](const numbers& all, const numbers& dy) {
          numbers dx(all.size());
          vjp(first(in(all, rows)), second(in(all, rows)), in(dy, rows_of_y), first(out(dx, rows)),
              second(out(dx, rows)));
          return dx;
        });
  };
  CHECK(run_two(
            to.rows(), [&](auto a, auto l, auto y) { plain.softmax_pool_rows(a, l, from, 2, to, y); },
            [&](auto a, auto l, auto dy, auto da, auto dl) {
              paired.softmax_pool_rows_vjp(a, l, from, 2, dy, to, da, dl);
            }) < 1e-13);
  CHECK(run_two(
            4, [&](auto a, auto m, auto y) { plain.masked_mean(a, m, from, y); },
            [&](auto a, auto m, auto dy, auto da, auto dm) {
              paired.masked_mean_vjp(a, m, {}, from, dy, da, dm);
            }) < 1e-13);
}

TEST_CASE("rows that belong to blocks of their own are paired within them", "[backend][deep_lift]") {
  const numbers x{1, -2, 3, 5, -1, -4};  // blocks of 2 rows: (1, -2), (3, 5), (-1, -4)
  const numbers dy(6, 1.0);
  numbers dz(6);
  plain.on_pairs({true, 2}).activation_vjp(in(x, 6), activation::relu, in(dy, 6), out(dz, 6));
  CHECK(dz == numbers{1.0 / 3, 1.0 / 3, 1, 1, 0, 0});
}

TEST_CASE("the float backend's rules are those of the reference", "[backend][deep_lift]") {
  const dnalm::cpu_backend floats = dnalm::cpu_backend().on_pairs({true, 0});
  CHECK(dnalm::has_pairs(floats));
  CHECK_FALSE(dnalm::has_pairs(dnalm::cpu_backend()));
  const index_t rows = 4;
  const index_t width = 16;
  const numbers x = normal_numbers(rows * width, 41);
  const numbers dy = twice(normal_numbers(rows * width, 42));
  const numbers gamma = normal_numbers(width, 43);
  numbers exact(x.size());
  paired.layer_norm_vjp(in(x, rows), {gamma.data(), width}, 1e-5, in(dy, rows), out(exact, rows));
  const std::vector<float> xf(x.begin(), x.end());
  const std::vector<float> dyf(dy.begin(), dy.end());
  const std::vector<float> gf(gamma.begin(), gamma.end());
  std::vector<float> found(x.size());
  floats.layer_norm_vjp({xf.data(), rows, width, width}, {gf.data(), width}, 1e-5F,
                        {dyf.data(), rows, width, width}, {found.data(), rows, width, width});
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::abs(exact[i] - static_cast<double>(found[i])) < 1e-6);
}
