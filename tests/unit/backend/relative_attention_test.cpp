// SPDX-License-Identifier: Apache-2.0
// Attention with relative keys and attention pooling: numbers printed by Enformer's code, adjoints.
#include <dnalm/backend/relative_attention.hpp>
#include <dnalm/backend/softmax_pooling.hpp>
#include <dnalm/nn/relative_positions.hpp>
#include <support/adjoint_test.hpp>
#include <unit/backend/kernel_adjoint_cases.hpp>

#include <string>

using dnalm::index_t;
using dnalm_test::numbers;

namespace {

/// The rule of the printed vectors: element i of a parameter is scale sin(0.7 i + K), K from its name.
dnalm::matrix<double> parameter(const std::string& name, index_t rows, index_t columns) {
  int sum = 0;
  for (const char letter : name) sum += letter;
  dnalm::matrix<double> x(rows, columns);
  for (index_t i = 0; i < rows * columns; ++i) {
    x.data()[i] = static_cast<float>(0.3 * std::sin(0.7 * static_cast<double>(i) + sum % 97));
  }
  return x;
}

/// x W^T.
dnalm::matrix<double> product(const dnalm::matrix<double>& x, const dnalm::matrix<double>& w) {
  dnalm::matrix<double> y(x.rows(), w.rows());
  for (index_t r = 0; r < x.rows(); ++r) {
    for (index_t o = 0; o < w.rows(); ++o) {
      double sum = 0.0;
      for (index_t c = 0; c < w.columns(); ++c) sum += x(r, c) * w(o, c);
      y(r, o) = sum;
    }
  }
  return y;
}

/// Two sequences of five rows, two heads of three key and four value channels; x = [q | k | v] flat.
struct attention_case {
  static constexpr index_t rows = 10, length = 5, heads = 2, key = 3, value = 4;
  dnalm::ragged_offsets offsets = dnalm_test::make_offsets({length, length});
  numbers positions = dnalm_test::normal_numbers((2 * length - 1) * heads * key, 11, 0.5);
  numbers content = dnalm_test::normal_numbers(heads * key, 12);
  numbers position = dnalm_test::normal_numbers(heads * key, 13);

  [[nodiscard]] dnalm::relative_attention_weights<double> weights() const {
    return {{positions.data(), 2 * length - 1, heads * key, heads * key},
            {content.data(), heads * key},
            {position.data(), heads * key},
            heads,
            0.6};
  }
  static dnalm::matrix_view<const double> q(const numbers& x) {
    return {x.data(), rows, heads * key, heads * key};
  }
  static dnalm::matrix_view<const double> k(const numbers& x) {
    return {x.data() + rows * heads * key, rows, heads * key, heads * key};
  }
  static dnalm::matrix_view<const double> v(const numbers& x) {
    return {x.data() + 2 * rows * heads * key, rows, heads * value, heads * value};
  }
  [[nodiscard]] numbers forward(const numbers& x) const {
    dnalm_test::poisoned<double> y(rows, heads * value);
    dnalm_test::poisoned_scratch<double> scratch(dnalm::relative_attention_scratch(length, key));
    dnalm::relative_attention(q(x), k(x), v(x), weights(), offsets, scratch.view(), y.view());
    CHECK((y.frame_is_whole() && scratch.frame_is_whole()));
    numbers out;
    dnalm_test::append_numbers(y.view(), out);
    return out;
  }
  [[nodiscard]] numbers vjp(const numbers& x, const numbers& u) const {
    dnalm_test::poisoned<double> dy(rows, heads * value, u.data());
    dnalm_test::poisoned<double> dq(rows, heads * key);
    dnalm_test::poisoned<double> dk(rows, heads * key);
    dnalm_test::poisoned<double> dv(rows, heads * value);
    dnalm_test::poisoned_scratch<double> scratch(dnalm::relative_attention_vjp_scratch(length, key, value));
    dnalm::relative_attention_vjp<double>(q(x), k(x), v(x), weights(), offsets, dy.view(), scratch.view(),
                                          dq.view(), dk.view(), dv.view());
    CHECK((dq.frame_is_whole() && dk.frame_is_whole() && dv.frame_is_whole() && scratch.frame_is_whole()));
    numbers out;
    for (auto* part : {&dq, &dk, &dv}) dnalm_test::append_numbers(part->view(), out);
    return out;
  }
};

}  // namespace

