// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The kernels of rows and attention on a real GPU with rows of type T, called with host views in
/// float.
///
/// Names and arguments are those of the backends, so that one lambda runs here and on the reference.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/backend/rotary_table.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/cuda/attention.hpp>
#include <dnalm/cuda/elementwise.hpp>
#include <dnalm/cuda/embedding.hpp>
#include <dnalm/cuda/gated.hpp>
#include <dnalm/cuda/layer_norm.hpp>
#include <dnalm/cuda/rms_norm.hpp>
#include <dnalm/cuda/rotary.hpp>
#include <dnalm/cuda/runtime.hpp>
#include <dnalm/cuda/softmax.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <gpu/gpu_call.hpp>

namespace dnalm_test {

/// Standard normal numbers times `scale`, rounded to bfloat16: every type of rows holds them.
[[nodiscard]] inline dnalm::matrix<double> stored_normals(index_t rows, index_t columns, std::uint64_t seed,
                                                          double scale = 1.0) {
  dnalm::philox random(seed, dnalm::hash_name("gpu"));
  dnalm::matrix<double> values(rows, columns);
  for (index_t i = 0; i < rows * columns; ++i) {
    const auto rounded = dnalm::to_stored<dnalm::bfloat16>(static_cast<float>(scale * random.normal()));
    values.data()[i] = static_cast<double>(dnalm::to_float(rounded));
  }
  return values;
}

template <class T>
class row_kernels {
  using in = dnalm::matrix_view<const float>;
  using out = dnalm::matrix_view<float>;
  using in_vector = dnalm::vector_view<const float>;
  using ids_span = std::span<const std::int32_t>;
  using scale_span = std::span<const float>;
  using table = dnalm::rotary_table<float>;
  using ragged = dnalm::ragged_offsets;
  using activation = dnalm::activation;
  using options = dnalm::attention_options<float>;
  using scratch_view = dnalm::vector_view<float>;

 public:
  using scalar = float;

  row_kernels() : gpu_{std::make_shared<dnalm::detail::device_memory>(0, 0), {}} {
    dnalm::cuda_select_device(0);
  }
  /// kernel(call, stream) on copies of what it asks for.
  template <class Kernel>
  void run(const Kernel& kernel) const {
    gpu_call<T> c(gpu_);
    kernel(c, gpu_.stream);
    c.finish();
  }

