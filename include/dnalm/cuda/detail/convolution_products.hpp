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

/// Convolutions by the products of one backend, from the rows of `inputs` to those of `outputs`; the same
/// offsets on the GPU are `rows`.
struct convolution_products {
  const cuda_products& products;
  cuda_stream stream;
  index_t block_rows;  ///< of what is written, at a time
  const ragged_offsets& inputs;
  const ragged_offsets& outputs;
  device_resizing rows;

  /// y[i] = residual[i] + function(sum over t of x[i stride + t dilation - before] W_t^T + bias).
  void forward(device_matrix<const float> x, const cuda_weight& w, const convolution_taps& taps,
               const device_epilogue& epilogue, device_matrix<float> y) const {
    if (w.precision == cuda_precision::bf16) {
      blocks<bfloat16>(x, w, taps, epilogue, y);
    } else {
      blocks<float>(x, w, taps, epilogue, y);
    }
  }
  /// dx[r] = residual[r] + the sum of dy[i] W_t over the outputs i and taps t that read r.
  void vjp(device_matrix<const float> dy, const cuda_weight& w, const convolution_taps& taps,
           device_matrix<const float> residual, device_matrix<float> dx) const {
    const index_t stride = multiple_of_8(w.inputs);
    for (index_t first = 0; first < dx.rows; first += block_rows) {
      const index_t count = std::min(block_rows, dx.rows - first);
      const auto [begin, end] = readers(taps, first, count);
      auto memory = products.pool().lend_rows<float>(std::max<index_t>(end - begin, 1), stride);
      const device_matrix<float> z{memory.as<float>(), end - begin, w.inputs, stride};
      products.linear_vjp(dy.row_block(begin, end - begin), w, {}, z);
      const bool added = residual.data != nullptr;
      cuda_sum_taps(stream, z, begin, rows, taps, first, added ? residual.row_block(first, count) : residual,
                    dx.row_block(first, count));
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
      cuda_gather_taps<T>(stream, x, rows, taps, first, side);
      device_epilogue part = epilogue;
      if (part.residual.data != nullptr) part.residual = part.residual.row_block(first, count);
      products.linear(device_matrix<const T>(side), w, part, y.row_block(first, count));
    }
  }

  struct rows_between {
    index_t begin;
    index_t end;
  };
  /// The output rows whose taps read one of [first, first + count), and some between them.
  [[nodiscard]] rows_between readers(const convolution_taps& taps, index_t first, index_t count) const {
    const index_t last = first + count - 1;
    const index_t low = sequence_of(first);
    const index_t high = sequence_of(last);
    const index_t before = first - inputs.begin(low) - taps.offset(taps.taps - 1);
    const index_t skipped = before <= 0 ? 0 : (before + taps.stride - 1) / taps.stride;
    const index_t reached = last - inputs.begin(high) - taps.offset(0);
    const index_t seen = reached < 0 ? 0 : reached / taps.stride + 1;
    const index_t begin = outputs.begin(low) + std::min(skipped, outputs.length(low));
    const index_t end = outputs.begin(high) + std::min(seen, outputs.length(high));
    return {begin, std::max(begin, end)};
  }
  /// Of row r of the input.
  [[nodiscard]] index_t sequence_of(index_t r) const {
    const auto& all = inputs.offsets;
    return static_cast<index_t>(std::upper_bound(all.begin(), all.end(), r) - all.begin()) - 1;
  }
};

}  // namespace detail
DNALM_END_NAMESPACE
