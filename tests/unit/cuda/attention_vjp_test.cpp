// SPDX-License-Identifier: Apache-2.0
// The adjoint of attention on the emulated grid against the double reference.
#include <unit/cuda/attention_case.hpp>

using namespace dnalm_test::gpu;
using dnalm::bfloat16;

namespace {

// A few hundred roundings of 2^-24 of products, exponentials and sums, most of which cancel, as in the
// forward; gradients stored as bfloat16 (8 bits) are rounded by up to 2^-8 of themselves.
template <class T>
constexpr double gradient_bound = 1e-5 + (sizeof(T) == 2 ? 0x1p-8 : 0.0);

template <class T>
void check_gradients(const attention_shape& shape) {
  INFO(shape.lengths.front() << " tokens, " << shape.heads << " heads of " << shape.width << ", window "
                             << shape.window << ", ALiBi " << shape.alibi);
  const attention_case c(shape);
  const dnalm::matrix<double> expected = c.expected_gradients();
  const guarded<T> found = c.gradients<T>(0, c.offsets.sequences(), 0);
  for (const index_t part : {0, 1, 2}) {
    INFO("dq, dk or dv: " << part);
    CHECK(relative_gap(expected, found, part * c.columns, c.columns) <= gradient_bound<T>);
  }
}

}  // namespace

TEST_CASE("cuda attention_vjp: every border of tiles and blocks", "[cuda]") {
  for (const index_t length : {2, 7, 8, 9, 15, 16, 17, 32, 33, 41, 48, 49, 63, 64, 65, 127, 128, 129}) {
    check_gradients<float>({{length}, 1, 8});
  }
  for (const index_t length : {31, 32, 33}) check_gradients<float>({{length}, 1, 72});
  for (const index_t length : {8, 9, 16, 17, 65}) check_gradients<float>({{length}, 1, 136});
  check_gradients<bfloat16>({{70}, 1, 8});
}

TEST_CASE("cuda attention_vjp of one token: dv is dy, dq and dk are rounding errors", "[cuda]") {
  const attention_case c({{1}, 2, 8});
  const guarded<float> d = c.gradients<float>(0, 1, 0);
  for (index_t i = 0; i < 16; ++i) {
    CHECK(d(0, 32 + i) == c.dy(0, i));
    CHECK(std::abs(d(0, i)) <= 1e-5);  // dp less its mean, which is dp: of sums about 10
    CHECK(std::abs(d(0, 16 + i)) <= 1e-5);
  }
}

TEMPLATE_TEST_CASE("cuda attention_vjp: widths of heads", "[cuda]", float, bfloat16) {
  for (const index_t width : {1, 7, 24, 32, 64, 80, 128, 256}) check_gradients<TestType>({{17, 3}, 2, width});
}

TEST_CASE("cuda attention_vjp: ragged batches, position bias, windows", "[cuda]") {
  check_gradients<float>({{5, 0, 41, 1, 64, 2, 0}, 3, 24});
  check_gradients<float>({{171, 0, 17, 65}, 2, 8, true});
  for (const index_t window : {1, 16, 40, 300}) {
    check_gradients<float>({{171, 5, 64}, 1, 8, false, window});
    check_gradients<float>({{40, 5}, 3, 8, true, window});
  }
}

TEMPLATE_TEST_CASE("cuda attention_vjp: a sequence has the same bits alone and in a batch", "[cuda]", float,
                   bfloat16) {
  const attention_case c({{41, 150, 1, 64, 16}, 2, 12, true, sizeof(TestType) == 4 ? 0 : 20});
  check_sequences_alone(c, [&](index_t first, index_t count, index_t shift) {
    return std::array{c.gradients<TestType>(first, count, shift)};
  });
}

TEST_CASE("cuda attention_vjp of no tokens, and of shapes that are not built", "[cuda]") {
  const attention_case none({{0, 0}, 2, 8});
  CHECK(none.gradients<float>(0, 2, 0).frame_is_whole());
  const attention_case wide({{2}, 1, 257});
  CHECK(dnalm_test::error_id_of([&] { wide.gradients<float>(0, 1, 0); }) == "dnalm.unsupported.610");
}

TEST_CASE("cuda attention_vjp: sequences beyond the stated length are left out", "[cuda]") {
  for (const index_t longest : {16, 64}) {
    attention_case c({{longest + 1, longest}, 2, 8});
    c.stated_longest = longest;
    check_left_out(c, c.gradients<float>(0, 2, 0));
  }
}

TEST_CASE("cuda attention_vjp: a window over all tokens gives the bits of none", "[cuda]") {
  const attention_case all({{70, 33}, 1, 8, true});
  const attention_case wide({{70, 33}, 1, 8, true, 69});
  const guarded<float> expected = all.gradients<float>(0, 2, 0);
  const guarded<float> found = wide.gradients<float>(0, 2, 0);
  for (index_t r = 0; r < found.rows(); ++r) CHECK(found.same_row(r, expected, r));
}