  void embed_rows(ids_span ids, in words, scale_span factors, out y) const {
    run([&](auto& c, auto s) {
      dnalm::cuda_embed_rows<T>(s, c.array(ids), c.in(words), c.array(factors), c.out(y));
    });
  }
  void embed_rows_vjp(scale_span factors, in dy, out dx) const {
    run([&](auto& c, auto s) { dnalm::cuda_embed_rows_vjp<T>(s, c.array(factors), c.in(dy), c.out(dx)); });
  }
  void add_rows(ids_span ids, in words, out y) const {
    run([&](auto& c, auto s) { dnalm::cuda_add_rows<T>(s, c.array(ids), c.in(words), c.out(y)); });
  }
  void layer_norm(in x, in_vector gamma, in_vector beta, float eps, out y) const {
    run([&](auto& c, auto s) {
      dnalm::cuda_layer_norm<T>(s, c.in(x), c.in(gamma), c.in(beta), eps, c.out(y));
    });
  }
  void layer_norm_vjp(in x, in_vector gamma, float eps, in dy, out dx) const {
    run([&](auto& c, auto s) {
      dnalm::cuda_layer_norm_vjp<T>(s, c.in(x), c.in(gamma), eps, c.in(dy), c.out(dx));
    });
  }
  void rms_norm(in x, in_vector gamma, float eps, out y) const {
    run([&](auto& c, auto s) { dnalm::cuda_rms_norm<T>(s, c.in(x), c.in(gamma), eps, c.out(y)); });
  }
  void rms_norm_vjp(in x, in_vector gamma, float eps, in dy, out dx) const {
    run([&](auto& c, auto s) {
      dnalm::cuda_rms_norm_vjp<T>(s, c.in(x), c.in(gamma), eps, c.in(dy), c.out(dx));
    });
  }
  void rotary(const table& t, const ragged& offsets, index_t heads, out x) const {
    run([&](auto& c, auto s) {
      dnalm::cuda_rotary<T>(s, of(c, t), c.array(places(offsets)), heads, c.out(x));
    });
  }
  void rotary_vjp(const table& t, const ragged& offsets, index_t heads, out y) const {
    run([&](auto& c, auto s) {
      dnalm::cuda_rotary_vjp<T>(s, of(c, t), c.array(places(offsets)), heads, c.out(y));
    });
  }
  void softmax_rows(out x) const {
    run([&](auto& c, auto s) { dnalm::cuda_softmax_rows<T>(s, c.out(x)); });
  }
  void softmax_rows_vjp(in p, in dp, out dx) const {
    run([&](auto& c, auto s) { dnalm::cuda_softmax_rows_vjp<T>(s, c.in(p), c.in(dp), c.out(dx)); });
  }
  void gated(in x, activation function, out y) const {
    run([&](auto& c, auto s) { dnalm::cuda_gated<T>(s, c.in(x), function, c.out(y)); });
  }
  void gated_vjp(in x, activation function, in dy, out dx) const {
    run([&](auto& c, auto s) { dnalm::cuda_gated_vjp<T>(s, c.in(x), function, c.in(dy), c.out(dx)); });
  }
  void activate(in x, activation function, out y) const {
    run([&](auto& c, auto s) { dnalm::cuda_activate<T>(s, c.in(x), function, c.out(y)); });
  }
  void activation_vjp(in z, activation function, in dy, out dz) const {
    run([&](auto& c, auto s) { dnalm::cuda_activation_vjp<T>(s, c.in(z), function, c.in(dy), c.out(dz)); });
  }
  void add(in x, out y) const {
    run([&](auto& c, auto s) { dnalm::cuda_add<T>(s, c.in(x), c.out(y)); });
  }
  void scale(float factor, out y) const {
    run([&](auto& c, auto s) { dnalm::cuda_scale<T>(s, factor, c.out(y)); });
  }
  void attention(in q, in k, in v, const ragged& offsets, const options& how, scratch_view, out y) const {
    run([&](auto& c, auto s) {
      dnalm::cuda_attention<T>(s, c.in(q), c.in(k), c.in(v), sequences(c, offsets), of(c, how), c.out(y));
    });
  }
  void attention_vjp(in q, in k, in v, const ragged& offsets, const options& how, in dy, scratch_view, out dq,
                     out dk, out dv) const {
    const index_t numbers = dnalm::cuda_attention_vjp_scratch(q.rows, how.heads);
    dnalm::device_buffer<float> scratch(gpu_.memory, numbers);
    run([&](auto& c, auto s) {
      dnalm::cuda_attention_vjp<T>(s, c.in(q), c.in(k), c.in(v), sequences(c, offsets), of(c, how), c.in(dy),
                                   scratch.view(), c.out(dq), c.out(dk), c.out(dv));
    });
  }

 private:
  [[nodiscard]] static std::span<const index_t> places(const ragged& offsets) { return offsets.offsets; }
  [[nodiscard]] static dnalm::device_sequences sequences(gpu_call<T>& c, const ragged& offsets) {
    index_t longest = 0;
    for (index_t i = 0; i < offsets.sequences(); ++i) longest = std::max(longest, offsets.length(i));
    return {c.array(places(offsets)), longest};
  }
  [[nodiscard]] static dnalm::device_attention_options of(gpu_call<T>& c, const options& how) {
    return {how.heads, how.score_scale, c.in(how.alibi_slopes), how.window};
  }
  [[nodiscard]] static dnalm::device_rotary_table of(gpu_call<T>& c, const table& t) {
    const auto numbers = static_cast<std::size_t>(t.positions() * t.pairs());
    return {c.array(std::span<const float>(t.cosine.data(), numbers)),
            c.array(std::span<const float>(t.sine.data(), numbers)), t.pairs()};
  }

  gpu_place gpu_;
};

}  // namespace dnalm_test
