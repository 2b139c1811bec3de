// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of probe/ridge_moments.hpp.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>

#include <dnalm/probe/detail/probe_checks.hpp>
#include <dnalm/probe/detail/shift_mean.hpp>
#include <dnalm/probe/ridge_moments.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE ridge_moments make_moments(index_t features, index_t targets) {
  ridge_moments moments;
  moments.features = features;
  moments.targets = targets;
  moments.mean_x.assign(static_cast<std::size_t>(checked_size(std::initializer_list<index_t>{features})),
                        0.0);
  moments.mean_y.assign(static_cast<std::size_t>(targets), 0.0);
  moments.gram.assign(static_cast<std::size_t>(checked_mul(features, features)), 0.0);
  moments.cross.assign(static_cast<std::size_t>(checked_mul(targets, features)), 0.0);
  moments.yy.assign(static_cast<std::size_t>(targets), 0.0);
  return moments;
}

DNALM_INLINE void merge_moments(ridge_moments& into, const ridge_moments& other) {
  if (into.features != other.features || into.targets != other.targets) {
    detail::throw_statistics_shape(
        std::to_string(into.features) + " features, " + std::to_string(into.targets) + " targets",
        std::to_string(other.features) + " and " + std::to_string(other.targets));
  }
  if (other.rows == 0) return;
  if (into.rows == 0) {
    into = other;
    return;
  }
  const double total = into.weight + other.weight;
  const double factor = into.weight * (other.weight / total);
  const auto dx = detail::shift_mean(into.mean_x, other.mean_x, other.weight / total);
  const auto dy = detail::shift_mean(into.mean_y, other.mean_y, other.weight / total);
  const std::size_t features = dx.size();
  for (std::size_t i = 0; i < features; ++i) {
    const double scaled = factor * dx[i];
    for (std::size_t j = 0; j < features; ++j) {
      into.gram[i * features + j] += other.gram[i * features + j] + scaled * dx[j];
    }
  }
  for (std::size_t t = 0; t < dy.size(); ++t) {
    const double scaled = factor * dy[t];
    for (std::size_t d = 0; d < features; ++d) {
      into.cross[t * features + d] += other.cross[t * features + d] + scaled * dx[d];
    }
    into.yy[t] += other.yy[t] + scaled * dy[t];
  }
  into.rows += other.rows;
  into.weight = total;
}

DNALM_END_NAMESPACE
