// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The probing protocol: choose the penalty, refit, predict the test rows, score with intervals.
#pragma once

#include <span>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/probe/probe_evaluation.hpp>
#include <dnalm/probe/probe_problem.hpp>
#include <dnalm/probe/ridge_accumulator.hpp>
#include <dnalm/probe/ridge_statistics.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Runs the protocol on one representation.
///
/// 1. Every penalty is fitted on the train rows (standardised by their own mean and deviation) and judged by
///    options.choice; ties go to the larger penalty. 2. The probe is refitted at that penalty on train +
///    valid.
/// 3. Test rows are predicted and scored; intervals resample groups, the same resamples for every
/// representation. Ridge on classes regresses 0/1 indicators. All targets share one pass over the rows where
/// ridge works on statistics; it works on rows (dual) where D exceeds the number of training rows. \param
/// features (n, D). \throws error [dnalm.shape.520], [dnalm.numeric.521], [dnalm.usage.528] for a bad
/// penalty, [dnalm.numeric.529] when a logistic fit does not converge, [dnalm.memory.530], [dnalm.usage.535]
/// logistic for a regression target, [dnalm.usage.543] when the penalty cannot be chosen as asked (validation
/// without valid rows, gcv for logistic), [dnalm.input.539] with fewer than two groups for folds,
/// [dnalm.usage.504]. Deterministic: threads change nothing.
[[nodiscard]] probe_evaluation evaluate_probe(const probe_problem& problem, matrix_view<const float> features,
                                              const probe_options& options);

/// The parts by which ridge_statistics of a problem are gathered in a stream: 0 train, 1 valid, -1 test; with
/// folds the fold number of train and valid rows. `count` receives the number of parts. \throws error
/// [dnalm.usage.543], [dnalm.input.539].
[[nodiscard]] std::vector<index_t> statistics_parts(const probe_problem& problem,
                                                    const probe_options& options, index_t& count);

/// The columns (n, columns) that ridge regresses on: values for regression, 0/1 for two classes, one
/// indicator per class for more; NaN where missing. Order: targets, then classes.
[[nodiscard]] std::vector<double> regression_columns(const probe_problem& problem);

/// As above from statistics gathered while the rows streamed past (statistics_parts, regression_columns,
/// missingness_groups of those columns); `features` is read only at the test rows. Ridge only.
/// \throws as evaluate_probe; error [dnalm.shape.520] when the statistics do not fit the problem.
[[nodiscard]] probe_evaluation evaluate_ridge(const probe_problem& problem,
                                              const ridge_accumulator& statistics,
                                              matrix_view<const float> features,
                                              const probe_options& options);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/probe/detail/evaluate_probe_impl.hpp>
#endif
