// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The two strands of hidden states on a GPU: beside each other, and below each other.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = x[r, c], y[R + r, c] = x[r, 2 D - 1 - c]; where `exchanged`, the halves of x change places
/// first: y[r, c] = x[r, D + c], y[R + r, c] = x[r, D - 1 - c].
///
/// x (R, 2 D), y (2 R, D), not overlapping; numbers bit for bit. Cost: one read and one write.
void cuda_fold_strands(cuda_stream stream, device_matrix<const float> x, bool exchanged,
                       device_matrix<float> y);

/// The other way: the adjoint, and the inverse. y (2 R, D), x (R, 2 D), not overlapping.
void cuda_unfold_strands(cuda_stream stream, device_matrix<const float> y, bool exchanged,
                         device_matrix<float> x);

DNALM_END_NAMESPACE
