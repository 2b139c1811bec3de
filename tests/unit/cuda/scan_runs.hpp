// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The kernels of Mamba's mixer of cuda_backend on host views: for the emulated GPU and a real one.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <dnalm/cuda/cuda_backend.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <unit/backend/scan_cases.hpp>

namespace dnalm_test {

/// Memory as of host_backend.
template <class Memory>
class scans_on_host {
  using in = dnalm::matrix_view<const float>;
  using out = dnalm::matrix_view<float>;
  using in_vector = dnalm::vector_view<const float>;
  using offsets = dnalm::ragged_offsets;
  using call = typename Memory::call;

 public:
  using scalar = float;

  [[nodiscard]] index_t selective_scan_scratch(index_t, index_t) const { return 0; }
  void selective_scan(const dnalm::scan_input<float>& x, const offsets& o, dnalm::vector_view<float>,
                      out y) const {
    run([&](call& c) { gpu.selective_scan(of(c, x), o, {}, c.out(y)); });
  }
  [[nodiscard]] index_t selective_scan_vjp_scratch(index_t, index_t, index_t) const { return 0; }
  void selective_scan_vjp(const dnalm::scan_input<float>& x, const offsets& o, in dy,
                          dnalm::vector_view<float>, const dnalm::scan_gradient<float>& g) const {
    run([&](call& c) {
      gpu.selective_scan_vjp(of(c, x), o, c.in(dy), {}, {c.out(g.x), c.out(g.delta), c.out(g.parts)});
    });
  }
  void short_convolution_back(in x, in w, in_vector bias, const offsets& o, out y) const {
    run([&](call& c) { gpu.short_convolution_back(c.in(x), c.in(w), c.in(bias), o, c.out(y)); });
  }
  void short_convolution_back_vjp(in dy, in w, const offsets& o, out dx) const {
    run([&](call& c) { gpu.short_convolution_back_vjp(c.in(dy), c.in(w), o, c.out(dx)); });
  }
  void rms_norm(in x, in_vector gamma, float eps, out y) const {
    run([&](call& c) { gpu.rms_norm(c.in(x), c.in(gamma), eps, c.out(y)); });
  }
  void rms_norm_vjp(in x, in_vector gamma, float eps, in dy, out dx) const {
    run([&](call& c) { gpu.rms_norm_vjp(c.in(x), c.in(gamma), eps, c.in(dy), c.out(dx)); });
  }
  void fold_strands(in x, bool exchanged, out y) const {
    run([&](call& c) { gpu.fold_strands(c.in(x), exchanged, c.out(y)); });
  }
  void unfold_strands(in y, bool exchanged, out x) const {
    run([&](call& c) { gpu.unfold_strands(c.in(y), exchanged, c.out(x)); });
  }

  dnalm::cuda_backend gpu = dnalm::cuda_backend();

