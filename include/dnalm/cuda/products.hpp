// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Products with weights on a GPU, their gated form and their adjoint.
///
/// Rows are float in memory, or bfloat16 where the weights are. Rows in blocks of at most `planned_rows`;
/// what a block needs beside its operands comes from a scratch_pool: float rows in 16 bits, rows that are not
/// aligned as the plan says, blocks for an algorithm that takes only the planned number of rows. A row's
/// numbers depend on it, the shapes, the storage types and the precision alone, not on its address, stride or
/// block.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <type_traits>
#include <utility>

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/detail/scratch_pool.hpp>
#include <dnalm/cuda/detail/stored_weight.hpp>
#include <dnalm/cuda/detail/work_stream.hpp>
#include <dnalm/cuda/device_buffer.hpp>
#include <dnalm/cuda/gated.hpp>
#include <dnalm/cuda/matmul.hpp>
#include <dnalm/cuda/product_rows.hpp>
#include <dnalm/cuda/runtime.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

/// A weight matrix on a GPU, (outputs, inputs) in its precision's numbers; rows `stride` apart, zeros up to
/// the next multiple of 8 in both directions.
struct cuda_weight {
  index_t outputs = 0;
  index_t inputs = 0;
  index_t stride = 0;
  cuda_precision precision = cuda_precision::f32;
  bool gated = false;
  device_buffer<std::byte> numbers = {};
};

using device_epilogue = linear_epilogue<float, memory_space::device>;

/// What the products of one backend share: memory, stream, plans. May be called from several threads.
class cuda_products {
 public:
  /// Plans are made for blocks of `planned_rows` rows (at least 1). \throws as cuda_matmul, device_buffer
  cuda_products(std::shared_ptr<detail::device_memory> memory, detail::stream_source stream,
                cuda_precision precision, index_t planned_rows, bool one_algorithm)
      : memory_(std::move(memory)),
        stream_(stream),
        precision_(precision),
        planned_rows_(planned_rows),
        workspace_(memory_, cuda_matmul::workspace_bytes),
        matmul_(memory_->device(), planned_rows, one_algorithm, workspace_.view()),
        pool_(memory_, stream.work()) {}

  /// The rows of several matrices below each other, copied to the GPU. `gated`: they are [a | b].
  /// \throws error [dnalm.shape.352] gated with an odd number of rows, [dnalm.shape.353] parts of different
  /// widths, [dnalm.numeric.354] a weight that 16 bits cannot hold; as device_buffer.
  [[nodiscard]] cuda_weight pack(std::span<const matrix_view<const float>> parts, bool gated) const {
    const detail::weight_shape shape = detail::shape_of_parts(parts, gated);
    cuda_weight w{.outputs = shape.outputs,
                  .inputs = shape.inputs,
                  .stride = detail::multiple_of_8(shape.inputs),
                  .precision = precision_,
                  .gated = gated};
    const buffer<std::byte> stored = detail::stored_weight(parts, shape, precision_);
    w.numbers = device_buffer<std::byte>(memory_, stored.size());
    cuda_upload(stream_, stored.data(), w.numbers.data(), {.bytes = stored.size()});
    cuda_synchronize(stream_);
    return w;
  }

