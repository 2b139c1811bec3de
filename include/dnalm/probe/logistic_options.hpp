// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How a logistic regression is solved.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// How the optimum is found. Both end at the same point.
enum class logistic_method {
  automatic,  ///< Newton up to 128 coefficients (classes x (features + 1)), L-BFGS beyond
  newton,     ///< full Hessian, Cholesky, line search
  lbfgs       ///< 10 pairs, weak Wolfe line search, preconditioned by the Hessian of the intercept-only model
};

struct logistic_options {
  bool standardize =
      true;  ///< by mean and population standard deviation of the rows given (the training part)
  logistic_method method = logistic_method::automatic;
  double tolerance = 1e-10;  ///< largest gradient entry of the mean loss at which the search ends
  index_t max_iterations = 1000;
  int threads = 1;  ///< never changes a bit of the result
};

DNALM_END_NAMESPACE
