// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The double backend: naive loops that can be read beside the formulas. The oracle of all others.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/backend/host_layer_kernels.hpp>
#include <dnalm/backend/layer_concepts.hpp>
#include <dnalm/backend/long_convolution.hpp>
#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/backend/secant_attention.hpp>
#include <dnalm/backend/secant_rows.hpp>
#include <dnalm/backend/secant_scan.hpp>
#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/reference/attention.hpp>
#include <dnalm/reference/convolution.hpp>
#include <dnalm/reference/elementwise.hpp>
#include <dnalm/reference/embedding.hpp>
#include <dnalm/reference/gated.hpp>
#include <dnalm/reference/layer_norm.hpp>
#include <dnalm/reference/linear.hpp>
#include <dnalm/reference/long_convolution.hpp>
#include <dnalm/reference/multiply.hpp>
#include <dnalm/reference/rms_norm.hpp>
#include <dnalm/reference/rotary.hpp>
#include <dnalm/reference/selective_scan.hpp>
#include <dnalm/reference/short_convolution.hpp>
#include <dnalm/reference/softmax.hpp>
#include <dnalm/reference/strands.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

/// Naive kernels in double (formulas in the headers of this module). Stateless but for on_pairs; safe to
/// share.
class reference_backend : public host_layer_kernels<double> {
 public:
  using scalar = double;
  using weight = matrix<double>;
  using filter = matrix<double>;
  using vector = buffer<double>;
  using tensor = matrix<double>;
  static constexpr memory_space space = memory_space::host;

  [[nodiscard]] std::string_view name() const { return "reference"; }
  /// The same backend with DeepLIFT's rules in place of its adjoints (pair_kernels); without any pairs, with
  /// its adjoints.
  [[nodiscard]] reference_backend on_pairs(const row_pairs& pairs) const {
    reference_backend copy = *this;
    copy.pairs_ = pairs;
    return copy;
  }

  [[nodiscard]] vector allocate(index_t size) const { return vector(size); }
  [[nodiscard]] vector upload(std::span<const double> values) const {
    vector result(static_cast<index_t>(values.size()));
    std::copy(values.begin(), values.end(), result.data());
    return result;
  }
  [[nodiscard]] tensor upload(std::span<const double> values, index_t rows, index_t columns) const {
    tensor result(rows, columns);
    std::copy(values.begin(), values.end(), result.data());
    return result;
  }

