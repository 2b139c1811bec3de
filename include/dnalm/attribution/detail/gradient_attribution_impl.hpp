// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/gradient_attribution.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/detail/gauss_legendre.hpp>
#include <dnalm/attribution/detail/largest_delta.hpp>
#include <dnalm/attribution/detail/weights_between.hpp>
#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/sequence/alphabet.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// \throws error [dnalm.usage.807].
inline void require_option(bool holds, const std::string& what, const std::string& expected) {
  if (!holds) throw error(error_kind::usage, 807, what, {.expected = expected});
}

/// Points that lie in memory at a time: enough to fill batches, few enough to forget.
inline constexpr index_t points_at_once = 64;

/// Evaluates `count` points that `make` makes, some at a time and in order; `use(i, c, value, gradient)` gets
/// each output of each of them, in order.
template <class Make, class Use>
void for_points(const relaxed_function& f, index_t count, const Make& make, const Use& use) {
  const auto outputs = static_cast<std::size_t>(f.outputs);
  for (index_t first = 0; first < count; first += points_at_once) {
    std::vector<relaxed_point> points;
    for (index_t i = first; i < std::min(count, first + points_at_once); ++i) points.push_back(make(i));
    const relaxed_values found = f(points);
    for (std::size_t i = 0; i < points.size(); ++i) {
      for (std::size_t c = 0; c < outputs; ++c) {
        use(first + static_cast<index_t>(i), static_cast<index_t>(c), found.values[i * outputs + c],
            found.gradients[i * outputs + c]);
      }
    }
  }
}

inline void add_scaled(double factor, const nucleotide_map& x, nucleotide_map& y) {
  for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] += factor * x.values[i];
}

/// A straight way from a baseline to a sequence.
struct path {
  std::string sequence = {};
  nucleotide_map end = {};        // x
  nucleotide_weights start = {};  // r
  index_t number = 0;             // of the sequence in the caller's list

  [[nodiscard]] relaxed_point at(double t) const {
    return {.sequence = sequence, .weights = weights_between(end, start, t), .number = number};
  }
  /// map += factor (x - r) * gradient; the reference token's part counts for the observed base.
  void add_products(double factor, const nucleotide_weights& gradient, nucleotide_map& map) const {
    for (std::size_t i = 0; i < map.values.size(); ++i) {
      map.values[i] += factor * (end.values[i] - start.letters.values[i]) * gradient.letters.values[i];
    }
    for (std::size_t i = 0; i < start.rest.size(); ++i) {
      const int code = base_code(sequence[i]);
      if (code < 4) map(code, static_cast<index_t>(i)) -= factor * start.rest[i] * gradient.rest[i];
    }
  }
};

[[nodiscard]] inline double sum_of(const nucleotide_map& map) {
  double sum = 0;
  for (const double value : map.values) sum += value;
  return sum;
}

/// All baselines of sequence `place` of a list, the first of which has the number `first_number`.
[[nodiscard]] inline std::vector<path> paths_of(const relaxed_function& f, const baseline& from,
                                                const std::string& sequence, index_t place,
                                                index_t first_number) {
  require_option(from.count() >= 1, "no baselines", "at least one replicate");
  std::vector<path> paths;
  for (index_t replicate = 0; replicate < from.count(); ++replicate) {
    paths.push_back({sequence, one_hot_map(sequence),
                     baseline_weights(from, f, sequence, first_number + place, replicate), place});
  }
  return paths;
}

/// f(x) and the mean of f(r), by output; f(r) by path, then by output.
inline std::vector<double> fill_ends(const relaxed_function& f, const std::vector<path>& paths,
                                     std::vector<path_attribution>& results) {
  const path& any = paths.front();
  std::vector<relaxed_point> points = {{any.sequence, {.letters = any.end}, any.number}};
  for (const path& one : paths) points.push_back(one.at(0));
  std::vector<double> values = f.values(points);
  for (std::size_t c = 0; c < results.size(); ++c) {
    results[c].value = values[c];
    double sum = 0;
    for (std::size_t r = 1; r < points.size(); ++r) sum += values[r * results.size() + c];
    results[c].baseline_value = sum / static_cast<double>(paths.size());
  }
  values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(results.size()));
  return values;
}

inline void set_delta(path_attribution& result) {
  result.delta = sum_of(result.map) - (result.value - result.baseline_value);
}

