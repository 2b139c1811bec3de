// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Selective scan in double, with its adjoint.
#pragma once

#include <algorithm>
#include <cmath>

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Row that a scan meets as number `step` of sequence s.
[[nodiscard]] inline index_t reference_scan_row(const ragged_offsets& offsets, index_t s, scan_order order,
                                                index_t step) {
  return order == scan_order::forward ? offsets.begin(s) + step : offsets.begin(s + 1) - 1 - step;
}

/// s[n] = exp(d A[n, e]) s[n] + d x[r, e] B[r, n] for channel e at row r, d = softplus(delta[r, e]).
inline void reference_scan_step(const scan_input<double>& in, index_t r, index_t e, const double* before,
                                double* after) {
  const double d = softplus(in.delta(r, e));
  for (index_t n = 0; n < in.rates.rows; ++n) {
    after[n] = std::exp(d * in.rates(n, e)) * before[n] + d * in.x(r, e) * in.parts(r, n);
  }
}

/// y[r, e] = sum over n of s[n, e] C[r, n] + D[e] x[r, e], s as in selective_scan_kernels. y may be x or
/// delta; `scratch` holds N numbers. Source: Gu and Dao, "Mamba: Linear-time sequence modeling with selective
/// state spaces", 2023, algorithm 2.
inline void reference_selective_scan(const scan_input<double>& in, const ragged_offsets& offsets,
                                     vector_view<double> scratch, matrix_view<double> y) {
  const index_t states = in.rates.rows;
  double* state = scratch.data;
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t e = 0; e < y.columns; ++e) {
      std::fill_n(state, states, 0.0);
      for (index_t step = 0; step < offsets.length(s); ++step) {
        const index_t r = reference_scan_row(offsets, s, in.order, step);
        reference_scan_step(in, r, e, state, state);
        double sum = in.skip[e] * in.x(r, e);
        for (index_t n = 0; n < states; ++n) sum += state[n] * in.parts(r, states + n);
        y(r, e) = sum;
      }
    }
  }
}

/// Rows of a sequence that go on from `state` (E, N), which becomes the state behind them in the order of the
/// scan: the rows of one sequence in pieces have the bits of all at once.
inline void reference_selective_scan_from(const scan_input<double>& in, vector_view<double> state,
                                          matrix_view<double> y) {
  const index_t states = in.rates.rows;
  for (index_t e = 0; e < y.columns; ++e) {
    double* own = state.data + e * states;
    for (index_t step = 0; step < y.rows; ++step) {
      const index_t r = in.order == scan_order::forward ? step : y.rows - 1 - step;
      reference_scan_step(in, r, e, own, own);
      double sum = in.skip[e] * in.x(r, e);
      for (index_t n = 0; n < states; ++n) sum += own[n] * in.parts(r, states + n);
      y(r, e) = sum;
    }
  }
}

/// The adjoint at one row and channel: g[n], the gradient by the state behind the row but for this row's
/// output, becomes that by the state before it. `state` (2 N): before the row, and behind it.
///
/// With h[n] = g[n] + C[n] dy: dC[n] += s[n] dy, dB[n] += h[n] d x, dx = d sum of h B + D dy, dd = x sum of h
/// B + sum of h A exp(d A) s_before, ddelta = dd softplus'(delta), g[n] = h[n] exp(d A[n]).
inline void reference_scan_step_vjp(const scan_input<double>& in, index_t r, index_t e, double dy,
                                    const double* state, double* g, const scan_gradient<double>& gradient) {
  const index_t states = in.rates.rows;
  const double raw = in.delta(r, e);
  const double d = softplus(raw);
  const double x = in.x(r, e);
  double by_input = 0.0;
  double by_rate = 0.0;
  for (index_t n = 0; n < states; ++n) {
    const double h = g[n] + in.parts(r, states + n) * dy;
    gradient.parts(r, states + n) += state[states + n] * dy;
    gradient.parts(r, n) += h * d * x;
    by_input += h * in.parts(r, n);
    g[n] = h * std::exp(d * in.rates(n, e));
    by_rate += g[n] * in.rates(n, e) * state[n];
  }
  gradient.x(r, e) = d * by_input + in.skip[e] * dy;
  gradient.delta(r, e) = (x * by_input + by_rate) * sigmoid(raw);
}

/// Gradients by x, delta, B and C. All states of a channel are kept: `scratch` holds (longest + 2) N numbers.
inline void reference_selective_scan_vjp(const scan_input<double>& in, const ragged_offsets& offsets,
                                         matrix_view<const double> dy, vector_view<double> scratch,
                                         const scan_gradient<double>& gradient) {
  const index_t states = in.rates.rows;
  double* g = scratch.data;
  double* kept = scratch.data + states;
  for (index_t r = 0; r < gradient.parts.rows; ++r) std::fill_n(gradient.parts.row_data(r), 2 * states, 0.0);
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t e = 0; e < dy.columns; ++e) {
      std::fill_n(kept, states, 0.0);
      for (index_t step = 0; step < offsets.length(s); ++step) {
        const index_t r = reference_scan_row(offsets, s, in.order, step);
        reference_scan_step(in, r, e, kept + step * states, kept + (step + 1) * states);
      }
      std::fill_n(g, states, 0.0);
      for (index_t step = offsets.length(s); step-- > 0;) {
        const index_t r = reference_scan_row(offsets, s, in.order, step);
        reference_scan_step_vjp(in, r, e, dy(r, e), kept + step * states, g, gradient);
      }
    }
  }
}

DNALM_END_NAMESPACE
