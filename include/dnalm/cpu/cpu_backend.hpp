// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The float backend: own kernels, chosen by the CPU's features when the object is made.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/attention.hpp>
#include <dnalm/cpu/elementwise.hpp>
#include <dnalm/cpu/embedding.hpp>
#include <dnalm/cpu/gated.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/cpu/layer_norm.hpp>
#include <dnalm/cpu/linear.hpp>
#include <dnalm/cpu/packed_weight.hpp>
#include <dnalm/cpu/rotary.hpp>
#include <dnalm/cpu/softmax.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

/// Single-threaded kernels in float (formulas in the headers of this module): every worker calls them for its
/// own sequences. Stateless but for the instruction set; safe to share.
class cpu_backend {
 public:
  using scalar = float;
  using weight = packed_weight;
  using vector = buffer<float>;
  using tensor = matrix<float>;
  static constexpr memory_space space = memory_space::host;

  /// \throws as choose_isa.
  cpu_backend() : cpu_backend(weight_format::f32) {}
  explicit cpu_backend(weight_format format) : isa_(choose_isa()), format_(format) {}
  explicit cpu_backend(isa set, weight_format format = weight_format::f32) : isa_(set), format_(format) {}

  [[nodiscard]] std::string_view name() const { return "cpu"; }
  [[nodiscard]] isa instruction_set() const { return isa_; }
  [[nodiscard]] weight_format format() const { return format_; }

  [[nodiscard]] vector allocate(index_t size) const { return vector(size); }
  [[nodiscard]] vector upload(std::span<const float> values) const {
    vector result(static_cast<index_t>(values.size()));
    std::copy(values.begin(), values.end(), result.data());
    return result;
  }
  [[nodiscard]] tensor upload(std::span<const float> values, index_t rows, index_t columns) const {
    tensor result(rows, columns);
    std::copy(values.begin(), values.end(), result.data());
    return result;
  }

  [[nodiscard]] weight pack(matrix_view<const float> w) const { return pack_weight(w, format_); }
  [[nodiscard]] weight pack_gated(matrix_view<const float> w) const { return pack_weight(w, format_, true); }
  [[nodiscard]] index_t linear_scratch(const weight& w) const { return cpu_linear_scratch(w); }
  void linear(matrix_view<const float> x, const weight& w, const linear_epilogue<float>& epilogue,
              vector_view<float> scratch, matrix_view<float> y) const {
    cpu_linear(isa_, x, w, epilogue, scratch, y);
  }
  void linear_gated(matrix_view<const float> x, const weight& w, const linear_epilogue<float>& epilogue,
                    vector_view<float> scratch, matrix_view<float> y) const {
    cpu_linear_gated(isa_, x, w, epilogue, scratch, y);
  }
  [[nodiscard]] index_t linear_vjp_scratch(const weight& w) const { return cpu_linear_vjp_scratch(w); }
  void linear_vjp(matrix_view<const float> dy, const weight& w, matrix_view<const float> residual,
                  vector_view<float> scratch, matrix_view<float> dx) const {
    cpu_linear_vjp(isa_, dy, w, residual, scratch, dx);
  }
  void embed_rows(std::span<const std::int32_t> ids, matrix_view<const float> table,
                  std::span<const float> row_scale, matrix_view<float> y) const {
    cpu_embed_rows(ids, table, row_scale, y);
  }
  void embed_rows_vjp(std::span<const float> row_scale, matrix_view<const float> dy,
                      matrix_view<float> dx) const {
    cpu_embed_rows_vjp(row_scale, dy, dx);
  }
  void add_rows(std::span<const std::int32_t> ids, matrix_view<const float> table,
                matrix_view<float> y) const {
    cpu_add_rows(ids, table, y);
  }
  void layer_norm(matrix_view<const float> x, vector_view<const float> gamma, vector_view<const float> beta,
                  float eps, matrix_view<float> y) const {
    cpu_layer_norm(isa_, x, gamma, beta, eps, y);
  }
  void layer_norm_vjp(matrix_view<const float> x, vector_view<const float> gamma, float eps,
                      matrix_view<const float> dy, matrix_view<float> dx) const {
    cpu_layer_norm_vjp(isa_, x, gamma, eps, dy, dx);
  }
  void rotary(const rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
              matrix_view<float> x) const {
    cpu_rotary(isa_, table, offsets, heads, x);
  }
  void rotary_vjp(const rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
                  matrix_view<float> y) const {
    cpu_rotary_vjp(isa_, table, offsets, heads, y);
  }
  [[nodiscard]] index_t attention_scratch(index_t longest, index_t head_width) const {
    return cpu_attention_scratch(longest, head_width);
  }
  void attention(matrix_view<const float> q, matrix_view<const float> k, matrix_view<const float> v,
                 const ragged_offsets& offsets, const attention_options<float>& options,
                 vector_view<float> scratch, matrix_view<float> y) const {
    cpu_attention(isa_, q, k, v, offsets, options, scratch, y);
  }
  [[nodiscard]] index_t attention_vjp_scratch(index_t longest, index_t head_width) const {
    return cpu_attention_vjp_scratch(longest, head_width);
  }
  void attention_vjp(matrix_view<const float> q, matrix_view<const float> k, matrix_view<const float> v,
                     const ragged_offsets& offsets, const attention_options<float>& options,
                     matrix_view<const float> dy, vector_view<float> scratch, matrix_view<float> dq,
                     matrix_view<float> dk, matrix_view<float> dv) const {
    cpu_attention_vjp(isa_, q, k, v, offsets, options, dy, scratch, dq, dk, dv);
  }
  void softmax_rows(matrix_view<float> x) const { cpu_softmax_rows(isa_, x); }
  void softmax_rows_vjp(matrix_view<const float> p, matrix_view<const float> dp,
                        matrix_view<float> dx) const {
    cpu_softmax_rows_vjp(isa_, p, dp, dx);
  }
  void gated(matrix_view<const float> x, activation function, matrix_view<float> y) const {
    cpu_gated(isa_, x, function, y);
  }
  void gated_vjp(matrix_view<const float> x, activation function, matrix_view<const float> dy,
                 matrix_view<float> dx) const {
    cpu_gated_vjp(isa_, x, function, dy, dx);
  }
  void activate(matrix_view<const float> x, activation function, matrix_view<float> y) const {
    cpu_activate(isa_, x, function, y);
  }
  void activation_vjp(matrix_view<const float> z, activation function, matrix_view<const float> dy,
                      matrix_view<float> dz) const {
    cpu_activation_vjp(isa_, z, function, dy, dz);
  }
  void add(matrix_view<const float> x, matrix_view<float> y) const { cpu_add(x, y); }
  void scale(float factor, matrix_view<float> y) const { cpu_scale(factor, y); }

 private:
  isa isa_;
  weight_format format_;
};

static_assert(encoder_backend<cpu_backend>);

DNALM_END_NAMESPACE