TEST_CASE("relative attention gives the numbers that Enformer's code prints", "[backend][relative]") {
  const index_t length = 6;
  dnalm::matrix<double> x(length, 24);
  for (index_t i = 0; i < length * 24; ++i) x.data()[i] = std::sin(0.3 * static_cast<double>(i));
  const auto q = product(x, parameter("to_q.weight", 8, 24));
  const auto k = product(x, parameter("to_k.weight", 8, 24));
  const auto v = product(x, parameter("to_v.weight", 24, 24));
  const auto r = product(dnalm::relative_position_features(length, 12), parameter("to_rel_k.weight", 8, 12));
  const auto content = parameter("rel_content_bias", 1, 8);
  const auto position = parameter("rel_pos_bias", 1, 8);
  const dnalm::relative_attention_weights<double> weights{r.view(), content.view().row(0),
                                                          position.view().row(0), 2, 0.5};
  dnalm::matrix<double> mixed(length, 24);
  dnalm::buffer<double> scratch(dnalm::relative_attention_scratch(length, 4));
  dnalm::relative_attention<double>(q.view(), k.view(), v.view(), weights, dnalm_test::make_offsets({length}),
                                    scratch.view(), mixed.view());
  dnalm::matrix<double> y = product(mixed, parameter("to_out.weight", 24, 24));
  const auto bias = parameter("to_out.bias", 1, 24);
  double sum = 0.0;
  double size = 0.0;
  for (index_t i = 0; i < length; ++i) {
    for (index_t c = 0; c < 24; ++c) {
      y(i, c) += bias(0, c);
      sum += y(i, c);
      size += std::abs(y(i, c));
    }
  }
  const double first[] = {-.1360678, -.2312643, -.2734393, -.2450266, .0078243, .2143996, .2501870, .2753544};
  const double second[] = {-.1514024, -.2577812, -.2336732, -.2551485,
                           -.0226160, .2525679,  .2454607,  .2415407};
  for (index_t c = 0; c < 8; ++c) {
    CHECK(std::abs(y(0, c) - first[c]) <= 2e-6);
    CHECK(std::abs(y(1, c) - second[c]) <= 2e-6);
  }
  CHECK(std::abs(sum + 3.97891555) <= 1e-5);
  CHECK(std::abs(size - 27.59552548) <= 1e-5);
}

TEST_CASE("the adjoint of relative attention agrees with differences", "[backend][relative][adjoint]") {
  const attention_case c;
  const index_t count =
      attention_case::rows * attention_case::heads * (2 * attention_case::key + attention_case::value);
  dnalm_test::check_adjoint({.x = dnalm_test::normal_numbers(count, 3),
                             .forward = [&](const numbers& x) { return c.forward(x); },
                             .vjp = [&](const numbers& x, const numbers& u) { return c.vjp(x, u); },
                             .bound = {}},
                            3);
}

TEST_CASE("a sequence's numbers do not depend on the other one", "[backend][relative]") {
  const attention_case c;
  const index_t count =
      attention_case::rows * attention_case::heads * (2 * attention_case::key + attention_case::value);
  numbers x = dnalm_test::normal_numbers(count, 4);
  const numbers both = c.forward(x);
  for (index_t i = 0; i < 5; ++i) {  // other rows of the first sequence
    for (index_t d = 0; d < 6; ++d) x[static_cast<std::size_t>(i * 6 + d)] = 0.25;
  }
  const numbers changed = c.forward(x);
  CHECK(!dnalm_test::same_numbers(both, changed));
  CHECK(dnalm_test::same_numbers(numbers(both.begin() + 40, both.end()),
                                 numbers(changed.begin() + 40, changed.end())));
}

TEST_CASE("attention pooling gives the numbers that Enformer's code prints", "[backend][relative]") {
  dnalm::matrix<double> x(4, 3);
  dnalm::matrix<double> w(3, 3);
  for (index_t c = 0; c < 3; ++c) {
    for (index_t l = 0; l < 4; ++l) x(l, c) = std::sin(4.0 * static_cast<double>(c) + static_cast<double>(l));
    for (index_t i = 0; i < 3; ++i) w(c, i) = 0.3 * std::sin(0.7 * static_cast<double>(3 * c + i) + 1.0);
  }
  const auto logits = product(x, w);
  dnalm_test::poisoned<double> y(2, 3);
  dnalm::softmax_pool_rows<double>(x.view(), logits.view(), dnalm_test::make_offsets({4}), 2,
                                   dnalm_test::make_offsets({2}), y.view());
  // The original worked in float: a few units of rounding of numbers up to 1.
  const double expected[3][2] = {{.4281648, .5266947}, {-.8687796, .1776096}, {.7372400, -.7783819}};
  for (index_t c = 0; c < 3; ++c) {
    for (index_t i = 0; i < 2; ++i) CHECK(std::abs(y.view()(i, c) - expected[c][i]) <= 4 * 0x1p-24);
  }
  CHECK(y.frame_is_whole());
}

TEST_CASE("attention pooling keeps a last row alone, and its adjoint agrees with differences",
          "[backend][relative][adjoint]") {
  const auto from = dnalm_test::make_offsets({5, 2, 1});
  const auto to = dnalm_test::make_offsets({3, 1, 1});
  const auto view = [](const numbers& x, index_t part) {
    return dnalm::matrix_view<const double>{x.data() + part * 24, 8, 3, 3};
  };
  const auto forward = [&](const numbers& x) {
    dnalm_test::poisoned<double> y(5, 3);
    dnalm::softmax_pool_rows<double>(view(x, 0), view(x, 1), from, 2, to, y.view());
    numbers out;
    dnalm_test::append_numbers(y.view(), out);
    return out;
  };
  const auto vjp = [&](const numbers& x, const numbers& u) {
    dnalm_test::poisoned<double> dy(5, 3, u.data());
    dnalm_test::poisoned<double> dx(8, 3);
    dnalm_test::poisoned<double> dlogits(8, 3);
    dnalm::softmax_pool_rows_vjp<double>(view(x, 0), view(x, 1), from, 2, dy.view(), to, dx.view(),
                                         dlogits.view());
    numbers out;
    dnalm_test::append_numbers(dx.view(), out);
    dnalm_test::append_numbers(dlogits.view(), out);
    return out;
  };
  const numbers x = dnalm_test::normal_numbers(48, 5);
  const numbers y = forward(x);
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(y[6 + c] == x[12 + c]);
    CHECK(y[12 + c] == x[21 + c]);
  }
  dnalm_test::check_adjoint({.x = x, .forward = forward, .vjp = vjp, .bound = {}}, 5);
}
