// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief cuda_backend as a backend of host memory, for the tests that all backends share.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <dnalm/cuda/cuda_backend.hpp>

namespace dnalm_test {

/// Forwards every kernel. Memory says what host views are on the GPU. It has
///
///   vector, tensor        what the backend owns, with host views; make_vector, make_tensor
///   call                  made of the backend for one kernel: in(view) and out(view) are the views it gets,
///                         finish() brings to the host what it wrote
template <class Memory>
class host_backend {
  using in = dnalm::matrix_view<const float>;
  using out = dnalm::matrix_view<float>;
  using in_vector = dnalm::vector_view<const float>;
  using scratch_view = dnalm::vector_view<float>;
  using ids_span = std::span<const std::int32_t>;
  using index_t = dnalm::index_t;
  using activation = dnalm::activation;
  using call = typename Memory::call;

 public:
  using scalar = float;
  using weight = dnalm::cuda_weight;
  using vector = typename Memory::vector;
  using tensor = typename Memory::tensor;
  static constexpr dnalm::memory_space space = dnalm::memory_space::host;

  explicit host_backend(const dnalm::cuda_options& options = {}) : cuda_(options) {}
  [[nodiscard]] const dnalm::cuda_backend& cuda() const { return cuda_; }

  [[nodiscard]] std::string_view name() const { return cuda_.name(); }
  [[nodiscard]] vector allocate(index_t size) const { return Memory::make_vector(cuda_, size); }
  [[nodiscard]] vector upload(std::span<const float> values) const {
    return Memory::make_vector(cuda_, values);
  }
  [[nodiscard]] tensor upload(std::span<const float> values, index_t rows, index_t columns) const {
    return Memory::make_tensor(cuda_, values, rows, columns);
  }
  [[nodiscard]] weight pack(in w) const { return cuda_.pack(w); }
  [[nodiscard]] weight pack_gated(in w) const { return cuda_.pack_gated(w); }
  [[nodiscard]] weight pack_parts(std::span<const in> parts, bool gated) const {
    return cuda_.pack_parts(parts, gated);
  }
  [[nodiscard]] index_t linear_scratch(const weight& w) const { return cuda_.linear_scratch(w); }
  void linear(in x, const weight& w, const dnalm::linear_epilogue<float>& e, scratch_view, out y) const {
    run([&](call& c) { cuda_.linear(c.in(x), w, of(c, e), {}, c.out(y)); });
  }
  void linear_gated(in x, const weight& w, const dnalm::linear_epilogue<float>& e, scratch_view,
                    out y) const {
    run([&](call& c) { cuda_.linear_gated(c.in(x), w, of(c, e), {}, c.out(y)); });
  }
  [[nodiscard]] index_t linear_vjp_scratch(const weight& w) const { return cuda_.linear_vjp_scratch(w); }
  void linear_vjp(in dy, const weight& w, in residual, scratch_view, out dx) const {
    run([&](call& c) { cuda_.linear_vjp(c.in(dy), w, c.in(residual), {}, c.out(dx)); });
  }
  void embed_rows(ids_span ids, in table, std::span<const float> row_scale, out y) const {
    run([&](call& c) { cuda_.embed_rows(ids, c.in(table), row_scale, c.out(y)); });
  }
  void embed_rows_vjp(std::span<const float> row_scale, in dy, out dx) const {
    run([&](call& c) { cuda_.embed_rows_vjp(row_scale, c.in(dy), c.out(dx)); });
  }
  void add_rows(ids_span ids, in table, out y) const {
    run([&](call& c) { cuda_.add_rows(ids, c.in(table), c.out(y)); });
  }
  void layer_norm(in x, in_vector gamma, in_vector beta, float eps, out y) const {
    run([&](call& c) { cuda_.layer_norm(c.in(x), c.in(gamma), c.in(beta), eps, c.out(y)); });
  }
  void layer_norm_vjp(in x, in_vector gamma, float eps, in dy, out dx) const {
    run([&](call& c) { cuda_.layer_norm_vjp(c.in(x), c.in(gamma), eps, c.in(dy), c.out(dx)); });
  }
  void rotary(const dnalm::rotary_table<float>& table, const dnalm::ragged_offsets& offsets, index_t heads,
              out x) const {
    run([&](call& c) { cuda_.rotary(table, offsets, heads, c.out(x)); });
  }
  void rotary_vjp(const dnalm::rotary_table<float>& table, const dnalm::ragged_offsets& offsets,
                  index_t heads, out x) const {
    run([&](call& c) { cuda_.rotary_vjp(table, offsets, heads, c.out(x)); });
  }
  [[nodiscard]] index_t attention_scratch(index_t longest, index_t head_width) const {
    return cuda_.attention_scratch(longest, head_width);
  }
  void attention(in q, in k, in v, const dnalm::ragged_offsets& offsets,
                 const dnalm::attention_options<float>& options, scratch_view, out y) const {
    run([&](call& c) { cuda_.attention(c.in(q), c.in(k), c.in(v), offsets, options, {}, c.out(y)); });
  }
  [[nodiscard]] index_t attention_vjp_scratch(index_t longest, index_t head_width) const {
    return cuda_.attention_vjp_scratch(longest, head_width);
  }
  void attention_vjp(in q, in k, in v, const dnalm::ragged_offsets& offsets,
                     const dnalm::attention_options<float>& options, in dy, scratch_view, out dq, out dk,
                     out dv) const {
    run([&](call& c) {
      cuda_.attention_vjp(c.in(q), c.in(k), c.in(v), offsets, options, c.in(dy), {}, c.out(dq), c.out(dk),
                          c.out(dv));
    });
  }
  void softmax_rows(out x) const {
    run([&](call& c) { cuda_.softmax_rows(c.out(x)); });
  }
  void softmax_rows_vjp(in p, in dp, out dx) const {
    run([&](call& c) { cuda_.softmax_rows_vjp(c.in(p), c.in(dp), c.out(dx)); });
  }
  void gated(in x, activation function, out y) const {
    run([&](call& c) { cuda_.gated(c.in(x), function, c.out(y)); });
  }
  void gated_vjp(in x, activation function, in dy, out dx) const {
    run([&](call& c) { cuda_.gated_vjp(c.in(x), function, c.in(dy), c.out(dx)); });
  }
  void activate(in x, activation function, out y) const {
    run([&](call& c) { cuda_.activate(c.in(x), function, c.out(y)); });
  }
  void activation_vjp(in z, activation function, in dy, out dz) const {
    run([&](call& c) { cuda_.activation_vjp(c.in(z), function, c.in(dy), c.out(dz)); });
  }
  void add(in x, out y) const {
    run([&](call& c) { cuda_.add(c.in(x), c.out(y)); });
  }
  void scale(float factor, out y) const {
    run([&](call& c) { cuda_.scale(factor, c.out(y)); });
  }

 private:
  template <class Kernel>
  void run(const Kernel& kernel) const {
    call c(cuda_);
    kernel(c);
    c.finish();
  }
  [[nodiscard]] static dnalm::device_epilogue of(call& c, const dnalm::linear_epilogue<float>& e) {
    return {c.in(e.bias), e.function, c.in(e.residual)};
  }

  dnalm::cuda_backend cuda_;
};

}  // namespace dnalm_test
