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

/// Rotates the first 2P channels of every head of every row in place, half-split, P = table.pairs(): with p
/// the row's place in its sequence, y[j] = x[j] cos(p, j) - x[P + j] sin(p, j), y[P + j] = x[P + j] cos(p, j)
/// + x[j] sin(p, j), j < P; the other channels of the head stay.
///
/// x (R, D); 2P is at most the head's width, table.positions() at least the longest sequence. Cost: one read
/// and write of x.
void cpu_rotary(isa set, const rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
                matrix_view<float> x);

/// The adjoint in place: the rotation by the opposite angles.
void cpu_rotary_vjp(isa set, const rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
                    matrix_view<float> y);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/rotary_impl.hpp>
#endif
