// SPDX-License-Identifier: Apache-2.0
// Which error a status of CUDA or cuBLAS becomes; run on a machine with or without a GPU.
#include <cstdio>

#include <dnalm/cuda/detail/matmul.cuh>
#include <dnalm/cuda/detail/runtime.cuh>

using namespace dnalm::detail::gpu;

struct expectation {
  cudaError_t status;
  const char* id;
};

constexpr expectation expectations[] = {
    {cudaErrorNoDevice, "dnalm.device.603"},
    {cudaErrorInsufficientDriver, "dnalm.device.604"},
    {cudaErrorNoKernelImageForDevice, "dnalm.device.605"},
    {cudaErrorInvalidDevice, "dnalm.device.606"},
    {cudaErrorDevicesUnavailable, "dnalm.device.607"},
    {cudaErrorMemoryAllocation, "dnalm.memory.608"},
    {cudaErrorIllegalAddress, "dnalm.device.615"},
    {cudaErrorECCUncorrectable, "dnalm.device.615"},
    {cudaErrorInvalidValue, "dnalm.device.600"},
};

/// Statuses of the runtime that become another error than expected.
int wrong_statuses() {
  int wrong = 0;
  for (const expectation& e : expectations) {
    const dnalm::error found = error_of(e.status, "a call");
    if (found.id() == e.id) continue;
    std::printf("%s, expected %s\n", found.what(), e.id);
    ++wrong;
  }
  return wrong;
}

/// The id of the error that a status of cuBLAS becomes.
std::string id_of(cublasStatus_t status) {
  try {
    check_cublas(status, "a product");
  } catch (const dnalm::error& e) {
    return e.id();
  }
  return "";
}

int main() {
  const bool cublas = id_of(CUBLAS_STATUS_SUCCESS).empty() &&
                      id_of(CUBLAS_STATUS_ALLOC_FAILED) == "dnalm.memory.608" &&
                      id_of(CUBLAS_STATUS_EXECUTION_FAILED) == "dnalm.device.620";
  return wrong_statuses() == 0 && cublas ? 0 : 1;
}
