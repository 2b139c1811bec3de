// SPDX-License-Identifier: Apache-2.0
// Attention on the emulated grid beside the double reference.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/cuda/attention.hpp>
#include <dnalm/reference/attention.hpp>
#include <support/cuda_emulation/guarded.hpp>

namespace dnalm_test::gpu {

/// Sequences, heads, and how they meet.
struct attention_shape {
  std::vector<index_t> lengths;
  index_t heads = 1;
  index_t width = 8;
  bool alibi = false;
  index_t window = 0;
};

/// Largest |found - expected| over the largest |expected|, in columns [first, first + count); infinite where
/// a number is none.
template <class T>
[[nodiscard]] double relative_gap(const dnalm::matrix<double>& expected, const guarded<T>& found,
                                  index_t first, index_t count) {
  double worst = 0.0;
  double largest = 0.0;
  for (index_t r = 0; r < found.rows(); ++r) {
    for (index_t c = first; c < first + count; ++c) {
      const double gap = std::abs(found(r, c) - expected(r, c));
      worst = std::isnan(gap) ? std::numeric_limits<double>::infinity() : std::max(worst, gap);
      largest = std::max(largest, std::abs(expected(r, c)));
    }
  }
  return worst == 0.0 ? 0.0 : worst / largest;
}
template <class T>
[[nodiscard]] double relative_gap(const dnalm::matrix<double>& expected, const guarded<T>& found) {
  return relative_gap(expected, found, 0, found.columns());
}

/// While it lives, blocks have the shared memory of the smallest GPUs from sm_80 on.
class small_gpu {
 public:
  small_gpu() : former_(std::exchange(emulation().shared_limit, index_t{99} * 1024)) {}
  small_gpu(const small_gpu&) = delete;
  small_gpu& operator=(const small_gpu&) = delete;
  ~small_gpu() { emulation().shared_limit = former_; }

 private:
  index_t former_;
};

/// q | k | v in one matrix, and dy, of random numbers that bfloat16 holds.
class attention_case {
 public:
  explicit attention_case(const attention_shape& what, double spread = 1.0)
      : shape(what), columns(what.heads * what.width) {
    for (const index_t length : shape.lengths) offsets.append(length);
    packed = random_matrix(offsets.rows(), 3 * columns, 1, spread);
    dy = random_matrix(offsets.rows(), columns, 2);
    if (shape.alibi) {
      for (index_t h = 0; h < shape.heads; ++h) slopes.push_back(dnalm::alibi_slope(h, shape.heads));
    }
    scale = 1.0 / std::sqrt(static_cast<double>(shape.width));
  }

  attention_shape shape;
  index_t columns;
  dnalm::ragged_offsets offsets;
  dnalm::matrix<double> packed;
  dnalm::matrix<double> dy;
  std::vector<float> slopes;
  double scale;
  index_t stated_longest = 0;  ///< what the kernels are told; 0: the longest

  [[nodiscard]] index_t longest() const {
    return *std::max_element(shape.lengths.begin(), shape.lengths.end());
  }
  [[nodiscard]] dnalm::matrix_view<const double> third(index_t i) const {
    return packed.view().column_block(i * columns, columns);
  }
  [[nodiscard]] dnalm::attention_options<double> host_options() const {
    return {shape.heads,
            static_cast<double>(static_cast<float>(scale)),
            {slopes.data(), static_cast<index_t>(slopes.size())},
            shape.window};
  }
  [[nodiscard]] dnalm::device_attention_options options() const {
    return {shape.heads,
            static_cast<float>(scale),
            {slopes.data(), static_cast<index_t>(slopes.size())},
            shape.window};
  }
  /// Offsets of sequences [first, first + count) from 0.
  [[nodiscard]] std::vector<index_t> starts(index_t first, index_t count) const {
    std::vector<index_t> from_zero;
    for (index_t s = first; s <= first + count; ++s) {
      from_zero.push_back(offsets.begin(s) - offsets.begin(first));
    }
    return from_zero;
  }

  [[nodiscard]] dnalm::matrix<double> expected() const {
    dnalm::matrix<double> y(offsets.rows(), columns);
    dnalm::buffer<double> scratch(longest());
    dnalm::reference_attention(third(0), third(1), third(2), offsets, host_options(), scratch.view(),
                               y.view());
    return y;
  }

