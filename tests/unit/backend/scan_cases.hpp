// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The kernels of Mamba's mixer of a backend on poisoned memory.
#pragma once

#include <algorithm>
#include <vector>

#include <dnalm/backend/selective_scan.hpp>
#include <support/adjoint_test.hpp>

namespace dnalm_test {

using dnalm::index_t;

/// Sequences of these lengths, E channels of N states. What is differentiated is one row of numbers: x, then
/// delta, then [B | C].
struct scan_problem {
  std::vector<index_t> lengths;
  index_t channels = 0;
  index_t states = 0;
  dnalm::scan_order order = dnalm::scan_order::forward;

  [[nodiscard]] dnalm::ragged_offsets offsets() const {
    dnalm::ragged_offsets all;
    for (const index_t length : lengths) all.append(length);
    return all;
  }
  [[nodiscard]] index_t rows() const { return offsets().rows(); }
  [[nodiscard]] index_t longest() const { return *std::max_element(lengths.begin(), lengths.end()); }
  [[nodiscard]] index_t size() const { return rows() * (2 * channels + 2 * states); }
  /// A = -exp(normal), and D.
  [[nodiscard]] numbers rates() const {
    numbers values = normal_numbers(states * channels, 71);
    for (double& value : values) value = static_cast<double>(static_cast<float>(-std::exp(value)));
    return values;
  }
  [[nodiscard]] numbers skip() const { return normal_numbers(channels, 72); }
};

/// The inputs of a problem in poisoned memory.
template <class T>
struct scan_memory {
  poisoned<T> x, delta, parts, rates, skip;
  dnalm::ragged_offsets offsets;
  dnalm::scan_order order;

  scan_memory(const scan_problem& p, const numbers& all)
      : x(p.rows(), p.channels, all.data()),
        delta(p.rows(), p.channels, all.data() + p.rows() * p.channels),
        parts(p.rows(), 2 * p.states, all.data() + 2 * p.rows() * p.channels),
        rates(p.states, p.channels, p.rates().data()),
        skip(1, p.channels, p.skip().data()),
        offsets(p.offsets()),
        order(p.order) {}
  [[nodiscard]] dnalm::scan_input<T> input() const {
    return {x.view(), delta.view(), parts.view(), rates.view(), skip.view().row(0), order};
  }
  [[nodiscard]] bool frames_are_whole() const {
    return x.frame_is_whole() && delta.frame_is_whole() && parts.frame_is_whole();
  }
};

/// The scan; `in_place`: over the steps.
template <class B>
numbers run_scan(const B& b, const scan_problem& p, const numbers& all, bool in_place = false) {
  using T = typename B::scalar;
  scan_memory<T> m(p, all);
  poisoned<T> out(p.rows(), p.channels);
  poisoned_scratch<T> scratch(b.selective_scan_scratch(p.channels, p.states));
  const auto y = in_place ? m.delta.view() : out.view();
  b.selective_scan(m.input(), m.offsets, scratch.view(), y);
  CHECK(m.frames_are_whole());
  CHECK(out.frame_is_whole());
  CHECK(scratch.frame_is_whole());
  numbers result;
  append_numbers(y, result);
  return result;
}

/// Gradients by all inputs, in their order; `in_place`: those by x and the steps over these.
template <class B>
numbers run_scan_vjp(const B& b, const scan_problem& p, const numbers& all, const numbers& u,
                     bool in_place = false) {
  using T = typename B::scalar;
  scan_memory<T> m(p, all);
  const poisoned<T> dy(p.rows(), p.channels, u.data());
  poisoned<T> dx(p.rows(), p.channels);
  poisoned<T> ddelta(p.rows(), p.channels);
  poisoned<T> dparts(p.rows(), 2 * p.states);
  poisoned_scratch<T> scratch(b.selective_scan_vjp_scratch(p.longest(), p.channels, p.states));
  const dnalm::scan_gradient<T> gradient{in_place ? m.x.view() : dx.view(),
                                         in_place ? m.delta.view() : ddelta.view(), dparts.view()};
  b.selective_scan_vjp(m.input(), m.offsets, dy.view(), scratch.view(), gradient);
  CHECK(m.frames_are_whole());
  CHECK((dx.frame_is_whole() && ddelta.frame_is_whole() && dparts.frame_is_whole()));
  CHECK(scratch.frame_is_whole());
  numbers result;
  append_numbers(gradient.x, result);
  append_numbers(gradient.delta, result);
  append_numbers(gradient.parts, result);
  return result;
}

/// The short convolution of K taps from the other end, or its adjoint.
template <class B>
numbers run_short_back(const B& b, const scan_problem& p, index_t taps, const numbers& x, bool adjoint) {
  using T = typename B::scalar;
  const numbers weights = normal_numbers(taps * p.channels, 31);
  const numbers biases = normal_numbers(p.channels, 32);
  const poisoned<T> w(taps, p.channels, weights.data());
  const poisoned<T> bias(1, p.channels, biases.data());
  const poisoned<T> in(p.rows(), p.channels, x.data());
  poisoned<T> out(p.rows(), p.channels);
  if (adjoint) {
    b.short_convolution_back_vjp(in.view(), w.view(), p.offsets(), out.view());
  } else {
    b.short_convolution_back(in.view(), w.view(), bias.view().row(0), p.offsets(), out.view());
  }
  CHECK(out.frame_is_whole());
  numbers result;
  append_numbers(out.view(), result);
  return result;
}

/// RMS norm of (rows, columns), or its adjoint at x; both in place.
template <class B>
numbers run_rms_norm(const B& b, index_t rows, index_t columns, const numbers& x, const numbers* dy) {
  using T = typename B::scalar;
  const numbers scale = normal_numbers(columns, 41);
  const poisoned<T> gamma(1, columns, scale.data());
  poisoned<T> in(rows, columns, x.data());
  const T eps = static_cast<T>(1e-5);
  numbers result;
  if (dy == nullptr) {
    b.rms_norm(in.view(), gamma.view().row(0), eps, in.view());
    append_numbers(in.view(), result);
    CHECK(in.frame_is_whole());
    return result;
  }
  poisoned<T> d(rows, columns, dy->data());
  b.rms_norm_vjp(in.view(), gamma.view().row(0), eps, d.view(), d.view());
  append_numbers(d.view(), result);
  CHECK(d.frame_is_whole());
  return result;
}

/// Strands of x (R, 2 D) below each other, or beside each other again.
template <class B>
numbers run_strands(const B& b, index_t rows, index_t d, const numbers& x, bool exchanged, bool unfold) {
  using T = typename B::scalar;
  const poisoned<T> in(unfold ? 2 * rows : rows, unfold ? d : 2 * d, x.data());
  poisoned<T> out(unfold ? rows : 2 * rows, unfold ? 2 * d : d);
  if (unfold) {
    b.unfold_strands(in.view(), exchanged, out.view());
  } else {
    b.fold_strands(in.view(), exchanged, out.view());
  }
  CHECK(out.frame_is_whole());
  numbers result;
  append_numbers(out.view(), result);
  return result;
}

/// `x` of (rows, columns) with the rows of every sequence in the opposite order.
inline numbers turned_round(const numbers& x, const dnalm::ragged_offsets& offsets, index_t columns) {
  numbers turned(x.size());
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t i = 0; i < offsets.length(s); ++i) {
      const auto from = x.begin() + (offsets.begin(s) + i) * columns;
      std::copy_n(from, columns, turned.begin() + (offsets.begin(s + 1) - 1 - i) * columns);
    }
  }
  return turned;
}

}  // namespace dnalm_test
