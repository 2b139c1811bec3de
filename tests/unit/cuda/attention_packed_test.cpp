// SPDX-License-Identifier: Apache-2.0
// Attention of packed rows with their rotation, on the emulated grid: the bits of rotating first, and the
// double reference.
#include <unit/cuda/attention_case.hpp>

#include <dnalm/backend/rotary_table.hpp>
#include <dnalm/cuda/attention_packed.hpp>
#include <dnalm/cuda/rotary.hpp>
#include <dnalm/reference/rotary.hpp>

using namespace dnalm_test::gpu;
using dnalm::bfloat16;
using dnalm::matrix;

namespace {

/// attention_case with the first 2 P channels of every head rotated; P may be 0.
struct packed_case : attention_case {
  packed_case(const attention_shape& what, index_t pair_count) : attention_case(what), pairs(pair_count) {
    for (index_t j = 0; j < pairs; ++j) frequencies.push_back(dnalm::rotary_frequency(j, 2 * pairs));
    host = dnalm::make_rotary_table<float>(frequencies, longest());
  }

  index_t pairs;
  std::vector<float> frequencies;
  dnalm::rotary_table<float> host;

  [[nodiscard]] dnalm::device_rotary_table table() const {
    if (pairs == 0) return {};
    const index_t numbers = host.positions() * pairs;
    return {{host.cosine.data(), numbers}, {host.sine.data(), numbers}, pairs};
  }

  /// y of sequences [first, first + count), their rows `shift` numbers beside an aligned place.
  template <class T>
  guarded<T> attended(index_t first, index_t count, index_t shift) const {
    const small_gpu limits;
    const std::vector<index_t> begins = starts(first, count);
    guarded<T> x(rows_of(packed, offsets.begin(first), begins.back()), shift);
    guarded<T> y(begins.back(), columns, shift);
    dnalm::cuda_attention_packed<T>(
        {}, x.view(), table(), {{begins.data(), count + 1}, longest_of(first, count)}, options(), y.view());
    CHECK(x.frame_is_whole());
    CHECK(y.frame_is_whole());
    return y;
  }
  /// The same by one kernel after the other.
  template <class T>
  guarded<T> rotated_first() const {
    const small_gpu limits;
    const std::vector<index_t> begins = starts(0, offsets.sequences());
    const dnalm::device_vector<const index_t> places{begins.data(), offsets.sequences() + 1};
    guarded<T> x(packed.view());
    guarded<T> y(packed.rows(), columns);
    const auto part = [&](index_t i) { return x.view().column_block(i * columns, columns); };
    for (const index_t i : {0, 1}) {
      if (pairs > 0) dnalm::cuda_rotary<T>({}, table(), places, shape.heads, part(i));
    }
    dnalm::cuda_attention<T>({}, part(0), part(1), part(2), {places, longest()}, options(), y.view());
    return y;
  }

