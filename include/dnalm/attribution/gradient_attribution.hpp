// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Attribution by gradients: saliency, SmoothGrad, integrated gradients, expected gradients.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <dnalm/attribution/baseline.hpp>
#include <dnalm/attribution/map_transforms.hpp>
#include <dnalm/attribution/relaxed_function.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

// All results are n C in number: sequence by sequence, within a sequence output by output. A sequence's
// results depend on the sequence, its number in the list where baselines or noise are drawn, and the options
// only. Columns of N are 0. An error that is a sequence_error names the sequence of the list.

/// A map and the value of f at the sequence.
struct gradient_map {
  nucleotide_map map = {};
  double value = 0;  ///< f(x)
};

/// Saliency with its sign: g[a, i] = df / dx[a, i] at the sequence. Input times gradient, correction and
/// first-order effects are functions of it: map_transforms.hpp. Cost: one gradient.
[[nodiscard]] std::vector<gradient_map> saliency(const relaxed_function& f,
                                                 std::span<const std::string> sequences);

struct smooth_grad_options {
  double deviation = 0.1;  ///< of the noise on each weight
  index_t samples = 50;
  std::uint64_t seed = 1;
  index_t first_number = 0;  ///< number of the first sequence: noise is keyed by (seed, number, sample)
};

/// SmoothGrad: the mean of g at x + sigma e, e standard normal for each of the 4 weights of a base (none at
/// N). `value` is f(x). \throws error [dnalm.usage.807] no samples, or a deviation that is negative or not
/// finite. Cost: `samples` gradients.
[[nodiscard]] std::vector<gradient_map> smooth_grad(const relaxed_function& f,
                                                    std::span<const std::string> sequences,
                                                    const smooth_grad_options& options = {});

struct path_options {
  baseline from = {};
  index_t nodes = 32;         ///< Gauss-Legendre nodes that are tried first
  index_t most_nodes = 1024;  ///< doubled up to here; `nodes`: never doubled
  double tolerance = 1e-3;    ///< |delta| <= tolerance max(1, |f(x) - f(r)|) of every baseline is enough
  index_t first_number = 0;   ///< number of the first sequence, for baselines
};

/// Integrated or expected gradients of one output.
struct path_attribution {
  nucleotide_map map = {};
  double value = 0;           ///< f(x)
  double baseline_value = 0;  ///< f(r), the mean over baselines
  double delta = 0;           ///< sum of the map - (f(x) - f(r)): 0 but for the error of the integral
  /// By baseline: sum of its own map - (f(x) - its f(r)); delta is their mean, in which errors of opposite
  /// signs are lost. Of expected gradients none.
  std::vector<double> deltas = {};
  index_t nodes = 0;  ///< per baseline; of expected gradients the samples
  /// Whether the delta of every baseline is within the tolerance; of expected gradients, which have none,
  /// true.
  bool within_tolerance = true;

  /// The largest of `deltas` in size, with its sign, NaN if one is; `delta` where there are none.
  [[nodiscard]] double largest_delta() const;
};

/// Integrated gradients: (x - r)[a, i] times the integral over t in [0, 1] of df/dx[a, i] at r + t (x - r),
/// the mean over baselines. The nodes are doubled, for each output, until the delta of every baseline is
/// small enough or the most are reached; deltas and nodes are returned.
///
/// A reference token (baselines `n` and `mask`) has a weight of its own, 1 - t; its part counts for the
/// observed base. Entries that are equal in x and r are 0. With k-mers the path runs through the multilinear
/// extension: from `zero` and `mask` the bases of a token then share it evenly. Exact for polynomials of
/// degree 2 nodes along the path. \throws error [dnalm.usage.807] no nodes, or a tolerance below 0; as
/// baseline_weights. Cost: `nodes` gradients per baseline. Source: Sundararajan, Taly, Yan, "Axiomatic
/// attribution for deep networks", ICML 2017.
[[nodiscard]] std::vector<path_attribution> integrated_gradients(const relaxed_function& f,
                                                                 std::span<const std::string> sequences,
                                                                 const path_options& options = {});

struct expected_gradient_options {
  baseline from = {};
  index_t samples = 200;
  std::uint64_t seed = 1;
  index_t first_number = 0;  ///< number of the first sequence: draws are keyed by (seed, number)
};

/// Expected gradients: the mean over samples of (x - r)[a, i] df/dx[a, i] at r + t (x - r), t uniform in
/// [0, 1), the baselines in turn. `delta` falls with the root of the samples. \throws as
/// integrated_gradients. Source: Erion, Janizek, Sturmfels, Lundberg, Lee, "Improving performance of deep
/// learning models with axiomatic attribution priors and expected gradients", Nature Machine Intelligence
/// 2021.
[[nodiscard]] std::vector<path_attribution> expected_gradients(const relaxed_function& f,
                                                               std::span<const std::string> sequences,
                                                               const expected_gradient_options& options = {});

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/gradient_attribution_impl.hpp>
#endif
