// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The kernels of HyenaDNA and Caduceus as members of a backend on a GPU: convolutions over sequences,
/// scans, strands; each is the function of its name in this module.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include <dnalm/backend/long_convolution.hpp>
#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/causal_filter.hpp>
#include <dnalm/cuda/detail/long_convolution_groups.hpp>
#include <dnalm/cuda/layer_kernels.hpp>
#include <dnalm/cuda/long_convolution.hpp>
#include <dnalm/cuda/multiply.hpp>
#include <dnalm/cuda/rms_norm.hpp>
#include <dnalm/cuda/selective_scan.hpp>
#include <dnalm/cuda/short_convolution.hpp>
#include <dnalm/cuda/strands.hpp>
#include <dnalm/cuda/views.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// A base of `Backend`, as cuda_layer_kernels, whose kernels it has too. No state.
template <class Backend>
class cuda_sequence_kernels : public cuda_layer_kernels<Backend> {
  using in = device_matrix<const float>;
  using out = device_matrix<float>;
  using in_vector = device_vector<const float>;

 public:
  using filter = cuda_causal_filter;

  void short_convolution(in x, in w, in_vector bias, const ragged_offsets& offsets, out y) const {
    const auto places = places_of(offsets);
    cuda_short_convolution(self().stream(), x, w, bias, places.view, y);
  }
  void short_convolution_vjp(in dy, in w, const ragged_offsets& offsets, out dx) const {
    const auto places = places_of(offsets);
    cuda_short_convolution_vjp(self().stream(), dy, w, places.view, dx);
  }
  void short_convolution_back(in x, in w, in_vector bias, const ragged_offsets& offsets, out y) const {
    const auto places = places_of(offsets);
    cuda_short_convolution_back(self().stream(), x, w, bias, places.view, y);
  }
  void short_convolution_back_vjp(in dy, in w, const ragged_offsets& offsets, out dx) const {
    const auto places = places_of(offsets);
    cuda_short_convolution_back_vjp(self().stream(), dy, w, places.view, dx);
  }
  void rms_norm(in x, in_vector gamma, float eps, out y) const {
    cuda_rms_norm<float>(self().stream(), x, gamma, eps, y);
  }
  void rms_norm_vjp(in x, in_vector gamma, float eps, in dy, out dx) const {
    cuda_rms_norm_vjp<float>(self().stream(), x, gamma, eps, dy, dx);
  }
  [[nodiscard]] index_t selective_scan_scratch(index_t, index_t) const { return 0; }
  void selective_scan(const device_scan& input, const ragged_offsets& offsets, device_vector<float>,
                      out y) const {
    by_chunks(offsets, [&](const device_scan_batch& batch) {
      with_scratch(cuda_selective_scan_scratch(input, batch), [&](device_vector<float> scratch) {
        cuda_selective_scan(self().stream(), input, batch, scratch, y);
      });
    });
  }
  [[nodiscard]] index_t selective_scan_vjp_scratch(index_t, index_t, index_t) const { return 0; }
  void selective_scan_vjp(const device_scan& input, const ragged_offsets& offsets, in dy,
                          device_vector<float>, const device_scan_gradient& gradient) const {
    by_chunks(offsets, [&](const device_scan_batch& batch) {
      with_scratch(cuda_selective_scan_vjp_scratch(input, batch), [&](device_vector<float> scratch) {
        cuda_selective_scan_vjp(self().stream(), input, batch, dy, scratch, gradient);
      });
    });
  }
  void fold_strands(in x, bool exchanged, out y) const {
    cuda_fold_strands(self().stream(), x, exchanged, y);
  }
  void unfold_strands(in y, bool exchanged, out x) const {
    cuda_unfold_strands(self().stream(), y, exchanged, x);
  }
  /// \throws error [dnalm.device.660]
  [[nodiscard]] index_t filter_taps(index_t length) const { return cuda_filter_taps(length); }
  [[nodiscard]] filter make_filter(matrix_view<const double> taps) const {
    return self().with_room([&] {
      return detail::causal_filter_maker{self().state_->memory, self().state_->products.pool(),
                                         self().stream()}
          .make(taps);
    });
  }
  /// Bytes that a network may keep in filters: a fourth of the memory.
  [[nodiscard]] index_t filter_bytes() const {
    const index_t limit = self().state_->options.memory_limit;
    return (limit > 0 ? std::min(limit, self().state_->device.memory) : self().state_->device.memory) / 4;
  }
  [[nodiscard]] index_t long_convolution_scratch(index_t, index_t) const { return 0; }
  void long_convolution(in v, std::span<const filter* const> filters, in_vector d,
                        const ragged_offsets& offsets, device_vector<float>, out y) const {
    by_filters(filters, offsets,
               [&](const device_filter& f, const device_sequence_group& group, device_vector<float> scratch) {
                 cuda_long_convolution(self().stream(), v, f, group, d, scratch, y);
               });
  }
  void long_convolution_vjp(in dy, std::span<const filter* const> filters, in_vector d,
                            const ragged_offsets& offsets, device_vector<float>, out dv) const {
    by_filters(filters, offsets,
               [&](const device_filter& f, const device_sequence_group& group, device_vector<float> scratch) {
                 cuda_long_convolution_vjp(self().stream(), dy, f, group, d, scratch, dv);
               });
  }
  void multiply(in a, in b, out y) const { cuda_multiply(self().stream(), a, b, y); }
  void multiply_vjp(in a, in b, in dy, out da, out db) const {
    cuda_multiply_vjp(self().stream(), a, b, dy, da, db);
  }

 private:
  using cuda_layer_kernels<Backend>::places_of;
  using cuda_layer_kernels<Backend>::self;
  using cuda_layer_kernels<Backend>::with_scratch;

  /// work(filter, group, scratch) for the sequences of each filter.
  template <class Work>
  void by_filters(std::span<const filter* const> filters, const ragged_offsets& offsets,
                  const Work& work) const {
    const auto places = places_of(offsets);
    for (const detail::filter_group& some : detail::groups_of_filters(filters, offsets)) {
      const auto sequences = places_of(some.sequences);
      const device_filter f = some.filter->view();
      with_scratch(cuda_long_convolution_scratch(f, sequences.view.size, some.longest),
                   [&](device_vector<float> scratch) {
                     work(f, {places.view, sequences.view, some.longest}, scratch);
                   });
    }
  }
  /// work(batch) with the offsets and the chunks of a scan on the GPU.
  template <class Work>
  void by_chunks(const ragged_offsets& offsets, const Work& work) const {
    const std::vector<index_t> counted = cuda_scan_chunks(offsets);
    const auto places = places_of(offsets);
    const auto chunks = places_of(counted);
    work({places.view, chunks.view, counted.back(), self().longest_of(offsets)});
  }
};

DNALM_END_NAMESPACE
