// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rotary positions in float.
#pragma once

#include <dnalm/backend/rotary_table.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Rotates every head of every row in place, half-split: with p the row's place in its sequence and K the
/// head's width, y[j] = x[j] cos(p, j) - x[j + K/2] sin(p, j), y[j + K/2] = x[j + K/2] cos(p, j) + x[j]
/// sin(p, j).
///
/// x (R, D); table.positions() is at least the longest sequence. Cost: one read and write of x.
void cpu_rotary(isa set, const rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
                matrix_view<float> x);
// adjoint: the rotation by the opposite angle (a flag of this function)

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/rotary_impl.hpp>
#endif
