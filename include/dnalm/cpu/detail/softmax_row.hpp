// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The pieces of a softmax, for every instruction set.
#pragma once

#include <dnalm/cpu/detail/vector_math.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/softmax_row.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
