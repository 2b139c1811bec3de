// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief DeepLIFT's rule of the selective scan.
#pragma once

#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Multipliers by x, delta, B and C of selective_scan, of a batch of pairs (row_pairs). With d =
/// softplus(delta), a = exp(d A), w = d x, s = a s_before + w B, y = sum of s C + D x, over-lines the means
/// of a pair, and l = g + dy mean(C) on the way back from the last row that the scan met, g = 0 there:
///
///     dC = dy mean(s),  dB = sum over channels of l mean(w),  g = l mean(a),
///     m_w = sum over n of l mean(B),  dx = m_w mean(d) + D dy,
///     m_d = m_w mean(x) + sum over n of l mean(s_before) (a - a') / (d - d'),
///     ddelta = m_d (d - d') / (delta - delta').
///
/// gradient.x and gradient.delta may be those of the input, parts not. Memory: 2 (L + 1) N numbers for each
/// of 16 channels at a time.
template <class T>
void secant_selective_scan_vjp(const scan_input<T>& input, const ragged_offsets& offsets,
                               matrix_view<const T> dy, const scan_gradient<T>& gradient);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/backend/detail/secant_scan_impl.hpp>
#endif
