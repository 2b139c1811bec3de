// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Where a transformer block normalises.
#pragma once

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// pre: x + f(LN(x)); post: LN(x + f(x)); pre_normed: pre, but attention adds to the normalised input,
/// y + A(y) with y = LN(x) (RiNALMo).
enum class norm_placement { pre, post, pre_normed };

DNALM_END_NAMESPACE
