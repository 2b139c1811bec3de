// SPDX-License-Identifier: Apache-2.0
// Attention of bfloat16 on the emulated grid against the double reference.
#include <unit/cuda/attention_case.hpp>

using namespace dnalm_test::gpu;
using dnalm::bfloat16;
using dnalm::matrix;

namespace {

/// The inputs are bfloat16 numbers: only rounding inside counts. A number of 8 bits is rounded by at most
/// 2^-8 of itself. That happens to every weight p: with the weights' sum made of the rounded ones, y is wrong
/// by at most 2^-8 of sum p |v - y|, which is at most the largest |v|. And it happens to the result; the rest
/// is float arithmetic, and the product of two roundings.
double half_bound(const attention_case& c, const matrix<double>& expected) {
  double values = 0.0;
  double results = 0.0;
  for (index_t r = 0; r < expected.rows(); ++r) {
    for (index_t i = 0; i < c.columns; ++i) {
      values = std::max(values, std::abs(c.third(2)(r, i)));
      results = std::max(results, std::abs(expected(r, i)));
    }
  }
  return (0x1p-8 * values / results + 0x1p-8) * (1.0 + 0x1p-7) + 1e-5;
}

void check_half(const attention_shape& shape) {
  INFO(shape.lengths.front() << " tokens, " << shape.heads << " heads of " << shape.width << ", window "
                             << shape.window << ", ALiBi " << shape.alibi);
  const attention_case c(shape);
  const matrix<double> expected = c.expected();
  CHECK(relative_gap(expected, c.forward<bfloat16>(0, c.offsets.sequences(), 0)) <= half_bound(c, expected));
}

}  // namespace

TEST_CASE("cuda attention of bfloat16: every border of tiles, short and long", "[cuda]") {
  for (const index_t length : {1, 2, 15, 16, 17, 31, 32, 33, 41, 63, 64, 65, 127, 128, 129, 171, 256, 257}) {
    check_half({{length}, 1, 8});
  }
  for (const index_t length : {64, 65, 96, 97}) check_half({{length}, 1, 132});     // short: up to 64
  for (const index_t length : {128, 129, 192, 193}) check_half({{length}, 1, 72});  // up to 128
}

TEST_CASE("cuda attention of bfloat16: widths of heads", "[cuda]") {
  for (const index_t width : {1, 7, 8, 24, 32, 64, 80, 128, 256}) check_half({{17, 3}, 2, width});
  for (const index_t width : {67, 96, 128}) check_half({{130}, 1, width});
  check_half({{66}, 1, 256});
  check_half({{258}, 1, 64});
}

TEST_CASE("cuda attention of bfloat16: ragged batches, position bias, windows", "[cuda]") {
  check_half({{5, 0, 41, 1, 64, 2, 0}, 3, 24});
  check_half({{5, 0, 16, 1, 2, 0}, 5, 16, true});
  check_half({{270, 0, 17, 65}, 2, 8, true});
  check_half({{70, 100}, 1, 136, true, 20});
  for (const index_t window : {1, 16, 70, 300}) {
    check_half({{271, 5, 64}, 1, 8, false, window});
    check_half({{40, 5}, 3, 8, true, window});
  }
}

TEST_CASE("cuda attention of bfloat16: a sequence has the same bits alone and in a batch", "[cuda]") {
  for (const index_t window : {0, 20}) {
    const attention_case c({{41, 270, 1, 64, 16, 171}, 2, 12, true, window});
    check_sequences_alone(c, [&](index_t first, index_t count, index_t shift) {
      return std::array{c.forward<bfloat16>(first, count, shift)};
    });
  }
}

TEST_CASE("cuda attention of bfloat16: equal values come out as they are", "[cuda]") {
  attention_case c({{41, 300}, 1, 16});
  for (index_t r = 0; r < c.packed.rows(); ++r) std::fill_n(c.packed.view().row_data(r) + 32, 16, 1.5);
  const guarded<bfloat16> y = c.forward<bfloat16>(0, 2, 0);
  bool equal = true;
  for (index_t r = 0; r < y.rows(); ++r) {
    for (index_t i = 0; i < y.columns(); ++i) equal = equal && y(r, i) == 1.5;
  }
  CHECK(equal);  // the weights' sum is of the rounded ones
}

TEST_CASE("cuda attention of bfloat16 without tokens", "[cuda]") {
  const attention_case none({{0, 0}, 2, 8});
  CHECK(none.forward<bfloat16>(0, 2, 0).frame_is_whole());
}

TEST_CASE("cuda attention of bfloat16: sequences beyond the stated length are left out", "[cuda]") {
  for (const index_t longest : {16, 64, 300}) {
    attention_case c({{longest + 1, longest}, 2, 8});
    c.stated_longest = longest;
    check_left_out(c, c.forward<bfloat16>(0, 2, 0));
  }
}

TEST_CASE("cuda attention of bfloat16: a window over all tokens gives the bits of none", "[cuda]") {
  const attention_case all({{270, 33}, 1, 8, true});
  const attention_case wide({{270, 33}, 1, 8, true, 269});
  const guarded<bfloat16> expected = all.forward<bfloat16>(0, 2, 0);
  const guarded<bfloat16> found = wide.forward<bfloat16>(0, 2, 0);
  for (index_t r = 0; r < found.rows(); ++r) CHECK(found.same_row(r, expected, r));
}