/// The integrals with n nodes, by output: the mean over paths, and the sum of each path's own.
struct path_integral {
  nucleotide_map map = {};
  std::vector<double> sums = {};  // by path
};
[[nodiscard]] inline std::vector<path_integral> integrals(const relaxed_function& f,
                                                          const std::vector<path>& paths, index_t n) {
  const quadrature rule = gauss_legendre(n);
  const nucleotide_map empty(static_cast<index_t>(paths.front().sequence.size()));
  std::vector<path_integral> found(static_cast<std::size_t>(f.outputs), {.map = empty});
  const auto path_of = [&](index_t i) -> const path& { return paths[static_cast<std::size_t>(i / n)]; };
  const auto share = 1.0 / static_cast<double>(paths.size());
  std::vector<nucleotide_map> own(found.size(), empty);  // of the path whose points are under way
  for_points(
      f, n * static_cast<index_t>(paths.size()),
      [&](index_t i) { return path_of(i).at(rule.nodes[static_cast<std::size_t>(i % n)]); },
      [&](index_t i, index_t c, double, const nucleotide_weights& gradient) {
        nucleotide_map& map = own[static_cast<std::size_t>(c)];
        path_of(i).add_products(rule.weights[static_cast<std::size_t>(i % n)], gradient, map);
        if (i % n + 1 < n) return;
        path_integral& all = found[static_cast<std::size_t>(c)];
        add_scaled(share, map, all.map);
        all.sums.push_back(sum_of(map));
        map = empty;
      });
  return found;
}

/// Whether the integrals of all paths are as near as is asked for. `starts`: f(r) by path, then by output.
inline bool set_deltas(path_integral integral, const std::vector<double>& starts, index_t output,
                       index_t outputs, double tolerance, path_attribution& result) {
  result.map = std::move(integral.map);
  result.deltas.clear();
  bool within = true;
  for (std::size_t p = 0; p < integral.sums.size(); ++p) {
    const double start = starts[p * static_cast<std::size_t>(outputs) + static_cast<std::size_t>(output)];
    const double change = result.value - start;
    result.deltas.push_back(integral.sums[p] - change);
    within = within && std::abs(result.deltas.back()) <= tolerance * std::max(1.0, std::abs(change));
  }
  set_delta(result);
  return within;
}

/// The results of one sequence: an output is done where its deltas are small, whatever the others need.
[[nodiscard]] inline std::vector<path_attribution> integrate(const relaxed_function& f,
                                                             const std::string& sequence, index_t place,
                                                             const path_options& options) {
  const std::vector<path> paths = paths_of(f, options.from, sequence, place, options.first_number);
  std::vector<path_attribution> results(static_cast<std::size_t>(f.outputs));
  const std::vector<double> starts = fill_ends(f, paths, results);
  std::vector<bool> done(results.size(), false);
  for (index_t n = options.nodes;; n = std::min(2 * n, options.most_nodes)) {
    std::vector<path_integral> found = integrals(f, paths, n);
    bool all = true;
    for (std::size_t c = 0; c < results.size(); ++c) {
      path_attribution& result = results[c];
      if (done[c]) continue;
      result.nodes = n;
      done[c] = result.within_tolerance = set_deltas(std::move(found[c]), starts, static_cast<index_t>(c),
                                                     f.outputs, options.tolerance, result);
      all = all && done[c];
    }
    if (all || n >= options.most_nodes) return results;
  }
}

/// x + sigma e for a sample of sequence `place` of the list; columns of N stay 0.
[[nodiscard]] inline relaxed_point noisy_point(const std::string& sequence, index_t place, index_t sample,
                                               const smooth_grad_options& options) {
  relaxed_point point{.sequence = sequence, .weights = one_hot_weights(sequence), .number = place};
  const auto number = static_cast<std::uint64_t>(options.first_number + place);
  const auto stream = (number << 32U) ^ static_cast<std::uint64_t>(sample);
  philox random(options.seed, stream);
  for (index_t i = 0; i < point.weights.letters.length; ++i) {
    const bool base = base_code(sequence[static_cast<std::size_t>(i)]) < 4;
    for (index_t a = 0; a < 4; ++a) {
      const double noise = options.deviation * random.normal();
      if (base) point.weights.letters(a, i) += noise;
    }
  }
  return point;
}

}  // namespace detail

DNALM_INLINE double path_attribution::largest_delta() const {
  return deltas.empty() ? delta : detail::largest_delta_of(deltas);
}

