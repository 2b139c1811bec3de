// SPDX-License-Identifier: Apache-2.0
// The adjoint of attention that multiplies pairs of bfloat16 (weights in bf16 on a CPU with AVX512-BF16).
#include <cmath>
#include <string>
#include <vector>

#include <dnalm/tensor/dtype.hpp>
#include <unit/cpu/attention_runs.hpp>

using dnalm::index_t;
using dnalm::isa;
using dnalm::weight_format;
using dnalm_test::attention_shape;
using dnalm_test::has_pairs;
using dnalm_test::numbers;

namespace {

double rounded(double x) {
  return static_cast<double>(dnalm::float_from_bf16(dnalm::bf16_from_float(static_cast<float>(x))));
}

/// A sum, and what float arithmetic may be off by: 2^-19 of all terms, which have gone through an exponential
/// and a difference, and two terms that were rounded to the neighbour.
struct bounded_sum {
  double value = 0.0;
  double size = 0.0;
  double largest = 0.0;
  void add(double term, double size_of_term) {
    value += term;
    size += size_of_term;
    largest = std::max(largest, std::abs(term));
  }
  [[nodiscard]] double bound() const { return std::ldexp(size, -19) + std::ldexp(largest, -7); }
};

/// The adjoint in double of one head, rounded where the kernel rounds: dq | dk | dv (L, 3D) at the head's
/// columns.
class rounding_adjoint {
 public:
  rounding_adjoint(const attention_shape& shape, index_t head, const numbers& packed, const numbers& u)
      : shape_(shape), head_(head), length_(shape.lengths[0]), packed_(packed), u_(u) {}

  void check(const numbers& found) {
    std::vector<bounded_sum> sums(static_cast<std::size_t>(length_ * 3 * shape_.width));
    for (index_t i = 0; i < length_; ++i) add_query(i, sums);
    double worst = 0.0;
    for (index_t j = 0; j < length_; ++j) {
      for (index_t c = 0; c < 3 * shape_.width; ++c) {
        const bounded_sum& sum = sums[static_cast<std::size_t>(j * 3 * shape_.width + c)];
        const index_t part = c / shape_.width;
        const double gap = std::abs(at(found, j, part, c % shape_.width) - sum.value);
        worst = std::max(worst, std::isnan(gap) ? 1e300 : gap / (sum.bound() + 1e-30));
      }
    }
    CHECK(worst <= 1.0);
  }

 private:
  /// q, k or v (part) of token i.
  [[nodiscard]] double at(const numbers& all, index_t i, index_t part, index_t c) const {
    const index_t d = shape_.heads * shape_.width;
    return all[static_cast<std::size_t>(i * 3 * d + part * d + head_ * shape_.width + c)];
  }
  [[nodiscard]] double dy(index_t i, index_t c) const {
    return u_[static_cast<std::size_t>(i * shape_.heads * shape_.width + head_ * shape_.width + c)];
  }
  void add_query(index_t i, std::vector<bounded_sum>& sums) const {
    const double log2e = static_cast<double>(1.44269504F);
    const double scale = static_cast<double>(shape_.scale);
    const double slope =
        shape_.slopes.empty() ? 0.0 : static_cast<double>(shape_.slopes[static_cast<std::size_t>(head_)]);
    const index_t begin = shape_.window == 0 ? 0 : std::max<index_t>(0, i - shape_.window);
    const index_t end = shape_.window == 0 ? length_ : std::min(length_, i + shape_.window + 1);
    std::vector<double> p, dp;
    double sum = 0.0, mean = 0.0;
    for (index_t j = begin; j < end; ++j) {
      double score = -slope * log2e * std::abs(static_cast<double>(i - j)), product = 0.0;
      for (index_t c = 0; c < shape_.width; ++c) {
        const float factor = static_cast<float>(at(packed_, i, 0, c)) * (shape_.scale * 1.44269504F);
        score += rounded(static_cast<double>(factor)) * rounded(at(packed_, j, 1, c));
        product += rounded(dy(i, c)) * rounded(at(packed_, j, 2, c));
      }
      p.push_back(std::exp2(score));
      dp.push_back(product);
      sum += p.back();
    }
    for (std::size_t n = 0; n < p.size(); ++n) {
      p[n] /= sum;
      mean += p[n] * dp[n];
    }
    for (index_t j = begin; j < end; ++j) {
      const auto n = static_cast<std::size_t>(j - begin);
      const double ds = rounded(p[n] * (dp[n] - mean));
      const double size = p[n] * (std::abs(dp[n]) + std::abs(mean)) + std::abs(ds);
      for (index_t c = 0; c < shape_.width; ++c) {
        const double q = rounded(at(packed_, i, 0, c)), k = rounded(at(packed_, j, 1, c));
        of(sums, i, 0, c).add(scale * ds * k, scale * size * std::abs(k));
        of(sums, j, 1, c).add(scale * ds * q, scale * size * std::abs(q));
        const double y = rounded(dy(i, c));
        of(sums, j, 2, c).add(rounded(p[n]) * y, p[n] * std::abs(y));
      }
    }
  }
  [[nodiscard]] bounded_sum& of(std::vector<bounded_sum>& sums, index_t i, index_t part, index_t c) const {
    return sums[static_cast<std::size_t>((i * 3 + part) * shape_.width + c)];
  }

