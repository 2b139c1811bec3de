// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Hyena's long filter: a small sine network of the position, damped towards the past; in double.
///
/// Three nested sines of ten times their argument amplify what goes in: in float the original's filter is
/// itself 2e-4 away from what its weights say. So it is computed in double on every backend, from the
/// numbers of the file, and rounded once.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// What a filter reads of its positions. Layers of one network usually share it.
struct filter_positions {
  index_t count = 0;           ///< positions; taps behind them are 0
  index_t width = 0;           ///< E numbers of a position
  std::vector<double> z = {};  ///< (count, E)
  std::vector<double> t = {};  ///< (count), from 0 to 1

  [[nodiscard]] bool operator==(const filter_positions&) const = default;
};

/// One product of the network: y = W x + b.
struct filter_layer {
  std::vector<double> weight = {};  ///< (in, out): one input's weights beside each other
  std::vector<double> bias = {};    ///< (out); empty: none
  index_t outputs = 0;

  /// y (out) = W x + b, one chain per output over the inputs. W comes as files have it, (out, in).
  void set(std::span<const double> stored, index_t inputs, std::vector<double> b) {
    outputs = static_cast<index_t>(stored.size()) / inputs;
    weight.resize(stored.size());
    for (index_t o = 0; o < outputs; ++o) {
      for (index_t i = 0; i < inputs; ++i) {
        weight[static_cast<std::size_t>(i * outputs + o)] = stored[static_cast<std::size_t>(o * inputs + i)];
      }
    }
    bias = std::move(b);
  }
  void apply(const double* x, double* y) const { apply(x, 0, outputs, y); }
  /// Outputs [first, first + count) alone, y (count).
  void apply(const double* x, index_t first, index_t count, double* y) const {
    const auto inputs = static_cast<index_t>(weight.size()) / outputs;
    for (index_t o = 0; o < count; ++o) y[o] = bias.empty() ? 0.0 : bias[static_cast<std::size_t>(first + o)];
    for (index_t i = 0; i < inputs; ++i) {
      const double* row = weight.data() + i * outputs + first;
      for (index_t o = 0; o < count; ++o) y[o] += row[o] * x[i];
    }
  }
};

/// h(i, c) = (exp(-t_i |delta_c|) + shift) k_c(z_i), k = W_n sin(f (W_(n-1) ... sin(f (W_0 z + b_0)))).
///
/// f is one vector for all sine layers. Without modulation the first factor is 1.
struct implicit_filter {
  std::shared_ptr<const filter_positions> positions = {};
  std::vector<filter_layer> sines = {};  ///< E -> O, O -> O, ...
  filter_layer last = {};                ///< O -> D
  std::vector<double> frequencies = {};  ///< (O)
  std::vector<double> deltas = {};       ///< (D)
  bool modulated = true;
  double shift = 0.05;

  /// What the last product reads of position i < positions->count, (O); it stands in `memory` of 2 O numbers.
  [[nodiscard]] const double* sine_row(index_t i, double* memory) const {
    const index_t order = static_cast<index_t>(frequencies.size());
    const double* x = positions->z.data() + i * positions->width;
    for (std::size_t layer = 0; layer < sines.size(); ++layer) {
      double* y = memory + (layer % 2 == 0 ? 0 : order);
      sines[layer].apply(x, y);
      for (index_t o = 0; o < order; ++o) y[o] = std::sin(frequencies[static_cast<std::size_t>(o)] * y[o]);
      x = y;
    }
    return x;
  }
  /// Channels [first, first + count) of row i from its sine row x; h (count).
  void channels_of_row(index_t i, const double* x, index_t first, index_t count, double* h) const {
    last.apply(x, first, count, h);
    if (!modulated) return;
    const double t = positions->t[static_cast<std::size_t>(i)];
    for (index_t c = 0; c < count; ++c) {
      h[c] *= std::exp(-t * std::abs(deltas[static_cast<std::size_t>(first + c)])) + shift;
    }
  }

  /// The first `count` taps (count, D), 0 behind the last position. On a team, if there is one; the numbers
  /// do not depend on it. Cost: O (E + n O + D) products, n + 1 times O sines and D exponentials a tap.
  [[nodiscard]] matrix<double> taps(index_t count, thread_team* team = nullptr) const {
    matrix<double> h(count, last.outputs);
    for_positions(count, team, [&](index_t i, double* memory) {
      channels_of_row(i, sine_row(i, memory), 0, last.outputs, h.data() + i * last.outputs);
    });
    return h;
  }
  /// The sine rows of the first `count` positions that there are, (min(count, positions), O): the work that
  /// all channels share. On a team, if there is one.
  [[nodiscard]] matrix<double> sine_rows(index_t count, thread_team* team = nullptr) const {
    const auto order = static_cast<index_t>(frequencies.size());
    matrix<double> rows(std::min(count, positions->count), order);
    for_positions(count, team, [&](index_t i, double* memory) {
      std::copy_n(sine_row(i, memory), order, rows.data() + i * order);
    });
    return rows;
  }
  /// Channels [first, first + channels) of the first `count` taps, with the bits of `taps`, from sine rows of
  /// at least as many positions.
  [[nodiscard]] matrix<double> taps_of_channels(const matrix<double>& rows, index_t count, index_t first,
                                                index_t channels) const {
    matrix<double> h(count, channels);
    for (index_t i = 0; i < std::min(count, positions->count); ++i) {
      channels_of_row(i, rows.data() + i * rows.columns(), first, channels, h.data() + i * channels);
    }
    return h;
  }

 private:
  /// work(i, memory of 2 O numbers) for every position i < count that there is.
  template <class Work>
  void for_positions(index_t count, thread_team* team, const Work& work) const {
    constexpr index_t part = 256;
    const index_t known = std::min(count, positions->count);
    const auto fill = [&](index_t p, int) {
      std::vector<double> memory(2 * frequencies.size());
      for (index_t i = p * part; i < std::min(known, (p + 1) * part); ++i) work(i, memory.data());
    };
    const index_t parts = (known + part - 1) / part;
    if (team != nullptr) {
      team->run(parts, fill);
    } else {
      for (index_t p = 0; p < parts; ++p) fill(p, 0);
    }
  }
};

DNALM_END_NAMESPACE