  [[nodiscard]] weight pack(matrix_view<const double> w) const {
    weight packed(w.rows, w.columns);
    for (index_t r = 0; r < w.rows; ++r) std::copy_n(w.row_data(r), w.columns, packed.data() + r * w.columns);
    return packed;
  }
  [[nodiscard]] weight pack_gated(matrix_view<const double> w) const { return pack(w); }
  /// One row of a gated layer's product.
  [[nodiscard]] index_t linear_scratch(const weight& w) const { return w.rows(); }
  void linear(matrix_view<const double> x, const weight& w, const linear_epilogue<double>& epilogue,
              vector_view<double>, matrix_view<double> y) const {
    reference_linear(x, w.view(), epilogue, y);
  }
  void linear_gated(matrix_view<const double> x, const weight& w, const linear_epilogue<double>& epilogue,
                    vector_view<double> scratch, matrix_view<double> y) const {
    reference_linear_gated(x, w.view(), epilogue, scratch, y);
  }
  [[nodiscard]] index_t linear_vjp_scratch(const weight&) const { return 0; }
  void linear_vjp(matrix_view<const double> dy, const weight& w, matrix_view<const double> residual,
                  vector_view<double>, matrix_view<double> dx) const {
    reference_linear_vjp(dy, w.view(), residual, dx);
  }
  [[nodiscard]] index_t convolution_scratch(const weight&) const { return 0; }
  void convolution(matrix_view<const double> x, const ragged_offsets& offsets, const weight& w,
                   const convolution_taps& taps, const linear_epilogue<double>& epilogue, vector_view<double>,
                   matrix_view<double> y) const {
    reference_convolution(x, offsets, w.view(), taps, epilogue, y);
  }
  [[nodiscard]] index_t convolution_vjp_scratch(const weight&, const convolution_taps&) const { return 0; }
  void convolution_vjp(matrix_view<const double> dy, const ragged_offsets& offsets, const weight& w,
                       const convolution_taps& taps, matrix_view<const double> residual, vector_view<double>,
                       matrix_view<double> dx) const {
    reference_convolution_vjp(dy, offsets, w.view(), taps, residual, dx);
  }
  void convolution_between(matrix_view<const double> x, const ragged_offsets& from, const weight& w,
                           const convolution_taps& taps, const linear_epilogue<double>& epilogue,
                           vector_view<double>, const ragged_offsets& to, matrix_view<double> y) const {
    reference_convolution(x, from, w.view(), taps, epilogue, to, y);
  }
  void convolution_between_vjp(matrix_view<const double> dy, const ragged_offsets& from, const weight& w,
                               const convolution_taps& taps, matrix_view<const double> residual,
                               vector_view<double>, const ragged_offsets& to, matrix_view<double> dx) const {
    reference_convolution_vjp(dy, from, w.view(), taps, residual, to, dx);
  }
  void embed_rows(std::span<const std::int32_t> ids, matrix_view<const double> table,
                  std::span<const double> row_scale, matrix_view<double> y) const {
    reference_embed_rows(ids, table, row_scale, y);
  }
  void embed_rows_vjp(std::span<const double> row_scale, matrix_view<const double> dy,
                      matrix_view<double> dx) const {
    reference_embed_rows_vjp(row_scale, dy, dx);
  }
  void add_rows(std::span<const std::int32_t> ids, matrix_view<const double> table,
                matrix_view<double> y) const {
    reference_add_rows(ids, table, y);
  }
  void layer_norm(matrix_view<const double> x, vector_view<const double> gamma,
                  vector_view<const double> beta, double eps, matrix_view<double> y) const {
    reference_layer_norm(x, gamma, beta, eps, y);
  }
  void layer_norm_vjp(matrix_view<const double> x, vector_view<const double> gamma, double eps,
                      matrix_view<const double> dy, matrix_view<double> dx) const {
    if (pairs_.any) return secant_layer_norm_vjp(x, gamma, eps, dy, pairs_, dx);
    reference_layer_norm_vjp(x, gamma, eps, dy, dx);
  }
  void rotary(const rotary_table<double>& table, const ragged_offsets& offsets, index_t heads,
              matrix_view<double> x) const {
    reference_rotary(table, offsets, heads, x);
  }
  void rotary_vjp(const rotary_table<double>& table, const ragged_offsets& offsets, index_t heads,
                  matrix_view<double> y) const {
    reference_rotary_vjp(table, offsets, heads, y);
  }
  [[nodiscard]] index_t attention_scratch(index_t longest, index_t) const { return longest; }
  void attention(matrix_view<const double> q, matrix_view<const double> k, matrix_view<const double> v,
                 const ragged_offsets& offsets, const attention_options<double>& options,
                 vector_view<double> scratch, matrix_view<double> y) const {
    reference_attention(q, k, v, offsets, options, scratch, y);
  }
  [[nodiscard]] index_t attention_vjp_scratch(index_t longest, index_t) const {
    return checked_mul(longest, 2);
  }
  void attention_vjp(matrix_view<const double> q, matrix_view<const double> k, matrix_view<const double> v,
                     const ragged_offsets& offsets, const attention_options<double>& options,
                     matrix_view<const double> dy, vector_view<double> scratch, matrix_view<double> dq,
                     matrix_view<double> dk, matrix_view<double> dv) const {
    if (pairs_.any) return secant_attention_vjp(q, k, v, offsets, options, dy, dq, dk, dv);
    reference_attention_vjp(q, k, v, offsets, options, dy, scratch, dq, dk, dv);
  }
  void softmax_rows(matrix_view<double> x) const { reference_softmax_rows(x); }
  void softmax_rows_vjp(matrix_view<const double> p, matrix_view<const double> dp,
                        matrix_view<double> dx) const {
    reference_softmax_rows_vjp(p, dp, dx);
  }
  void gated(matrix_view<const double> x, activation function, matrix_view<double> y) const {
    reference_gated(x, function, y);
  }
  void gated_vjp(matrix_view<const double> x, activation function, matrix_view<const double> dy,
                 matrix_view<double> dx) const {
    if (pairs_.any) return secant_gated_vjp(x, function, dy, pairs_, dx);
    reference_gated_vjp(x, function, dy, dx);
  }
  void activate(matrix_view<const double> x, activation function, matrix_view<double> y) const {
    reference_activate(x, function, y);
  }
  void activation_vjp(matrix_view<const double> z, activation function, matrix_view<const double> dy,
                      matrix_view<double> dz) const {
    if (pairs_.any) return secant_activation_vjp(z, function, dy, pairs_, dz);
    reference_activation_vjp(z, function, dy, dz);
  }
  void add(matrix_view<const double> x, matrix_view<double> y) const { reference_add(x, y); }
  void scale(double factor, matrix_view<double> y) const { reference_scale(factor, y); }
  [[nodiscard]] index_t filter_taps(index_t length) const { return reference_filter_taps(length); }
  [[nodiscard]] filter make_filter(matrix_view<const double> taps) const { return pack(taps); }
  void short_convolution(matrix_view<const double> x, matrix_view<const double> w,
                         vector_view<const double> bias, const ragged_offsets& offsets,
                         matrix_view<double> y) const {
    reference_short_convolution(x, w, bias, offsets, y);
  }
  void short_convolution_vjp(matrix_view<const double> dy, matrix_view<const double> w,
                             const ragged_offsets& offsets, matrix_view<double> dx) const {
    reference_short_convolution_vjp(dy, w, offsets, dx);
  }
  /// One row.
  [[nodiscard]] index_t long_convolution_scratch(index_t, index_t columns) const { return columns; }
  void long_convolution(matrix_view<const double> v, std::span<const filter* const> filters,
                        vector_view<const double> d, const ragged_offsets& offsets,
                        vector_view<double> scratch, matrix_view<double> y) const {
    reference_long_convolution(v, filters, d, offsets, scratch, y);
  }
  void long_convolution_vjp(matrix_view<const double> dy, std::span<const filter* const> filters,
                            vector_view<const double> d, const ragged_offsets& offsets,
                            vector_view<double> scratch, matrix_view<double> dv) const {
    reference_long_convolution_vjp(dy, filters, d, offsets, scratch, dv);
  }
  void multiply(matrix_view<const double> a, matrix_view<const double> b, matrix_view<double> y) const {
    reference_multiply(a, b, y);
  }
  void multiply_vjp(matrix_view<const double> a, matrix_view<const double> b, matrix_view<const double> dy,
                    matrix_view<double> da, matrix_view<double> db) const {
    if (pairs_.any) return secant_multiply_vjp(a, b, dy, pairs_, da, db);
    reference_multiply_vjp(a, b, dy, da, db);
  }
  void short_convolution_back(matrix_view<const double> x, matrix_view<const double> w,
                              vector_view<const double> bias, const ragged_offsets& offsets,
                              matrix_view<double> y) const {
    reference_short_convolution_back(x, w, bias, offsets, y);
  }
  void short_convolution_back_vjp(matrix_view<const double> dy, matrix_view<const double> w,
                                  const ragged_offsets& offsets, matrix_view<double> dx) const {
    reference_short_convolution_back_vjp(dy, w, offsets, dx);
  }
  void rms_norm(matrix_view<const double> x, vector_view<const double> gamma, double eps,
                matrix_view<double> y) const {
    reference_rms_norm(x, gamma, eps, y);
  }
  void rms_norm_vjp(matrix_view<const double> x, vector_view<const double> gamma, double eps,
                    matrix_view<const double> dy, matrix_view<double> dx) const {
    if (pairs_.any) return secant_rms_norm_vjp(x, gamma, eps, dy, pairs_, dx);
    reference_rms_norm_vjp(x, gamma, eps, dy, dx);
  }
  /// The state of one channel.
  [[nodiscard]] index_t selective_scan_scratch(index_t, index_t states) const { return states; }
  void selective_scan(const scan_input<double>& input, const ragged_offsets& offsets,
                      vector_view<double> scratch, matrix_view<double> y) const {
    reference_selective_scan(input, offsets, scratch, y);
  }
  /// By channels: the states of one after those of the other.
  [[nodiscard]] index_t scan_state_size(index_t channels, index_t states) const {
    return checked_mul(channels, states);
  }
  void selective_scan_from(const scan_input<double>& input, vector_view<double> state, vector_view<double>,
                           matrix_view<double> y) const {
    reference_selective_scan_from(input, state, y);
  }
  [[nodiscard]] index_t selective_scan_vjp_scratch(index_t longest, index_t, index_t states) const {
    return checked_mul(checked_add(longest, 2), states);
  }
  void selective_scan_vjp(const scan_input<double>& input, const ragged_offsets& offsets,
                          matrix_view<const double> dy, vector_view<double> scratch,
                          const scan_gradient<double>& gradient) const {
    if (pairs_.any) return secant_selective_scan_vjp(input, offsets, dy, gradient);
    reference_selective_scan_vjp(input, offsets, dy, scratch, gradient);
  }
  void fold_strands(matrix_view<const double> x, bool exchanged, matrix_view<double> y) const {
    reference_fold_strands(x, exchanged, y);
  }
  void unfold_strands(matrix_view<const double> y, bool exchanged, matrix_view<double> x) const {
    reference_unfold_strands(y, exchanged, x);
  }
};

static_assert(convolution_backend<reference_backend>);
static_assert(hyena_backend<reference_backend>);
static_assert(layer_backend<reference_backend>);
static_assert(caduceus_backend<reference_backend>);
static_assert(carried_scan_kernels<reference_backend>);
static_assert(pair_kernels<reference_backend>);

DNALM_END_NAMESPACE
