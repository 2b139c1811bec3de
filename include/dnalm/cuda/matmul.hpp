// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bare products of matrices on a GPU, through cuBLASLt, a row's bits whatever rows stand around it.
///
/// cuBLASLt is asked once per kind of product, for a fixed number of rows, which algorithm it takes; that one
/// is used for every number of rows. It is one that does not cut the sum over the inputs into parts that are
/// added afterwards (split-k, stream-k: reduction scheme none): then one block makes an element, and goes
/// through the inputs in an order that the algorithm fixes, the same for all rows of its tile, full or not.
/// What would break this: an algorithm that chooses another inner kernel by itself when there are few rows, a
/// plan made anew for other numbers of rows (`one_algorithm` false), or another version of cuBLASLt in the
/// middle (a model's numbers may differ in the last bits between versions, as they may between kinds of GPU).
#pragma once

#include <cstddef>
#include <memory>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// In which numbers weights are kept and multiplied with rows. Sums are float with each.
enum class cuda_precision {
  f32,   ///< float, no shortcuts
  tf32,  ///< float in memory, rounded to 11 significant bits as it is multiplied
  bf16,  ///< bfloat16: 8 significant bits, half the memory
  f16    ///< half: 11 significant bits, half the memory; rows are scaled so that they fit
};

/// True for the formats of 16 bits.
[[nodiscard]] constexpr bool is_half(cuda_precision precision) {
  return precision == cuda_precision::bf16 || precision == cuda_precision::f16;
}

/// Of one kind are all products that share a plan: y (R, outputs) = c + x (R, inputs) op(w) + bias, y, c and
/// bias in float, or with half_output in bfloat16; x and w in 16 bits for bf16 and f16, else in float.
struct matmul_kind {
  index_t outputs = 0;
  index_t inputs = 0;
  cuda_precision precision = cuda_precision::f32;
  bool transposed = true;  ///< w is (outputs, inputs), op(w) its transpose; else w is (inputs, outputs)
  bool bias = false;
  bool residual = false;  ///< c; else 0
  bool aligned = false;   ///< all rows are aligned to 16 bytes; else to their numbers. Those of w always are
  bool half_output = false;  ///< y is rounded to bfloat16; with bf16, aligned and no residual only

  auto operator<=>(const matmul_kind&) const = default;
};

/// Strides in numbers from row to row. c may be y.
struct matmul_operands {
  index_t rows = 0;
  const void* x = nullptr;
  index_t x_stride = 0;
  const void* w = nullptr;
  index_t w_stride = 0;
  const void* bias = nullptr;
  const float* c = nullptr;
  index_t c_stride = 0;
  void* y = nullptr;
  index_t y_stride = 0;
};

/// Plans and starts products on one GPU. May be called from several threads; `run` by one at a time, with one
/// stream: all products share a workspace.
class cuda_matmul {
 public:
  /// Bytes of workspace that algorithms may ask for.
  static constexpr index_t workspace_bytes = index_t{32} << 20;

  /// Plans are made for `planned_rows` rows. one_algorithm false: for the number of rows at hand, rounded up
  /// to a power of two; faster for few rows, but then the last bits depend on the batch.
  /// \throws error [dnalm.device.620] when cuBLASLt does not start.
  cuda_matmul(int device, index_t planned_rows, bool one_algorithm, device_vector<std::byte> workspace);
  ~cuda_matmul();
  cuda_matmul(const cuda_matmul&) = delete;
  cuda_matmul& operator=(const cuda_matmul&) = delete;

  /// Whether there is an algorithm for this kind. \throws error [dnalm.device.620]
  [[nodiscard]] bool supports(const matmul_kind& kind) const;
  /// Whether the kind's algorithm takes so many rows so far apart; those it was planned for it always takes.
  [[nodiscard]] bool takes(const matmul_kind& kind, const matmul_operands& operands) const;
  /// Puts the product into the stream. Of no rows: nothing.
  /// \throws error [dnalm.device.620] when cuBLASLt refuses, [dnalm.device.621] when it has no algorithm.
  void run(cuda_stream stream, const matmul_kind& kind, const matmul_operands& operands) const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

DNALM_END_NAMESPACE
