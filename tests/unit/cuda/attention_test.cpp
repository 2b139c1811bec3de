// SPDX-License-Identifier: Apache-2.0
// Attention in float on the emulated grid against the double reference.
#include <unit/cuda/attention_case.hpp>

using namespace dnalm_test::gpu;

namespace {

// The dot products of up to 256 channels, the exponentials and the sums over up to 200 keys are rounded to 24
// bits: a few hundred roundings of 2^-24, most of which cancel.
constexpr double float_bound = 1e-5;

void check_float(const attention_shape& shape) {
  INFO(shape.lengths.front() << " tokens, " << shape.heads << " heads of " << shape.width << ", window "
                             << shape.window << ", ALiBi " << shape.alibi);
  const attention_case c(shape);
  CHECK(relative_gap(c.expected(), c.forward<float>(0, c.offsets.sequences(), 0)) <= float_bound);
}

}  // namespace

TEST_CASE("cuda attention of float: every border of tiles and blocks", "[cuda]") {
  for (const index_t length : {1, 2, 7, 8, 9, 15, 16, 17, 32, 33, 41, 48, 49, 63, 64, 65, 127, 128, 129}) {
    check_float({{length}, 1, 8});
  }
  for (const index_t length : {31, 32, 33}) check_float({{length}, 1, 72});       // blocks of 32 keys
  for (const index_t length : {15, 16, 17, 65}) check_float({{length}, 1, 136});  // of 16
}

TEST_CASE("cuda attention of float: widths of heads", "[cuda]") {
  for (const index_t width : {1, 7, 24, 32, 64, 80, 128, 256}) check_float({{17, 3}, 2, width});
}

TEST_CASE("cuda attention of float: ragged batches, position bias, windows", "[cuda]") {
  check_float({{5, 0, 41, 1, 64, 2, 0}, 3, 24});
  check_float({{171, 0, 17, 65}, 2, 8, true});
  for (const index_t window : {1, 16, 40, 300}) {
    check_float({{171, 5, 64}, 1, 8, false, window});
    check_float({{40, 5}, 3, 8, true, window});
  }
}

TEST_CASE("cuda attention of float: a sequence has the same bits alone and in a batch", "[cuda]") {
  for (const index_t window : {0, 20}) {
    const attention_case c({{41, 150, 1, 64, 16}, 2, 12, true, window});
    check_sequences_alone(c, [&](index_t first, index_t count, index_t shift) {
      return std::array{c.forward<float>(first, count, shift)};
    });
  }
}

TEST_CASE("cuda attention of float: scores far apart", "[cuda]") {
  const attention_case c({{70, 130}, 1, 16}, 30.0);  // up to 30^2 * 4: one key takes it all
  // Scores up to 1e4 carry roundings of 2^-24 of that, and so do the weights: 1e-3.
  CHECK(relative_gap(c.expected(), c.forward<float>(0, 2, 0)) <= 1e-3);
}

TEST_CASE("cuda attention of no tokens, and of shapes that are not built", "[cuda]") {
  const attention_case none({{0, 0}, 2, 8});
  CHECK(none.forward<float>(0, 2, 0).frame_is_whole());
  CHECK(none.forward<float>(0, 0, 0).frame_is_whole());
  const attention_case wide({{2}, 1, 257});
  CHECK(dnalm_test::error_id_of([&] { wide.forward<float>(0, 1, 0); }) == "dnalm.unsupported.610");
}

TEST_CASE("cuda attention of float: sequences beyond the stated length are left out", "[cuda]") {
  for (const index_t longest : {16, 64}) {
    attention_case c({{longest + 1, longest}, 2, 8});
    c.stated_longest = longest;
    check_left_out(c, c.forward<float>(0, 2, 0));
  }
}

TEST_CASE("cuda attention of float: a window over all tokens gives the bits of none", "[cuda]") {
  const attention_case all({{70, 33}, 1, 8, true});
  const attention_case wide({{70, 33}, 1, 8, true, 69});
  const guarded<float> expected = all.forward<float>(0, 2, 0);
  const guarded<float> found = wide.forward<float>(0, 2, 0);
  for (index_t r = 0; r < found.rows(); ++r) CHECK(found.same_row(r, expected, r));
}
