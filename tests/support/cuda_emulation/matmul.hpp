// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief dnalm/cuda/matmul.hpp as plain loops: inputs rounded as the precision says, sums in double.
#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/matmul.hpp>
#include <dnalm/tensor/dtype.hpp>
#include <support/cuda_emulation/stream.hpp>

namespace dnalm_test::gpu {

/// What the emulated cuBLASLt cannot do, and what it was asked to do.
struct matmul_behaviour {
  bool knows_bias = true;      ///< else it has no algorithm for kinds with a bias
  bool knows_any = true;       ///< else it has none at all
  bool knows_half = true;      ///< else it has no algorithm that makes bfloat16
  bool takes_any_rows = true;  ///< else its algorithms take the planned number of rows only
  dnalm::index_t products = 0;
  dnalm::index_t half_outputs = 0;    ///< products that made bfloat16
  std::function<void()> inside = {};  ///< called while a product is on its way into the stream
};
inline matmul_behaviour& matmul_settings() {
  static matmul_behaviour settings;
  return settings;
}

/// A promise about operands that was not kept.
class matmul_fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// To 11 significant bits, ties away from zero, as tensor cores are given float numbers.
[[nodiscard]] inline float rounded_to_tf32(float value) {
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(value) + 0x1000U) & 0xFFFFE000U);
}

/// Number i of operand memory, as it is multiplied.
[[nodiscard]] inline double operand(dnalm::cuda_precision precision, const void* memory, dnalm::index_t i) {
  using dnalm::cuda_precision;
  switch (precision) {
    case cuda_precision::f32: return static_cast<double>(static_cast<const float*>(memory)[i]);
    case cuda_precision::tf32:
      return static_cast<double>(rounded_to_tf32(static_cast<const float*>(memory)[i]));
    case cuda_precision::bf16:
      return static_cast<double>(dnalm::float_from_bf16(static_cast<const std::uint16_t*>(memory)[i]));
    case cuda_precision::f16:
      return static_cast<double>(dnalm::float_from_f16(static_cast<const std::uint16_t*>(memory)[i]));
  }
  return 0.0;
}

inline void check_alignment(const char* name, const void* memory, dnalm::index_t stride_bytes,
                            std::uintptr_t bytes) {
  if (memory == nullptr) return;
  if (reinterpret_cast<std::uintptr_t>(memory) % bytes == 0 &&
      static_cast<std::uintptr_t>(stride_bytes) % bytes == 0) {
    return;
  }
  throw matmul_fault(std::string(name) + " is not aligned to " + std::to_string(bytes) + " bytes");
}

/// \throws matmul_fault unless strides and addresses are as the kind says.
inline void check_operands(const dnalm::matmul_kind& kind, const dnalm::matmul_operands& o) {
  const dnalm::index_t bytes = dnalm::is_half(kind.precision) ? 2 : 4;
  const std::uintptr_t wanted = kind.aligned ? 16 : 4;
  check_alignment("x", o.x, o.x_stride * bytes, bytes == 2 ? 16 : wanted);
  check_alignment("w", o.w, o.w_stride * bytes, 16);
  check_alignment("bias", o.bias, 0, wanted);
  check_alignment("c", o.c, o.c_stride * 4, wanted);
  check_alignment("y", o.y, o.y_stride * (kind.half_output ? 2 : 4), wanted);
  const bool wide = o.x_stride >= kind.inputs && o.y_stride >= kind.outputs &&
                    o.w_stride >= (kind.transposed ? kind.inputs : kind.outputs);
  if (!wide) throw matmul_fault("a stride is less than a row");
  if (kind.bias != (o.bias != nullptr) || kind.residual != (o.c != nullptr)) {
    throw matmul_fault("bias or residual are not those of the kind");
  }
  if (!kind.half_output) return;
  if (kind.precision != dnalm::cuda_precision::bf16 || !kind.aligned || kind.residual) {
    throw matmul_fault("a kind that makes no bfloat16");
  }
}

/// Number i of memory that is float or bfloat16.
[[nodiscard]] inline double output_number(bool half, const void* memory, dnalm::index_t i) {
  return operand(half ? dnalm::cuda_precision::bf16 : dnalm::cuda_precision::f32, memory, i);
}
inline void store_output(bool half, double value, void* memory, dnalm::index_t i) {
  const auto number = static_cast<float>(value);
  if (half) {
    static_cast<std::uint16_t*>(memory)[i] = dnalm::bf16_from_float(number);
  } else {
    static_cast<float*>(memory)[i] = number;
  }
}

/// y = c + x op(w) + bias, sums in double.
inline void multiply_rows(const dnalm::matmul_kind& kind, const dnalm::matmul_operands& o) {
  using dnalm::index_t;
  for (index_t r = 0; r < o.rows; ++r) {
    for (index_t c = 0; c < kind.outputs; ++c) {
      double sum = 0.0;
      for (index_t k = 0; k < kind.inputs; ++k) {
        const index_t at = kind.transposed ? c * o.w_stride + k : k * o.w_stride + c;
        sum += operand(kind.precision, o.x, r * o.x_stride + k) * operand(kind.precision, o.w, at);
      }
      if (kind.residual) sum += static_cast<double>(o.c[r * o.c_stride + c]);
      if (kind.bias) sum += output_number(kind.half_output, o.bias, c);
      store_output(kind.half_output, sum, o.y, r * o.y_stride + c);
    }
  }
}

}  // namespace dnalm_test::gpu

DNALM_BEGIN_NAMESPACE

struct cuda_matmul::state {
  index_t planned_rows = 0;
};

DNALM_EMITTED cuda_matmul::cuda_matmul(int, index_t planned_rows, bool, device_vector<std::byte> workspace)
    : state_(std::make_unique<state>()) {
  if (workspace.data == nullptr) throw dnalm_test::gpu::matmul_fault("no workspace");
  state_->planned_rows = planned_rows;
}
DNALM_EMITTED cuda_matmul::~cuda_matmul() {}
DNALM_EMITTED bool cuda_matmul::supports(const matmul_kind& kind) const {
  const auto& settings = dnalm_test::gpu::matmul_settings();
  return settings.knows_any && (settings.knows_bias || !kind.bias) &&
         (settings.knows_half || !kind.half_output);
}
DNALM_EMITTED bool cuda_matmul::takes(const matmul_kind&, const matmul_operands& operands) const {
  return dnalm_test::gpu::matmul_settings().takes_any_rows || operands.rows == state_->planned_rows;
}
DNALM_EMITTED void cuda_matmul::run(cuda_stream stream, const matmul_kind& kind,
                                    const matmul_operands& o) const {
  if (!supports(kind)) throw error(error_kind::device, 621, "cuBLASLt has no algorithm for a product");
  dnalm_test::gpu::check_operands(kind, o);
  if (!takes(kind, o)) throw dnalm_test::gpu::matmul_fault("an algorithm that does not take so many rows");
  if (dnalm_test::gpu::matmul_settings().inside) dnalm_test::gpu::matmul_settings().inside();
  ++dnalm_test::gpu::matmul_settings().products;
  if (kind.half_output) ++dnalm_test::gpu::matmul_settings().half_outputs;
  dnalm_test::gpu::put_into(stream, [kind, o] { dnalm_test::gpu::multiply_rows(kind, o); });
}

DNALM_END_NAMESPACE
