// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief exp, the activations and their derivatives on 16 floats, for every instruction set.
///
/// Own polynomials, so that a number's result depends neither on its place in a vector nor on the C library.
#pragma once

#include <dnalm/backend/activation.hpp>
#include <dnalm/cpu/detail/lanes_avx2.hpp>
#include <dnalm/cpu/detail/lanes_avx512.hpp>
#include <dnalm/cpu/detail/lanes_portable.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/vector_math.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