  const attention_shape& shape_;
  index_t head_;
  index_t length_;
  const numbers& packed_;
  const numbers& u_;
};

/// Numbers that floats hold.
numbers float_numbers(index_t count, std::uint64_t seed) {
  numbers x = dnalm_test::normal_numbers(count, seed);
  for (double& value : x) value = static_cast<double>(static_cast<float>(value));
  return x;
}

}  // namespace

TEST_CASE("the adjoint of attention on pairs is that of the rounded operands", "[cpu][adjoint]") {
  if (!has_pairs()) return;
  const dnalm::cpu_backend cpu(isa::avx512_bf16, weight_format::bf16);
  // Tiles and chunks of queries (240 of 241, 192 of 300) with odd ends, windows that begin and end anywhere.
  for (const index_t length : {1, 2, 11, 13, 35, 240, 241, 300}) {
    for (const index_t width : {1, 7, 32, 40}) {
      for (const index_t window : {0, 3, 12, 130}) {
        if (length > 200 && width != 7 && window != 0) continue;
        attention_shape shape{{length}, 2, width, 1.0F / std::sqrt(static_cast<float>(width)), {}, window};
        if (window == 3) shape.slopes = {0.5F, 0.0078125F};
        const index_t d = 2 * width;
        const numbers packed = float_numbers(length * 3 * d, 191);
        const numbers u = float_numbers(length * d, 192);
        const auto found = dnalm_test::attention_case(cpu, shape).problem.vjp(packed, u);
        INFO("length " << length << " width " << width << " window " << window);
        for (const index_t head : {0, 1}) rounding_adjoint(shape, head, packed, u).check(found);
      }
    }
  }
}

TEST_CASE("the adjoint of attention on pairs has the same bits alone, in a batch and on a team",
          "[cpu][adjoint]") {
  if (!has_pairs()) return;
  dnalm::thread_team team(3);
  const dnalm::cpu_backend cpu(isa::avx512_bf16, weight_format::bf16);
  for (const index_t window : {0, 5, 100}) {
    attention_shape shape{{41, 301, 1, 12, 70}, 3, 20, 0.25F, {0.25F, 0.03125F, 0.5F}, window};
    const auto offsets = dnalm_test::make_offsets(shape.lengths);
    const numbers packed = float_numbers(offsets.rows() * 180, 193);
    const numbers u = float_numbers(offsets.rows() * 60, 194);
    const numbers all = dnalm_test::attention_case(cpu, shape).problem.vjp(packed, u);
    const numbers shared = dnalm_test::attention_case(cpu.on_team(&team), shape).problem.vjp(packed, u);
    CHECK(dnalm_test::same_numbers(all, shared));
    for (index_t s = 0; s < offsets.sequences(); ++s) {
      shape.lengths = {offsets.length(s)};
      const numbers alone = dnalm_test::attention_case(cpu, shape)
                                .problem.vjp(dnalm_test::part_of(packed, offsets, s, 180),
                                             dnalm_test::part_of(u, offsets, s, 60));
      CHECK(dnalm_test::same_numbers(alone, dnalm_test::part_of(all, offsets, s, 180)));
    }
  }
}
