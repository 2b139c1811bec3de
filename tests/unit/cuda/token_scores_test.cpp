// SPDX-License-Identifier: Apache-2.0
// Log-likelihood, entropy and log-probabilities of rows of logits on the emulated grid, against double.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>
#include <dnalm/cuda/detail/token_scores.cuh>
#include <support/cuda_emulation/guarded.hpp>

using namespace dnalm_test::gpu;
using dnalm::bfloat16;
using dnalm::device_token_scores;
using dnalm::matrix;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// log p of a row, by the definition.
std::vector<double> log_probabilities(dnalm::matrix_view<const double> x, index_t r) {
  double largest = -infinity;
  for (const double value : x.row(r)) largest = std::max(largest, value);
  double sum = 0.0;
  for (const double value : x.row(r)) sum += std::exp(value - largest);
  std::vector<double> result;
  for (const double value : x.row(r)) result.push_back(value - largest - std::log(sum));
  return result;
}
double entropy_of(const std::vector<double>& log_p) {
  double h = 0.0;
  for (const double value : log_p) {
    if (value > -infinity) h -= std::exp(value) * value;
  }
  return h;
}

/// Logits, letters and gradients.
struct score_case {
  score_case(index_t rows, index_t columns)
      : x(random_matrix(rows, columns, 1, 3.0)),
        w(random_matrix(rows, columns, 2)),
        uv(random_matrix(rows, 2, 3)) {
    for (index_t r = 0; r < rows; ++r)
      letters.push_back(static_cast<std::int32_t>((7 * r + columns - 1) % columns));
  }

  matrix<double> x;
  matrix<double> w;   // by the log-probabilities
  matrix<double> uv;  // by log-likelihood and entropy
  std::vector<std::int32_t> letters;

  [[nodiscard]] index_t letter(index_t r) const { return letters[static_cast<std::size_t>(r)]; }

