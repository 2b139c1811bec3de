// SPDX-License-Identifier: Apache-2.0
// Rotary positions on the emulated grid against the double reference.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>
#include <dnalm/backend/rotary_table.hpp>
#include <dnalm/cuda/detail/rotary.cuh>
#include <dnalm/reference/rotary.hpp>
#include <support/cuda_emulation/guarded.hpp>

using namespace dnalm_test::gpu;
using dnalm::bfloat16;
using dnalm::matrix;

namespace {

/// Heads of some width, the first 2 P channels of which are rotated; sequences of some lengths.
struct rotary_case {
  rotary_case(index_t head_count, index_t width, index_t pairs, const std::vector<index_t>& sequence_lengths)
      : heads(head_count), lengths(sequence_lengths) {
    for (const index_t length : lengths) offsets.append(length);
    for (index_t j = 0; j < pairs; ++j) frequencies.push_back(dnalm::rotary_frequency(j, 2 * pairs));
    host = dnalm::make_rotary_table<float>(frequencies, 40);
    x = random_matrix(offsets.rows(), heads * width, 1);
  }

  index_t heads;
  std::vector<index_t> lengths;
  dnalm::ragged_offsets offsets;
  std::vector<float> frequencies;
  dnalm::rotary_table<float> host;
  matrix<double> x;

  /// Sequences [first, first + count).
  template <class T>
  guarded<T> rotated(index_t first, index_t count, index_t shift, bool back = false) {
    std::vector<index_t> starts;
    for (index_t s = first; s <= first + count; ++s)
      starts.push_back(offsets.begin(s) - offsets.begin(first));
    const index_t pairs = host.pairs();
    const dnalm::device_rotary_table table{
        {host.cosine.data(), 40 * pairs}, {host.sine.data(), 40 * pairs}, pairs};
    CHECK(table.positions() == (pairs == 0 ? 0 : 40));
    guarded<T> y(rows_of(x, offsets.begin(first), starts.back()), shift);
    const dnalm::device_vector<const index_t> device_starts{starts.data(), count + 1};
    if (back) {
      dnalm::cuda_rotary_vjp<T>({}, table, device_starts, heads, y.view());
    } else {
      dnalm::cuda_rotary<T>({}, table, device_starts, heads, y.view());
    }
    return y;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("cuda rotary against the reference", "[cuda]", float, bfloat16) {
  struct shape {
    index_t heads, width, pairs;
  };
  for (const auto& [heads, width, pairs] : {shape{1, 2, 1}, shape{3, 10, 5}, shape{2, 16, 8}, shape{4, 15, 4},
                                            shape{2, 8, 0}, shape{9, 128, 64}}) {
    rotary_case c(heads, width, pairs, {0, 3, 1, 0, 0, 33, 2, 0});
    INFO(heads << " heads of " << width << ", " << pairs << " pairs");
    const auto table = dnalm::make_rotary_table<double>(c.frequencies, 40);
    // Cosine, sine, two products and a sum are rounded, all near 1 to 4.
    const double bound = bound_of<TestType>(0x1p-20);
    matrix<double> expected = copy_of(c.x);
    dnalm::reference_rotary(table, c.offsets, heads, expected.view());
    const guarded<TestType> together = c.rotated<TestType>(0, 8, 0);
    CHECK(largest_gap(expected, together) <= bound);
    expected = copy_of(c.x);
    dnalm::reference_rotary_vjp(table, c.offsets, heads, expected.view());
    CHECK(largest_gap(expected, c.rotated<TestType>(0, 8, 0, true)) <= bound);
    for (index_t s = 0; s < 8; ++s) {  // the sequence alone, elsewhere, blocks in another order
      emulation().seed = static_cast<std::uint64_t>(s + 1);
      const guarded<TestType> alone = c.rotated<TestType>(s, 1, s % 5);
      CHECK(alone.frame_is_whole());
      for (index_t r = 0; r < alone.rows(); ++r) CHECK(alone.same_row(r, together, c.offsets.begin(s) + r));
    }
    emulation().seed = 0;
  }
}

TEST_CASE("cuda rotary of no rows", "[cuda]") {
  rotary_case none(2, 8, 4, {0, 0});
  CHECK(none.rotated<float>(0, 2, 0).frame_is_whole());
}
