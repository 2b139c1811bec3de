// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Transposition of small blocks, for every instruction set: how operands become panels.
#pragma once

#include <dnalm/cpu/detail/lanes_avx2.hpp>
#include <dnalm/cpu/detail/lanes_avx512.hpp>
#include <dnalm/cpu/detail/lanes_portable.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/transpose.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
