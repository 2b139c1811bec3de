// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The convolutions of a backend on poisoned memory, and how far float ones may be from double.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <dnalm/backend/long_convolution.hpp>
#include <dnalm/cpu/detail/rows_at_once.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <support/adjoint_test.hpp>

namespace dnalm_test {

using dnalm::index_t;

/// Sequences of these lengths, D channels, filters that fall off as Hyena's do.
struct convolution_problem {
  std::vector<index_t> lengths;
  index_t width = 0;

  [[nodiscard]] dnalm::ragged_offsets offsets() const {
    dnalm::ragged_offsets all;
    for (const index_t length : lengths) all.append(length);
    return all;
  }
  [[nodiscard]] index_t rows() const { return offsets().rows(); }
  [[nodiscard]] index_t longest() const { return *std::max_element(lengths.begin(), lengths.end()); }
  /// h[i, c], the same for every number of taps.
  [[nodiscard]] dnalm::matrix<double> taps(index_t count) const {
    dnalm::matrix<double> h(count, width);
    for (index_t c = 0; c < width; ++c) {
      dnalm::philox random(77, dnalm::hash_name("taps " + std::to_string(c)));
      for (index_t i = 0; i < count; ++i) {
        const double fall = std::exp(-5e-4 * static_cast<double>(i * (c + 1)));
        h(i, c) = static_cast<double>(static_cast<float>(random.normal() * (fall + 0.05)));
      }
    }
    return h;
  }
  [[nodiscard]] numbers skip() const { return normal_numbers(width, 4711); }
};

/// Filters of a backend, one per sequence.
template <class B>
struct prepared_filters {
  std::vector<typename B::filter> made = {};
  std::vector<const typename B::filter*> of_sequence = {};

  prepared_filters(const B& b, const convolution_problem& problem) {
    std::vector<index_t> counts;
    for (const index_t length : problem.lengths) counts.push_back(b.filter_taps(length));
    std::vector<index_t> kinds = counts;
    std::sort(kinds.begin(), kinds.end());
    kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
    for (const index_t count : kinds) made.push_back(b.make_filter(problem.taps(count).view()));
    for (const index_t count : counts) {
      const auto at = std::lower_bound(kinds.begin(), kinds.end(), count) - kinds.begin();
      of_sequence.push_back(&made[static_cast<std::size_t>(at)]);
    }
  }
};

/// The long convolution of x, or its adjoint; `in_place`: over its input.
template <class B>
numbers run_long(const B& b, const convolution_problem& problem, const numbers& x, bool adjoint,
                 bool in_place) {
  using T = typename B::scalar;
  const dnalm::ragged_offsets offsets = problem.offsets();
  const prepared_filters<B> filters(b, problem);
  const numbers skip = problem.skip();
  const poisoned<T> d(1, problem.width, skip.data());
  poisoned<T> in(problem.rows(), problem.width, x.data());
  poisoned<T> out(problem.rows(), problem.width);
  poisoned_scratch<T> scratch(b.long_convolution_scratch(problem.longest(), problem.width));
  const dnalm::matrix_view<T> y = in_place ? in.view() : out.view();
  const auto v = static_cast<const poisoned<T>&>(in).view();
  if (adjoint) {
    b.long_convolution_vjp(v, filters.of_sequence, d.view().row(0), offsets, scratch.view(), y);
  } else {
    b.long_convolution(v, filters.of_sequence, d.view().row(0), offsets, scratch.view(), y);
  }
  CHECK(in.frame_is_whole());
  CHECK(out.frame_is_whole());
  CHECK(scratch.frame_is_whole());
  numbers result;
  append_numbers(y, result);
  return result;
}

/// What cpu/long_convolution.hpp allows a float result to be away, per number: the bound of transforms for
/// the rows computed at once, with 34 roundings of the products with the rows behind them that the adjoint
/// adds; that of sums, by Cauchy and Schwarz, for the others; and two roundings of d v.
inline numbers long_bound(const convolution_problem& problem, const numbers& x) {
  const numbers skip = problem.skip();
  const dnalm::matrix<double> taps = problem.taps(problem.longest());
  numbers bound;
  index_t first = 0;
  for (const index_t length : problem.lengths) {
    std::vector<double> v(static_cast<std::size_t>(problem.width), 0.0);
    std::vector<double> h = v;
    for (index_t i = 0; i < length; ++i) {
      for (index_t c = 0; c < problem.width; ++c) {
        const double value = x[static_cast<std::size_t>((first + i) * problem.width + c)];
        v[static_cast<std::size_t>(c)] += value * value;
        h[static_cast<std::size_t>(c)] += taps(i, c) * taps(i, c);
      }
    }
    const index_t at_once = dnalm::detail::convolution_rows_at_once(length);
    const double by_transforms = 8.0 * std::log2(2.0 * static_cast<double>(at_once)) + 34.0;
    const double by_sums = 272.0 + static_cast<double>(length) / 256.0;
    for (index_t i = 0; i < length; ++i) {
      for (index_t c = 0; c < problem.width; ++c) {
        const auto at = static_cast<std::size_t>(c);
        const double value = x[static_cast<std::size_t>((first + i) * problem.width + c)];
        const double factor = 0x1p-24 * (i < at_once ? by_transforms : by_sums);
        bound.push_back(factor * std::sqrt(v[at] * h[at]) + 2 * 0x1p-24 * std::abs(skip[at] * value));
      }
    }
    first += length;
  }
  return bound;
}

/// The short convolution (K taps) of x, or its adjoint.
template <class B>
numbers run_short(const B& b, const convolution_problem& problem, index_t taps, const numbers& x,
                  bool adjoint) {
  using T = typename B::scalar;
  const dnalm::ragged_offsets offsets = problem.offsets();
  const numbers weights = normal_numbers(taps * problem.width, 31);
  const numbers biases = normal_numbers(problem.width, 32);
  const poisoned<T> w(taps, problem.width, weights.data());
  const poisoned<T> bias(1, problem.width, biases.data());
  const poisoned<T> in(problem.rows(), problem.width, x.data());
  poisoned<T> out(problem.rows(), problem.width);
  if (adjoint) {
    b.short_convolution_vjp(in.view(), w.view(), offsets, out.view());
  } else {
    b.short_convolution(in.view(), w.view(), bias.view().row(0), offsets, out.view());
  }
  CHECK(out.frame_is_whole());
  numbers result;
  append_numbers(static_cast<const poisoned<T>&>(out).view(), result);
  return result;
}

}  // namespace dnalm_test
