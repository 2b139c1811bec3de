// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Convolutions along sequences as products, a block of rows at a time.
#pragma once

#include <algorithm>

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/convolution.hpp>
#include <dnalm/cuda/products.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>
#include <dnalm/tensor/ragged.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Convolutions by the products of one backend. Sequence borders on the host and, the same, on the GPU.
struct convolution_products {
  const cuda_products& products;
  cuda_stream stream;
  index_t block_rows;  ///< output rows at a time
  const ragged_offsets& offsets;
  device_vector<const index_t> places;

  /// y[r] = residual[r] + function(sum over t of x[r + t dilation - before] W_t^T + bias).
  void forward(device_matrix<const float> x, const cuda_weight& w, const convolution_taps& taps,
               const device_epilogue& epilogue, device_matrix<float> y) const {
    if (w.precision == cuda_precision::bf16) {
      blocks<bfloat16>(x, w, taps, epilogue, y);
    } else {
      blocks<float>(x, w, taps, epilogue, y);
    }
  }
  /// dx[r] = residual[r] + sum over t of dy[r + before - t dilation] W_t.
  void vjp(device_matrix<const float> dy, const cuda_weight& w, const convolution_taps& taps,
           device_matrix<const float> residual, device_matrix<float> dx) const {
    const index_t stride = multiple_of_8(w.inputs);
    for (index_t first = 0; first < dx.rows; first += block_rows) {
      const index_t count = std::min(block_rows, dx.rows - first);
      const auto [begin, end] = rows_read(taps.reversed(), first, count);
      auto memory = products.pool().lend_rows<float>(end - begin, stride);
      const device_matrix<float> z{memory.as<float>(), end - begin, w.inputs, stride};
      products.linear_vjp(dy.row_block(begin, end - begin), w, {}, z);
      const bool added = residual.data != nullptr;
      cuda_sum_taps(stream, z, begin, places, taps, first,
                    added ? residual.row_block(first, count) : residual, dx.row_block(first, count));
    }
  }

 private:
  /// Rows side by side as T: bfloat16 where the product multiplies that as it is.
  template <class T>
  void blocks(device_matrix<const float> x, const cuda_weight& w, const convolution_taps& taps,
              const device_epilogue& epilogue, device_matrix<float> y) const {
    const index_t stride = multiple_of_8(w.inputs);
    const index_t columns = is_half(w.precision) ? stride : w.inputs;
    for (index_t first = 0; first < y.rows; first += block_rows) {
      const index_t count = std::min(block_rows, y.rows - first);
      auto memory = products.pool().lend_rows<T>(count, stride);
      const device_matrix<T> side{memory.template as<T>(), count, columns, stride};
      cuda_gather_taps<T>(stream, x, places, taps, first, side);
      device_epilogue part = epilogue;
      if (part.residual.data != nullptr) part.residual = part.residual.row_block(first, count);
      products.linear(device_matrix<const T>(side), w, part, y.row_block(first, count));
    }
  }

  struct rows_between {
    index_t begin;
    index_t end;
  };
  /// All rows that the taps of [first, first + count) read, at least one.
  [[nodiscard]] rows_between rows_read(const convolution_taps& taps, index_t first, index_t count) const {
    const auto& all = offsets.offsets;
    const index_t last = first + count - 1;
    const index_t begin = *(std::upper_bound(all.begin(), all.end(), first) - 1);
    const index_t end = *std::upper_bound(all.begin(), all.end(), last);
    const index_t lowest = std::clamp(first + taps.offset(0), begin, last);
    const index_t highest = std::clamp(last + taps.offset(taps.taps - 1), first, end - 1);
    return {std::min(lowest, first), std::max(highest, last) + 1};
  }
};

}  // namespace detail
DNALM_END_NAMESPACE