DNALM_INLINE std::vector<gradient_map> saliency(const relaxed_function& f,
                                                std::span<const std::string> sequences) {
  std::vector<gradient_map> results;
  detail::for_points(
      f, static_cast<index_t>(sequences.size()),
      [&](index_t i) {
        const std::string& sequence = sequences[static_cast<std::size_t>(i)];
        return relaxed_point{.sequence = sequence, .weights = one_hot_weights(sequence), .number = i};
      },
      [&](index_t, index_t, double value, const nucleotide_weights& gradient) {
        results.push_back({gradient.letters, value});
      });
  return results;
}

DNALM_INLINE std::vector<gradient_map> smooth_grad(const relaxed_function& f,
                                                   std::span<const std::string> sequences,
                                                   const smooth_grad_options& options) {
  detail::require_option(options.samples >= 1, "SmoothGrad without samples", "at least one sample");
  detail::require_option(std::isfinite(options.deviation) && options.deviation >= 0,
                         "SmoothGrad with an impossible deviation", "a finite number from 0");
  std::vector<gradient_map> results;
  const auto share = 1.0 / static_cast<double>(options.samples);
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const std::string& sequence = sequences[s];
    const auto place = static_cast<index_t>(s);
    const std::vector<relaxed_point> clean = {{sequence, one_hot_weights(sequence), place}};
    const std::size_t first = results.size();
    for (const double value : f.values(clean)) {
      results.push_back({nucleotide_map(static_cast<index_t>(sequence.size())), value});
    }
    detail::for_points(
        f, options.samples,
        [&](index_t sample) { return detail::noisy_point(sequence, place, sample, options); },
        [&](index_t, index_t c, double, const nucleotide_weights& gradient) {
          detail::add_scaled(share, gradient.letters, results[first + static_cast<std::size_t>(c)].map);
        });
  }
  return results;
}

DNALM_INLINE std::vector<path_attribution> integrated_gradients(const relaxed_function& f,
                                                                std::span<const std::string> sequences,
                                                                const path_options& options) {
  detail::require_option(options.nodes >= 1 && options.most_nodes >= options.nodes,
                         "integrated gradients without nodes", "1 <= nodes <= most_nodes");
  detail::require_option(options.tolerance >= 0, "an impossible tolerance", "a number from 0");
  std::vector<path_attribution> results;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    auto found = detail::integrate(f, sequences[s], static_cast<index_t>(s), options);
    std::move(found.begin(), found.end(), std::back_inserter(results));
  }
  return results;
}

DNALM_INLINE std::vector<path_attribution> expected_gradients(const relaxed_function& f,
                                                              std::span<const std::string> sequences,
                                                              const expected_gradient_options& options) {
  detail::require_option(options.samples >= 1, "expected gradients without samples", "at least one sample");
  std::vector<path_attribution> results;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const index_t number = options.first_number + static_cast<index_t>(s);
    std::vector<detail::path> paths =
        detail::paths_of(f, options.from, sequences[s], static_cast<index_t>(s), options.first_number);
    if (static_cast<index_t>(paths.size()) > options.samples) {
      paths.erase(paths.begin() + static_cast<std::ptrdiff_t>(options.samples), paths.end());
    }
    std::vector<path_attribution> found(static_cast<std::size_t>(f.outputs));
    detail::fill_ends(f, paths, found);
    for (path_attribution& one : found) {
      one.map = nucleotide_map(static_cast<index_t>(sequences[s].size()));
      one.nodes = options.samples;
    }
    philox random(options.seed ^ hash_name("expected_gradients"), static_cast<std::uint64_t>(number));
    const auto count = static_cast<index_t>(paths.size());
    const auto path_of = [&](index_t sample) -> const detail::path& {
      return paths[static_cast<std::size_t>(sample % count)];
    };
    const auto share_of = [&](index_t sample) {  // baselines count alike, whether the samples divide or not
      const index_t own = options.samples / count + (sample % count < options.samples % count ? 1 : 0);
      return 1.0 / static_cast<double>(own * count);
    };
    detail::for_points(
        f, options.samples, [&](index_t sample) { return path_of(sample).at(random.uniform()); },
        [&](index_t sample, index_t c, double, const nucleotide_weights& gradient) {
          path_of(sample).add_products(share_of(sample), gradient, found[static_cast<std::size_t>(c)].map);
        });
    for (path_attribution& one : found) detail::set_delta(one);
    std::move(found.begin(), found.end(), std::back_inserter(results));
  }
  return results;
}

DNALM_END_NAMESPACE
