// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief cuda_backend on the emulation as a backend of host memory, for the tests that all backends share.
///
/// The emulated GPU's memory is the host's: views of one are relabelled as views of the other.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <support/cuda_emulation/backend.hpp>

namespace dnalm_test::gpu {

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

/// Forwards every kernel.
class emulated_backend {
  using in = dnalm::matrix_view<const float>;
  using out = dnalm::matrix_view<float>;
  using in_vector = dnalm::vector_view<const float>;
  using scratch_view = dnalm::vector_view<float>;
  using ids_span = std::span<const std::int32_t>;
  using activation = dnalm::activation;

 public:
  using scalar = float;
  using weight = dnalm::cuda_weight;
  using vector = emulated_vector;
  using tensor = emulated_tensor;
  static constexpr dnalm::memory_space space = dnalm::memory_space::host;

  explicit emulated_backend(const dnalm::cuda_options& options = {}) : cuda_(options) {}
  [[nodiscard]] const dnalm::cuda_backend& cuda() const { return cuda_; }

  [[nodiscard]] std::string_view name() const { return cuda_.name(); }
  [[nodiscard]] vector allocate(index_t size) const { return vector(cuda_.allocate(size)); }
  [[nodiscard]] vector upload(std::span<const float> values) const { return vector(cuda_.upload(values)); }
  [[nodiscard]] tensor upload(std::span<const float> values, index_t rows, index_t columns) const {
    return tensor(cuda_.upload(values, rows, columns));
  }
  [[nodiscard]] weight pack(in w) const { return cuda_.pack(w); }
  [[nodiscard]] weight pack_gated(in w) const { return cuda_.pack_gated(w); }
  [[nodiscard]] weight pack_parts(std::span<const in> parts, bool gated) const {
    return cuda_.pack_parts(parts, gated);
  }
  [[nodiscard]] index_t linear_scratch(const weight& w) const { return cuda_.linear_scratch(w); }
  void linear(in x, const weight& w, const dnalm::linear_epilogue<float>& e, scratch_view scratch,
              out y) const {
    cuda_.linear(as_device(x), w, of(e), as_device(scratch), as_device(y));
  }
  void linear_gated(in x, const weight& w, const dnalm::linear_epilogue<float>& e, scratch_view scratch,
                    out y) const {
    cuda_.linear_gated(as_device(x), w, of(e), as_device(scratch), as_device(y));
  }
  [[nodiscard]] index_t linear_vjp_scratch(const weight& w) const { return cuda_.linear_vjp_scratch(w); }
  void linear_vjp(in dy, const weight& w, in residual, scratch_view scratch, out dx) const {
    cuda_.linear_vjp(as_device(dy), w, as_device(residual), as_device(scratch), as_device(dx));
  }
  void embed_rows(ids_span ids, in table, std::span<const float> row_scale, out y) const {
    cuda_.embed_rows(ids, as_device(table), row_scale, as_device(y));
  }
  void embed_rows_vjp(std::span<const float> row_scale, in dy, out dx) const {
    cuda_.embed_rows_vjp(row_scale, as_device(dy), as_device(dx));
  }
  void add_rows(ids_span ids, in table, out y) const { cuda_.add_rows(ids, as_device(table), as_device(y)); }
  void layer_norm(in x, in_vector gamma, in_vector beta, float eps, out y) const {
    cuda_.layer_norm(as_device(x), as_device(gamma), as_device(beta), eps, as_device(y));
  }
  void layer_norm_vjp(in x, in_vector gamma, float eps, in dy, out dx) const {
    cuda_.layer_norm_vjp(as_device(x), as_device(gamma), eps, as_device(dy), as_device(dx));
  }
  void rotary(const dnalm::rotary_table<float>& table, const dnalm::ragged_offsets& offsets, index_t heads,
              out x) const {
    cuda_.rotary(table, offsets, heads, as_device(x));
  }
  void rotary_vjp(const dnalm::rotary_table<float>& table, const dnalm::ragged_offsets& offsets,
                  index_t heads, out y) const {
    cuda_.rotary_vjp(table, offsets, heads, as_device(y));
  }
  [[nodiscard]] index_t attention_scratch(index_t longest, index_t head_width) const {
    return cuda_.attention_scratch(longest, head_width);
  }
  void attention(in q, in k, in v, const dnalm::ragged_offsets& offsets,
                 const dnalm::attention_options<float>& options, scratch_view scratch, out y) const {
    cuda_.attention(as_device(q), as_device(k), as_device(v), offsets, options, as_device(scratch),
                    as_device(y));
  }
  [[nodiscard]] index_t attention_vjp_scratch(index_t longest, index_t head_width) const {
    return cuda_.attention_vjp_scratch(longest, head_width);
  }
  void attention_vjp(in q, in k, in v, const dnalm::ragged_offsets& offsets,
                     const dnalm::attention_options<float>& options, in dy, scratch_view scratch, out dq,
                     out dk, out dv) const {
    cuda_.attention_vjp(as_device(q), as_device(k), as_device(v), offsets, options, as_device(dy),
                        as_device(scratch), as_device(dq), as_device(dk), as_device(dv));
  }
  void softmax_rows(out x) const { cuda_.softmax_rows(as_device(x)); }
  void softmax_rows_vjp(in p, in dp, out dx) const {
    cuda_.softmax_rows_vjp(as_device(p), as_device(dp), as_device(dx));
  }
  void gated(in x, activation function, out y) const { cuda_.gated(as_device(x), function, as_device(y)); }
  void gated_vjp(in x, activation function, in dy, out dx) const {
    cuda_.gated_vjp(as_device(x), function, as_device(dy), as_device(dx));
  }
  void activate(in x, activation function, out y) const {
    cuda_.activate(as_device(x), function, as_device(y));
  }
  void activation_vjp(in z, activation function, in dy, out dz) const {
    cuda_.activation_vjp(as_device(z), function, as_device(dy), as_device(dz));
  }
  void add(in x, out y) const { cuda_.add(as_device(x), as_device(y)); }
  void scale(float factor, out y) const { cuda_.scale(factor, as_device(y)); }

 private:
  [[nodiscard]] static dnalm::linear_epilogue<float, dnalm::memory_space::device> of(
      const dnalm::linear_epilogue<float>& e) {
    return {as_device(e.bias), e.function, as_device(e.residual)};
  }

  dnalm::cuda_backend cuda_;
};

static_assert(dnalm::encoder_backend<emulated_backend>);

}  // namespace dnalm_test::gpu
