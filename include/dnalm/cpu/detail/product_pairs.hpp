// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Products on pairs of bfloat16, for the instruction set that has them (AVX512-BF16).
#pragma once

#include <dnalm/cpu/detail/fetch_ahead.hpp>
#include <dnalm/cpu/detail/lanes_avx512_bf16.hpp>
#include <dnalm/cpu/detail/unroll.hpp>
#include <dnalm/cpu/packed_weight.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/pair_rows.ipp>
#include <dnalm/cpu/detail/for_pairs_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/product_pairs.ipp>
#include <dnalm/cpu/detail/for_pairs_isa.ipp>
