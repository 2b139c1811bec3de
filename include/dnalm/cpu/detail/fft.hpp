// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Fourier transforms of 16 channels side by side, for every instruction set (fft.ipp).
#pragma once

#include <dnalm/core/types.hpp>
#include <dnalm/cpu/detail/lanes_avx2.hpp>
#include <dnalm/cpu/detail/lanes_avx512.hpp>
#include <dnalm/cpu/detail/lanes_portable.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/fft.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
