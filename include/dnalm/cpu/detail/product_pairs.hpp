// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Products on pairs of bfloat16, for the instruction set that has them (AVX512-BF16).
#pragma once

#include <dnalm/cpu/detail/fetch_ahead.hpp>
#include <dnalm/cpu/detail/lanes_avx512_bf16.hpp>
#include <dnalm/cpu/detail/unroll.hpp>
#include <dnalm/cpu/packed_weight.hpp>

#if defined(__x86_64__)
#define DNALM_ISA isa_avx512_bf16
#define DNALM_ISA_FUNCTION inline __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16,avx2,fma")))
#define DNALM_ISA_INLINE \
  inline __attribute__((always_inline, target("avx512f,avx512bw,avx512vl,avx512bf16,avx2,fma")))
#include <dnalm/cpu/detail/pair_rows.ipp>
#include <dnalm/cpu/detail/product_pairs.ipp>
#undef DNALM_ISA
#undef DNALM_ISA_FUNCTION
#undef DNALM_ISA_INLINE
#endif
