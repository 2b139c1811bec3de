// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/token_scores.hpp.
#pragma once

#include <cmath>

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/token_scores.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Smaller than every finite float: the largest of no numbers.
[[nodiscard]] DNALM_DEVICE float lowest_logit() {
  return -HUGE_VALF;
}

/// Sums over numbers x, relative to the largest of them: s = sum of exp(x - largest), t = sum of exp(x -
/// largest) (x - largest). Terms of -infinity add nothing.
struct logit_sums {
  float largest = -HUGE_VALF;
  float s = 0.0F;
  float t = 0.0F;

  /// The same sums relative to a larger number; of no numbers they stay 0.
  DNALM_DEVICE void move_to(float larger) {
    const float distance = largest - larger;
    const float shrink = std::exp(distance);
    t = shrink == 0.0F ? 0.0F : shrink * (t + distance * s);  // the distance may be -infinity
    s *= shrink;
    largest = larger;
  }
  DNALM_DEVICE void add(float x) {
    if (x == lowest_logit()) return;
    if (x > largest) move_to(x);
    const float distance = x - largest;
    const float weight = std::exp(distance);
    s += weight;
    t += weight == 0.0F ? 0.0F : weight * distance;
  }
  [[nodiscard]] DNALM_DEVICE float log_probability(float x) const { return (x - largest) - std::log(s); }
  [[nodiscard]] DNALM_DEVICE float entropy() const { return std::log(s) - t / s; }
};

/// The sums of a row, the same bits in every thread.
template <class T, int Threads>
[[nodiscard]] DNALM_DEVICE logit_sums sums_of(row_team<Threads> team, const T* row, int columns) {
  constexpr int n = pack_of<T>;
  logit_sums sums;
  team.template for_each_part<n>(columns, [&](int c, int count) {
    float v[n];
    load_numbers(row + c, count, v);
    DNALM_UNROLL
    for (int i = 0; i < n; ++i) {
      if (i < count) sums.add(v[i]);
    }
  });
  sums.move_to(team.max(sums.largest));
  sums.s = team.sum(sums.s);
  sums.t = team.sum(sums.t);
  return sums;
}

template <class T>
struct token_scores_rows {
  device_rows<T> logits;
  device_vector<const std::int32_t> letters;
  device_token_scores<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    const T* row = logits.row_data(r);
    const int columns = static_cast<int>(logits.columns);
    const logit_sums sums = sums_of(team, row, columns);
    if (team.rank() == 0) {
      if (y.log_likelihood.data != nullptr) {
        y.log_likelihood[r] = sums.log_probability(to_float(row[letters[r]]));
      }
      if (y.entropy.data != nullptr) y.entropy[r] = sums.entropy();
    }
    if (y.log_probabilities.data != nullptr) write_matrix(r, team, sums);
  }

  template <int Threads>
  DNALM_DEVICE void write_matrix(index_t r, row_team<Threads> team, const logit_sums& sums) const {
    constexpr int n = pack_of<T>;
    team.template for_each_part<n>(static_cast<int>(logits.columns), [&](int c, int count) {
      float v[n];
      load_numbers(logits.row_data(r) + c, count, v);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) v[i] = sums.log_probability(v[i]);
      store_numbers(v, count, y.log_probabilities.row_data(r) + c);
    });
  }
};

template <class T>
struct token_scores_vjp_rows {
  device_rows<T> logits;
  device_vector<const std::int32_t> letters;
  device_token_scores<const float> dy;
  device_matrix<T> dx;

  /// Gradients by the log-probabilities of a part; 0 where there are none.
  template <int N>
  DNALM_DEVICE void load_w(index_t r, int c, int count, float (&w)[N]) const {
    if (dy.log_probabilities.data != nullptr) {
      load_numbers(dy.log_probabilities.row_data(r) + c, count, w);
    } else {
      DNALM_UNROLL
      for (int i = 0; i < N; ++i) w[i] = 0.0F;
    }
  }

  template <int Threads>
  [[nodiscard]] DNALM_DEVICE float sum_of_w(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    float sum = 0.0F;
    if (dy.log_probabilities.data == nullptr) return sum;
    team.template for_each_part<n>(static_cast<int>(dx.columns), [&](int c, int count) {
      float w[n];
      load_w(r, c, count, w);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) sum += w[i];
    });
    return team.sum(sum);
  }

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    const int columns = static_cast<int>(dx.columns);
    const logit_sums sums = sums_of(team, logits.row_data(r), columns);
    const bool has_letter = dy.log_likelihood.data != nullptr;
    const int letter = has_letter ? letters[r] : -1;
    const float u = has_letter ? dy.log_likelihood[r] : 0.0F;
    const float v = dy.entropy.data != nullptr ? dy.entropy[r] : 0.0F;
    const float all = u + sum_of_w(r, team);
    const float entropy = sums.entropy();
    team.template for_each_part<n>(columns, [&](int c, int count) {
      float x[n];
      float w[n];
      load_numbers(logits.row_data(r) + c, count, x);
      load_w(r, c, count, w);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) {
        const float log_p = sums.log_probability(x[i]);
        const float p = std::exp(log_p);
        const float spread = p == 0.0F ? 0.0F : v * p * (log_p + entropy);
        x[i] = (c + i == letter ? u : 0.0F) + w[i] - all * p - spread;
      }
      store_numbers(x, count, dx.row_data(r) + c);
    });
  }
};

}  // namespace detail::gpu

template <class T>
void cuda_token_scores(cuda_stream stream, device_rows<T> logits, device_vector<const std::int32_t> letters,
                       const device_token_scores<float>& y) {
  detail::gpu::launch_rows(stream, logits.rows, logits.columns,
                           detail::gpu::token_scores_rows<T>{logits, letters, y});
}

template <class T>
void cuda_token_scores_vjp(cuda_stream stream, device_rows<T> logits,
                           device_vector<const std::int32_t> letters,
                           const device_token_scores<const float>& dy, device_matrix<T> dx) {
  detail::gpu::launch_rows(stream, dx.rows, dx.columns,
                           detail::gpu::token_scores_vjp_rows<T>{logits, letters, dy, dx});
}

DNALM_END_NAMESPACE
