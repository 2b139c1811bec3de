// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A fitted linear probe: what evaluate leaves behind and attribute and score read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/probe/task.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

enum class probe_kind { ridge, logistic };

/// `ridge`, `logistic`.
[[nodiscard]] inline std::string_view to_string(probe_kind kind) {
  return kind == probe_kind::ridge ? "ridge" : "logistic";
}
/// \throws error [dnalm.usage.535] for another name.
[[nodiscard]] inline probe_kind parse_probe(std::string_view text) {
  if (text == "ridge") return probe_kind::ridge;
  if (text == "logistic") return probe_kind::logistic;
  throw error(error_kind::usage, 535, "unknown probe",
              {.expected = "ridge or logistic", .found = std::string(text)});
}

/// One target of a fitted probe and the outputs it owns: one for regression and two classes, K for K classes.
struct probe_target {
  std::string name = "label";
  task_kind task = task_kind::regression;
  std::vector<double> classes =
      {};  ///< label values in rising order; the second is class 1 of a binary target
  index_t first_output = 0;
  index_t outputs = 1;
  double lambda = 0;
  index_t train_rows = 0;
};

/// output_o = weights_o' x + intercept_o, x the pooled vector on its original scale.
struct fitted_probe {
  probe_kind kind = probe_kind::ridge;
  std::string model;    ///< folder name of the model, or of the baseline
  index_t layer = -1;   ///< -1: no layer (baselines)
  std::string pooling;  ///< `mean`, `cls`, ... or `-`
  std::uint64_t seed = 1;
  index_t width = 0;  ///< D
  std::vector<probe_target> targets;
  std::vector<double> weights;    ///< (outputs, D) row-major
  std::vector<double> intercept;  ///< (outputs)
  std::vector<double> mean;   ///< (outputs, D): training means; rows differ where targets miss different rows
  std::vector<double> scale;  ///< (outputs, D): training standard deviations; 0: dropped column

  [[nodiscard]] index_t outputs() const { return static_cast<index_t>(intercept.size()); }
};

/// Linear outputs (n, outputs), row-major, of rows (n, D), in double, in a fixed order of summation.
/// \throws error [dnalm.shape.520] when the width differs. Cost: O(n D outputs).
[[nodiscard]] std::vector<double> linear_outputs(const fitted_probe& probe, matrix_view<const float> x);

/// What one target predicts for the rows of linear outputs (n, probe.outputs()): (n, outputs of the target);
/// for logistic classes probabilities, otherwise the linear outputs.
[[nodiscard]] std::vector<double> target_predictions(const fitted_probe& probe, const probe_target& target,
                                                     matrix_view<const double> outputs);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/probe/detail/fitted_probe_impl.hpp>
#endif
