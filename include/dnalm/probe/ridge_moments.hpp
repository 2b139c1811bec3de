// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Centred second moments of rows: all that linear regression needs to know of them.
#pragma once

#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// Centred second moments of rows (x, y) with weights w:
/// gram = sum w (x - mx)(x - mx)', cross = sum w (y - my)(x - mx)', yy = sum w (y - my)^2.
struct ridge_moments {
  index_t features = 0;        ///< D
  index_t targets = 0;         ///< T
  index_t rows = 0;            ///< rows added
  double weight = 0;           ///< sum of weights; rows when unweighted
  std::vector<double> mean_x;  ///< (D)
  std::vector<double> mean_y;  ///< (T)
  std::vector<double> gram;    ///< (D, D), both triangles
  std::vector<double> cross;   ///< (T, D) row-major
  std::vector<double> yy;      ///< (T)
};

/// Empty moments of a shape. \throws error [dnalm.shape.101] on overflow.
[[nodiscard]] ridge_moments make_moments(index_t features, index_t targets);

/// Adds the rows of `other` to `into` (Chan, Golub, LeVeque 1979):
/// G += G' + (w w' / (w + w')) d d' with d the difference of the means. Never subtracts.
void merge_moments(ridge_moments& into, const ridge_moments& other);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/probe/detail/ridge_moments_impl.hpp>
#endif
