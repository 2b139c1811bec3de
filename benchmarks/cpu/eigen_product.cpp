// SPDX-License-Identifier: Apache-2.0
// Compiled with -march=native. Its Eigen gets a namespace of its own: two files with different flags must not
// share its functions.
#define Eigen dnalm_bench_native_eigen
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>

#include "eigen_product.hpp"

namespace dnalm_bench {

void eigen_product(const float* x, const float* w, float* y, long m, long n, long k) {
  using rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const rows> left(x, m, k);
  const Eigen::Map<const rows> right(w, n, k);
  Eigen::Map<rows>(y, m, n).noalias() = left * right.transpose();
}

std::string eigen_version() {
  const std::string sets = Eigen::SimdInstructionSetsInUse();
  return "Eigen " + std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) + "." +
         std::to_string(EIGEN_MINOR_VERSION) + " " + sets.substr(0, sets.find(','));
}

}  // namespace dnalm_bench