  /// y of sequences [first, first + count), their rows `shift` numbers beside an aligned place.
  template <class T>
  guarded<T> forward(index_t first, index_t count, index_t shift) const {
    const small_gpu limits;
    const std::vector<index_t> begins = starts(first, count);
    guarded<T> x(rows_of(packed, offsets.begin(first), begins.back()), shift);
    guarded<T> y(begins.back(), columns, shift);
    const auto part = [&](index_t i) { return x.view().column_block(i * columns, columns); };
    dnalm::cuda_attention<T>({}, part(0), part(1), part(2),
                             {{begins.data(), count + 1}, longest_of(first, count)}, options(), y.view());
    CHECK(x.frame_is_whole());
    CHECK(y.frame_is_whole());
    return y;
  }

  /// dq | dk | dv.
  [[nodiscard]] dnalm::matrix<double> expected_gradients() const {
    dnalm::matrix<double> d(offsets.rows(), 3 * columns);
    dnalm::buffer<double> scratch(2 * longest());
    const auto part = [&](index_t i) { return d.view().column_block(i * columns, columns); };
    dnalm::reference_attention_vjp(third(0), third(1), third(2), offsets, host_options(), dy.view(),
                                   scratch.view(), part(0), part(1), part(2));
    return d;
  }

  /// dq | dk | dv of sequences [first, first + count).
  template <class T>
  guarded<T> gradients(index_t first, index_t count, index_t shift) const {
    const small_gpu limits;
    const std::vector<index_t> begins = starts(first, count);
    guarded<T> x(rows_of(packed, offsets.begin(first), begins.back()), shift);
    guarded<T> u(rows_of(dy, offsets.begin(first), begins.back()), shift);
    guarded<T> d(begins.back(), 3 * columns, shift);
    guarded<float> scratch(1, dnalm::cuda_attention_vjp_scratch(begins.back(), shape.heads));
    const auto of_x = [&](index_t i) { return x.view().column_block(i * columns, columns); };
    const auto of_d = [&](index_t i) { return d.view().column_block(i * columns, columns); };
    dnalm::cuda_attention_vjp<T>({}, of_x(0), of_x(1), of_x(2),
                                 {{begins.data(), count + 1}, longest_of(first, count)}, options(), u.view(),
                                 scratch.row(0), of_d(0), of_d(1), of_d(2));
    CHECK(x.frame_is_whole());
    CHECK(u.frame_is_whole());
    CHECK(d.frame_is_whole());
    CHECK(scratch.frame_is_whole());
    return d;
  }

  [[nodiscard]] index_t longest_of(index_t first, index_t count) const {
    index_t most = stated_longest;
    for (index_t s = first; s < first + count && stated_longest == 0; ++s) {
      most = std::max(most, offsets.length(s));
    }
    return most;
  }
};

/// A matrix whose first sequence, told to be too long, was left out, and whose second one was not.
template <class T>
void check_left_out(const attention_case& c, const guarded<T>& found) {
  bool untouched = true;
  bool there = true;
  for (index_t i = 0; i < found.columns(); ++i) {
    for (index_t r = 0; r < c.offsets.begin(1); ++r) untouched = untouched && std::isnan(found(r, i));
    for (index_t r = c.offsets.begin(1); r < found.rows(); ++r) there = there && !std::isnan(found(r, i));
  }
  CHECK(untouched);
  CHECK(there);
}

/// Every sequence has the same bits alone as in the batch, elsewhere and in another order of threads.
/// run(first, count, shift) gives a list of matrices.
template <class Run>
void check_sequences_alone(const attention_case& c, const Run& run) {
  const index_t sequences = c.offsets.sequences();
  const auto together = run(0, sequences, 0);
  for (index_t s = 0; s < sequences; ++s) {
    emulation().seed = static_cast<std::uint64_t>(s + 1);
    const auto alone = run(s, 1, s % 3);
    INFO("sequence " << s);
    for (std::size_t m = 0; m < alone.size(); ++m) {
      for (index_t r = 0; r < alone[m].rows(); ++r) {
        CHECK(alone[m].same_row(r, together[m], c.offsets.begin(s) + r));
      }
    }
  }
  emulation().seed = 0;
}

}  // namespace dnalm_test::gpu
