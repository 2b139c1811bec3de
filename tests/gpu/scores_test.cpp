// SPDX-License-Identifier: Apache-2.0
// Pooled sequences and scores of logits on a real GPU, for both types of rows, against their definitions.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include <dnalm/cuda/pooling.hpp>
#include <dnalm/cuda/token_scores.hpp>
#include <gpu/row_kernels.hpp>

using dnalm::bfloat16;
using dnalm::matrix;
using dnalm::row_reduction;
using dnalm_test::index_t;
using dnalm_test::row_kernels;
using dnalm_test::stored_normals;

namespace {

matrix<float> in_float(const matrix<double>& x) {
  matrix<float> y(x.rows(), x.columns());
  for (index_t i = 0; i < x.rows() * x.columns(); ++i) y.data()[i] = static_cast<float>(x.data()[i]);
  return y;
}

/// Half a unit of the last of 8 bits for what is stored as bfloat16.
template <class T>
constexpr double stored_error = sizeof(T) == 2 ? 0x1p-8 : 0x1p-23;

/// Sequences of 3, 1, 37 and 2 rows; every third row is left out, row 3 with its whole sequence.
struct pooling_case {
  explicit pooling_case(index_t columns)
      : x(in_float(stored_normals(43, columns, 1))), dy(in_float(stored_normals(4, columns, 2))) {
    for (const index_t length : {3, 1, 37, 2}) offsets.append(length);
    for (index_t r = 0; r < 43; ++r) left_out.push_back(r % 3 == 0 ? 1 : 0);
  }

  dnalm::ragged_offsets offsets = {};
  matrix<float> x;
  matrix<float> dy;
  std::vector<unsigned char> left_out = {};

  template <class Call>
  [[nodiscard]] dnalm::device_pooling pooling(Call& c, row_reduction how) const {
    return {c.array(std::span<const index_t>(offsets.offsets)),
            c.array(std::span<const unsigned char>(left_out)), how};
  }
  [[nodiscard]] bool counts(index_t r) const { return left_out[static_cast<std::size_t>(r)] == 0; }

  [[nodiscard]] double expected(row_reduction how, index_t s, index_t c) const {
    if (how == row_reduction::first) return static_cast<double>(x(offsets.begin(s), c));
    double sum = 0.0;
    double largest = -1e300;
    index_t n = 0;
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
      if (!counts(r)) continue;
      sum += static_cast<double>(x(r, c));
      largest = std::max(largest, static_cast<double>(x(r, c)));
      ++n;
    }
    if (how == row_reduction::sum) return sum;
    if (n == 0) return std::nan("");
    return how == row_reduction::mean ? sum / static_cast<double>(n) : largest;
  }
};

template <class T>
void check_pooling(index_t columns) {
  pooling_case p(columns);
  for (const auto how :
       {row_reduction::mean, row_reduction::sum, row_reduction::largest, row_reduction::first}) {
    matrix<float> y(4, columns);
    row_kernels<float>().run([&](auto& floats, auto) {
      row_kernels<T>().run([&](auto& rows, auto stream) {
        dnalm::cuda_pool_rows<T>(stream, rows.in(p.x.view()), p.pooling(rows, how), floats.out(y.view()));
      });
    });
    bool equal = true;
    for (index_t s = 0; s < 4; ++s) {
      for (index_t c = 0; c < columns; ++c) {
        const auto value = static_cast<float>(p.expected(how, s, c));
        equal = equal && (y(s, c) == value || (std::isnan(value) && std::isnan(y(s, c))));
      }
    }
    INFO("columns " << columns << " reduction " << static_cast<int>(how));
    CHECK(equal);  // added up in double, the rows' numbers are exact in both types
  }
}

template <class T>
void check_pooling_adjoint(index_t columns) {
  const pooling_case p(columns);
  matrix<float> dx(43, columns);
  row_kernels<float>().run([&](auto& floats, auto) {
    row_kernels<T>().run([&](auto& rows, auto stream) {
      dnalm::cuda_pool_rows_vjp<T>(stream, floats.in(p.dy.view()), p.pooling(floats, row_reduction::mean),
                                   rows.out(dx.view()));
    });
  });
  for (index_t s = 0; s < 4; ++s) {
    double n = 0.0;
    for (index_t r = p.offsets.begin(s); r < p.offsets.begin(s + 1); ++r) n += p.counts(r) ? 1.0 : 0.0;
    for (index_t r = p.offsets.begin(s); r < p.offsets.begin(s + 1); ++r) {
      for (index_t c = 0; c < columns; ++c) {
        const double value = p.counts(r) ? static_cast<double>(p.dy(s, c)) / n : 0.0;
        CHECK(std::abs(static_cast<double>(dx(r, c)) - value) <= stored_error<T> * std::abs(value));
      }
    }
  }
}

template <class T>
void check_notes(index_t columns) {
  pooling_case p(columns);
  p.x(2, columns - 1) = std::numeric_limits<float>::infinity();
  p.x(42, 0) = std::nanf("");
  matrix<float> y(4, columns);
  std::fill_n(y.data(), 4 * columns, 0.0F);
  row_kernels<float>().run([&](auto& floats, auto) {
    row_kernels<T>().run([&](auto& rows, auto stream) {
      dnalm::cuda_note_non_finite<T>(stream, rows.in(p.x.view()),
                                     rows.array(std::span<const index_t>(p.offsets.offsets)),
                                     floats.out(y.view()));
    });
  });
  for (index_t s = 0; s < 4; ++s) {
    for (index_t c = 0; c < columns; ++c) {
      CHECK(std::isnan(y(s, c)) == ((s == 0 && c == columns - 1) || (s == 3 && c == 0)));
    }
  }
}

