// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Eigen's product as a peer, compiled for this CPU in a source file of its own.
#pragma once

#include <string>

namespace dnalm_bench {

/// y = x w^T; x (m, k), w (n, k), y (m, n), all row-major and contiguous. One thread.
void eigen_product(const float* x, const float* w, float* y, long m, long n, long k);

/// `Eigen 3.4.0 AVX512`: the version and its widest instruction set.
[[nodiscard]] std::string eigen_version();

}  // namespace dnalm_bench