  /// Columns: log-likelihood, entropy, log-probabilities.
  template <class T>
  guarded<float> forward(index_t first, index_t count, index_t shift) {
    guarded<T> logits(rows_of(x, first, count), shift);
    guarded<float> likelihood(1, count);
    guarded<float> entropy(1, count);
    guarded<float> result(count, 2 + x.columns(), shift);
    const auto matrix_part = result.view().column_block(2, x.columns());
    dnalm::cuda_token_scores<T>({}, logits.view(), {letters.data() + first, count},
                                {likelihood.row(0), entropy.row(0), matrix_part});
    CHECK(likelihood.frame_is_whole());
    CHECK(entropy.frame_is_whole());
    for (index_t r = 0; r < count; ++r) {
      result.view()(r, 0) = likelihood.row(0)[r];
      result.view()(r, 1) = entropy.row(0)[r];
    }
    return result;
  }
  /// In the memory of the logits.
  template <class T>
  guarded<T> adjoint(index_t first, index_t count, index_t shift) {
    guarded<T> logits(rows_of(x, first, count), shift);
    guarded<float> by_matrix(rows_of(w, first, count), shift);
    std::vector<float> u;
    std::vector<float> v;
    for (index_t r = first; r < first + count; ++r) {
      u.push_back(static_cast<float>(uv(r, 0)));
      v.push_back(static_cast<float>(uv(r, 1)));
    }
    dnalm::cuda_token_scores_vjp<T>({}, logits.view(), {letters.data() + first, count},
                                    {{u.data(), count}, {v.data(), count}, by_matrix.view()}, logits.view());
    return logits;
  }
  [[nodiscard]] matrix<double> expected_forward() const {
    matrix<double> result(x.rows(), 2 + x.columns());
    for (index_t r = 0; r < x.rows(); ++r) {
      const std::vector<double> log_p = log_probabilities(x.view(), r);
      result(r, 0) = log_p[static_cast<std::size_t>(letter(r))];
      result(r, 1) = entropy_of(log_p);
      std::copy(log_p.begin(), log_p.end(), &result(r, 2));
    }
    return result;
  }
  /// u log p[letter] + v H + sum of w log p: the number whose gradient the adjoint is.
  [[nodiscard]] double number_of(dnalm::matrix_view<const double> logits, index_t r) const {
    const std::vector<double> log_p = log_probabilities(logits, r);
    double sum = uv(r, 0) * log_p[static_cast<std::size_t>(letter(r))] + uv(r, 1) * entropy_of(log_p);
    for (index_t c = 0; c < x.columns(); ++c) sum += w(r, c) * log_p[static_cast<std::size_t>(c)];
    return sum;
  }
  /// By central differences in double, of order 4.
  [[nodiscard]] matrix<double> expected_adjoint() const {
    matrix<double> result(x.rows(), x.columns());
    matrix<double> moved = copy_of(x);
    constexpr double h = 1e-3;
    for (index_t r = 0; r < x.rows(); ++r) {
      for (index_t c = 0; c < x.columns(); ++c) {
        const auto at = [&](double step) {
          moved(r, c) = x(r, c) + step;
          return number_of(moved.view(), r);
        };
        result(r, c) = (8.0 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12.0 * h);
        moved(r, c) = x(r, c);
      }
    }
    return result;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("cuda token scores against the definition", "[cuda]", float, bfloat16) {
  for (const index_t columns : row_widths) {
    score_case c(4, columns);
    INFO("columns " << columns);
    // Distances up to 25, exact to 2^-20; the sums lose 25 roundings and as many moves to a new largest.
    CHECK(largest_gap(c.expected_forward(), c.forward<TestType>(0, 4, 0)) <= 0x1p-18);
    check_rows_alone(4, [&](auto... part) { return c.forward<TestType>(part...); });
  }
}

TEMPLATE_TEST_CASE("cuda token scores: the adjoint", "[cuda]", float, bfloat16) {
  for (const index_t columns : {1, 7, 33, 264, 1030}) {
    score_case c(3, columns);
    INFO("columns " << columns);
    // The sum of w is up to 32 x 3 and exact to 25 roundings: 1e-4; the differences are exact to 1e-9.
    CHECK(largest_gap(c.expected_adjoint(), c.adjoint<TestType>(0, 3, 0)) <= bound_of<TestType>(1e-4));
    check_rows_alone(3, [&](auto... part) { return c.adjoint<TestType>(part...); });
  }
}

TEST_CASE("cuda token scores: letters that are ruled out, and one number alone", "[cuda]") {
  matrix<double> x(2, 5);
  const double values[] = {-infinity, 1, -infinity, 1, -infinity, 3, -infinity, 2e4, -2e4, 0};
  std::copy_n(values, 10, x.data());
  guarded<float> logits(x.view());
  const std::int32_t letters[] = {3, 1};
  float likelihood[2];
  float entropy[2];
  dnalm::cuda_token_scores<float>({}, logits.view(), {letters, 2}, {.log_likelihood = {likelihood, 2}});
  dnalm::cuda_token_scores<float>({}, logits.view(), {}, {.entropy = {entropy, 2}});
  CHECK(std::abs(likelihood[0] + 0.693147181F) < 1e-6F);
  CHECK(likelihood[1] == -std::numeric_limits<float>::infinity());
  CHECK(std::abs(entropy[0] - 0.693147181F) < 1e-6F);
  CHECK(entropy[1] == 0.0F);
  const float u[] = {1.0F, 1.0F};
  guarded<float> dx(2, 5);
  dnalm::cuda_token_scores_vjp<float>({}, logits.view(), {}, {.entropy = {u, 2}}, dx.view());
  for (index_t c = 0; c < 5; ++c) CHECK(std::abs(dx(0, c)) < 1e-6);  // the most even there is
  const std::int32_t second[] = {3, 2};
  dnalm::cuda_token_scores_vjp<float>({}, logits.view(), {second, 2}, {.log_likelihood = {u, 2}}, dx.view());
  CHECK(std::abs(dx(0, 3) - 0.5) < 1e-6);
  CHECK(std::abs(dx(0, 1) + 0.5) < 1e-6);
  CHECK(dx(0, 0) == 0.0);
  CHECK(dx(1, 2) == 0.0);
  CHECK(dx.frame_is_whole());
}

TEST_CASE("cuda token scores: logits so far apart that their distance is infinite", "[cuda]") {
  for (const bool rising : {false, true}) {
    matrix<double> x(1, 8);
    for (index_t c = 0; c < 8; ++c) x(0, c) = (c == 5) == rising ? 3e38 : -3e38;
    guarded<float> logits(x.view());
    const std::int32_t letter = 5;
    float likelihood = 0.0F;
    float entropy = 0.0F;
    dnalm::cuda_token_scores<float>({}, logits.view(), {&letter, 1}, {{&likelihood, 1}, {&entropy, 1}});
    CHECK(std::abs(static_cast<double>(entropy) - (rising ? 0.0 : std::log(7.0))) < 1e-6);
    CHECK(likelihood == (rising ? 0.0F : -std::numeric_limits<float>::infinity()));
  }
}

TEST_CASE("cuda token scores of no rows", "[cuda]") {
  score_case c(2, 5);
  CHECK(c.forward<float>(0, 0, 0).frame_is_whole());
  CHECK(c.adjoint<float>(0, 0, 0).frame_is_whole());
}