/// log p of a row, by the definition.
std::vector<double> log_probabilities(const matrix<double>& x, index_t r) {
  double largest = x(r, 0);
  for (index_t c = 0; c < x.columns(); ++c) largest = std::max(largest, x(r, c));
  double sum = 0.0;
  for (index_t c = 0; c < x.columns(); ++c) sum += std::exp(x(r, c) - largest);
  std::vector<double> result;
  for (index_t c = 0; c < x.columns(); ++c) result.push_back(x(r, c) - largest - std::log(sum));
  return result;
}
double entropy_of(const std::vector<double>& log_p) {
  double h = 0.0;
  for (const double value : log_p) h -= std::exp(value) * value;
  return h;
}

struct score_case {
  score_case(index_t rows, index_t columns)
      : x(stored_normals(rows, columns, 1, 3.0)),
        logits(in_float(x)),
        w(in_float(stored_normals(rows, columns, 2))),
        u(in_float(stored_normals(2, rows, 3))) {
    for (index_t r = 0; r < rows; ++r) {
      letters.push_back(static_cast<std::int32_t>((7 * r + columns - 1) % columns));
    }
  }

  matrix<double> x;
  matrix<float> logits;
  matrix<float> w;  // gradients by the log-probabilities
  matrix<float> u;  // by log-likelihood and entropy
  std::vector<std::int32_t> letters = {};

  [[nodiscard]] std::size_t letter(index_t r) const {
    return static_cast<std::size_t>(letters[static_cast<std::size_t>(r)]);
  }
};

constexpr double float_error = 2e-5;  // of logarithms up to 20, and of sums of some hundred terms

template <class T>
void check_scores(index_t rows, index_t columns) {
  const score_case s(rows, columns);
  matrix<float> likelihood(1, rows);
  matrix<float> entropy(1, rows);
  matrix<float> log_p(rows, columns);
  row_kernels<float>().run([&](auto& floats, auto) {
    row_kernels<T>().run([&](auto& c, auto stream) {
      dnalm::cuda_token_scores<T>(stream, c.in(s.logits.view()),
                                  c.array(std::span<const std::int32_t>(s.letters)),
                                  {floats.out(likelihood.view()).row(0), floats.out(entropy.view()).row(0),
                                   floats.out(log_p.view())});
    });
  });
  for (index_t r = 0; r < rows; ++r) {
    const std::vector<double> expected = log_probabilities(s.x, r);
    CHECK(std::abs(static_cast<double>(likelihood(0, r)) - expected[s.letter(r)]) <= float_error);
    CHECK(std::abs(static_cast<double>(entropy(0, r)) - entropy_of(expected)) <= float_error);
    double worst = 0.0;
    for (index_t c = 0; c < columns; ++c) {
      const double gap = std::abs(static_cast<double>(log_p(r, c)) - expected[static_cast<std::size_t>(c)]);
      worst = std::isnan(gap) ? 1e300 : std::max(worst, gap);
    }
    CHECK(worst <= float_error);
  }
}

/// dx of the documentation's formula, in double.
double expected_gradient(const score_case& s, const std::vector<double>& log_p, index_t r, index_t c) {
  double sum = static_cast<double>(s.u(0, r));
  for (index_t k = 0; k < s.w.columns(); ++k) sum += static_cast<double>(s.w(r, k));
  const auto at = static_cast<std::size_t>(c);
  const double p = std::exp(log_p[at]);
  return (s.letter(r) == at ? static_cast<double>(s.u(0, r)) : 0.0) + static_cast<double>(s.w(r, c)) -
         sum * p - static_cast<double>(s.u(1, r)) * p * (log_p[at] + entropy_of(log_p));
}

template <class T>
void check_scores_adjoint(index_t rows, index_t columns) {
  const score_case s(rows, columns);
  matrix<float> dx(rows, columns);
  row_kernels<T>().run([&](auto& c, auto stream) {
    row_kernels<float>().run([&](auto& floats, auto) {
      dnalm::cuda_token_scores_vjp<T>(
          stream, c.in(s.logits.view()), c.array(std::span<const std::int32_t>(s.letters)),
          {floats.in(s.u.view().row(0)), floats.in(s.u.view().row(1)), floats.in(s.w.view())},
          c.out(dx.view()));
    });
  });
  for (index_t r = 0; r < rows; ++r) {
    const std::vector<double> log_p = log_probabilities(s.x, r);
    double worst = 0.0;
    for (index_t c = 0; c < columns; ++c) {
      const double expected = expected_gradient(s, log_p, r, c);
      const double gap = std::abs(static_cast<double>(dx(r, c)) - expected);
      worst = std::isnan(gap) ? 1e300 : std::max(worst, gap / std::max(1.0, std::abs(expected)));
    }
    CHECK(worst <= 1e-4 + stored_error<T>);
  }
}

}  // namespace

TEMPLATE_TEST_CASE("gpu: pooled sequences, their adjoint, and what is not finite", "[gpu][bf16][sanitize]",
                   float, bfloat16) {
  for (const index_t columns : {1, 31, 128, 300}) {
    check_pooling<TestType>(columns);
    check_pooling_adjoint<TestType>(columns);
    check_notes<TestType>(columns);
  }
}

TEMPLATE_TEST_CASE("gpu: log-likelihood, entropy and log-probabilities of logits", "[gpu][bf16][sanitize]",
                   float, bfloat16) {
  for (const index_t columns : {2, 7, 69, 264, 4107}) {
    check_scores<TestType>(3, columns);
    check_scores_adjoint<TestType>(3, columns);
  }
}