 private:
  template <class Kernel>
  void run(const Kernel& kernel) const {
    call c(gpu);
    kernel(c);
    c.finish();
  }
  [[nodiscard]] static dnalm::device_scan of(call& c, const dnalm::scan_input<float>& x) {
    return {c.in(x.x), c.in(x.delta), c.in(x.parts), c.in(x.rates), c.in(x.skip), x.order};
  }
};

/// The rows of x, delta and [B | C] of a problem, or of the gradients by them.
inline std::vector<numbers> split_scan(const scan_problem& p, const numbers& all) {
  const auto first = p.rows() * p.channels;
  return {{all.begin(), all.begin() + first},
          {all.begin() + first, all.begin() + 2 * first},
          {all.begin() + 2 * first, all.end()}};
}
inline numbers join_scan(const std::vector<numbers>& parts) {
  numbers all;
  for (const numbers& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}
[[nodiscard]] inline double largest_of(const numbers& x) {
  double largest = 0.0;
  for (const double value : x) largest = std::max(largest, std::abs(value));
  return largest;
}

/// What the tests of the CPU's scan allow a float one: 2e-6 of the largest number of y, and 5e-6 of that of
/// each gradient (docs/kernels.md).
inline numbers scan_bound(const numbers& exact) {
  return numbers(exact.size(), 2e-6 * largest_of(exact));
}
inline numbers scan_vjp_bound(const scan_problem& p, const numbers& exact) {
  std::vector<numbers> parts = split_scan(p, exact);
  for (numbers& part : parts) part = numbers(part.size(), 5e-6 * largest_of(part));
  return join_scan(parts);
}

/// The scan and its adjoint near double, and over their inputs with the same bits.
template <class B>
void check_scan(const B& b, const scan_problem& p) {
  INFO(p.channels << " channels of " << p.states << " states");
  const dnalm::reference_backend reference;
  const numbers x = normal_numbers(p.size(), 1);
  const numbers u = normal_numbers(p.rows() * p.channels, 2);
  const numbers exact = run_scan(reference, p, x);
  const numbers y = run_scan(b, p, x);
  check_within(exact, y, scan_bound(exact));
  CHECK(same_numbers(y, run_scan(b, p, x, true)));
  const numbers slopes = run_scan_vjp(reference, p, x, u);
  const numbers g = run_scan_vjp(b, p, x, u);
  check_within(slopes, g, scan_vjp_bound(p, slopes));
  CHECK(same_numbers(g, run_scan_vjp(b, p, x, u, true)));
}

/// Every sequence of a problem alone has the bits that it has in the batch, and so have its gradients.
template <class B>
void check_scan_alone(const B& b, const scan_problem& batch) {
  const index_t columns[] = {batch.channels, batch.channels, 2 * batch.states};
  const auto part_of = [&](const numbers& all, index_t width, index_t s) {
    const auto offsets = batch.offsets();
    return numbers(all.begin() + offsets.begin(s) * width, all.begin() + offsets.begin(s + 1) * width);
  };
  const numbers x = normal_numbers(batch.size(), 11);
  const numbers u = normal_numbers(batch.rows() * batch.channels, 12);
  const numbers together = run_scan(b, batch, x);
  const auto inputs = split_scan(batch, x);
  const auto slopes = split_scan(batch, run_scan_vjp(b, batch, x, u));
  for (index_t s = 0; s < batch.offsets().sequences(); ++s) {
    const scan_problem alone{{batch.offsets().length(s)}, batch.channels, batch.states, batch.order};
    std::vector<numbers> own;
    std::vector<numbers> expected;
    for (std::size_t i = 0; i < 3; ++i) {
      own.push_back(part_of(inputs[i], columns[i], s));
      expected.push_back(part_of(slopes[i], columns[i], s));
    }
    CHECK(same_numbers(run_scan(b, alone, join_scan(own)), part_of(together, batch.channels, s)));
    CHECK(same_numbers(run_scan_vjp(b, alone, join_scan(own), part_of(u, batch.channels, s)),
                       join_scan(expected)));
  }
}

/// A scan from the end of the sequences turned round has the bits of the scan of the sequences.
template <class B>
void check_scan_turned_round(const B& b, scan_problem p) {
  const auto offsets = p.offsets();
  const index_t columns[] = {p.channels, p.channels, 2 * p.states};
  const auto turned = [&](const numbers& all) {
    std::vector<numbers> parts = split_scan(p, all);
    for (std::size_t i = 0; i < 3; ++i) parts[i] = turned_round(parts[i], offsets, columns[i]);
    return join_scan(parts);
  };
  const numbers x = normal_numbers(p.size(), 31);
  const numbers u = normal_numbers(p.rows() * p.channels, 32);
  const numbers ahead = run_scan(b, p, x);
  const numbers slopes = run_scan_vjp(b, p, x, u);
  p.order = dnalm::scan_order::backward;
  CHECK(same_numbers(turned_round(run_scan(b, p, turned(x)), offsets, p.channels), ahead));
  CHECK(same_numbers(turned(run_scan_vjp(b, p, turned(x), turned_round(u, offsets, p.channels))), slopes));
}

/// The short convolutions from the other end: a chain of K + 1 roundings of sums of at most 25 K + 5.
template <class B>
void check_short_back(const B& b, const scan_problem& p) {
  const dnalm::reference_backend reference;
  const numbers x = normal_numbers(p.rows() * p.channels, 14);
  for (const index_t taps : {1, 3, 4}) {
    for (const bool adjoint : {false, true}) {
      const numbers exact = run_short_back(reference, p, taps, x, adjoint);
      const double size = 25.0 * static_cast<double>(taps) + 5.0;
      const numbers bound(exact.size(), static_cast<double>(taps + 1) * 0x1p-24 * size);
      check_within(exact, run_short_back(b, p, taps, x, adjoint), bound);
    }
  }
}

/// Strands are copied number by number.
template <class B>
void check_strands(const B& b, index_t rows, index_t channels) {
  const numbers x = normal_numbers(rows * 2 * channels, 51);
  for (const bool exchanged : {false, true}) {
    for (const bool unfold : {false, true}) {
      CHECK(same_numbers(run_strands(dnalm::reference_backend(), rows, channels, x, exchanged, unfold),
                         run_strands(b, rows, channels, x, exchanged, unfold)));
    }
  }
}

/// One row from state 0 has y = softplus(delta) x B C, here with x = B = C = 1, D = 0: log(1 + exp) is right
/// to 4e-7 of itself at all magnitudes.
template <class B>
void check_scan_steps(const B& b) {
  numbers delta;
  for (double x = -80.0; x < 60.0; x += 0.377) delta.push_back(static_cast<double>(static_cast<float>(x)));
  const auto rows = static_cast<index_t>(delta.size());
  const numbers ones(static_cast<std::size_t>(2 * rows), 1.0);
  const double rate = -1.0;
  const double skip = 0.0;
  const poisoned<float> x(rows, 1, ones.data());
  const poisoned<float> steps(rows, 1, delta.data());
  const poisoned<float> parts(rows, 2, ones.data());
  const poisoned<float> rates(1, 1, &rate);
  const poisoned<float> skips(1, 1, &skip);
  poisoned<float> y(rows, 1);
  dnalm::ragged_offsets offsets;
  for (index_t i = 0; i < rows; ++i) offsets.append(1);
  b.selective_scan({x.view(), steps.view(), parts.view(), rates.view(), skips.view().row(0)}, offsets, {},
                   y.view());
  numbers exact;
  for (const double value : delta) exact.push_back(std::log1p(std::exp(value)));
  numbers bound;
  for (const double value : exact) bound.push_back(4e-7 * value);
  numbers found;
  append_numbers(y.view(), found);
  check_within(exact, found, bound);
}

}  // namespace dnalm_test
