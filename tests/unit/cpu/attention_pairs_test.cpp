// SPDX-License-Identifier: Apache-2.0
// Attention that multiplies pairs of bfloat16 (weights in bf16 on a CPU with AVX512-BF16).
#include <unit/cpu/attention_runs.hpp>

using dnalm::index_t;
using dnalm::isa;
using dnalm::weight_format;
using dnalm_test::attention_shape;
using dnalm_test::has_pairs;
using dnalm_test::numbers;
using dnalm_test::run_attention;

namespace {

/// The largest |x| of the columns from `first` to `last`, and the largest norm of a head's columns there.
struct sizes {
  double largest = 0.0;
  double norm = 0.0;
};
sizes sizes_of(const numbers& packed, index_t stride, index_t first, const attention_shape& shape) {
  sizes found;
  for (std::size_t row = 0; row < packed.size(); row += static_cast<std::size_t>(stride)) {
    for (index_t h = 0; h < shape.heads; ++h) {
      double square = 0.0;
      for (index_t c = 0; c < shape.width; ++c) {
        const double x = packed[row + static_cast<std::size_t>(first + h * shape.width + c)];
        found.largest = std::max(found.largest, std::abs(x));
        square += x * x;
      }
      found.norm = std::max(found.norm, std::sqrt(square));
    }
  }
  return found;
}

/// What rounding can do at most: a factor is wrong by 2^-8 of it, so a score by 2^-7 scale |q| |k|, and a
/// weight and the sum of the weights by exp of that; then the weight and the value are rounded. 4 % for float
/// and the polynomial, which errs by 1.1e-4 above and below the line.
double rounding_bound(const attention_shape& shape, const numbers& packed) {
  const index_t width = shape.heads * shape.width;
  const sizes q = sizes_of(packed, 3 * width, 0, shape);
  const sizes k = sizes_of(packed, 3 * width, width, shape);
  const sizes v = sizes_of(packed, 3 * width, 2 * width, shape);
  const double score = std::ldexp(1.04, -7) * static_cast<double>(shape.scale) * q.norm * k.norm;
  return v.largest * (std::exp(2.0 * score) * (1.0 + std::ldexp(1.04, -7)) - 1.0);
}

double cosine(const numbers& x, const numbers& y) {
  double xy = 0.0;
  double xx = 0.0;
  double yy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += x[i] * y[i];
    xx += x[i] * x[i];
    yy += y[i] * y[i];
  }
  return xy / std::sqrt(xx * yy);
}

}  // namespace

TEST_CASE("attention on pairs of bfloat16 is the reference's but for rounding", "[cpu]") {
  if (!has_pairs()) return;
  const dnalm::cpu_backend cpu(isa::avx512_bf16, weight_format::bf16);
  for (const std::vector<index_t>& lengths : {std::vector<index_t>{1},
                                              {2},
                                              {3},
                                              {12},
                                              {13},
                                              {31},
                                              {32},
                                              {33},
                                              {41, 1, 64},
                                              {511},
                                              {512},
                                              {513},
                                              {1040}}) {
    for (const index_t width : {1, 2, 7, 16, 20, 32, 33, 64, 80}) {
      for (const index_t window : {0, 1, 4, 37, 600}) {
        // Around a block of keys: less than a tile, whole ones, a part; no window, a narrow one, two blocks.
        const bool chosen = width == 7 || width == 16 || width == 20 || width == 64;
        if (lengths[0] > 500 && (!chosen || window == 1 || window == 4)) continue;
        attention_shape shape{lengths, 2, width, 1.0F / std::sqrt(static_cast<float>(width)), {}, window};
        if (window == 4 || width == 16) shape.slopes = {0.5F, 0.0078125F};
        const index_t rows = dnalm_test::make_offsets(lengths).rows();
        const numbers packed = dnalm_test::normal_numbers(rows * 6 * width, 91);
        const numbers exact = run_attention(dnalm::reference_backend(), shape, packed);
        const numbers y = run_attention(cpu, shape, packed);
        INFO("length " << lengths[0] << " width " << width << " window " << window);
        dnalm_test::check_within(exact, y, numbers(exact.size(), rounding_bound(shape, packed)));
        // The bound holds for the worst of all; the vectors as a whole are much nearer.
        CHECK(cosine(exact, y) > 0.9999);
      }
    }
  }
}

TEST_CASE("attention on pairs has the same bits alone and in a batch", "[cpu]") {
  for (const index_t window : {0, 5, 100}) {
    dnalm_test::check_same_bits_alone(
        {{41, 600, 1, 12, 513, 70}, 3, 20, 0.25F, {0.25F, 0.03125F, 0.5F}, window}, 92, weight_format::bf16);
  }
}

TEST_CASE("int8 weights go with attention on pairs, f32 and other instruction sets with floats", "[cpu]") {
  const attention_shape shape{{41}, 2, 32, 0.25F, {}, 0};
  const numbers packed = dnalm_test::normal_numbers(41 * 192, 93);
  for (const isa set : dnalm_test::instruction_sets(true)) {
    INFO(dnalm::to_string(set));
    const numbers f32 = run_attention(dnalm::cpu_backend(set), shape, packed);
    const numbers bf16 = run_attention(dnalm::cpu_backend(set, weight_format::bf16), shape, packed);
    const numbers int8 = run_attention(dnalm::cpu_backend(set, weight_format::int8), shape, packed);
    CHECK(dnalm_test::same_numbers(bf16, int8));
    CHECK(dnalm_test::same_numbers(f32, bf16) == (set != isa::avx512_bf16));
  }
}

TEST_CASE("on pairs, a NaN or an infinity reaches the queries that see it", "[cpu]") {
  if (!has_pairs()) return;
  const index_t length = 600;
  const attention_shape shape{{length}, 1, 16, 0.25F, {}, 0};
  const numbers clean = dnalm_test::normal_numbers(length * 48, 65);
  for (const index_t token : {0, 31, 512, 599}) {
    for (const index_t column : {16, 33}) {  // of a key, of a value
      numbers packed = clean;
      packed[static_cast<std::size_t>(token * 48 + column)] = std::numeric_limits<double>::quiet_NaN();
      const numbers y =
          run_attention(dnalm::cpu_backend(isa::avx512_bf16, weight_format::bf16), shape, packed);
      INFO("token " << token << " column " << column);
      for (index_t i = 0; i < length; ++i) {
        CHECK(std::isnan(y[static_cast<std::size_t>(i * 16 + 1)]));
      }
    }
  }
}
