// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A mark for short loops that must be unrolled, so that their arrays of registers stay in registers.
#pragma once

#if defined(__clang__)
#define DNALM_CPU_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define DNALM_CPU_UNROLL _Pragma("GCC unroll 16")
#else
#define DNALM_CPU_UNROLL
#endif
