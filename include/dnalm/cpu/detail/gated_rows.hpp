// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Gates and activations of rows, for every instruction set (namespaces isa_...).
#pragma once

#include <dnalm/cpu/detail/vector_math.hpp>
#include <dnalm/tensor/view.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/gated.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
