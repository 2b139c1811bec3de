// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The micro-kernel of all products, for every instruction set: a few rows times one packed panel.
#pragma once

#include <dnalm/cpu/detail/fetch_ahead.hpp>
#include <dnalm/cpu/detail/lanes_avx2.hpp>
#include <dnalm/cpu/detail/lanes_avx512.hpp>
#include <dnalm/cpu/detail/lanes_portable.hpp>
#include <dnalm/cpu/detail/unroll.hpp>
#include <dnalm/cpu/packed_weight.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/product_tile.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
