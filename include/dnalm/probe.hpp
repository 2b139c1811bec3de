// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module probe.
#pragma once

#include <dnalm/probe/baselines.hpp>
#include <dnalm/probe/evaluate_probe.hpp>
#include <dnalm/probe/fitted_probe.hpp>
#include <dnalm/probe/logistic.hpp>
#include <dnalm/probe/logistic_options.hpp>
#include <dnalm/probe/probe_evaluation.hpp>
#include <dnalm/probe/probe_file.hpp>
#include <dnalm/probe/probe_problem.hpp>
#include <dnalm/probe/ridge.hpp>
#include <dnalm/probe/ridge_accumulator.hpp>
#include <dnalm/probe/ridge_moments.hpp>
#include <dnalm/probe/ridge_on_cuda.hpp>
#include <dnalm/probe/ridge_statistics.hpp>
#include <dnalm/probe/split.hpp>
#include <dnalm/probe/task.hpp>
#include <dnalm/probe/vector_store.hpp>
