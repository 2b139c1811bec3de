// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief cuda_backend on a real GPU as a backend of host memory: every kernel's rows are copied there and
/// back.
#pragma once

#include <algorithm>
#include <memory>
#include <span>

#include <dnalm/cuda/cuda_backend.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <gpu/gpu_call.hpp>
#include <support/host_backend.hpp>

namespace dnalm_test {

/// What host_backend needs to know.
struct copied_memory {
  using vector = dnalm::buffer<float>;
  using tensor = dnalm::matrix<float>;

  [[nodiscard]] static vector make_vector(const dnalm::cuda_backend&, index_t size) { return vector(size); }
  [[nodiscard]] static vector make_vector(const dnalm::cuda_backend&, std::span<const float> values) {
    vector made(static_cast<index_t>(values.size()));
    std::copy(values.begin(), values.end(), made.data());
    return made;
  }
  [[nodiscard]] static tensor make_tensor(const dnalm::cuda_backend&, std::span<const float> values,
                                          index_t rows, index_t columns) {
    tensor made(rows, columns);
    std::copy(values.begin(), values.end(), made.data());
    return made;
  }

  struct call : gpu_call<float> {
    explicit call(const dnalm::cuda_backend& gpu)
        : gpu_call<float>(
              {std::make_shared<dnalm::detail::device_memory>(gpu.device().number, 0), gpu.stream()}) {}
  };
};

using copying_backend = host_backend<copied_memory>;

static_assert(dnalm::encoder_backend<copying_backend>);

}  // namespace dnalm_test
