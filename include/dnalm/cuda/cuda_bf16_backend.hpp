// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The backend on a GPU with weights in bfloat16 that keeps rows in it too, between its kernels.
#pragma once

#include <span>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/attention_packed.hpp>
#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/cuda_backend.hpp>
#include <dnalm/cuda/layer_norm.hpp>
#include <dnalm/cuda/rotary.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// cuda_backend with cuda_precision::bf16 and rows of bfloat16: normed rows, q | k | v, attention's result
/// and the inner rows of the feed-forward block. The residual stream, and so hidden states, stays float, as
/// do logits, parameters and all sums. Products read such rows as they are and round theirs once; attention
/// runs on tensor cores. It has all kernels on float rows as well, and shares memory, stream, weights and
/// copies with the cuda_backend it is made of.
class cuda_bf16_backend : public cuda_backend {
  using float_rows = device_matrix<const float>;
  using half_rows = device_matrix<const bfloat16>;

 public:
  using row = bfloat16;

  /// \throws error as cuda_backend; [dnalm.usage.651] for options with another precision than bf16.
  explicit cuda_bf16_backend(const cuda_options& options = {.precision = cuda_precision::bf16})
      : cuda_bf16_backend(cuda_backend(checked(options))) {}
  /// \throws error [dnalm.usage.651]
  explicit cuda_bf16_backend(const cuda_backend& other) : cuda_backend(other) {
    static_cast<void>(checked(other.options()));
  }

  using cuda_backend::activate;
  using cuda_backend::activation_vjp;
  using cuda_backend::attention_vjp;
  using cuda_backend::gated;
  using cuda_backend::gated_vjp;
  using cuda_backend::layer_norm;
  using cuda_backend::layer_norm_pooled;
  using cuda_backend::linear;
  using cuda_backend::linear_gated;
  using cuda_backend::linear_vjp;
  using cuda_backend::rotary;
  using cuda_backend::rotary_vjp;

  void linear(float_rows x, const weight& w, const device_epilogue& epilogue, device_vector<float>,
              device_matrix<bfloat16> y) const {
    multiply(x, w, epilogue, y);
  }
  void linear(half_rows x, const weight& w, const device_epilogue& epilogue, device_vector<float>,
              device_matrix<bfloat16> y) const {
    multiply(x, w, epilogue, y);
  }
  void linear(half_rows x, const weight& w, const device_epilogue& epilogue, device_vector<float>,
              device_matrix<float> y) const {
    multiply(x, w, epilogue, y);
  }
  void linear_gated(float_rows x, const weight& w, const device_epilogue& epilogue, device_vector<float>,
                    device_matrix<bfloat16> y) const {
    multiply_gated(x, w, epilogue, y);
  }
  void linear_gated(half_rows x, const weight& w, const device_epilogue& epilogue, device_vector<float>,
                    device_matrix<bfloat16> y) const {
    multiply_gated(x, w, epilogue, y);
  }
  void layer_norm(float_rows x, device_vector<const float> gamma, device_vector<const float> beta, float eps,
                  device_matrix<bfloat16> y) const {
    cuda_layer_norm<bfloat16, float>(stream(), x, gamma, beta, eps, y);
  }
  void layer_norm(half_rows x, device_vector<const float> gamma, device_vector<const float> beta, float eps,
                  device_matrix<bfloat16> y) const {
    cuda_layer_norm<bfloat16>(stream(), x, gamma, beta, eps, y);
  }
  void layer_norm_pooled(float_rows x, device_vector<const float> gamma, device_vector<const float> beta,
                         float eps, const ragged_offsets& offsets,
                         const norm_poolings<float, space>& poolings, device_matrix<bfloat16> y) const {
    norm_and_pool(x, gamma, beta, eps, offsets, poolings, y);
  }
  /// z = y rounded to bfloat16.
  void layer_norm_both(float_rows x, device_vector<const float> gamma, device_vector<const float> beta,
                       float eps, device_matrix<float> y, device_matrix<bfloat16> z) const {
    cuda_layer_norm_both<bfloat16>(stream(), x, gamma, beta, eps, y, z);
  }
  /// As row_kernels says: x (R, 3 D) = [q | k | v], of which q and k may be overwritten.
  void attention_packed(device_matrix<bfloat16> x, const rotary_table<float>* rotation,
                        const ragged_offsets& offsets, const attention_options<float>& options,
                        device_vector<float>, device_matrix<bfloat16> y) const {
    const auto places = on_gpu(std::span<const index_t>(offsets.offsets));
    const auto slopes =
        on_gpu(std::span<const float>(options.alibi_slopes.begin(), options.alibi_slopes.end()));
    detail::uploaded_table angles;
    if (rotation != nullptr && rotation->pairs() > 0) angles = state_->find(*rotation);
    cuda_attention_packed<bfloat16>(stream(), x, angles.table, {places.view, longest_of(offsets)},
                                    attention_of(options, slopes.view), y);
  }