  /// y = residual + function(x W^T + bias). X and Y are float, or with weights in bfloat16 that: rows of x
  /// then are multiplied as they are, those of y are rounded where they are made. \throws error
  /// [dnalm.usage.650] for rows of bfloat16 with other weights.
  template <class X, class Y>
  void linear(device_matrix<const X> x, const cuda_weight& w, const device_epilogue& epilogue,
              device_matrix<Y> y) const {
    check_storage<X, Y>(w);
    by_blocks(y.rows, [&](index_t first, index_t count) {
      device_epilogue part = epilogue;
      if (part.residual.data != nullptr) part.residual = part.residual.row_block(first, count);
      multiply(x.row_block(first, count), w, true, part, y.row_block(first, count));
    });
  }
  /// y (R, F) = function(a) b, [a | b] = x W^T + bias, which is stored as y is.
  template <class X, class Y>
  void linear_gated(device_matrix<const X> x, const cuda_weight& w, const device_epilogue& epilogue,
                    device_matrix<Y> y) const {
    check_storage<X, Y>(w);
    by_blocks(y.rows, [&](index_t first, index_t count) {
      const index_t stride = detail::multiple_of_8(w.outputs);
      loan memory = pool_.lend_rows<Y>(count, stride);
      const device_matrix<Y> both{memory.as<Y>(), count, w.outputs, stride};
      multiply(x.row_block(first, count), w, true, {.bias = epilogue.bias}, both);
      cuda_gated<Y>(stream_, both, epilogue.function, y.row_block(first, count));
    });
  }
  /// dx = residual + dy W; X and Y as for linear.
  template <class X, class Y>
  void linear_vjp(device_matrix<const X> dy, const cuda_weight& w, device_matrix<const float> residual,
                  device_matrix<Y> dx) const {
    check_storage<X, Y>(w);
    by_blocks(dx.rows, [&](index_t first, index_t count) {
      device_epilogue part;
      if (residual.data != nullptr) part.residual = residual.row_block(first, count);
      multiply(dy.row_block(first, count), w, false, part, dx.row_block(first, count));
    });
  }

  /// While it is held nobody starts a product: all share one workspace, so that what belongs to one of them
  /// must stand together in the stream, whoever calls.
  [[nodiscard]] std::unique_lock<std::mutex> between_products() const {
    return std::unique_lock<std::mutex>(one_product_);
  }
  /// Scratch of this stream, also for other kernels.
  [[nodiscard]] detail::scratch_pool& pool() const { return pool_; }
  [[nodiscard]] cuda_precision precision() const { return precision_; }

 private:
  using loan = detail::scratch_pool::loan;

  /// One product on its way: what cuda_matmul is given, and the memory that was lent for it.
  struct call {
    matmul_kind kind = {};
    matmul_operands operands = {};
    product_finish finish = {};  // of the rows of y
    bool finishes = false;
    loan x_memory = {};
    loan factors_memory = {};
    loan y_memory = {};
    loan bias_memory = {};
  };

  template <class Work>
  void by_blocks(index_t rows, const Work& work) const {
    for (index_t first = 0; first < rows; first += planned_rows_) {
      work(first, std::min(planned_rows_, rows - first));
    }
  }

  template <class X, class Y>
  static void check_storage(const cuda_weight& w) {
    constexpr bool half = std::is_same_v<X, bfloat16> || std::is_same_v<Y, bfloat16>;
    if (!half || w.precision == cuda_precision::bf16) return;
    throw error(error_kind::usage, 650, "rows of bfloat16 with weights of another precision",
                {.expected = "weights in bf16"});
  }

  /// y = residual + function(x op(W) + bias) for one block.
  template <class X, class Y>
  void multiply(device_matrix<const X> x, const cuda_weight& w, bool transposed, const device_epilogue& e,
                device_matrix<Y> y) const {
    call c;
    describe(w, transposed, e, std::is_same_v<Y, bfloat16>, c);
    c.operands = {.rows = y.rows,
                  .x = x.data,
                  .x_stride = x.stride,
                  .w = w.numbers.data(),
                  .w_stride = w.stride,
                  .bias = c.kind.bias ? e.bias.data : nullptr,
                  .c = c.kind.residual ? e.residual.data : nullptr,
                  .c_stride = e.residual.stride,
                  .y = y.data,
                  .y_stride = y.stride};
    if (!reads_as_they_are(x, c)) stage_x(x, y.rows, c);
    if (c.kind.bias && (c.kind.half_output || !is_aligned(c, e.bias.data, 0))) stage_bias(e.bias, c);
    const bool keep = !c.kind.residual && c.finish.residual.data != nullptr;  // y may be the residual
    const bool stored = c.kind.half_output == std::is_same_v<Y, bfloat16>;
    const bool here =
        stored && is_aligned(c, y.data, y.stride) && is_aligned(c, c.operands.c, c.operands.c_stride);
    if (keep || !here) stage_y(e.residual, y.rows, c);
    if (!matmul_.takes(c.kind, c.operands)) stage_all(x, e.residual, c);
    run(c);
    if (c.finishes) finish_rows(c, y);
  }

