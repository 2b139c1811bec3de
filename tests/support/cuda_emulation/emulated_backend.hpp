// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief cuda_backend on the emulation as a backend of host memory, for the tests that all backends share.
///
/// The emulated GPU's memory is the host's: views of one are relabelled as views of the other.
#pragma once

#include <span>
#include <utility>

#include <support/cuda_emulation/backend.hpp>
#include <support/host_backend.hpp>

namespace dnalm_test::gpu {

using dnalm::index_t;

template <class T>
[[nodiscard]] dnalm::device_matrix<T> as_device(dnalm::matrix_view<T> x) {
  return {x.data, x.rows, x.columns, x.stride};
}
template <class T>
[[nodiscard]] dnalm::device_vector<T> as_device(dnalm::vector_view<T> x) {
  return {x.data, x.size};
}

/// Memory of the emulated GPU with host views.
class emulated_vector {
 public:
  emulated_vector() = default;
  explicit emulated_vector(dnalm::device_buffer<float> memory) : memory_(std::move(memory)) {}
  [[nodiscard]] index_t size() const { return memory_.size(); }
  [[nodiscard]] dnalm::vector_view<float> view() { return {memory_.data(), memory_.size()}; }
  [[nodiscard]] dnalm::vector_view<const float> view() const { return {memory_.data(), memory_.size()}; }

 private:
  dnalm::device_buffer<float> memory_;
};
class emulated_tensor {
 public:
  emulated_tensor() = default;
  explicit emulated_tensor(dnalm::device_tensor<float> memory) : memory_(std::move(memory)) {}
  [[nodiscard]] dnalm::matrix_view<const float> view() const {
    return {memory_.data(), memory_.rows(), memory_.columns(), memory_.columns()};
  }

 private:
  dnalm::device_tensor<float> memory_;
};

/// What host_backend needs to know: nothing is copied.
struct relabelled_memory {
  using vector = emulated_vector;
  using tensor = emulated_tensor;

  [[nodiscard]] static vector make_vector(const dnalm::cuda_backend& gpu, index_t size) {
    return vector(gpu.allocate(size));
  }
  [[nodiscard]] static vector make_vector(const dnalm::cuda_backend& gpu, std::span<const float> values) {
    return vector(gpu.upload(values));
  }
  [[nodiscard]] static tensor make_tensor(const dnalm::cuda_backend& gpu, std::span<const float> values,
                                          index_t rows, index_t columns) {
    return tensor(gpu.upload(values, rows, columns));
  }

  struct call {
    explicit call(const dnalm::cuda_backend&) {}
    template <class View>
    [[nodiscard]] auto in(View x) const {
      return as_device(x);
    }
    [[nodiscard]] dnalm::device_matrix<float> out(dnalm::matrix_view<float> x) const { return as_device(x); }
    void finish() const {}
  };
};

using emulated_backend = host_backend<relabelled_memory>;

static_assert(dnalm::encoder_backend<emulated_backend>);

}  // namespace dnalm_test::gpu