  /// Without a residual, which must be empty.
  void linear_vjp(float_rows dy, const weight& w, float_rows residual, device_vector<float>,
                  device_matrix<bfloat16> dx) const {
    multiply_back(dy, w, residual, dx);
  }
  void linear_vjp(half_rows dy, const weight& w, float_rows residual, device_vector<float>,
                  device_matrix<float> dx) const {
    multiply_back(dy, w, residual, dx);
  }
  void attention_vjp(half_rows q, half_rows k, half_rows v, const ragged_offsets& offsets,
                     const attention_options<float>& options, half_rows dy, device_vector<float>,
                     device_matrix<bfloat16> dq, device_matrix<bfloat16> dk,
                     device_matrix<bfloat16> dv) const {
    attend_back<bfloat16>(q, k, v, offsets, options, dy, dq, dk, dv);
  }
  void rotary(const rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
              device_matrix<bfloat16> x) const {
    rotate(table, offsets, [&](const device_rotary_table& angles, device_vector<const index_t> places) {
      cuda_rotary<bfloat16>(stream(), angles, places, heads, x);
    });
  }
  void rotary_vjp(const rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
                  device_matrix<bfloat16> y) const {
    rotate(table, offsets, [&](const device_rotary_table& angles, device_vector<const index_t> places) {
      cuda_rotary_vjp<bfloat16>(stream(), angles, places, heads, y);
    });
  }
  void gated(half_rows x, activation function, device_matrix<bfloat16> y) const {
    cuda_gated<bfloat16>(stream(), x, function, y);
  }
  void gated_vjp(half_rows x, activation function, half_rows dy, device_matrix<bfloat16> dx) const {
    cuda_gated_vjp<bfloat16>(stream(), x, function, dy, dx);
  }
  void activate(half_rows x, activation function, device_matrix<bfloat16> y) const {
    cuda_activate<bfloat16>(stream(), x, function, y);
  }
  void activation_vjp(half_rows z, activation function, half_rows dy, device_matrix<bfloat16> dz) const {
    cuda_activation_vjp<bfloat16>(stream(), z, function, dy, dz);
  }

 private:
  [[nodiscard]] static const cuda_options& checked(const cuda_options& options) {
    if (options.precision == cuda_precision::bf16) return options;
    throw error(error_kind::usage, 651, "rows of bfloat16 were asked for with another precision",
                {.expected = "cuda_precision::bf16"});
  }
  template <class X, class Y>
  void multiply(device_matrix<const X> x, const weight& w, const device_epilogue& epilogue,
                device_matrix<Y> y) const {
    select();
    state_->products.linear(x, w, epilogue, y);
  }
  template <class X, class Y>
  void multiply_back(device_matrix<const X> dy, const weight& w, float_rows residual,
                     device_matrix<Y> dx) const {
    select();
    state_->products.linear_vjp(dy, w, residual, dx);
  }
  template <class X, class Y>
  void multiply_gated(device_matrix<const X> x, const weight& w, const device_epilogue& epilogue,
                      device_matrix<Y> y) const {
    select();
    state_->products.linear_gated(x, w, epilogue, y);
  }
};

static_assert(encoder_backend<cuda_bf16_backend> && norm_pooling_kernels<cuda_bf16_backend> &&
              gather_kernels<cuda_bf16_backend>);
static_assert(!plain_rows<cuda_bf16_backend>);

DNALM_END_NAMESPACE