  /// q and k rotated in double, | v.
  [[nodiscard]] matrix<double> turned() const {
    matrix<double> x = copy_of(packed);
    const auto angles = dnalm::make_rotary_table<double>(frequencies, longest());
    for (const index_t i : {0, 1}) {
      if (pairs == 0) continue;
      dnalm::reference_rotary(angles, offsets, shape.heads, x.view().column_block(i * columns, columns));
    }
    return x;
  }
  [[nodiscard]] matrix<double> exact() const {
    const matrix<double> x = turned();
    matrix<double> y(offsets.rows(), columns);
    dnalm::buffer<double> scratch(longest());
    const auto part = [&](index_t i) { return x.view().column_block(i * columns, columns); };
    dnalm::reference_attention(part(0), part(1), part(2), offsets, host_options(), scratch.view(), y.view());
    return y;
  }
};

/// A rotated number is rounded by 2^-8 of itself, so a score by delta = scale (2^-7 + 2^-16) |q| . |k|, at
/// most of the largest rows; weights then are wrong by a factor of up to exp(2 delta), and y by that of the
/// largest |v - y| < 2 |v|. The rest is what attention of bfloat16 rounds itself: its weights, by 2^-8 of the
/// largest |v|, and y.
double bound_of_case(const packed_case& c, const matrix<double>& expected) {
  const matrix<double> x = c.turned();
  double values = 0.0;
  double results = 0.0;
  double largest[2] = {0.0, 0.0};  // squares of rows of one head: q, k
  for (index_t r = 0; r < expected.rows(); ++r) {
    for (index_t i = 0; i < c.columns; ++i) {
      values = std::max(values, std::abs(x(r, 2 * c.columns + i)));
      results = std::max(results, std::abs(expected(r, i)));
    }
    for (index_t h = 0; h < 2 * c.shape.heads; ++h) {
      double square = 0.0;
      for (index_t i = 0; i < c.shape.width; ++i) square += std::pow(x(r, h * c.shape.width + i), 2);
      double& most = largest[h / c.shape.heads];
      most = std::max(most, square);
    }
  }
  const double delta = c.scale * 0x1.01p-7 * std::sqrt(largest[0] * largest[1]);
  return (std::expm1(2 * delta) * 2 * values + 0x1p-8 * values) / results * (1.0 + 0x1p-7) + 0x1p-8 + 1e-5;
}

struct packed_shape {
  attention_shape shape;
  index_t pairs;
};
/// Rotations of all channels, of some, of an odd number of pairs, of none; short, long, both; several warps
/// and pairs in a block; odd widths and rows.
const std::vector<packed_shape> shapes{{{{41, 1, 16, 0, 33}, 2, 16}, 8},
                                       {{{41, 1, 16, 0, 33}, 3, 12}, 6},
                                       {{{17, 3}, 2, 15}, 5},
                                       {{{20, 64}, 1, 64}, 32},
                                       {{{70}, 2, 40}, 8},
                                       {{{5, 9}, 3, 24}, 0},
                                       {{{200, 256}, 1, 8}, 4},
                                       {{{300, 17, 64}, 2, 16}, 8},
                                       {{{130, 7}, 1, 96}, 48},
                                       {{{66, 30}, 1, 256}, 128},
                                       {{{64, 12}, 2, 8, true}, 4},
                                       {{{90, 40}, 1, 8, false, 20}, 3}};

}  // namespace

TEST_CASE("cuda attention of packed rows has the bits of rotating first", "[cuda]") {
  for (const packed_shape& one : shapes) {
    const packed_case c(one.shape, one.pairs);
    INFO(c.longest() << " tokens, heads of " << c.shape.width << ", " << c.pairs << " pairs");
    const auto expected = c.rotated_first<bfloat16>();
    const auto found = c.attended<bfloat16>(0, c.offsets.sequences(), 0);
    for (index_t r = 0; r < found.rows(); ++r) CHECK(found.same_row(r, expected, r));
  }
  const packed_case c(shapes.front().shape, 8);
  const auto expected = c.rotated_first<float>();
  const auto found = c.attended<float>(0, c.offsets.sequences(), 0);
  for (index_t r = 0; r < found.rows(); ++r) CHECK(found.same_row(r, expected, r));
}

TEST_CASE("cuda attention of packed rows against the reference", "[cuda]") {
  for (const packed_shape& one : shapes) {
    const packed_case c(one.shape, one.pairs);
    INFO(c.longest() << " tokens, heads of " << c.shape.width << ", " << c.pairs << " pairs");
    const matrix<double> expected = c.exact();
    const auto found = c.attended<bfloat16>(0, c.offsets.sequences(), 0);
    CHECK(relative_gap(expected, found) <= bound_of_case(c, expected));
  }
}

TEST_CASE("cuda attention of packed rows: a sequence has the same bits alone and in a batch", "[cuda]") {
  // In the batch a pass rotates the short ones too; alone they are rotated where they are read.
  const packed_case c({{41, 270, 1, 64, 16, 171}, 2, 12, true}, 6);
  check_sequences_alone(c, [&](index_t first, index_t count, index_t shift) {
    return std::array{c.attended<bfloat16>(first, count, shift)};
  });
}

TEST_CASE("cuda attention of packed rows: queries and keys stay where they are rotated on their way",
          "[cuda]") {
  const packed_case c({{33, 8}, 2, 16}, 8);
  const std::vector<index_t> begins = c.starts(0, 2);
  guarded<bfloat16> x(c.packed.view());
  const guarded<bfloat16> before(c.packed.view());
  guarded<bfloat16> y(41, 32);
  dnalm::cuda_attention_packed<bfloat16>({}, x.view(), c.table(), {{begins.data(), 3}, 33}, c.options(),
                                         y.view());
  for (index_t r = 0; r < 41; ++r) CHECK(x.same_row(r, before, r));
}

TEST_CASE("cuda attention of packed rows without tokens", "[cuda]") {
  const packed_case none({{0, 0}, 2, 8}, 0);
  CHECK(none.attended<bfloat16>(0, 2, 0).frame_is_whole());
}
