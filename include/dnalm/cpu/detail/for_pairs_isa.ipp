// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Compiles DNALM_ISA_BODY for the instruction set that multiplies pairs of bfloat16 (AVX512-BF16). No
/// include guard: included once per kernel.
///
/// In the body DNALM_ISA is the namespace with the vocabulary of lanes_avx512_bf16.hpp; DNALM_ISA_FUNCTION and
/// DNALM_ISA_INLINE are as in for_each_isa.ipp.

#if defined(__x86_64__)
#define DNALM_ISA isa_avx512_bf16
#define DNALM_ISA_FUNCTION inline __attribute__((target(DNALM_PAIRS_TARGET)))
#define DNALM_ISA_INLINE inline __attribute__((always_inline, target(DNALM_PAIRS_TARGET)))
#include DNALM_ISA_BODY
#undef DNALM_ISA
#undef DNALM_ISA_FUNCTION
#undef DNALM_ISA_INLINE
#endif

#undef DNALM_ISA_BODY
