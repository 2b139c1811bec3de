// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of probe/fitted_probe.hpp.
#pragma once

#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/probe/detail/lanes.hpp>
#include <dnalm/probe/fitted_probe.hpp>
#include <dnalm/probe/logistic.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE std::vector<double> linear_outputs(const fitted_probe& probe, matrix_view<const float> x) {
  if (x.columns != probe.width) {
    throw error(error_kind::shape, 520, "the probe was fitted on vectors of another width",
                {.where = "probe " + probe.model + " layer " + std::to_string(probe.layer),
                 .expected = std::to_string(probe.width),
                 .found = std::to_string(x.columns)});
  }
  std::vector<double> outputs;
  outputs.reserve(static_cast<std::size_t>(checked_mul(x.rows, probe.outputs())));
  for (index_t row = 0; row < x.rows; ++row) {
    for (index_t o = 0; o < probe.outputs(); ++o) {
      const double* weights = probe.weights.data() + o * probe.width;
      outputs.push_back(detail::mixed_dot(x.row_data(row), weights, probe.width) +
                        probe.intercept[static_cast<std::size_t>(o)]);
    }
  }
  return outputs;
}

DNALM_INLINE std::vector<double> target_predictions(const fitted_probe& probe, const probe_target& target,
                                                    matrix_view<const double> outputs) {
  const auto own = outputs.column_block(target.first_output, target.outputs);
  std::vector<double> predictions;
  if (probe.kind == probe_kind::logistic) {
    const auto probabilities = class_probabilities(own);
    if (target.outputs > 1) return probabilities;
    for (std::size_t i = 1; i < probabilities.size(); i += 2) predictions.push_back(probabilities[i]);
    return predictions;
  }
  for (index_t row = 0; row < own.rows; ++row) {
    for (index_t o = 0; o < own.columns; ++o) predictions.push_back(own(row, o));
  }
  return predictions;
}

DNALM_END_NAMESPACE