  void run(const call& c) const {
    const auto lock = between_products();
    matmul_.run(stream_, c.kind, c.operands);
  }

  /// What the product does itself, and what is left for cuda_finish_rows.
  ///
  /// Of f16 rows the product knows neither bias nor residual: it does not know their factors. A residual is
  /// added last, so the product adds it only if there is nothing else to do after it. Where it makes
  /// bfloat16, its bias would be rounded to that: it adds one only if no function comes after it.
  void describe(const cuda_weight& w, bool transposed, const device_epilogue& e, bool half_rows,
                call& c) const {
    const bool half = is_half(w.precision);
    const bool alone = e.function == activation::none;
    const index_t inputs = transposed ? w.inputs : w.outputs;
    c.kind.outputs = transposed ? w.outputs : w.inputs;
    c.kind.inputs = half ? detail::multiple_of_8(inputs) : inputs;
    c.kind.precision = w.precision;
    c.kind.transposed = transposed;
    c.kind.aligned = c.kind.outputs % 4 == 0 && c.kind.inputs % 4 == 0;
    c.kind.half_output = half_rows && c.kind.outputs % 8 == 0 && e.residual.data == nullptr;
    if (c.kind.half_output && !matmul_.supports(c.kind)) c.kind.half_output = false;
    c.kind.bias = !e.bias.empty() && w.precision != cuda_precision::f16 && (alone || !c.kind.half_output);
    c.kind.residual = e.residual.data != nullptr && w.precision != cuda_precision::f16 && alone;
    if (c.kind.bias && !matmul_.supports(c.kind)) c.kind.bias = c.kind.residual = false;
    if (!c.kind.bias) c.finish.bias = e.bias;
    if (!c.kind.residual) c.finish.residual = e.residual;
    c.finish.function = e.function;
    c.finishes = !c.finish.bias.empty() || c.finish.residual.data != nullptr || !alone ||
                 w.precision == cuda_precision::f16;
  }

  /// Bytes of a number that the product makes.
  [[nodiscard]] static index_t output_bytes(const call& c) { return c.kind.half_output ? 2 : 4; }
  /// Whether the kind's promise holds for an operand.
  template <class T>
  [[nodiscard]] static bool is_aligned(const call& c, const T* data, index_t stride) {
    return !c.kind.aligned || data == nullptr || at_sixteen_bytes(data, stride);
  }
  /// Whether all rows begin at multiples of 16 bytes.
  template <class T>
  [[nodiscard]] static bool at_sixteen_bytes(const T* data, index_t stride) {
    const bool apart = stride * static_cast<index_t>(sizeof(T)) % 16 == 0;
    return apart && reinterpret_cast<std::uintptr_t>(data) % 16 == 0;
  }
  /// Whether the product takes rows from where they are: 16-bit rows are always aligned, and without a rest.
  template <class X>
  [[nodiscard]] static bool reads_as_they_are(device_matrix<const X> x, const call& c) {
    if constexpr (std::is_same_v<X, bfloat16>) {
      return x.columns == c.kind.inputs && at_sixteen_bytes(x.data, x.stride);
    } else {
      return !is_half(c.kind.precision) && is_aligned(c, x.data, x.stride);
    }
  }

