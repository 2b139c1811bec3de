// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Second moments of rows on a GPU, in double, leaf by leaf.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// Rows of a leaf, n of them: z[r] = (x[r] | y[r]), D + T numbers, with weight w[r] > 0.
struct device_leaf {
  device_matrix<const float> x;        ///< (n, D)
  device_matrix<const double> labels;  ///< (n, 1 + T): the weight, then y
};

/// Centred moments of rows z = (x | y).
template <class Number>
struct device_moments {
  device_vector<Number> mean;      ///< (D + T)
  device_matrix<Number> products;  ///< (D + T, D): sum of w (z - mz)(x - mx)'; of the rows below D the lower
                                   ///< triangle with the diagonal, what lies above it is never touched
  device_vector<Number> squares;   ///< (T): sum of w (y - my)^2
};

/// What the weights W of the rows so far and w of a leaf say to the merge of both.
struct leaf_share {
  bool first = true;    ///< there are no rows so far
  double leaf = 0;      ///< w
  double fraction = 1;  ///< w / (W + w)
  double factor = 0;    ///< W w / (W + w)
};

/// Of a leaf of weight `leaf` behind rows of weight `before`, 0 when there are none.
[[nodiscard]] constexpr leaf_share share_of_leaf(double before, double leaf) {
  if (before == 0) return {true, leaf, 1.0, 0.0};
  const double fraction = leaf / (before + leaf);
  return {false, leaf, fraction, before * fraction};
}

/// The rows so far and a leaf together (Chan, Golub, LeVeque 1979), with m the leaf's own mean and d = m -
/// mean:
///
/// mean += fraction d, products += sum over the leaf of w (z - m)(x - m)' + factor d d', squares likewise.
///
/// The sum of a leaf is one chain of fused multiply-adds by rising rows, the last term d d', added to what is
/// there: the bits depend on the rows of the leaf and on nothing else. `after` may be `before`; with
/// share.first `before` is not read. `scratch` (2, D + T). Cost: n D (D + 2 T) operations;
/// D (D + 2 T) numbers are read and written.
void cuda_add_leaf(cuda_stream stream, const device_leaf& leaf, const leaf_share& share,
                   const device_moments<const double>& before, device_matrix<double> scratch,
                   const device_moments<double>& after);

DNALM_END_NAMESPACE
