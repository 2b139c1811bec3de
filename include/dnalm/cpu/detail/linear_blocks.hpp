// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Products of blocks of copied rows with packed weights, once per instruction set: what cpu_linear
/// and cpu_convolution are made of.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/cpu/detail/gated_rows.hpp>
#include <dnalm/cpu/detail/linear_memory.hpp>
#include <dnalm/cpu/detail/product_pairs.hpp>
#include <dnalm/cpu/detail/product_tile.hpp>
#include <dnalm/cpu/detail/transpose.hpp>
#include <dnalm/cpu/detail/turned_part.hpp>
#include <dnalm/cpu/detail/vector_math.hpp>
#include <dnalm/cpu/packed_weight.hpp>
#include <dnalm/tensor/dtype.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/linear_finish.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/expand_panel.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

#define DNALM_ISA_HAS_PAIRS 0
#define DNALM_ISA_BODY <dnalm/cpu/detail/linear.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
#undef DNALM_ISA_HAS_PAIRS
#define DNALM_ISA_BODY <dnalm/cpu/detail/turned_columns.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/turned_product.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

#if defined(__x86_64__)
DNALM_BEGIN_NAMESPACE
namespace detail::isa_avx512_bf16 {
using isa_avx512::expand_to_pairs;
using isa_avx512::finish_half;
using isa_avx512::finish_panel;
using isa_avx512::product_panel;
}  // namespace detail::isa_avx512_bf16
DNALM_END_NAMESPACE
#endif
#define DNALM_ISA_HAS_PAIRS 1
#define DNALM_ISA_BODY <dnalm/cpu/detail/linear.ipp>
#include <dnalm/cpu/detail/for_pairs_isa.ipp>
#undef DNALM_ISA_HAS_PAIRS
#define DNALM_ISA_BODY <dnalm/cpu/detail/turned_pairs.ipp>
#include <dnalm/cpu/detail/for_pairs_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/turned_product.ipp>
#include <dnalm/cpu/detail/for_pairs_isa.ipp>