  /// Rows in place of x, `rows` of them in memory, in the numbers of the precision.
  template <class X>
  void stage_x(device_matrix<const X> x, index_t rows, call& c) const {
    if (is_half(c.kind.precision)) {
      round_rows(x, rows, c);
    } else if constexpr (std::is_same_v<X, float>) {
      copy_rows(x, rows, c);
    }
  }
  /// 16-bit rows in place of x, with zeros up to the product's inputs.
  template <class X>
  void round_rows(device_matrix<const X> x, index_t rows, call& c) const {
    loan memory = pool_.lend_rows<std::uint16_t>(rows, c.kind.inputs);
    const device_matrix<std::uint16_t> rounded{memory.as<std::uint16_t>(), x.rows, c.kind.inputs,
                                               c.kind.inputs};
    if constexpr (std::is_same_v<X, float>) {
      if (c.kind.precision == cuda_precision::f16) {
        loan factors = pool_.lend_rows<float>(x.rows, 1);
        cuda_rows_to_f16(stream_, x, {factors.as<float>(), x.rows}, rounded);
        c.finish.factors = {factors.as<float>(), x.rows};
        c.factors_memory = std::move(factors);
      } else {
        cuda_rows_to_bf16(stream_, x, rounded);
      }
    } else {
      cuda_rows_to_bf16(stream_, x, rounded);
    }
    c.operands.x = rounded.data;
    c.operands.x_stride = rounded.stride;
    c.x_memory = std::move(memory);
  }
  void copy_rows(device_matrix<const float> x, index_t rows, call& c) const {
    const index_t stride = detail::multiple_of_8(x.columns);
    loan memory = pool_.lend_rows<float>(rows, stride);
    const device_matrix<float> copy{memory.as<float>(), x.rows, x.columns, stride};
    cuda_finish_rows(stream_, x, {}, copy);
    c.operands.x = copy.data;
    c.operands.x_stride = stride;
    c.x_memory = std::move(memory);
  }
  /// The bias where the product wants it, in the numbers of its output.
  void stage_bias(device_vector<const float> bias, call& c) const {
    loan memory = pool_.lend_rows<float>(1, bias.size);
    const device_matrix<const float> from{bias.data, 1, bias.size, bias.size};
    if (c.kind.half_output) {
      cuda_rows_to_bf16(stream_, from, {memory.as<std::uint16_t>(), 1, bias.size, bias.size});
    } else {
      cuda_finish_rows(stream_, from, {}, {memory.as<float>(), 1, bias.size, bias.size});
    }
    c.operands.bias = memory.data();
    c.bias_memory = std::move(memory);
  }
  /// Memory in place of y, `rows` rows of it, with the residual in it when the product adds that.
  void stage_y(device_matrix<const float> residual, index_t rows, call& c) const {
    const index_t stride = detail::multiple_of_8(c.kind.outputs);
    loan memory = pool_.lend(checked_mul(checked_mul(rows, stride), output_bytes(c)));
    if (c.kind.residual) {
      const device_matrix<float> z{memory.as<float>(), residual.rows, residual.columns, stride};
      cuda_finish_rows(stream_, residual, {}, z);
      c.operands.c = z.data;
      c.operands.c_stride = stride;
    }
    c.operands.y = memory.as<std::byte>();
    c.operands.y_stride = stride;
    c.finishes = true;
    c.y_memory = std::move(memory);
  }
  /// For an algorithm that takes the planned rows only: memory for so many. Nobody reads what the rows beyond
  /// those of y make.
  template <class X>
  void stage_all(device_matrix<const X> x, device_matrix<const float> residual, call& c) const {
    stage_x(x, planned_rows_, c);
    stage_y(residual, planned_rows_, c);
    c.operands.rows = planned_rows_;
  }
  /// y of what the product made.
  template <class Y>
  void finish_rows(const call& c, device_matrix<Y> y) const {
    const auto finish = [&]<class Z>(const Z* z) {
      const device_matrix<const Z> rows{z, y.rows, y.columns, c.operands.y_stride};
      cuda_finish_rows(stream_, rows, c.finish, y);
    };
    if constexpr (std::is_same_v<Y, bfloat16>) {
      if (c.kind.half_output) return finish(static_cast<const bfloat16*>(c.operands.y));
    }
    finish(static_cast<const float*>(c.operands.y));
  }

  std::shared_ptr<detail::device_memory> memory_;
  detail::stream_source stream_;
  cuda_precision precision_;
  index_t planned_rows_;
  device_buffer<std::byte> workspace_;
  cuda_matmul matmul_;
  mutable std::mutex one_product_;
  mutable detail::scratch_pool pool_;
};

DNALM_END_NAMESPACE
