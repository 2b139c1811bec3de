// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Random numbers on a GPU: those of dnalm::philox.
#pragma once

#include <cstdint>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// Where an array begins in the numbers of `philox(seed, stream)`.
struct random_numbers {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
  std::uint64_t offset = 0;  ///< numbers of the same kind that come before
};

/// y[i] = the call number offset + i (from 0) of `philox(seed, stream).uniform()`: the same bits.
void cuda_fill_uniform(cuda_stream stream, const random_numbers& from, device_vector<double> y);

/// y[i] = scale times the call number offset + i of `philox(seed, stream).normal()`, stored as T, float or
/// double.
///
/// The uniform numbers behind it have the bits of the host's. log and cos are the GPU's, off by at most 1 and
/// 2 units in the last place of a double, and the host's library has errors of its own: two doubles differ by
/// at most 8 x 2^-52 of themselves, two floats not at all but where the double lies beside a tie (less than
/// one in 2^24).
template <class T>
void cuda_fill_normal(cuda_stream stream, const random_numbers& from, double scale, device_vector<T> y);

/// y[i] = `philox(seed, stream + offset + i).below(bound)`: the same integer. Every place has a stream of its
/// own, because how many numbers a call takes is up to chance.
///
/// \throws error [dnalm.usage.652] for a bound that is not in [1, 2^31].
void cuda_fill_below(cuda_stream stream, const random_numbers& from, std::uint64_t bound,
                     device_vector<std::int32_t> y);

DNALM_END_NAMESPACE
