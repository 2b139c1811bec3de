// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Golden models on a GPU: its rows are downloaded and compared on the host.
#pragma once

#include <memory>
#include <utility>

#include <dnalm/cuda/cuda_backend.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <unit/models/golden_runs.hpp>

namespace dnalm_test {

/// Rows of the GPU in host memory, until the next ones.
class downloaded {
 public:
  explicit downloaded(dnalm::cuda_backend gpu) : gpu_(std::move(gpu)) {}
  [[nodiscard]] dnalm::matrix_view<const float> operator()(dnalm::device_matrix<const float> x) {
    rows_ = dnalm::matrix<float>(x.rows, x.columns);
    gpu_.download(x, rows_.view());
    return rows_.view();
  }

 private:
  dnalm::cuda_backend gpu_;
  dnalm::matrix<float> rows_;
};

template <class Backend>
[[nodiscard]] gaps worst_on(const Backend& gpu, const golden_case& item) {
  // Behind a reference, as matrices on the host are not copied with the functor.
  const auto rows = std::make_shared<downloaded>(gpu);
  return worst_of_case(item, gpu, [rows](dnalm::device_matrix<const float> x) { return (*rows)(x); });
}

}  // namespace dnalm_test
