// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Compiles DNALM_ISA_BODY once per instruction set. No include guard: included once per kernel.
///
/// In the body DNALM_ISA is the namespace (below dnalm::detail) with the vocabulary of lanes_portable.hpp,
/// DNALM_ISA_FUNCTION begins a function of that instruction set, DNALM_ISA_INLINE one that must be inlined.

#define DNALM_ISA isa_portable
#define DNALM_ISA_FUNCTION inline
#define DNALM_ISA_INLINE inline
#include DNALM_ISA_BODY
#undef DNALM_ISA
#undef DNALM_ISA_FUNCTION
#undef DNALM_ISA_INLINE

#if defined(__x86_64__)
#define DNALM_ISA isa_avx2
#define DNALM_ISA_FUNCTION inline __attribute__((target("avx2,fma")))
#define DNALM_ISA_INLINE inline __attribute__((always_inline, target("avx2,fma")))
#include DNALM_ISA_BODY
#undef DNALM_ISA
#undef DNALM_ISA_FUNCTION
#undef DNALM_ISA_INLINE

#define DNALM_ISA isa_avx512
#define DNALM_ISA_FUNCTION inline __attribute__((target("avx512f,avx2,fma")))
#define DNALM_ISA_INLINE inline __attribute__((always_inline, target("avx512f,avx2,fma")))
#include DNALM_ISA_BODY
#undef DNALM_ISA
#undef DNALM_ISA_FUNCTION
#undef DNALM_ISA_INLINE
#endif

#undef DNALM_ISA_BODY
