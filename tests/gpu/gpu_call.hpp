// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Copies of host views on the GPU for one kernel, and what it wrote brought back.
#pragma once

#include <algorithm>
#include <cstring>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/device_buffer.hpp>
#include <dnalm/cuda/views.hpp>
#include <support/catch.hpp>

namespace dnalm_test {

using dnalm::index_t;

/// Where copies live, and the stream that they and the kernels go into.
struct gpu_place {
  std::shared_ptr<dnalm::detail::device_memory> memory;
  dnalm::cuda_stream stream;
};

/// A copy of host memory on the GPU, with the bytes as they were when it was made.
template <class T>
class gpu_copy {
 public:
  gpu_copy(const gpu_place& gpu, std::vector<T> values)
      : stream_(gpu.stream), values_(std::move(values)), memory_(gpu.memory, size()) {
    dnalm::cuda_upload(stream_, values_.data(), memory_.data(), {.bytes = bytes()});
    dnalm::cuda_synchronize(stream_);
  }
  [[nodiscard]] T* data() { return memory_.data(); }
  [[nodiscard]] const std::vector<T>& before() const { return values_; }
  [[nodiscard]] std::vector<T> now() const {
    std::vector<T> found(values_.size());
    dnalm::cuda_download(stream_, memory_.data(), found.data(), {.bytes = bytes()});
    dnalm::cuda_synchronize(stream_);
    return found;
  }

 private:
  [[nodiscard]] index_t size() const { return static_cast<index_t>(values_.size()); }
  [[nodiscard]] index_t bytes() const { return size() * static_cast<index_t>(sizeof(T)); }

  dnalm::cuda_stream stream_;
  std::vector<T> values_;
  dnalm::device_buffer<T> memory_;
};

template <class T>
[[nodiscard]] bool same_bits(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

/// Views of host memory in float as a kernel with rows of type T gets them, for one kernel.
///
/// Matrices keep their stride and how they are aligned to 16 bytes; what stands between and around their rows
/// is NaN, and stays so. Views that begin at the same number are one matrix. finish() downloads what the
/// kernel may write and checks that nothing else has changed.
template <class T>
class gpu_call {
 public:
  explicit gpu_call(const gpu_place& gpu) : gpu_(gpu) {}

  [[nodiscard]] dnalm::device_matrix<const T> in(dnalm::matrix_view<const float> x) { return find(x); }
  [[nodiscard]] dnalm::device_matrix<T> out(dnalm::matrix_view<float> y) {
    results_.push_back(y);
    return find(y);
  }
  /// Vectors are of float for every type of rows.
  [[nodiscard]] dnalm::device_vector<const float> in(dnalm::vector_view<const float> x) {
    return array(std::span<const float>(x.data, static_cast<std::size_t>(x.size)));
  }
  template <class Number>
  [[nodiscard]] dnalm::device_vector<const Number> array(std::span<const Number> values) {
    if (values.empty()) return {};
    const auto kept =
        std::make_shared<gpu_copy<Number>>(gpu_, std::vector<Number>(values.begin(), values.end()));
    others_.push_back(kept);
    return {kept->data(), static_cast<index_t>(values.size())};
  }

  void finish() {
    dnalm::cuda_synchronize(gpu_.stream);
    for (auto& [start, one] : matrices_) take_back(start, one);
  }

 private:
  struct matrix {
    index_t rows = 0;
    index_t columns = 0;
    index_t stride = 0;
    index_t first = 0;  ///< number of the copy where row 0 begins
    std::unique_ptr<gpu_copy<T>> copy;
  };

  [[nodiscard]] dnalm::device_matrix<T> find(dnalm::matrix_view<const float> x) {
    if (x.data == nullptr || x.rows == 0) return {nullptr, x.rows, x.columns, x.stride};
    matrix& one = matrices_[x.data];
    if (one.copy == nullptr) {
      one = made_of(x);
    } else if (one.stride != x.stride || one.rows != x.rows) {
      throw std::logic_error("two views of the same memory with different shapes");
    } else if (x.columns > one.columns) {
      throw std::logic_error("the wider of two views of the same memory comes first");
    }
    return {one.copy->data() + one.first, x.rows, x.columns, x.stride};
  }
  [[nodiscard]] matrix made_of(dnalm::matrix_view<const float> x) const {
    const auto place = reinterpret_cast<std::uintptr_t>(x.data) % 16 / sizeof(float);
    matrix one{x.rows, x.columns, x.stride, 64 + static_cast<index_t>(place), nullptr};
    std::vector<T> values(static_cast<std::size_t>(one.first + x.rows * x.stride + 64),
                          dnalm::to_stored<T>(std::numeric_limits<float>::quiet_NaN()));
    for (index_t r = 0; r < x.rows; ++r) {
      for (index_t c = 0; c < x.columns; ++c) {
        values[static_cast<std::size_t>(one.first + r * x.stride + c)] = dnalm::to_stored<T>(x(r, c));
      }
    }
    one.copy = std::make_unique<gpu_copy<T>>(gpu_, std::move(values));
    return one;
  }
  void take_back(const float* start, matrix& one) {
    const std::vector<T> now = one.copy->now();
    std::vector<bool> written(now.size(), false);
    for (const dnalm::matrix_view<float>& y : results_) {
      if (y.data != start) continue;
      for (index_t r = 0; r < y.rows; ++r) {
        for (index_t c = 0; c < y.columns; ++c) {
          const auto at = static_cast<std::size_t>(one.first + r * y.stride + c);
          y(r, c) = dnalm::to_float(now[at]);
          written[at] = true;
        }
      }
    }
    bool whole = true;
    for (std::size_t i = 0; i < now.size(); ++i) {
      whole = whole && (written[i] || same_bits(now[i], one.copy->before()[i]));
    }
    CHECK(whole);
  }

  gpu_place gpu_;
  std::map<const float*, matrix> matrices_;
  std::list<std::shared_ptr<void>> others_;
  std::vector<dnalm::matrix_view<float>> results_;
};

}  // namespace dnalm_test
