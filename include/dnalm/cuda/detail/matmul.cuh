// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cuda/matmul.hpp. Matrices of cuBLASLt go column by column: its D is the transpose of y.
#pragma once

#include <cublasLt.h>

#include <bit>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/detail/runtime.cuh>
#include <dnalm/cuda/detail/stored_weight.hpp>
#include <dnalm/cuda/matmul.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// \throws error [dnalm.memory.608] for want of memory, else [dnalm.device.620].
inline void check_cublas(cublasStatus_t status, const char* where) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const error_details details{.where = where, .found = cublasLtGetStatusString(status)};
  if (status == CUBLAS_STATUS_ALLOC_FAILED) {
    throw error(error_kind::memory, 608, "the GPU has not enough free memory", details);
  }
  throw error(error_kind::device, 620, "cuBLASLt reported a failure", details);
}

/// Owns one of cuBLASLt's descriptions.
template <class Handle, cublasStatus_t (*Destroy)(Handle)>
class description {
 public:
  description() = default;
  description(const description&) = delete;
  description& operator=(const description&) = delete;
  ~description() {
    if (handle_ != nullptr) static_cast<void>(Destroy(handle_));
  }
  [[nodiscard]] Handle get() const { return handle_; }
  [[nodiscard]] Handle* place() { return &handle_; }

 private:
  Handle handle_ = nullptr;
};

class matmul_preference : public description<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy> {
 public:
  matmul_preference() { check_cublas(cublasLtMatmulPreferenceCreate(place()), "preference of a product"); }
  template <class T>
  void set(cublasLtMatmulPreferenceAttributes_t attribute, T value) const {
    check_cublas(cublasLtMatmulPreferenceSetAttribute(get(), attribute, &value, sizeof(value)),
                 "preference of a product");
  }
};

/// `rows` x `columns` numbers, columns `stride` apart.
class matmul_layout : public description<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy> {
 public:
  matmul_layout(cudaDataType_t type, index_t rows, index_t columns, index_t stride) {
    check_cublas(cublasLtMatrixLayoutCreate(place(), type, static_cast<std::uint64_t>(rows),
                                            static_cast<std::uint64_t>(columns), stride),
                 "layout of a product");
  }
};

[[nodiscard]] inline cudaDataType_t number_type(cuda_precision precision) {
  switch (precision) {
    case cuda_precision::bf16: return CUDA_R_16BF;
    case cuda_precision::f16: return CUDA_R_16F;
    default: return CUDA_R_32F;
  }
}
/// Of y, c and bias: cuBLASLt takes a bias in the numbers of its D.
[[nodiscard]] inline cudaDataType_t output_type(const matmul_kind& kind) {
  return kind.half_output ? CUDA_R_16BF : CUDA_R_32F;
}
[[nodiscard]] inline cublasComputeType_t compute_type(cuda_precision precision) {
  switch (precision) {
    case cuda_precision::f32: return CUBLAS_COMPUTE_32F_PEDANTIC;
    case cuda_precision::tf32: return CUBLAS_COMPUTE_32F_FAST_TF32;
    default: return CUBLAS_COMPUTE_32F;
  }
}

class matmul_operation : public description<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy> {
 public:
  /// `bias` is looked at for its alignment when the product is planned.
  matmul_operation(const matmul_kind& kind, const void* bias) {
    check_cublas(cublasLtMatmulDescCreate(place(), compute_type(kind.precision), CUDA_R_32F), where);
    set(CUBLASLT_MATMUL_DESC_TRANSA, kind.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    if (kind.bias) {
      set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
      set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    }
  }

 private:
  static constexpr const char* where = "description of a product";
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value) const {
    check_cublas(cublasLtMatmulDescSetAttribute(get(), attribute, &value, sizeof(value)), where);
  }
};

/// A = w, B = the transpose of x, C and D those of c and y.
struct matmul_layouts {
  matmul_layouts(const matmul_kind& kind, const matmul_operands& o)
      : a(number_type(kind.precision), kind.transposed ? kind.inputs : kind.outputs,
          kind.transposed ? kind.outputs : kind.inputs, o.w_stride),
        b(number_type(kind.precision), kind.inputs, o.rows, o.x_stride),
        c(output_type(kind), kind.outputs, o.rows, kind.residual ? o.c_stride : o.y_stride),
        d(output_type(kind), kind.outputs, o.rows, o.y_stride) {}
  matmul_layout a;
  matmul_layout b;
  matmul_layout c;
  matmul_layout d;
};

/// Whether one block makes an element alone.
[[nodiscard]] inline bool sums_in_one_block(const cublasLtMatmulAlgo_t& algorithm) {
  const auto value = [&](cublasLtMatmulAlgoConfigAttributes_t attribute) {
    std::int32_t number = 0;
    std::size_t written = 0;
    check_cublas(
        cublasLtMatmulAlgoConfigGetAttribute(&algorithm, attribute, &number, sizeof(number), &written),
        "algorithm of a product");
    return number;
  };
  const std::int32_t parts = value(CUBLASLT_ALGO_CONFIG_SPLITK_NUM);
  return (parts == 0 || parts == 1) &&
         value(CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME) == CUBLASLT_REDUCTION_SCHEME_NONE;
}

}  // namespace detail::gpu

struct cuda_matmul::state {
  using plan = std::optional<cublasLtMatmulAlgo_t>;

