// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Where a transformer block normalises.
#pragma once

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// pre: x + f(LN(x)); post: LN(x + f(x)).
enum class norm_placement { pre, post };

DNALM_END_NAMESPACE
