// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of backend/secant_scan.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/backend/secant.hpp>
#include <dnalm/backend/secant_scan.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Some channels of one pair.
template <class T>
class secant_scan {
 public:
  /// Sequences that begin at rows `observed` and `reference`, of `length` rows; channels [first, first +
  /// count).
  secant_scan(const scan_input<T>& input, index_t observed, index_t reference, index_t length, index_t first,
              index_t count)
      : in_(input),
        begin_{observed, reference},
        length_(length),
        first_(first),
        count_(count),
        states_(static_cast<std::size_t>(checked_mul(2 * (length + 1), size()))),
        g_(static_cast<std::size_t>(size())) {}

  void forward() {
    for (const int side : {0, 1}) {
      for (index_t step = 0; step < length_; ++step) advance(side, step);
    }
  }
  void backward(matrix_view<const T> dy, const scan_gradient<T>& gradient) {
    for (index_t step = length_; step-- > 0;) {
      for (index_t e = 0; e < count_; ++e) go_back(step, e, dy, gradient);
    }
  }

 private:
  [[nodiscard]] index_t size() const { return in_.rates.rows * count_; }
  [[nodiscard]] index_t row(int side, index_t step) const {
    return begin_[side] + (in_.order == scan_order::forward ? step : length_ - 1 - step);
  }
  /// The states of a side before the row of `step`.
  [[nodiscard]] T* states(int side, index_t step) {
    return states_.data() + (side * (length_ + 1) + step) * size();
  }
  void advance(int side, index_t step) {
    const index_t r = row(side, step);
    const T* before = states(side, step);
    T* after = states(side, step + 1);
    for (index_t e = 0; e < count_; ++e) {
      const T d = softplus(in_.delta(r, first_ + e));
      const T w = d * in_.x(r, first_ + e);
      for (index_t n = 0; n < in_.rates.rows; ++n) {
        const index_t at = n * count_ + e;
        after[at] = std::exp(d * in_.rates(n, first_ + e)) * before[at] + w * in_.parts(r, n);
      }
    }
  }
  void go_back(index_t step, index_t e, matrix_view<const T> dy, const scan_gradient<T>& gradient) {
    const index_t r = row(0, step);
    const index_t r0 = row(1, step);
    const index_t c = first_ + e;
    const index_t count = in_.rates.rows;
    const T delta = in_.delta(r, c);
    const T delta0 = in_.delta(r0, c);
    const T d = softplus(delta);
    const T d0 = softplus(delta0);
    const T mean_w = mean(d * in_.x(r, c), d0 * in_.x(r0, c));
    T by_w = T(0);
    T by_rate = T(0);
    for (index_t n = 0; n < count; ++n) {
      const index_t at = n * count_ + e;
      const T rate = in_.rates(n, c);
      const T l = g_[static_cast<std::size_t>(at)] +
                  dy(r, c) * mean(in_.parts(r, count + n), in_.parts(r0, count + n));
      gradient.parts(r, count + n) += dy(r, c) * mean(states(0, step + 1)[at], states(1, step + 1)[at]);
      gradient.parts(r, n) += l * mean_w;
      by_w += l * mean(in_.parts(r, n), in_.parts(r0, n));
      by_rate += l * mean(states(0, step)[at], states(1, step)[at]) * rate * exp_secant(d * rate, d0 * rate);
      g_[static_cast<std::size_t>(at)] = l * mean(std::exp(d * rate), std::exp(d0 * rate));
    }
    const T by_d = by_w * mean(in_.x(r, c), in_.x(r0, c)) + by_rate;
    const T by_x = by_w * mean(d, d0) + in_.skip[c] * dy(r, c);
    const T by_delta = by_d * activation_secant(activation::softplus, delta, delta0);
    gradient.x(r, c) = gradient.x(r0, c) = by_x;
    gradient.delta(r, c) = gradient.delta(r0, c) = by_delta;
  }
  [[nodiscard]] static T mean(T a, T b) { return a / T(2) + b / T(2); }

  const scan_input<T>& in_;
  index_t begin_[2];
  index_t length_;
  index_t first_;
  index_t count_;
  std::vector<T> states_;
  std::vector<T> g_;
};

}  // namespace detail

template <class T>
void secant_selective_scan_vjp(const scan_input<T>& input, const ragged_offsets& offsets,
                               matrix_view<const T> dy, const scan_gradient<T>& gradient) {
  constexpr index_t group = 16;
  const index_t half = offsets.sequences() / 2;
  for (index_t s = 0; s < half; ++s) {
    const index_t length = offsets.length(s);
    const index_t columns = gradient.parts.columns;
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
      std::fill_n(gradient.parts.row_data(r), columns, T(0));
    }
    for (index_t first = 0; first < dy.columns; first += group) {
      detail::secant_scan<T> scan(input, offsets.begin(s), offsets.begin(s + half), length, first,
                                  std::min(group, dy.columns - first));
      scan.forward();
      scan.backward(dy, gradient);
    }
    for (index_t i = 0; i < length; ++i) {
      std::copy_n(gradient.parts.row_data(offsets.begin(s) + i), columns,
                  gradient.parts.row_data(offsets.begin(s + half) + i));
    }
  }
}

#if defined(DNALM_COMPILED_SOURCE)
template void secant_selective_scan_vjp(const scan_input<float>&, const ragged_offsets&,
                                        matrix_view<const float>, const scan_gradient<float>&);
template void secant_selective_scan_vjp(const scan_input<double>&, const ragged_offsets&,
                                        matrix_view<const double>, const scan_gradient<double>&);
#endif

DNALM_END_NAMESPACE