  detail::gpu::description<cublasLtHandle_t, cublasLtDestroy> handle;
  int device = 0;
  index_t planned_rows = 0;
  bool one_algorithm = true;
  device_vector<std::byte> workspace;
  std::mutex guard;
  std::map<std::pair<matmul_kind, index_t>, plan> plans;  // by kind and number of rows

  [[nodiscard]] index_t rows_to_plan(index_t rows) const {
    if (one_algorithm || rows >= planned_rows) return planned_rows;
    return static_cast<index_t>(std::bit_ceil(static_cast<std::uint64_t>(rows)));
  }

  [[nodiscard]] plan find(const matmul_kind& kind, index_t rows) {
    const std::lock_guard lock(guard);
    const std::pair<matmul_kind, index_t> key{kind, rows_to_plan(rows)};
    const auto known = plans.find(key);
    if (known != plans.end()) return known->second;
    return plans[key] = make(kind, key.second);
  }

  /// The first algorithm that cuBLASLt names and that sums in one block; none when there is none.
  [[nodiscard]] plan make(const matmul_kind& kind, index_t rows) const {
    using namespace detail::gpu;
    using detail::multiple_of_8;
    cuda_select_device(device);
    const std::uint32_t bytes = kind.aligned ? 16 : 4;
    const matmul_operands natural{.rows = rows,
                                  .x_stride = multiple_of_8(kind.inputs),
                                  .w_stride = multiple_of_8(kind.transposed ? kind.inputs : kind.outputs),
                                  .c_stride = multiple_of_8(kind.outputs),
                                  .y_stride = multiple_of_8(kind.outputs)};
    const matmul_layouts layouts(kind, natural);
    const matmul_operation operation(kind, workspace.data + (kind.aligned ? 0 : 4));
    const matmul_preference preference;
    preference.set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<std::uint64_t>(workspace.size));
    preference.set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                   static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_NONE));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, std::uint32_t{16});
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                   is_half(kind.precision) ? std::uint32_t{16} : bytes);
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, bytes);
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, bytes);
    constexpr int most = 32;
    cublasLtMatmulHeuristicResult_t results[most];
    int count = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
        handle.get(), operation.get(), layouts.a.get(), layouts.b.get(), layouts.c.get(), layouts.d.get(),
        preference.get(), most, results, &count);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED) return {};
    check_cublas(status, "choice of a product's algorithm");
    for (int i = 0; i < count; ++i) {
      if (results[i].state == CUBLAS_STATUS_SUCCESS && sums_in_one_block(results[i].algo)) {
        return results[i].algo;
      }
    }
    return {};
  }
};

DNALM_EMITTED cuda_matmul::cuda_matmul(int device, index_t planned_rows, bool one_algorithm,
                                       device_vector<std::byte> workspace)
    : state_(std::make_unique<state>()) {
  cuda_select_device(device);
  detail::gpu::check_cublas(cublasLtCreate(state_->handle.place()), "start of cuBLASLt");
  state_->device = device;
  state_->planned_rows = planned_rows;
  state_->one_algorithm = one_algorithm;
  state_->workspace = workspace;
}

DNALM_EMITTED cuda_matmul::~cuda_matmul() {
  static_cast<void>(cudaSetDevice(state_->device));
}

DNALM_EMITTED bool cuda_matmul::supports(const matmul_kind& kind) const {
  return state_->find(kind, state_->planned_rows).has_value();
}

DNALM_EMITTED bool cuda_matmul::takes(const matmul_kind& kind, const matmul_operands& operands) const {
  using namespace detail::gpu;
  const auto plan = state_->find(kind, operands.rows);
  if (!plan) return true;  // run reports it
  const matmul_layouts layouts(kind, operands);
  const matmul_operation operation(kind, operands.bias);
  cublasLtMatmulHeuristicResult_t result;
  const cublasStatus_t status =
      cublasLtMatmulAlgoCheck(state_->handle.get(), operation.get(), layouts.a.get(), layouts.b.get(),
                              layouts.c.get(), layouts.d.get(), &*plan, &result);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE) return false;
  check_cublas(status, "check of a product's algorithm");
  return result.state == CUBLAS_STATUS_SUCCESS &&
         result.workspaceSize <= static_cast<std::size_t>(state_->workspace.size);
}

DNALM_EMITTED void cuda_matmul::run(cuda_stream stream, const matmul_kind& kind,
                                    const matmul_operands& o) const {
  using namespace detail::gpu;
  if (o.rows == 0) return;
  const auto plan = state_->find(kind, o.rows);
  if (!plan) {
    throw error(
        error_kind::device, 621, "cuBLASLt has no algorithm for a product",
        {.found = std::to_string(kind.outputs) + " outputs, " + std::to_string(kind.inputs) + " inputs"});
  }
  const matmul_layouts layouts(kind, o);
  const matmul_operation operation(kind, o.bias);
  const float one = 1.0F;
  const float beta = kind.residual ? 1.0F : 0.0F;
  check_cublas(cublasLtMatmul(state_->handle.get(), operation.get(), &one, o.w, layouts.a.get(), o.x,
                              layouts.b.get(), &beta, kind.residual ? o.c : o.y, layouts.c.get(), o.y,
                              layouts.d.get(), &*plan, state_->workspace.data,
                              static_cast<std::size_t>(state_->workspace.size), native(stream)),
               "a product");
}

DNALM_END_NAMESPACE
